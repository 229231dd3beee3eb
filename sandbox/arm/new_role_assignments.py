"""What Azure RBAC checks before it grants a role.

Faithful    a service principal that has not replicated yet is refused, unless `principalType` says
            what it is; names are unique in the tenant and never move to another principal
Left out    refusing a condition that makes no sense: such an assignment grants nothing
Source      https://learn.microsoft.com/azure/role-based-access-control/troubleshooting
            https://learn.microsoft.com/azure/role-based-access-control/role-assignments-steps
"""

import uuid

from sandbox.arm import bodies, existing_role_assignments
from sandbox.arm.definitions import (
    find_role_definition,
    new_role_assignment,
)
from sandbox.arm.errors import ArmError
from sandbox.entra.bearer import Caller
from sandbox.web import Call
from sandbox.world import Json, World, timestamp

_FREE = ("description", "condition", "conditionVersion")
_SHAPE: bodies.Shape = {
    "properties": {
        "roleDefinitionId": None,
        "principalId": None,
        "principalType": None,
        "delegatedManagedIdentityResourceId": None,
        "scope": None,
        "createdOn": None,
        "createdBy": None,
        "updatedOn": None,
        "updatedBy": None,
        **dict.fromkeys(_FREE),
    }
}
_PRINCIPAL_TYPES = ("User", "Group", "ServicePrincipal", "ForeignGroup", "Device")


def create(world: World, call: Call, caller: Caller, scope: str) -> Json:
    """Write the assignment of this call, or raise the refusal that Azure would answer with."""
    name = call.params["name"]
    if not _is_guid(name):
        raise ArmError(
            400,
            "InvalidRoleAssignmentId",
            f"The role assignment ID '{name}' is not valid. The role assignment ID must be a GUID.",
        )
    wanted = bodies.read(call, _SHAPE, "RoleAssignmentCreateParameters").get("properties", {})
    role = _require_role(world, wanted.get("roleDefinitionId"))
    principal_type = _require_principal(world, wanted)
    _check_condition(wanted)
    before = existing_role_assignments.same(world, wanted, scope, name)
    if before is None:
        existing_role_assignments.check_limit(world, scope)
    assignment = new_role_assignment(
        world,
        scope=scope,
        role=role,
        principal_id=wanted["principalId"],
        principal_type=principal_type,
        name=name,
        created_by=caller.object_id,
        description=wanted.get("description"),
        condition=wanted.get("condition") or None,
        condition_version=wanted.get("conditionVersion") if wanted.get("condition") else None,
    )
    if before is not None:
        kept = {key: before["properties"][key] for key in ("createdOn", "createdBy")}
        assignment["properties"] |= kept | {"updatedOn": timestamp(world.clock.now())}
    world.azure.role_assignments.put(call.path.lower(), assignment)
    return assignment


def requested(world: World, call: Call) -> Json:
    """The properties that a condition on the caller's own role may ask about; `create` judges them."""
    try:
        body = call.json()
    except ValueError:
        return {}
    properties = body.get("properties") if isinstance(body, dict) else None
    if not isinstance(properties, dict):
        return {}
    known = _type_in_directory(world, str(properties.get("principalId", "")))
    return {**properties, "principalType": known or properties.get("principalType")}


def _require_role(world: World, reference: object) -> str:
    if isinstance(reference, str) and (found := find_role_definition(world, reference)):
        return str(found["name"])
    guid = str(reference).rsplit("/", 1)[-1]
    raise ArmError(
        400,
        "RoleDefinitionDoesNotExist",
        f"The specified role definition with ID '{guid}' does not exist.",
    )


def _require_principal(world: World, wanted: Json) -> str:
    """The principal's type: what the directory says, or the caller where it doesn't know yet."""
    principal, said = wanted.get("principalId"), wanted.get("principalType")
    if not isinstance(principal, str) or not _is_guid(principal):
        raise ArmError(
            400,
            "InvalidPrincipalId",
            "A valid principal ID must be provided for role assignment.",
        )
    if said is not None and said not in _PRINCIPAL_TYPES:
        raise ArmError(
            400,
            "InvalidRequestContent",
            "The request content was invalid and could not be deserialized: 'Error converting "
            f"value \"{said}\" to type PrincipalType. Path 'properties.principalType'.'.",
        )
    found = _type_in_directory(world, principal)
    if found == "Application":
        raise ArmError(
            400,
            "PrincipalTypeNotSupported",
            "Principals of type Application cannot validly be used in role assignments.",
        )
    if found is None and said != "ServicePrincipal":
        raise _principal_not_found(world, principal)
    if found is not None and said is not None and said != found:
        raise ArmError(
            400,
            "UnmatchedPrincipalType",
            f"The PrincipalId '{_bare(principal)}' has type '{found}' , which is different from "
            f"specified PrinciaplType '{said}'.",
        )
    return found or "ServicePrincipal"


def _type_in_directory(world: World, principal: str) -> str | None:
    moment = world.seen_by_now(world.delays.directory)
    for shelf, name in (
        (world.directory.service_principals, "ServicePrincipal"),
        (world.directory.users, "User"),
        (world.directory.groups, "Group"),
        (world.directory.applications, "Application"),
    ):
        if shelf.as_of(principal.lower(), moment) is not None:
            return name
    return None


def _principal_not_found(world: World, principal: str) -> ArmError:
    return ArmError(
        400,
        "PrincipalNotFound",
        f"Principal {_bare(principal)} does not exist in the directory {world.tenant_id}. Check "
        "that you have the correct principal ID. If you are creating this principal and then "
        "immediately assigning a role, this error might be related to a replication delay. In "
        "this case, set the role assignment principalType property to a value, such as "
        "ServicePrincipal, User, or Group.  See https://aka.ms/docs-principaltype",
    )


def _check_condition(wanted: Json) -> None:
    if wanted.get("condition") and wanted.get("conditionVersion") != "2.0":
        raise ArmError(
            400,
            "InvalidConditionVersion",
            "The condition version is not supported. The only supported version is '2.0'.",
        )


def _bare(guid: str) -> str:
    return guid.replace("-", "")


def _is_guid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
