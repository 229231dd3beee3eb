"""What Firebreak's identities hold against what they need: each trouble is staged, and its row names what mends it."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from playbooks import policy as policies
from responders import (
    clusters,
    own_azure_rights,
    own_clusters,
    own_identities,
    own_permissions,
    permission_data,
)
from responders.cloud import Cloud
from responders.needs import BINDINGS
from responders.own_azure_rights import Places, Seen
from responders.own_checks import Row
from responders.own_identities import Held
from responders.settings import Hand
from tests import kubernetes_fake
from tests.sandbox_fixture import RunningSandbox

ROOT = Path(__file__).parent.parent
BOTH: tuple[Hand, ...] = ("containment", "rebuild")


@pytest.fixture
async def deployed(
    monkeypatch: pytest.MonkeyPatch, sandbox: RunningSandbox
) -> AsyncIterator[Cloud]:
    """The app as it is deployed: two identities, with what the permission file gives each."""
    for name, value in sandbox.environment.items():
        monkeypatch.setenv(name, value)
    sandbox.no_delays()
    connected = await Cloud.connect()
    yield connected
    await connected.close()


def wanted(cloud: Cloud, *, more: frozenset[str] = frozenset()) -> own_permissions.Wanted:
    policy = policies.load(ROOT / "policy.toml").model_dump(mode="json")
    options = permission_data.switched_on(cloud.settings, policy) | more
    return partial(permission_data.of, profile="full", switched_on=options)


def wrong(rows: Sequence[Row], who: str) -> list[Row]:
    return [one for one in rows if one.state == "failed" and one.about == who]


def own(sandbox: RunningSandbox, hand: str) -> str:
    return str(sandbox.seed["firebreak"][hand]["object_id"])


async def test_as_granted_nothing_is_missing_and_nothing_beyond(deployed: Cloud) -> None:
    every = wanted(deployed)
    rows = [
        *await own_permissions.doors(deployed),
        *await own_permissions.graph(deployed, every),
        *await own_permissions.azure(deployed, every),
        *await own_clusters.reached(deployed),
        *await own_clusters.rights(deployed, every),
    ]

    assert [one for one in rows if one.state not in {"ok", "note"}] == []
    assert {one.about for one in rows} >= {"identity", "rebuild identity"}
    # The sandbox gives what every option needs; what is switched off is said, with what takes it away.
    notes = [one for one in rows if one.state == "note"]
    assert {one.said.partition(" at ")[0] for one in notes} == {
        "Firebreak Cluster Enabler",
        "Firebreak Signing Key Rotator",
    }
    assert all(one.fix.startswith("az role assignment delete --ids /providers/") for one in notes)
    none = wanted(deployed, more=permission_data.options())
    assert [one.state for one in await own_permissions.azure(deployed, none)] == ["ok", "ok"]


@pytest.mark.parametrize("account", ["", "/other"])
async def test_a_right_to_a_container_is_no_more_than_it_needs_only_for_the_container_that_is_used(
    deployed: Cloud, sandbox: RunningSandbox, account: str
) -> None:
    url = str(sandbox.seed["evidence"]["container_url"])
    if account:
        host, _, container = url.rpartition("/")
        url = f"{host.rpartition('/')[0]}{account}/{container}"
    deployed.settings = replace(deployed.settings, evidence_url=url)

    rows = await own_permissions.azure(deployed, wanted(deployed))

    said = [one.said for one in wrong(rows, "identity") if "/containers/evidence" in one.said]
    assert len(said) == (2 if account else 0), said


async def test_an_app_role_that_is_missing_is_named_with_what_stops(
    deployed: Cloud, sandbox: RunningSandbox
) -> None:
    rebuild, containment = own(sandbox, "rebuild"), own(sandbox, "containment")
    await _take(deployed, rebuild, "GroupMember.ReadWrite.All")
    await _take(deployed, containment, "Application.ReadWrite.All")
    rows = await own_permissions.graph(deployed, wanted(deployed))

    (row,) = wrong(rows, "rebuild identity")
    assert row.said.startswith("GroupMember.ReadWrite.All is missing: ")
    assert row.fix == f"infra/permissions/grant-graph.sh --rebuild {rebuild}"
    assert (row.grave, row.rule) == (False, "graph-permission-missing")
    (fading,) = wrong(rows, "identity")
    assert "works until its token ends" in fading.said
    assert fading.grave


async def _take(cloud: Cloud, object_id: str, role: str) -> None:
    from responders import app_roles, principals  # noqa: PLC0415

    principal = await principals.resolve(cloud, {"object_id": object_id})
    (one,) = [
        each for each in await app_roles.read_all(cloud, principal) if each["role_name"] == role
    ]
    await cloud.graph.delete(f"/servicePrincipals/{object_id}/appRoleAssignments/{one['id']}")


async def test_an_app_role_too_much_is_named_with_the_call_that_takes_it_away(
    deployed: Cloud, sandbox: RunningSandbox
) -> None:
    rebuild = own(sandbox, "rebuild")
    graph = await deployed.graph.get(
        "/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')",
        {"$select": "id,appRoles"},
    )
    roles = {one["value"]: one["id"] for one in graph["appRoles"]}
    for name in ("RoleManagement.ReadWrite.Directory", "User.Read.All"):
        wish = {"principalId": rebuild, "resourceId": graph["id"], "appRoleId": roles[name]}
        await deployed.graph.post(f"/servicePrincipals/{rebuild}/appRoleAssignments", wish)
    rows = wrong(await own_permissions.graph(deployed, wanted(deployed)), "rebuild identity")

    graves = {one.said.partition(" ")[0]: one.grave for one in rows}
    assert graves == {"RoleManagement.ReadWrite.Directory": True, "User.Read.All": False}
    assert all(
        one.fix.startswith(
            "az rest --method DELETE --url https://graph.microsoft.com/v1.0/servicePrincipals/"
            f"{rebuild}/appRoleAssignments/"
        )
        for one in rows
    )


async def test_a_role_in_azure_that_is_missing_is_named_with_its_condition(
    deployed: Cloud, sandbox: RunningSandbox
) -> None:
    rebuild = own(sandbox, "rebuild")
    found = sandbox.control("GET", "state")["roleAssignments"]
    (held,) = [
        one
        for one in found
        if one["properties"]["principalId"] == rebuild and one["properties"].get("condition")
    ]
    await deployed.arm.delete(held["id"], "2022-04-01")
    rows = wrong(await own_permissions.azure(deployed, wanted(deployed)), "rebuild identity")

    (row,) = rows
    assert row.said.startswith(
        f"Firebreak Rebuild in /subscriptions/{sandbox.described['subscription_id']}: may not "
    )
    assert (row.grave, row.rule) == (True, "azure-permission-missing")
    assert f"--assignee-object-id {rebuild}" in row.fix
    assert "--role 'Firebreak Rebuild'" in row.fix
    assert '--condition "((!(ActionMatches{' in row.fix


async def test_what_a_cloud_may_not_know_is_named_and_is_no_failure(
    deployed: Cloud, sandbox: RunningSandbox
) -> None:
    """Identity bindings are a preview: the deploy guide has people leave that role out where Azure refuses it."""
    containment = own(sandbox, "containment")
    needed, name = wanted(deployed), "Firebreak Identity Binding Reader"
    assigned = await deployed.arm.list(
        f"/subscriptions/{sandbox.described['subscription_id']}/providers/Microsoft.Authorization/roleAssignments",
        "2022-04-01",
    )
    definitions = {
        one["roleDefinitionId"]: one["id"]
        for each in assigned
        if (one := {**each["properties"], "id": each["id"]})["principalId"] == containment
    }
    for definition, assignment in definitions.items():
        role = await deployed.arm.get(definition, "2022-04-01")
        if role["properties"]["roleName"].startswith(name):
            await deployed.arm.delete(assignment, "2022-04-01")
    rows = await own_permissions.azure(deployed, needed)

    (note,) = (one for one in rows if one.said.startswith(name))
    assert (note.state, note.grave, note.rule) == ("note", False, "")
    assert f"--role '{name}'" in note.fix
    assert wrong(rows, "containment identity") == []


async def test_a_role_that_allows_more_is_named_and_an_owner_is_grave(
    deployed: Cloud, sandbox: RunningSandbox
) -> None:
    me = own(sandbox, "containment")
    subscription = f"/subscriptions/{sandbox.described['subscription_id']}"
    group = f"{subscription}/resourceGroups/rg-security"
    seeds = [
        {"scope": subscription, "role": "Owner", "principalId": me},
        {"scope": group, "role": "Reader", "principalId": me},
        {
            "scope": subscription,
            "role": "Log Analytics Reader",
            "principalId": own(sandbox, "rebuild"),
        },
    ]
    made = sandbox.control("POST", "seed", {"roleAssignments": seeds})["roleAssignments"]
    rows = await own_permissions.azure(deployed, wanted(deployed))

    mine = {one.said.partition(" at ")[0]: one for one in wrong(rows, "identity")}
    assert mine.keys() == {"Owner", "Reader"}
    assert (mine["Owner"].grave, mine["Reader"].grave) == (True, False)
    assert mine["Owner"].fix == f"az role assignment delete --ids {made[0]['id']}"
    assert "*/read" in mine["Reader"].said
    (reader,) = wrong(rows, "rebuild identity")
    assert "Log Analytics Reader" in reader.said


async def test_roles_that_are_given_out_without_the_condition_are_grave(
    deployed: Cloud, sandbox: RunningSandbox
) -> None:
    scope = f"/subscriptions/{sandbox.described['subscription_id']}"
    seed = {
        "scope": scope,
        "role": "Role Based Access Control Administrator",
        "principalId": own(sandbox, "rebuild"),
    }
    sandbox.control("POST", "seed", {"roleAssignments": [seed]})
    rows = wrong(await own_permissions.azure(deployed, wanted(deployed)), "rebuild identity")

    (bare,) = rows
    assert (bare.grave, "give itself everything" in bare.said) == (True, True)
    assert bare.fix.startswith("az role assignment delete --ids "), "it has all that it needs"
    assert "create" not in bare.fix, "a role that is too much is not given again"


def _held(condition: str | None) -> Held:
    allows: Any = {
        "actions": ["Microsoft.Authorization/roleAssignments/write"],
        "not_actions": [],
        "data_actions": [],
        "not_data_actions": [],
    }
    return Held("/a", "/subscriptions/s", "r", "Firebreak Rebuild", [allows], condition, None)


def _an_identity(hand: Hand) -> Any:
    principal: Any = {"object_id": "o"}
    nothing: Any = None
    return own_identities.Identity(hand, (hand,), nothing, True, principal)


def _conditions(condition: str | None) -> list[str]:
    hands: tuple[Hand, ...] = ("rebuild",)
    needed = permission_data.of(hands, "full", frozenset())
    identity: Any = _an_identity("rebuild")
    rows = own_azure_rights._conditions(identity, needed, _held(condition))
    return [one.said for one in rows]


def test_an_identity_that_leans_on_a_role_that_is_too_much_is_given_the_right_one_first() -> None:
    allows: Any = {"actions": ["*"], "not_actions": [], "data_actions": [], "not_data_actions": []}
    held = Held("/a", "/subscriptions/s", "r", "Contributor", [allows], None, None)
    hands: tuple[Hand, ...] = ("rebuild",)
    needed = permission_data.of(hands, "full", frozenset())
    seen, places = Seen([held], {}), Places((), None, None)

    (row,) = own_azure_rights.judged(_an_identity("rebuild"), needed, seen, places)
    assert row.fix == (
        "give it the roles of infra/permissions/azure-rebuild.json first, then: "
        "az role assignment delete --ids /a"
    )


def test_a_condition_is_the_generated_one_or_that_one_narrowed_and_nothing_else() -> None:
    folder = ROOT / "infra" / "permissions"
    generated = (folder / "condition-rebuild.txt").read_text()
    listed = (folder / "condition-rebuild-listed.txt").read_text()
    role = "8311e382-0749-4cb8-b61a-304f252e45ec"

    assert _conditions(generated) == []
    assert _conditions(generated.replace(" AND ", "\n  AND ")) == []
    assert "no condition" in _conditions(None)[0]
    assert "another condition" in _conditions(f"({generated}) OR (1 NumericEquals 1)")[0]
    assert "another condition" in _conditions(generated.replace("GuidNotEquals", "GuidEquals"))[0]
    assert "GRANTABLE_ROLES" in listed
    narrowed = listed.replace("GRANTABLE_ROLES", f"{role}, {role}")
    assert _conditions(narrowed) == []


async def test_who_else_may_act_as_firebreak_is_grave(
    deployed: Cloud, sandbox: RunningSandbox
) -> None:
    identity = sandbox.seed["firebreak"]["containment"]["resource_id"]
    path = f"{identity}/federatedIdentityCredentials/backdoor"
    trust = {
        "issuer": "https://evil.test",
        "subject": "system:serviceaccount:a:b",
        "audiences": ["api://AzureADTokenExchange"],
    }
    rebuild = await deployed.acting_as("rebuild")
    await rebuild.arm.put(path, "2024-11-30", {"properties": trust})
    role = {"principalId": own(sandbox, "rebuild"), "role": "Global Administrator"}
    sandbox.control("POST", "seed", {"directoryRoleAssignments": [role]})
    rows = await own_permissions.doors(deployed)

    (door,) = wrong(rows, "identity")
    assert (door.grave, "https://evil.test" in door.said) == (True, True)
    assert "az identity federated-credential delete --subscription" in door.fix
    assert "--name backdoor --yes" in door.fix
    (admin,) = wrong(rows, "rebuild identity")
    assert (admin.grave, "Global Administrator" in admin.said) == (True, True)


async def test_what_can_not_be_read_is_not_known_and_the_other_identity_is_judged(
    deployed: Cloud, sandbox: RunningSandbox
) -> None:
    path = f"/servicePrincipals/{own(sandbox, 'containment')}/appRoleAssignments"
    wish = {"service": "graph", "path": path, "status": 403, "times": 9}
    sandbox.control("POST", "faults", wish)
    rows = await own_permissions.graph(deployed, wanted(deployed))

    assert {one.about: one.state for one in rows} == {
        "identity": "unknown",
        "rebuild identity": "ok",
    }


async def test_from_a_laptop_the_deployed_identities_are_looked_at_from_outside(
    deployed: Cloud, sandbox: RunningSandbox
) -> None:
    deployed.settings = replace(deployed.settings, credential="azure-cli")
    subscription = f"/subscriptions/{sandbox.described['subscription_id']}"
    seed = {"scope": subscription, "role": "Owner", "principalId": own(sandbox, "rebuild")}
    sandbox.control("POST", "seed", {"roleAssignments": [seed]})

    graph = await own_permissions.graph(deployed, wanted(deployed))
    azure = await own_permissions.azure(deployed, wanted(deployed))
    assert {one.about: one.state for one in graph} == {"identity": "ok", "rebuild identity": "ok"}
    assert wrong(azure, "identity") == []
    assert [one.grave for one in wrong(azure, "rebuild identity")][:1] == [True]

    nobody = replace(deployed.settings, client_id=None, rebuild_client_id=None)
    deployed.settings = nobody
    deployed._answers.clear()
    (lost,) = await own_permissions.doors(deployed)
    assert (lost.state, "FIREBREAK_CLIENT_ID" in lost.said) == ("failed", True)


async def test_a_cluster_that_does_not_answer_is_grave_and_its_rights_are_not_known(
    deployed: Cloud, sandbox: RunningSandbox
) -> None:
    sandbox.control("POST", "clusters/aks-weu", {"api_server": "reset"})
    sandbox.control("POST", "clusters/aks-neu", {"private": True})
    rows = {one.about: one for one in await own_clusters.reached(deployed)}

    assert (rows["aks-weu"].state, rows["aks-weu"].grave) == ("failed", True)
    assert "az aks show --ids /subscriptions/" in rows["aks-weu"].fix
    assert rows["aks-neu"].state in {"ok", "failed"}
    if rows["aks-neu"].state == "failed":
        assert "vnet-integration" in rows["aks-neu"].fix
    else:
        assert rows["aks-neu"].said.endswith("private")
    rights = await own_clusters.rights(deployed, wanted(deployed))
    assert [one.state for one in rights if one.about.startswith("aks-weu")] == ["unknown"]
    assert {one.state for one in rights if one.about.startswith("aks-uks")} == {"ok"}


async def test_an_administrator_of_a_cluster_is_grave_and_what_it_may_is_named(
    deployed: Cloud, sandbox: RunningSandbox
) -> None:
    binding = {
        "metadata": {"name": "oops"},
        "roleRef": {
            "kind": "ClusterRole",
            "name": "cluster-admin",
            "apiGroup": "rbac.authorization.k8s.io",
        },
        "subjects": [
            {
                "kind": "User",
                "name": own(sandbox, "containment"),
                "apiGroup": "rbac.authorization.k8s.io",
            }
        ],
    }
    sandbox.control("POST", "seed", {"clusters": {"aks-weu": {"clusterrolebindings": [binding]}}})
    rows = await own_clusters.rights(deployed, wanted(deployed))

    (row,) = wrong(rows, "aks-weu, identity")
    assert (row.grave, "get secrets" in row.said, "create pods" in row.said) == (True, True, True)
    assert "kubectl --context aks-weu get clusterrolebindings" in row.fix
    assert [one.state for one in rows if one.about == "aks-weu, rebuild identity"] == ["ok"]


async def test_a_verb_that_is_missing_in_a_cluster_is_named_with_the_role_that_has_it(
    deployed: Cloud, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster: Any = {"name": "aks-weu", "resource_id": "/subscriptions/s"}
    with kubernetes_fake.running() as api:
        api.denied = {"list pods", "get configmaps"}

        async def connect(*_: Any) -> Any:
            return api.kube()

        async def nothing(*_: Any) -> list[str]:
            return []

        monkeypatch.setattr(clusters, "connect", connect)
        monkeypatch.setattr(own_clusters, "_beyond", nothing)
        monkeypatch.setattr(own_clusters, "_grave", nothing)
        who = own_identities.Acting("identity", ("containment",), deployed, True, "oid")
        needed = wanted(deployed)(("containment",))
        rows = await own_clusters._of(cluster, who, needed)

    assert [one.grave for one in rows] == [True, False]
    assert ("list pods" in rows[0].said, "get configmaps" in rows[1].said) == (True, True)
    assert rows[0].fix.startswith(
        "FIREBREAK_CONTAINMENT_OBJECT_ID=oid envsubst < infra/permissions/"
    )


def test_every_option_of_the_file_is_one_that_settings_or_policy_switch_on(
    sandbox: RunningSandbox,
) -> None:
    from responders.settings import Settings  # noqa: PLC0415

    settings = Settings.from_environ(sandbox.environment)
    policy: Any = {
        "notices": {"sentinel_comments": True},
        "provision": {"enable_clusters": True},
        "recovery": {"gitops": "suspend", "refederation": {"credential": "rotate_keys"}},
    }
    assert permission_data.switched_on(settings, policy) == permission_data.options()
    off: Any = {
        "notices": {"sentinel_comments": False},
        "provision": {"enable_clusters": False},
        "recovery": {"gitops": "report", "refederation": {"credential": "new_names"}},
    }
    assert permission_data.switched_on(replace(settings, event_grid_topic=None), off) == {BINDINGS}


def test_a_profile_without_applications_needs_no_app_role_that_writes() -> None:
    needed = permission_data.of(BOTH, "managed-identities-only", frozenset())
    assert needed.graph
    assert not any("ReadWrite" in one for one in needed.graph)
    assert permission_data.of(BOTH, "full", frozenset()).graph.keys() > needed.graph.keys()


def test_what_is_kept_at_one_place_is_too_much_at_a_wider_one() -> None:
    places = Places(
        ("/subscriptions/s",),
        "/subscriptions/s/rg/w",
        "/storageaccounts/a/blobservices/default/containers/e",
    )
    holds: Callable[[str, str], bool] = places.holds

    assert holds("workspace", "/subscriptions/S/rg/W/tables/x")
    assert not holds("workspace", "/subscriptions/s")
    container = "/x/storageAccounts/a/blobServices/default/containers/e"
    assert holds("evidence", container)
    assert not holds("claims", container)
    assert holds("claims", f"{container}-claims")
    assert not holds("evidence", "/x/storageAccounts/a")
    assert not holds("topic", "/subscriptions/s")


def test_what_the_platform_needs_of_the_apps_own_storage_is_no_surplus() -> None:
    allows: Any = {
        "actions": ["Microsoft.Storage/storageAccounts/blobServices/containers/*"],
        "not_actions": [],
        "data_actions": [],
        "not_data_actions": [],
    }
    owner = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b"
    account = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a"
    hands: tuple[Hand, ...] = ("containment",)
    needed = permission_data.of(hands, "full", frozenset())
    identity: Any = _an_identity("containment")
    places = Places((), None, None)

    def rows(scope: str) -> list[str]:
        held = Held("/a", scope, owner, "Storage Blob Data Owner", [allows], None, None)
        seen = Seen([held], {})
        return [
            one.rule
            for one in own_azure_rights.judged(identity, needed, seen, places)
            if one.rule == own_azure_rights.BEYOND
        ]

    assert rows(account) == []
    assert rows("/subscriptions/s/resourceGroups/g") == [own_azure_rights.BEYOND]
