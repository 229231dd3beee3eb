"""Every noun that containment takes away can be given back: what is missing, once, and nothing else."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import pytest

from responders import (
    app_roles,
    applications,
    deleted_items,
    key_vault_policies,
    memberships,
    oauth_grants,
    owners,
    principals,
    risk,
    service_principals,
)
from responders.cloud import Cloud, read_only
from responders.model import Json, Principal, StepResult
from tests.a_principal import OBJECT, PRINCIPAL, SERVICE_PRINCIPAL_PATH
from tests.azure_fake import FakeAzure, Say, Seen, page, problem
from tests.sandbox_fixture import RunningSandbox

# What an id or a moment is made anew of, so it differs from before.
_NEW = ("id", "created")


class Noun(NamedTuple):
    """One kind of thing that containment takes away, and the way back."""

    read: Callable[[Cloud, Principal], Awaitable[list[Json]]]
    remove: Callable[[Cloud, Principal], Awaitable[StepResult]]
    ensure: Callable[[Cloud, Principal, list[Json]], Awaitable[StepResult]]


async def _given_owners(cloud: Cloud, one: Principal, wanted: list[Json]) -> StepResult:
    return await owners.ensure(cloud, one["object_id"], one["application_object_id"], wanted)


def _given(module: Any) -> Callable[[Cloud, Principal, list[Json]], Awaitable[StepResult]]:
    async def give(cloud: Cloud, one: Principal, wanted: list[Json]) -> StepResult:
        result: StepResult = await module.ensure(cloud, one["object_id"], wanted)
        return result

    return give


async def _given_policies(cloud: Cloud, _one: Principal, wanted: list[Json]) -> StepResult:
    return await key_vault_policies.ensure(cloud, wanted)


NOUNS = {
    "app roles": Noun(app_roles.read_all, app_roles.remove_all, _given(app_roles)),
    "grants": Noun(oauth_grants.read_all, oauth_grants.remove_all, _given(oauth_grants)),
    "groups": Noun(memberships.read_all, memberships.remove_all, _given(memberships)),
    "owners": Noun(owners.read_all, owners.remove_all, _given_owners),
    "vaults": Noun(key_vault_policies.read_all, key_vault_policies.remove_all, _given_policies),
}


def _same(found: list[Json]) -> list[Json]:
    kept = [{key: value for key, value in one.items() if key not in _NEW} for one in found]
    return sorted(kept, key=str)


async def _victim(sandbox: RunningSandbox, cloud: Cloud, kind: str = "orders_api") -> Principal:
    return await principals.resolve(cloud, {"object_id": sandbox.seed[kind]["object_id"]})


@pytest.mark.parametrize("noun", NOUNS.values(), ids=list(NOUNS))
async def test_what_was_taken_away_is_given_back_once_and_reads_as_before(
    sandbox: RunningSandbox, sandbox_cloud: Cloud, noun: Noun
) -> None:
    victim = await _victim(sandbox, sandbox_cloud)
    before = await noun.read(sandbox_cloud, victim)
    wanted = [one for one in before if one.get("direct", True)]
    assert wanted, "the seed has none of these: this test would assert nothing"
    await noun.remove(sandbox_cloud, victim)
    with read_only():
        planned = await noun.ensure(sandbox_cloud, victim, wanted)
    gone = [one for one in await noun.read(sandbox_cloud, victim) if not one.get("stays_because")]
    runs = [await noun.ensure(sandbox_cloud, victim, wanted) for _ in range(2)]

    assert planned["status"] == "planned"
    assert _same(gone) == []
    assert [one["status"] for one in runs] == ["done", "nothing_to_do"]
    assert _same(await noun.read(sandbox_cloud, victim)) == _same(before)


async def test_both_switches_are_turned_back_and_stay_so(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    victim = await _victim(sandbox, sandbox_cloud)
    await service_principals.disable(sandbox_cloud, victim)
    await applications.deactivate(sandbox_cloud, victim)
    active = [await applications.reactivate(sandbox_cloud, victim) for _ in range(2)]
    enabled = [await service_principals.enable(sandbox_cloud, victim) for _ in range(2)]

    assert [one["status"] for one in active] == ["done", "nothing_to_do"]
    assert [one["status"] for one in enabled] == ["done", "nothing_to_do"]
    assert await service_principals.is_enabled(sandbox_cloud, victim["object_id"])
    assert not await applications.is_deactivated(
        sandbox_cloud, victim["application_object_id"] or ""
    )


async def test_a_confirmed_risk_is_dismissed_once(
    sandbox: RunningSandbox, sandbox_cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(risk, "PACE_S", 0.01)
    sandbox.control("POST", "limits", {"identity_protection": 1000})
    victim = await _victim(sandbox, sandbox_cloud)
    await risk.confirm_compromised(sandbox_cloud, victim)
    runs = [await risk.dismiss(sandbox_cloud, victim) for _ in range(2)]

    assert [one["status"] for one in runs] == ["done", "nothing_to_do"]
    assert runs[0]["changes"][0]["after"] == "dismissed"


async def test_a_principal_made_only_to_be_disabled_goes_unless_somebody_uses_it(
    azure: FakeAzure, cloud: Cloud
) -> None:
    path = f"/v1.0/servicePrincipals(appId='{PRINCIPAL['app_id']}')"
    azure.on("GET", path, Say(200, {"id": OBJECT, "accountEnabled": True}))
    used = await service_principals.remove_made(cloud, PRINCIPAL)
    azure.on("GET", path, Say(200, {"id": OBJECT, "accountEnabled": False}))
    azure.on("DELETE", SERVICE_PRINCIPAL_PATH, Say(204))
    gone = await service_principals.remove_made(cloud, PRINCIPAL)

    assert (used["status"], gone["status"]) == ("refused", "done")
    assert len(azure.asked("DELETE", SERVICE_PRINCIPAL_PATH)) == 1


async def test_one_that_is_refused_does_not_keep_the_others(azure: FakeAzure, cloud: Cloud) -> None:
    path = f"{SERVICE_PRINCIPAL_PATH}/appRoleAssignments"
    held: list[Json] = []

    def give(seen: Seen) -> Say:
        if seen.body["appRoleId"].endswith("1"):
            return problem(403, "Authorization_RequestDenied")
        held.append({"id": "x", **seen.body})
        return Say(201, held[-1])

    azure.on("GET", path, lambda _: page(*held))
    azure.on("POST", path, give)
    wanted = [_role(1), _role(2)]
    result = await app_roles.ensure(cloud, OBJECT, wanted)

    assert result["status"] == "refused"
    assert [one["app_role_id"] for one in result["items"]] == [wanted[1]["app_role_id"]]
    assert "Authorization_RequestDenied" in result["detail"]


async def test_what_a_lagging_list_does_not_show_is_not_called_a_failure(
    azure: FakeAzure, cloud: Cloud
) -> None:
    path, one = f"{SERVICE_PRINCIPAL_PATH}/appRoleAssignments", _role(1)
    raw = {"id": "x", "resourceId": one["resource_id"], "appRoleId": one["app_role_id"]}
    azure.on("GET", path, page(), page(raw))
    azure.on("POST", path, problem(400, "Request_BadRequest", "already exist"))

    assert (await app_roles.ensure(cloud, OBJECT, [one]))["status"] == "done"


async def test_another_consent_in_the_same_place_is_refused(azure: FakeAzure, cloud: Cloud) -> None:
    other = {
        "id": "abc",
        "resourceId": OBJECT,
        "consentType": "AllPrincipals",
        "principalId": None,
        "scope": "Mail.Read",
    }
    azure.on("GET", f"{SERVICE_PRINCIPAL_PATH}/oauth2PermissionGrants", page(other))
    wanted = {
        "id": "old",
        "resource_id": OBJECT,
        "consent_type": "AllPrincipals",
        "principal_id": None,
        "scope": "User.Read",
    }
    result = await oauth_grants.ensure(cloud, OBJECT, [wanted])

    assert result["status"] == "refused"
    assert azure.writes() == []


async def test_a_group_that_a_rule_fills_is_not_written_to(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", f"{SERVICE_PRINCIPAL_PATH}/memberOf", page())
    ruled = {"id": OBJECT, "display_name": "all", "direct": True, "stays_because": "its rule"}
    result = await memberships.ensure(cloud, OBJECT, [ruled])

    assert (result["status"], azure.writes()) == ("refused", [])


async def test_a_deleted_application_comes_back_and_one_deleted_for_good_is_refused(
    azure: FakeAzure, cloud: Cloud
) -> None:
    there = f"/v1.0/applications/{OBJECT}"
    gone = await deleted_items.restore(cloud, "application", OBJECT)
    binned = f"/v1.0/directory/deletedItems/{OBJECT}/microsoft.graph.application"
    azure.on("GET", binned, Say(200, {"id": OBJECT}))
    azure.on("GET", there, problem(404, "NotFound"), Say(200, {"id": OBJECT}))
    azure.on("POST", f"/v1.0/directory/deletedItems/{OBJECT}/restore", Say(200, {"id": OBJECT}))
    back = await deleted_items.restore(cloud, "application", OBJECT)

    assert (gone["status"], back["status"]) == ("refused", "done")


def _role(number: int) -> Json:
    role = f"00000000-0000-0000-0000-{number:012}"
    return {"id": "old", "resource_id": OBJECT, "app_role_id": role, "resource_name": "Graph"}
