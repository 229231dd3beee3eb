"""The normal form of the sandbox's state: every change shows in it, and nothing is left of one that was taken back.

That the world equals the one before is the claim of every restore; this is what the claim is judged by.
"""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from drill.differences import Difference, differences
from tests.arm_caller import ArmCaller, as_firebreak, managed_identity_token
from tests.sandbox_fixture import RunningSandbox
from tests.sandbox_graph_calls import RemoteCaller, firebreak

AKS = "6dae42f8-4368-4678-94ff-3960e28e3630"
STABLE = "2024-11-30"
VAULTS = "2023-07-01"
ROLES = "providers/Microsoft.Authorization/roleAssignments"


@dataclass(frozen=True)
class World:
    """Firebreak's hands on everything."""

    sandbox: RunningSandbox
    arm: ArmCaller
    graph: RemoteCaller

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = self.sandbox.control("GET", "state?form=normal")
        return found

    def orders(self, name: str = "object_id") -> str:
        return str(self.sandbox.seed["orders_api"][name])

    def kubernetes(self, method: str, path: str, body: object = None) -> Any:
        token = managed_identity_token(self.sandbox, AKS)
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        answer = self.sandbox.http.request(
            method,
            self.sandbox.endpoints["kube-aks-neu"] + path,
            json=body,
            headers={"authorization": f"Bearer {token}", "content-type": kind},
        )
        assert answer.is_success, answer.text
        return answer.json()


Undo = Callable[[], object]


def _switch(world: World) -> Undo:
    path = f"/servicePrincipals/{world.orders()}"
    world.graph.ok("PATCH", path, {"accountEnabled": False})
    return lambda: world.graph.ok("PATCH", path, {"accountEnabled": True})


def _deactivation(world: World) -> Undo:
    path = f"/applications/{world.orders('application_object_id')}"
    world.graph.ok("PATCH", path, {"isDisabled": True})
    return lambda: world.graph.ok("PATCH", path, {"isDisabled": False})


def _application_trust(world: World) -> Undo:
    path = f"/applications/{world.orders('application_object_id')}/federatedIdentityCredentials"
    trust = world.graph.ok("GET", path)["value"][0]
    world.graph.ok("DELETE", f"{path}/{trust['id']}")
    wanted = {name: trust[name] for name in ("name", "issuer", "subject", "audiences")}
    return lambda: world.graph.ok("POST", path, wanted)


def _identity_trust(world: World) -> Undo:
    identity = world.sandbox.seed["payments_identity"]["resource_id"]
    trusts = world.arm("GET", f"{identity}/federatedIdentityCredentials", version=STABLE)
    trust = trusts.json()["value"][0]
    assert world.arm("DELETE", trust["id"], version=STABLE).status_code == 200
    body = {"properties": trust["properties"]}
    return lambda: _done(world.arm("PUT", trust["id"], version=STABLE, json=body))


def _role(world: World) -> Undo:
    listing = f"{world.arm.group}/{ROLES}"
    found = world.arm("GET", listing, filter=f"principalId eq '{world.orders()}'").json()["value"]
    properties = found[0]["properties"]
    assert world.arm("DELETE", found[0]["id"]).status_code == 200
    names = ("roleDefinitionId", "principalId", "principalType")
    body = {"properties": {name: properties[name] for name in names}}
    path = f"{properties['scope']}/{ROLES}/{uuid.uuid4()}"
    return lambda: _done(world.arm("PUT", path, json=body))


def _condition(world: World) -> Undo:
    listing = f"{world.arm.group}/{ROLES}"
    found = world.arm("GET", listing, filter=f"principalId eq '{world.orders()}'").json()["value"]
    names = ("roleDefinitionId", "principalId")
    body = {name: found[0]["properties"][name] for name in names}
    condition = {"condition": "(!(ActionMatches{'x/y'}))", "conditionVersion": "2.0"}
    _done(world.arm("PUT", found[0]["id"], json={"properties": body | condition}))
    return lambda: _done(world.arm("PUT", found[0]["id"], json={"properties": body}))


def _vault_policy(world: World) -> Undo:
    vault = f"{world.arm.group}/providers/Microsoft.KeyVault/vaults/kv-orders"
    shown = world.arm("GET", vault, version=VAULTS).json()["properties"]["accessPolicies"]
    policy = next(each for each in shown if each["objectId"] == world.orders())

    def change(kind: str) -> httpx.Response:
        body = {"properties": {"accessPolicies": [policy]}}
        return _done(world.arm("PUT", f"{vault}/accessPolicies/{kind}", version=VAULTS, json=body))

    change("remove")
    return lambda: change("add")


def _app_role(world: World) -> Undo:
    path = f"/servicePrincipals/{world.orders()}/appRoleAssignments"
    (held,) = world.graph.ok("GET", path)["value"]
    world.graph.ok("DELETE", f"{path}/{held['id']}")
    wanted = {name: held[name] for name in ("principalId", "resourceId", "appRoleId")}
    return lambda: world.graph.ok("POST", path, wanted)


def _consent(world: World) -> Undo:
    path = f"/servicePrincipals/{world.orders()}/oauth2PermissionGrants"
    (held,) = world.graph.ok("GET", path)["value"]
    world.graph.ok("DELETE", f"/oauth2PermissionGrants/{held['id']}")
    names = ("clientId", "consentType", "resourceId", "scope")
    wanted = {name: held[name] for name in names}
    return lambda: world.graph.ok("POST", "/oauth2PermissionGrants", wanted)


def _membership(world: World) -> Undo:
    group = world.sandbox.seed["groups"]["sg-data-readers"]["object_id"]
    path = f"/groups/{group}/members"
    world.graph.ok("DELETE", f"{path}/{world.orders()}/$ref")
    address = f"{world.sandbox.endpoints['graph']}/v1.0/directoryObjects/{world.orders()}"
    return lambda: world.graph.ok("POST", f"{path}/$ref", {"@odata.id": address})


def _owner(world: World) -> Undo:
    dana = world.sandbox.seed["users"]["dana"]["object_id"]
    path = f"/applications/{world.orders('application_object_id')}/owners"
    world.graph.ok("DELETE", f"{path}/{dana}/$ref")
    address = f"{world.sandbox.endpoints['graph']}/v1.0/directoryObjects/{dana}"
    return lambda: world.graph.ok("POST", f"{path}/$ref", {"@odata.id": address})


def _risk(world: World) -> Undo:
    body = {"servicePrincipalIds": [world.orders()]}
    path = "/identityProtection/riskyServicePrincipals"
    world.sandbox.control("POST", "limits", {"identity_protection": 100})
    world.graph.ok("POST", f"{path}/confirmCompromised", body)
    return lambda: world.graph.ok("POST", f"{path}/dismiss", body)


def _annotation(world: World) -> Undo:
    path = "/api/v1/namespaces/shop/serviceaccounts/orders-api"
    key = "azure.workload.identity/client-id"

    def annotate(value: str) -> object:
        return world.kubernetes("PATCH", path, {"metadata": {"annotations": {key: value}}})

    annotate("somebody else")
    return lambda: annotate(world.orders("app_id"))


def _replicas(world: World) -> Undo:
    path = "/apis/apps/v1/namespaces/shop/deployments/orders-api/scale"

    def scale(replicas: int) -> None:
        world.kubernetes("PATCH", path, {"spec": {"replicas": replicas}})
        _eventually(lambda: len(_running(world)) == replicas)

    scale(0)
    return lambda: scale(2)


CHANGES = {
    "servicePrincipals": _switch,
    "applications": _deactivation,
    "federatedCredentials": _application_trust,
    "resources": _identity_trust,
    "roleAssignments": _role,
    "roleAssignments with a condition": _condition,
    "resources of a vault": _vault_policy,
    "appRoleAssignments": _app_role,
    "oauth2PermissionGrants": _consent,
    "groupMembers": _membership,
    "owners": _owner,
    "risk": _risk,
    "clusters' annotations": _annotation,
    "clusters' replicas": _replicas,
}


@pytest.fixture
def world(sandbox: RunningSandbox) -> World:
    sandbox.no_delays()
    return World(sandbox, as_firebreak(sandbox), firebreak(sandbox))


@pytest.mark.parametrize("named", CHANGES)
def test_a_change_shows_and_nothing_of_it_is_left_when_it_is_taken_back(
    world: World, named: str
) -> None:
    before = world.state()

    undo = CHANGES[named](world)

    part = named.partition(" ")[0].rstrip("'")
    assert part in {each.path[0] for each in differences(before, world.state())}
    undo()
    assert _settled(world, before) == []


def test_a_restart_leaves_no_trace(world: World) -> None:
    before, old = world.state(), set(_running(world))
    path = "/apis/apps/v1/namespaces/shop/deployments/orders-api"
    mark = {"kubectl.kubernetes.io/restartedAt": "2026-11-26T10:00:00Z"}
    patch = {"spec": {"template": {"metadata": {"annotations": mark}}}}

    world.kubernetes("PATCH", path, patch)

    _eventually(lambda: len(_running(world)) == 2 and not old & set(_running(world)))
    assert _settled(world, before) == []


@pytest.mark.parametrize("plural", ["daemonsets", "statefulsets"])
def test_a_restart_pod_by_pod_leaves_no_trace(world: World, plural: str) -> None:
    labels = {"app": "agent"}
    container = {"name": "main", "image": "registry.example/agent:1"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"selector": {"matchLabels": labels}, "template": template, "serviceName": "agent"}
    if plural == "daemonsets":
        del spec["serviceName"]
    seeded = {"metadata": {"name": "agent", "namespace": "shop"}, "spec": spec}
    world.sandbox.control("POST", "seed", {"clusters": {"aks-neu": {plural: [seeded]}}})
    _eventually(lambda: bool(_running(world, "agent")))
    before, old = world.state(), _ids(world, "agent")
    mark = {"kubectl.kubernetes.io/restartedAt": "2026-11-26T10:00:00Z"}
    patch = {"spec": {"template": {"metadata": {"annotations": mark}}}}

    world.kubernetes("PATCH", f"/apis/apps/v1/namespaces/shop/{plural}/agent", patch)

    _eventually(lambda: bool(_running(world, "agent")) and not old & _ids(world, "agent"))
    assert _settled(world, before) == []


def test_a_new_world_equals_the_old_one(world: World) -> None:
    before = world.state()
    world.graph.ok("POST", "/applications", {"displayName": "another"})
    assert [each.kind for each in differences(before, world.state())] == ["added"]

    world.sandbox.control("POST", "reset")
    world.sandbox.operator()

    assert differences(before, world.state()) == []


def test_a_removed_secret_shows_under_its_key_and_without_its_value(world: World) -> None:
    before = world.state()
    application = world.orders("application_object_id")
    (secret,) = before["applications"][application]["passwordCredentials"]

    path = f"/applications/{application}/removePassword"
    world.graph.ok("POST", path, {"keyId": secret})

    (found,) = differences(before, world.state())
    assert found.path == ("applications", application, "passwordCredentials", secret)
    assert "secretText" not in found.before or found.before["secretText"] is None


def test_new_signing_keys_show(world: World) -> None:
    before = world.state()
    cluster = world.sandbox.seed["clusters"]["aks-neu"]["resource_id"]
    world.sandbox.control("POST", "delays", {"cluster_operations": 0})
    _done(world.arm("POST", f"{cluster}/rotateServiceAccountSigningKeys", version="2025-10-01"))

    (found,) = differences(before, world.state())

    assert found.path == ("clusters", "aks-neu", "signingKeys")


def test_there_is_one_normal_form(world: World) -> None:
    origin = world.sandbox.endpoints["control"]
    assert world.sandbox.http.get(f"{origin}/sandbox/state?form=odd").status_code == 400


def _ids(world: World, app: str) -> set[str]:
    """Of its pods: those of a StatefulSet keep their names."""
    pods = world.sandbox.control("GET", "state/clusters/aks-neu/pods")
    return {
        each["metadata"]["uid"] for each in pods if each["metadata"]["labels"].get("app") == app
    }


def _running(world: World, app: str = "orders-api") -> list[str]:
    pods = world.sandbox.control("GET", "state/clusters/aks-neu/pods")
    return [
        each["metadata"]["name"]
        for each in pods
        if each["metadata"]["labels"].get("app") == app
        and "deletionTimestamp" not in each["metadata"]
        and each["status"].get("phase") == "Running"
    ]


def _settled(world: World, before: dict[str, Any]) -> list[Difference]:
    """What still differs when nothing moves any more."""
    found: list[Difference] = []

    def is_empty() -> bool:
        found[:] = differences(before, world.state())
        return not found

    _eventually(is_empty, insist=False)
    return found


def _eventually(holds: Callable[[], bool], *, insist: bool = True) -> None:
    deadline = time.monotonic() + 5
    while not holds():
        if time.monotonic() > deadline:
            assert not insist, "it does not come true"
            return
        time.sleep(0.02)


def _done(answer: httpx.Response) -> httpx.Response:
    assert answer.is_success, answer.text
    return answer
