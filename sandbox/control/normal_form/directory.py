"""The directory in its normal form.

Dropped     ids of federated credentials, app role assignments, consents and role assignments; when one of them was
            granted, something was deleted, or risk was last looked at; a risk that was dismissed is none; properties
            without a value, and `isDisabled` where it is false, which means as much
Kept        when applications and service principals were made: made anew, they are others, and have another id
"""

from collections.abc import Iterable

from sandbox.control.normal_form.shaping import as_set, by, stated, without
from sandbox.world import Json, World

_DRAWN = {"id", "createdDateTime", "deletedDateTime"}
_KEYED_LISTS = {
    "passwordCredentials": "keyId",
    "keyCredentials": "keyId",
    "appRoles": "id",
    "requiredResourceAccess": "resourceAppId",
}
_SETS = ("identifierUris", "servicePrincipalNames", "replyUrls", "tags", "alternativeNames")


def parts(world: World) -> Json:
    """What is in the directory, by part."""
    directory = world.directory
    return {
        "applications": _holders(directory.applications.values()),
        "servicePrincipals": _holders(directory.service_principals.values()),
        "federatedCredentials": _keyed(
            directory.federated_credentials.values(), "applicationId", "name"
        ),
        "appRoleAssignments": _keyed(
            directory.app_role_assignments.values(), "principalId", "resourceId", "appRoleId"
        ),
        "oauth2PermissionGrants": _consents(directory.oauth2_permission_grants.values()),
        "directoryRoleAssignments": _keyed(
            directory.role_assignments.values(), "principalId", "roleDefinitionId"
        ),
        "groups": by(directory.groups.values(), lambda each: str(each["id"])),
        "groupMembers": _members(directory.group_members),
        "owners": _members(directory.owners),
        "users": by(directory.users.values(), lambda each: str(each["id"])),
        "risk": _risk(directory.risky_service_principals.values()),
        "deletedItems": _holders(
            without(each, {"deletedDateTime"}) for each in directory.deleted_items.values()
        ),
    }


def _holders(items: Iterable[Json]) -> dict[str, Json]:
    return by(map(_holder, items), lambda each: str(each["id"]))


def _holder(item: Json) -> Json:
    shaped = stated(item)
    if shaped.get("isDisabled") is False:
        del shaped["isDisabled"]
    for name, key in _KEYED_LISTS.items():
        if isinstance(shaped.get(name), list):
            shaped[name] = {str(each[key]): each for each in shaped[name]}
    for name in _SETS:
        if isinstance(shaped.get(name), list):
            shaped[name] = as_set(shaped[name])
    return shaped


def _keyed(items: Iterable[Json], *names: str) -> dict[str, Json]:
    found = by(items, lambda each: "/".join(str(each[name]) for name in names))
    return {key: without(stated(each), _DRAWN) for key, each in found.items()}


def _consents(items: Iterable[Json]) -> dict[str, Json]:
    found = _keyed(items, "clientId", "resourceId", "consentType", "principalId")
    for each in found.values():
        each["scope"] = as_set((each.get("scope") or "").split())
    return found


def _members(members: dict[str, list[str]]) -> Json:
    """Who is in what; a holder that nobody is left in is none."""
    return {holder: as_set(inside) for holder, inside in sorted(members.items()) if inside}


def _risk(items: Iterable[Json]) -> Json:
    at_risk = [each for each in items if each["riskLevel"] != "none"]
    dropped = {"riskLastUpdatedDateTime", "isEnabled", "isProcessing"}
    return by((without(each, dropped) for each in at_risk), lambda each: str(each["id"]))
