"""A stated deadline per kind of resource: never earlier than the last token can have expired."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from playbooks import limits, residual
from tests.a_rehearsed_incident import POLICY, order
from tests.snapshot import snapshot

AT = datetime(2026, 1, 1, tzinfo=UTC)


def stated(
    kind: str = "application", *, refused: bool = True, **parts: Any
) -> dict[str, timedelta]:
    principal: Any = {**order("contain")["incident"]["principal"], "kind": kind}
    found = residual.exposures(principal, snapshot(**parts), AT, POLICY, refused=refused)
    return {one["resource"]: datetime.fromisoformat(one["until"]) - AT for one in found}


def test_roles_are_honoured_by_caches_for_ten_minutes() -> None:
    assert stated()["Azure resources under Azure RBAC"] == timedelta(minutes=10)


def test_roles_at_management_groups_may_be_honoured_until_the_token_expires() -> None:
    above = {"scope": "/providers/Microsoft.Management/managementGroups/mg"}

    assert stated(grants=[above])["Azure resources under Azure RBAC"] == timedelta(hours=24)


@pytest.mark.parametrize("part", ["app_roles", "oauth_grants", "directory_roles"])
def test_permissions_of_apis_live_in_the_token(part: str) -> None:
    resource = "Microsoft Graph and other APIs"

    assert resource not in stated()
    has: Any = {part: [{}]}
    assert stated(**has)[resource] == timedelta(hours=28)
    assert stated("user_assigned_identity", **has)[resource] == timedelta(hours=24)


def test_a_token_keeps_its_groups() -> None:
    found = stated(group_grants=[{"scope": "/s"}])

    assert found["Azure resources through group membership"] == timedelta(hours=24)


def test_the_deadline_is_the_last_of_them_and_never_less_than_a_token_lives() -> None:
    principal = order("contain")["incident"]["principal"]
    bare = residual.exposures(principal, snapshot(), AT, POLICY, refused=True)
    full = residual.exposures(principal, snapshot(app_roles=[{}]), AT, POLICY, refused=True)

    assert residual.deadline(bare) == AT + timedelta(hours=24)
    assert residual.deadline(full) == AT + timedelta(hours=28)


def test_where_nothing_could_ask_for_a_token_the_last_one_may_be_minutes_younger() -> None:
    found = stated(refused=False, app_roles=[{}])

    assert found["Microsoft Graph and other APIs"] == timedelta(hours=28, minutes=5)
    outside = "Kubernetes, databases and other access outside Azure RBAC"
    assert found[outside] == timedelta(hours=24, minutes=5)
    assert found["Azure resources under Azure RBAC"] == timedelta(minutes=10), "of no token's age"
    principal = order("contain")["incident"]["principal"]
    (said,) = {
        one["why"].partition("; ")[2]
        for one in residual.exposures(principal, snapshot(), AT, POLICY, refused=False)
        if one["resource"] == outside
    }
    assert "could not be asked of every way in" in said


@pytest.mark.parametrize(
    ("kind", "parts", "goes_on"),
    [
        ("user_assigned_identity", {}, False),
        ("user_assigned_identity", {"attachments": [{"resource_id": "/vm"}]}, True),
        ("user_assigned_identity", {"unread": {"attachments": "403"}}, True),
        ("system_assigned_identity", {}, True),
        ("application", {"unread": {"attachments": "403"}}, False),
    ],
)
def test_what_a_machine_goes_on_to_open_with_new_tokens_is_said(
    kind: Any, parts: Any, goes_on: bool
) -> None:
    principal: Any = {**order("contain")["incident"]["principal"], "kind": kind}
    found = residual.exposures(principal, snapshot(**parts), AT, POLICY, refused=True)

    said = {one["resource"] for one in found if "gets new tokens after that time" in one["why"]}
    outside = {"Kubernetes, databases and other access outside Azure RBAC"}
    assert said == (outside if goes_on else set())


def test_everything_that_would_go_is_counted() -> None:
    nouns = (
        "federated_credentials",
        "credentials",
        "grants",
        "app_roles",
        "oauth_grants",
        "memberships",
        "key_vault_policies",
    )

    assert limits.removals(snapshot(**{noun: [{"direct": True}] for noun in nouns})) == len(nouns)


def test_a_cap_is_a_cap_and_not_one_less() -> None:
    incident, most = order("contain")["incident"], POLICY["guards"]["most_removals_per_run"]

    assert limits.too_many(incident, most, POLICY) is None
    assert "most_removals_per_run" in (limits.too_many(incident, most + 1, POLICY) or "")


@pytest.mark.parametrize(
    ("part", "resource"),
    [
        ("app_roles", "Microsoft Graph and other APIs"),
        ("directory_roles", "Microsoft Graph and other APIs"),
        ("group_grants", "Azure resources through group membership"),
        ("key_vault_policies", "Key Vault access policies"),
    ],
)
def test_what_could_not_be_read_is_taken_to_be_there(part: str, resource: str) -> None:
    assert resource not in stated()
    assert resource in stated(unread={part: "403"})
