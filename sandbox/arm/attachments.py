"""Which identities a resource has: changed by a patch of the resource itself.

Faithful    a system-assigned identity that is taken away is deleted, and comes back as another one; a user-assigned one
            is detached by `null` and needs a right on the identity to be attached
Choice      a type of `None` detaches everything
Source      https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-configure-managed-identities
            https://learn.microsoft.com/rest/api/compute/virtual-machines/update
"""

from starlette.responses import JSONResponse, Response

from sandbox.arm import bodies, locks, resources
from sandbox.arm.errors import ArmError
from sandbox.arm.gate import authorize
from sandbox.entra import managed_principals
from sandbox.web import Call
from sandbox.world import Json, World

_SYSTEM, _USER = "SystemAssigned", "UserAssigned"
_ASSIGN = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"
_SHAPE: bodies.Shape = {
    "identity": {
        "type": None,
        "userAssignedIdentities": None,
        "principalId": None,
        "tenantId": None,
    }
}


def patch(world: World, call: Call, kind: str) -> Response:
    """200 with the changed resource, 400, 403, 404, 409 locked."""
    authorize(world, call, f"{kind}/write", call.path)
    found = resources.require(world, call.path)
    wanted = bodies.read(call, _SHAPE, kind.rpartition("/")[2]).get("identity")
    locks.refuse_if_locked(world, call.path, verb="write")
    if wanted is not None:
        kinds = _kinds(wanted)
        # The part that can be refused comes first: nothing is half changed.
        identity = {
            **_user(world, call, found, wanted.get("userAssignedIdentities") or {}, kinds),
            **_system(world, found, wanted=_SYSTEM in kinds),
        }
        found["identity"] = {"type": ", ".join(kinds) or "None", **identity}
        world.azure.resources.put(call.path.lower(), found)
    return JSONResponse(found)


def _kinds(wanted: Json) -> list[str]:
    named = [each.strip() for each in str(wanted.get("type", "")).split(",")]
    if named == ["None"]:
        return []
    if not set(named) <= {_SYSTEM, _USER} or not named:
        raise ArmError(
            400, "InvalidIdentityType", f"The identity type '{wanted.get('type')}' is not valid."
        )
    return sorted(set(named))


def _system(world: World, found: Json, *, wanted: bool) -> Json:
    """Keep it, make it, or delete it with its service principal."""
    had = (found.get("identity") or {}).get("principalId")
    if wanted and had is None:
        had = managed_principals.create(world, found["name"], found["id"])["id"]
    elif not wanted and had is not None:
        managed_principals.remove(world, had)
    return {"principalId": had, "tenantId": world.tenant_id} if wanted else {}


def _user(world: World, call: Call, found: Json, changes: Json, kinds: list[str]) -> Json:
    """Attach what is named with an object, detach what is named with null; others stay."""
    attached = dict((found.get("identity") or {}).get("userAssignedIdentities") or {})
    by_id = {each.lower(): each for each in attached}
    for resource_id, change in changes.items():
        if change is None:
            attached.pop(by_id.get(resource_id.lower(), ""), None)
            continue
        authorize(world, call, _ASSIGN, resource_id)
        properties = resources.require(world, resource_id)["properties"]
        attached[by_id.get(resource_id.lower(), resource_id)] = {
            "clientId": properties["clientId"],
            "principalId": properties["principalId"],
        }
    if _USER not in kinds:
        return {}
    if not attached:
        raise ArmError(
            400,
            "InvalidIdentityValues",
            "The identity type 'UserAssigned' needs at least one user assigned identity.",
        )
    return {"userAssignedIdentities": attached}
