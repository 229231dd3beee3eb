"""What Firebreak's two identities hold is made of what its responders need: exactly that, and nothing by a pattern."""

import json
from typing import Any

import pytest

from permissions import conditions, document, files
from permissions.joined import declared, used
from permissions.source import ROOT, modules
from permissions.steps import entries
from responders.needs import AzureNeed
from responders.resource_graph import CARRIERS
from sandbox.arm.built_in_roles import BUILT_IN_ROLES
from sandbox.arm.conditions import holds, of_role_assignment

Json = dict[str, Any]
READER, CONTRIBUTOR = "acdd72a7-3385-48ef-bd42-f606fba81ae7", "b24988ac-6180-42a0-ab88-20f7382dd24c"
CARRIED = {f"{kind}/read" for kind in CARRIERS}
OWNER = conditions.NEVER["Owner"]


def held() -> Json:
    found: Json = json.loads((files.FOLDER / "permissions.json").read_text())
    return found


def actions(hand: str, role: str = "") -> set[str]:
    return {
        one["action"]
        for each in held()["hands"][hand]["azure"]
        if each["role"] == role or not role
        for one in (*each["actions"], *each["dataActions"])
    }


def verbs(hand: str, resource: str) -> set[str]:
    return {
        verb
        for one in held()["hands"][hand]["cluster"]
        if resource in one["resources"]
        for verb in one["verbs"]
    }


def test_every_file_is_what_the_needs_make() -> None:
    stale = [
        path.name
        for path, content in files.rendered().items()
        if not path.exists() or path.read_text() != content
    ]
    assert stale == [], "make permissions writes them anew"


@pytest.mark.parametrize("module", sorted(declared()))
def test_what_needs_something_is_there(module: str) -> None:
    needs = declared()[module]
    for need in needs.every():
        for name in need.by:
            assert name in modules()[module].trees, f"{need} is asked for by {name}"


def test_every_need_has_a_step() -> None:
    reasoned = {(one.module, one.need.why) for one in used()}

    for module, needs in declared().items():
        for need in needs.every():
            assert (module, need.why) in reasoned, f"{module}: no step leads to {need}"


def test_every_line_names_steps_that_there_are() -> None:
    known = {*entries(), document.EVERY}
    for hand in held()["hands"].values():
        lines = [*hand["graph"], *hand["cluster"]]
        lines += [one for role in hand["azure"] for one in (*role["actions"], *role["dataActions"])]
        for line in lines:
            assert line["steps"]
            assert set(line["steps"]) <= known
            assert line["why"]


def test_nothing_is_held_by_a_pattern() -> None:
    whole = json.dumps(held())

    assert "*" not in whole


def test_containment_gives_nothing_and_makes_nothing_in_azure() -> None:
    mine = actions("containment")

    assert "Microsoft.Authorization/roleAssignments/delete" in mine
    assert [one for one in mine if one.endswith("/write")] == [
        one
        for one in mine
        if one
        in {
            # Azure has one action for giving an access policy and for taking it away.
            "Microsoft.KeyVault/vaults/accessPolicies/write",
            "Microsoft.SecurityInsights/incidents/comments/write",
            "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write",
        }
    ]


def test_containment_changes_nothing_in_a_cluster() -> None:
    changing = {
        (one["resources"][0], verb)
        for one in held()["hands"]["containment"]["cluster"]
        for verb in one["verbs"]
        if verb not in {"get", "list"}
    }

    assert changing == {("serviceaccounts/token", "create")}


@pytest.mark.parametrize("hand", ["containment", "rebuild"])
def test_no_identity_reads_secrets_or_makes_pods(hand: str) -> None:
    assert verbs(hand, "secrets") == set()
    assert "create" not in verbs(hand, "pods")
    assert "patch" not in verbs(hand, "pods")


def test_managed_identities_alone_take_no_graph_permission_that_writes() -> None:
    for hand in held()["hands"].values():
        roles = [one["role"] for one in hand["graph"] if document.MANAGED_ONLY in one["profiles"]]
        assert roles == [one for one in roles if ".Read." in one]


def test_what_is_untried_only_reads() -> None:
    untried = [one.need for one in used() if isinstance(one.need, AzureNeed) and one.need.untried]

    assert {one.action for one in untried if not one.action.endswith("/read")} == set()


@pytest.mark.parametrize("act", ["write", "delete"])
@pytest.mark.parametrize(
    ("role", "kind", "allowed"),
    [
        (READER, "ServicePrincipal", True),
        (READER, "User", False),
        *((guid, "ServicePrincipal", False) for guid in conditions.NEVER.values()),
    ],
)
def test_who_rebuilds_gives_and_takes_roles_of_service_principals_and_never_owner_level(
    act: str, role: str, kind: str, *, allowed: bool
) -> None:
    (condition,) = [
        one["condition"] for one in held()["hands"]["rebuild"]["azure"] if one["condition"]
    ]

    assert may(condition, act, role, kind) is allowed


def test_where_roles_are_listed_no_other_one_is_given() -> None:
    condition = conditions.condition((READER,))

    assert may(condition, "write", READER, "ServicePrincipal")
    assert not may(condition, "write", CONTRIBUTOR, "ServicePrincipal")
    assert not may(
        conditions.condition(tuple(conditions.NEVER.values())), "write", OWNER, "ServicePrincipal"
    )


def may(condition: str, act: str, role: str, kind: str) -> bool:
    """Whether the condition lets this through, as Azure evaluates it."""
    source = "@Request" if act == "write" else "@Resource"
    asked = {"roleDefinitionId": f"/x/{role}", "principalId": READER, "principalType": kind}
    action = f"Microsoft.Authorization/roleAssignments/{act}"
    return holds(condition, action, of_role_assignment(source, asked))


def test_every_action_is_one_that_azure_has() -> None:
    """Spelt as one of Microsoft's own roles, or as an operation that the sandbox knows from its documents."""
    known = {one for role in BUILT_IN_ROLES for one in (*role.actions, *role.data_actions)}
    known = {one.lower() for one in known if "*" not in one}
    code = "\n".join(path.read_text() for path in (ROOT / "sandbox").rglob("*.py"))

    for action in (actions("containment") | actions("rebuild")) - CARRIED:
        of, _, _ = action.rpartition("/")
        name = of.rpartition("/")[2] if action.endswith("/action") else of.partition("/")[2]
        spelt = any(f'{mark}{name}"' in code for mark in ('"', "/")) or f"{of}" in code
        assert action.lower() in known or spelt, action
