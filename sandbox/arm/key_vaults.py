"""Key vaults, and whom their access policies let in.

Simulates   Microsoft.KeyVault/vaults (2023-07-01): list, get, and PUT …/accessPolicies/add|replace|remove
Faithful    `add` gives more permissions, `replace` puts others in the place of an entry's own, `remove` takes
            away the permissions that are named and the entry with its last one; a policy is one of an object id
            and an application id together
Left out    creating, changing and deleting vaults; deleted vaults; networks; what `remove` does to an entry
            that it names without permissions is documented nowhere: here it changes nothing
Source      https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/update-access-policy
"""

from typing import Any

from starlette.responses import JSONResponse, Response

from sandbox.arm import bodies, locks, resources
from sandbox.arm.errors import ArmError
from sandbox.arm.gate import authorize
from sandbox.web import Call, Route
from sandbox.world import Json, World

_TYPE = "Microsoft.KeyVault/vaults"
_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}"
_VAULT = f"{_GROUP}/providers/{_TYPE}/{{name}}"
_SHAPE: bodies.Shape = {
    "properties": {"accessPolicies": None},
    "id": None,
    "name": None,
    "type": None,
    "location": None,
}
_ENTRY = {"tenantId", "objectId", "applicationId", "permissions"}
_MOST_POLICIES = 1024  # https://learn.microsoft.com/azure/key-vault/general/assign-access-policy
# https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/update-access-policy#secretpermissions
_PERMISSIONS = {
    "keys": "all encrypt decrypt wrapkey unwrapkey sign verify get list create update import delete "
    "backup restore recover purge release rotate getrotationpolicy setrotationpolicy",
    "secrets": "all get list set delete backup restore recover purge",
    "certificates": "all get list delete create import update managecontacts getissuers listissuers "
    "setissuers deleteissuers manageissuers recover purge backup restore",
    "storage": "all get list delete set update regeneratekey recover purge backup restore setsas "
    "listsas getsas deletesas",
}


async def list_all(world: World, call: Call) -> Response:
    """200 with those that the caller may read; 404 for a scope that is not there."""
    return resources.visible(world, call, _TYPE)


async def get(world: World, call: Call) -> Response:
    """200, 403, 404."""
    return resources.one(world, call, _TYPE)


async def update_policies(world: World, call: Call) -> Response:
    """200 with all policies as they are now; 400; 403; 404; 409 behind a ReadOnly lock."""
    vault_id = call.path.rsplit("/", 2)[0]
    authorize(world, call, f"{_TYPE}/accessPolicies/write", vault_id)
    vault = resources.require(world, vault_id)
    locks.refuse_if_locked(world, vault_id, verb="write")
    change = _CHANGES.get(call.params["kind"].lower())
    if change is None:
        raise _bad_request(f"'{call.params['kind']}' is none of add, replace and remove.")
    body = bodies.read(call, _SHAPE, "VaultAccessPolicyParameters")
    policies = {_key(each): each for each in vault["properties"]["accessPolicies"]}
    for wanted in _entries(world, body):
        change(policies, wanted)
    if len(policies) > _MOST_POLICIES:
        raise _bad_request(f"A vault has at most {_MOST_POLICIES} access policies.")
    vault["properties"]["accessPolicies"] = list(policies.values())
    world.azure.resources.put(vault_id.lower(), vault)
    return JSONResponse(
        {
            "id": f"{vault['id']}/accessPolicies/",
            "type": f"{_TYPE}/accessPolicies",
            "properties": {"accessPolicies": vault["properties"]["accessPolicies"]},
        }
    )


def _add(policies: dict[str, Json], wanted: Json) -> None:
    held = policies.setdefault(_key(wanted), {**wanted, "permissions": {}})
    for kind, names in wanted["permissions"].items():
        before = held["permissions"].get(kind, [])
        known = {each.lower() for each in before}
        more = [each for each in names if each.lower() not in known]
        held["permissions"][kind] = [*before, *more]


def _replace(policies: dict[str, Json], wanted: Json) -> None:
    policies[_key(wanted)] = wanted


def _remove(policies: dict[str, Json], wanted: Json) -> None:
    held = policies.get(_key(wanted))
    if held is None:
        return
    for kind, names in wanted["permissions"].items():
        gone = {each.lower() for each in names}
        left = [each for each in held["permissions"].get(kind, []) if each.lower() not in gone]
        held["permissions"][kind] = left
    if not any(held["permissions"].values()):
        del policies[_key(wanted)]


_CHANGES = {"add": _add, "replace": _replace, "remove": _remove}


def _key(policy: Json) -> str:
    return f"{policy['objectId']}/{policy.get('applicationId') or ''}".lower()


def _entries(world: World, body: Json) -> list[Json]:
    entries = body.get("properties", {}).get("accessPolicies")
    if not isinstance(entries, list):
        raise _bad_request("The parameter accessPolicies is not specified.")
    for entry in entries:
        if not isinstance(entry, dict) or entry.keys() - _ENTRY:
            raise _bad_request("An invalid value was provided for 'accessPolicies'.")
        if str(entry.get("tenantId", "")).lower() != world.tenant_id.lower():
            raise _bad_request("An invalid value was provided for 'tenantId'.")
        if not isinstance(entry.get("objectId"), str) or not entry["objectId"]:
            raise _bad_request("An invalid value was provided for 'objectId'.")
        _check_permissions(entry.get("permissions"))
    return entries


def _check_permissions(permissions: Any) -> None:
    if not isinstance(permissions, dict):
        raise _bad_request("An invalid value was provided for 'permissions'.")
    for kind, names in permissions.items():
        known = _PERMISSIONS.get(kind, "").split()
        if not isinstance(names, list) or not {str(each).lower() for each in names} <= {*known}:
            raise _bad_request(f"An invalid value was provided for 'permissions.{kind}'.")


def _bad_request(message: str) -> ArmError:
    return ArmError(400, "BadRequest", message)


ROUTES = [
    Route("GET", f"/subscriptions/{{subscription}}/providers/{_TYPE}", list_all),
    Route("GET", f"{_GROUP}/providers/{_TYPE}", list_all),
    Route("GET", _VAULT, get),
    Route("PUT", f"{_VAULT}/accessPolicies/{{kind}}", update_policies),
]
