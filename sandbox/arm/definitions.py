"""Role definitions and role assignments in their wire shape, for the seed and the service alike.

Simulates   Microsoft.Authorization/roleDefinitions and roleAssignments, 2022-04-01
Faithful    property names and nulls; ids relative to the subscription that asks
Left out    PIM schedules, delegated managed identities of other tenants
Source      https://learn.microsoft.com/rest/api/authorization/role-assignments/create
"""

import re
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache

from sandbox.arm.built_in_roles import BUILT_IN_ROLES, BuiltInRole
from sandbox.world import Json, World, timestamp

_BY_GUID = {role.guid: role for role in BUILT_IN_ROLES}
_BY_NAME = {role.name: role for role in BUILT_IN_ROLES}
_PUBLISHED = timestamp(datetime(2015, 2, 2, 21, 55, 9, 880642, tzinfo=UTC))  # as Owner's
_SUBSCRIPTION = re.compile(r"/subscriptions/[^/]+", re.IGNORECASE)


def role_guid(name: str) -> str:
    """The id of a built-in role by its name. Raises `KeyError` for a role that is not here."""
    return _BY_NAME[name].guid


def subscription_prefix(scope: str) -> str:
    """`/subscriptions/{id}` of a scope, or nothing for a management group or the root."""
    match = _SUBSCRIPTION.match(scope)
    return match.group() if match else ""


def role_definition_id(guid: str, scope: str) -> str:
    """How Azure names a role within a scope: through the subscription where there is one."""
    prefix = subscription_prefix(scope)
    return f"{prefix}/providers/Microsoft.Authorization/roleDefinitions/{guid}"


def find_role_definition(world: World, reference: str, *, scope: str = "") -> Json | None:
    """The definition behind a GUID or a resource id, built-in or custom, or None."""
    guid = reference.rsplit("/", 1)[-1].lower()
    if guid in _BY_GUID:
        return _built_in(_BY_GUID[guid], scope)
    for definition in world.azure.role_definitions.values():
        if definition["name"].lower() == guid:
            return definition
    return None


def permissions_of(world: World, reference: str) -> list[Json]:
    """The permission blocks of a role, none where there is no such role. Not to be changed by the caller."""
    guid = reference.rsplit("/", 1)[-1].lower()
    if guid in _BY_GUID:
        return _permissions(_BY_GUID[guid])
    definition = find_role_definition(world, reference)
    return definition["properties"]["permissions"] if definition else []


@cache
def _permissions(role: BuiltInRole) -> list[Json]:
    found: list[Json] = _built_in(role, "")["properties"]["permissions"]
    return found


def role_definitions(world: World, *, scope: str) -> list[Json]:
    """Every built-in role and the custom ones that may be assigned at this scope."""
    custom = [
        definition
        for definition in world.azure.role_definitions.values()
        if any(_within(scope, area) for area in definition["properties"]["assignableScopes"])
    ]
    return [_built_in(role, scope) for role in BUILT_IN_ROLES] + custom


def new_role_definition(  # noqa: PLR0913 - the wire shape has this many free parts
    name: str,
    *,
    guid: str,
    description: str,
    actions: Sequence[str],
    data_actions: Sequence[str] = (),
    assignable_scopes: Sequence[str],
    created: datetime,
) -> Json:
    """A custom role as ARM returns it; keep it under `["id"].lower()`. Its id is that in the first of its scopes."""
    moment = timestamp(created)
    block = {
        "actions": list(actions),
        "notActions": [],
        "dataActions": list(data_actions),
        "notDataActions": [],
    }
    return {
        "properties": {
            "roleName": name,
            "type": "CustomRole",
            "description": description,
            "assignableScopes": list(assignable_scopes),
            "permissions": [block],
            "createdOn": moment,
            "updatedOn": moment,
            "createdBy": None,
            "updatedBy": None,
        },
        "id": role_definition_id(guid, assignable_scopes[0]),
        "type": "Microsoft.Authorization/roleDefinitions",
        "name": guid,
    }


def new_role_assignment(  # noqa: PLR0913 - the wire shape has this many free parts
    world: World,
    *,
    scope: str,
    role: str,
    principal_id: str,
    principal_type: str = "ServicePrincipal",
    name: str | None = None,
    created_by: str = "",
    created: datetime | None = None,
    description: str | None = None,
    condition: str | None = None,
    condition_version: str | None = None,
) -> Json:
    """A role assignment as ARM returns it; keep it under `["id"].lower()`.

    `role` is a built-in role's name, a role's GUID, or a role definition's resource id.
    """
    name = name or str(uuid.uuid4())
    moment = timestamp(created or world.clock.now())
    guid = _BY_NAME[role].guid if role in _BY_NAME else role.rsplit("/", 1)[-1]
    at = scope.rstrip("/")
    return {
        "properties": {
            "roleDefinitionId": role_definition_id(guid, scope),
            "principalId": principal_id,
            "principalType": principal_type,
            "scope": at or "/",
            "condition": condition,
            "conditionVersion": condition_version,
            "createdOn": moment,
            "updatedOn": moment,
            "createdBy": created_by,
            "updatedBy": created_by,
            "delegatedManagedIdentityResourceId": None,
            "description": description,
        },
        "id": f"{at}/providers/Microsoft.Authorization/roleAssignments/{name}",
        "type": "Microsoft.Authorization/roleAssignments",
        "name": name,
    }


def _within(scope: str, area: str) -> bool:
    inside, around = scope.lower().rstrip("/") + "/", area.lower().rstrip("/") + "/"
    return inside.startswith(around)


def _built_in(role: BuiltInRole, scope: str) -> Json:
    return {
        "properties": {
            "roleName": role.name,
            "type": "BuiltInRole",
            "description": role.description,
            "assignableScopes": ["/"],
            "permissions": [
                {
                    "actions": list(role.actions),
                    "notActions": list(role.not_actions),
                    "dataActions": list(role.data_actions),
                    "notDataActions": list(role.not_data_actions),
                }
            ],
            "createdOn": _PUBLISHED,
            "updatedOn": _PUBLISHED,
            "createdBy": None,
            "updatedBy": None,
        },
        "id": role_definition_id(role.guid, scope),
        "type": "Microsoft.Authorization/roleDefinitions",
        "name": role.guid,
    }
