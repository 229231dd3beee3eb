"""What nobody chose is no outage without a cause: with its command come the workloads that may need it."""

from typing import Any

import pytest

from playbooks.known import choice
from playbooks.not_chosen import by_hand
from tests.test_guards import principal

NEW: Any = {
    "kind": "application",
    "app_id": "new-client",
    "application_object_id": "new-application",
    "object_id": "new-object",
    "resource_id": None,
    "display_name": "orders-rf1",
}
GRANT = {
    "scope": "/subscriptions/s",
    "role_definition_id": "/roles/owner",
    "condition": None,
    "condition_version": None,
}
POLICY = {
    "vault_id": "/vaults/kv",
    "object_id": principal("application")["object_id"].upper(),
    "application_id": None,
    "permissions": {"secrets": ["get"]},
}
CONSENT = {"consent_type": "AllPrincipals", "resource_id": "r", "scope": "x", "principal_id": None}
ITEMS = [
    ("grant", {"kind": "grant", "grant": GRANT}, "--assignee-object-id new-object"),
    ("membership", {"kind": "membership", "item": {"id": "g1"}}, "--member-id new-object"),
    (
        "app_role",
        {"kind": "app_role", "item": {"resource_id": "r", "app_role_id": "a"}},
        "/servicePrincipals/new-object/appRoleAssignments",
    ),
    ("consent", {"kind": "oauth_grant", "item": CONSENT}, "oauth2PermissionGrants"),
    ("vault", {"kind": "key_vault_policy", "item": POLICY}, "--object-id new-object"),
]


def workload(name: str) -> dict[str, Any]:
    return {"namespace": "shop", "name": name}


def plan(*choices: Any, names: tuple[str, ...] = ("api",)) -> Any:
    def cluster(called: str, *, acts: bool) -> dict[str, Any]:
        return {
            "survey": {"cluster": {"name": called}},
            "acts": acts,
            "workloads": [workload(one) for one in names],
        }

    moved, left = cluster("aks-weu", acts=True), cluster("aks-neu", acts=False)
    return {"choices": list(choices), "clusters": [moved, left]}


def option(restores: Any, name: str = "sg-readers") -> Any:
    return choice("group membership", name, "a membership has no age", restores)


def said(found: Any, *chosen: str) -> list[str]:
    return by_hand(found, chosen, principal("application"), NEW)


@pytest.mark.parametrize(("kind", "restores", "command"), ITEMS, ids=[one[0] for one in ITEMS])
def test_the_workloads_are_named_and_the_command_gives_it_to_the_new_identity(
    kind: str, restores: Any, command: str
) -> None:
    first, second = said(plan(option(restores)))

    assert "the new identity new-client is without it" in first
    assert "aks-weu shop/api" in first
    assert "aks-neu" not in first, "nothing was moved there"
    assert command in second
    assert "group membership sg-readers: a membership has no age" in second


def test_what_was_chosen_is_not_said_to_be_missing() -> None:
    one = option({"kind": "membership", "item": {"id": "g1"}})

    assert said(plan(one), one["key"]) == []


def test_an_owner_is_missed_by_no_workload() -> None:
    assert said(plan(option({"kind": "owner", "item": {"id": "u"}}))) == []


def test_where_nothing_runs_nothing_is_missed() -> None:
    assert said(plan(option(ITEMS[1][1]), names=())) == []


def test_long_lists_stay_short_and_say_so() -> None:
    many = [option({"kind": "membership", "item": {"id": f"g{at}"}}) for at in range(10)]
    lines = said(plan(*many, names=tuple(f"w{at}" for at in range(23))))

    assert lines[0].endswith("and 3 more")
    assert len(lines) == 10
    assert lines[-1] == "# not chosen: and 2 more, see the report's choices"


def test_a_name_that_an_attacker_chose_ends_no_line() -> None:
    (_, line) = said(plan(option(ITEMS[1][1], name="x\nrm -rf /\u202e")))

    assert line.startswith("# not chosen: az ad group member add"), (
        "run with the rest it does nothing"
    )
    assert "\n" not in line
    assert "\u202e" not in line
