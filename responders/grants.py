"""Role assignments of a principal, read from every subscription and management group that we can see.

Source   https://learn.microsoft.com/rest/api/authorization/role-assignments/list-for-scope
         https://learn.microsoft.com/azure/role-based-access-control/role-assignments-list-rest
"""

import asyncio
import uuid
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from responders import resource_graph, scopes
from responders.calls import azure_call
from responders.cloud import Cloud
from responders.errors import ContractChangedError, NotFoundError, RefusedError, ResponderError
from responders.fan_out import failures, fan_out
from responders.model import Grant
from responders.needs import ASSIGNMENTS, DEFINITIONS, AzureNeed, Needs
from responders.settings import checked_guid

if TYPE_CHECKING:
    from azure.mgmt.authorization.v2022_04_01.models import RoleAssignment

# The SDK's client wants a subscription, but calls by id or scope name their own, which may be above it.
ANY_SUBSCRIPTION = str(uuid.UUID(int=0))
# 250 reads at once and 25 a second are allowed, per subscription and principal.
# https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling
_LISTS_AT_ONCE = 16
_BY_ID_AT_ONCE = 64  # Resource Graph names what was just deleted for a while: each is asked for
NEEDS: Final = Needs(
    azure=(
        AzureNeed(f"{ASSIGNMENTS}/read", "roles at every scope"),
        AzureNeed(f"{DEFINITIONS}/read", "what roles are called", ("role_names",)),
    ),
)


class Seen(NamedTuple):
    """What there is, where that was read, and why there may be more."""

    found: "dict[str, RoleAssignment]"  # by id in lower case
    readable: list[str]  # scopes
    unread: list[ResponderError]
    gaps: list[str]
    unlisted: frozenset[str] = frozenset()  # keys of `found` that no list shows, only their own id


async def of(cloud: Cloud, principal_object_id: str) -> Seen:
    """Direct ones, inherited ones included, each once.

    Resource Graph names more, at scopes that no list covers; each of those is read before it counts.
    """
    object_id = checked_guid(principal_object_id, "object id")
    listed, hinted = await asyncio.gather(
        _everywhere(cloud, f"principalId eq '{object_id}'"), _hinted(cloud, object_id)
    )
    # Asked for exactly one principal, and compared again: a filter that is ignored must not delete.
    found = {key: one for key, one in listed.found.items() if _is_of(one, object_id)}
    if isinstance(hinted, ResponderError):
        gap = f"Resource Graph could not be asked for more: {hinted}"
        return Seen(found, listed.readable, listed.unread, [*listed.gaps, gap])
    more, unread = await by_id(
        cloud, object_id, [one for one in hinted if one.lower() not in found]
    )
    all_unread = [*listed.unread, *unread]
    return Seen(found | more, listed.readable, all_unread, listed.gaps, frozenset(more))


async def carried_by_groups(cloud: Cloud, principal_object_id: str) -> Seen:
    """Those that groups carry to the principal, nested groups included."""
    seen = await assigned_to(cloud, principal_object_id)
    groups = {key: one for key, one in seen.found.items() if str(one.principal_type) == "Group"}
    return seen._replace(found=groups)


async def assigned_to(cloud: Cloud, principal_object_id: str) -> Seen:
    """Those that it has, and those that groups carry to it, as the lists of all scopes show them."""
    object_id = checked_guid(principal_object_id, "object id")
    return await _everywhere(cloud, f"assignedTo('{object_id}')")


async def at_scopes(
    cloud: Cloud, where: list[str], condition: str
) -> tuple["dict[str, RoleAssignment]", list[str], list[ResponderError]]:
    """What is listed, at which scopes that could be read, and why others could not."""
    outcomes = await fan_out(
        where, lambda one: _at_scope(cloud, one, condition), at_once=_LISTS_AT_ONCE
    )
    found = {
        str(one.id).lower(): one
        for _, listed in outcomes
        if not isinstance(listed, ResponderError)
        for one in listed
    }
    readable = [scope for scope, listed in outcomes if not isinstance(listed, ResponderError)]
    # A subscription that is gone by now grants nothing.
    unread = [one for one in failures(outcomes) if not isinstance(one, NotFoundError)]
    return found, readable, unread


async def by_id(
    cloud: Cloud, object_id: str, ids: Iterable[str]
) -> tuple["dict[str, RoleAssignment]", list[ResponderError]]:
    """Those that exist and are the principal's, and why others can't be told."""
    client = cloud.authorization(ANY_SUBSCRIPTION)

    async def one(assignment_id: str) -> "RoleAssignment":
        async with azure_call(f"role assignment {assignment_id}"):
            return await client.role_assignments.get_by_id(assignment_id)

    outcomes = await fan_out(ids, one, at_once=_BY_ID_AT_ONCE)
    found = {
        str(one.id).lower(): one
        for _, one in outcomes
        if not isinstance(one, ResponderError) and _is_of(one, object_id)
    }
    return found, [one for one in failures(outcomes) if not isinstance(one, NotFoundError)]


async def role_names(
    cloud: Cloud, found: "Iterable[RoleAssignment]", known: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Names by definition id. One that can't be read keeps its GUID: a name decides nothing here."""
    client = cloud.authorization(ANY_SUBSCRIPTION)

    async def name(definition_id: str) -> str:
        async with azure_call(f"role definition {definition_id}"):
            definition = await client.role_definitions.get_by_id(definition_id)
        return str(definition.role_name)

    names = dict(known or {})
    wanted = sorted({str(one.role_definition_id) for one in found} - names.keys())
    asked = await fan_out(wanted, lambda one: cloud.remembered(f"name of {one}", lambda: name(one)))
    for definition_id, named in asked:
        guid = definition_id.rpartition("/")[2]
        names[definition_id] = guid if isinstance(named, ResponderError) else named
    return names


def described(found: "Iterable[RoleAssignment]", names: Mapping[str, str]) -> list[Grant]:
    """As evidence keeps them, in the order of their ids."""
    return [_grant(one, names) for one in sorted(found, key=lambda one: str(one.id).lower())]


async def _everywhere(cloud: Cloud, condition: str) -> Seen:
    where = await scopes.visible(cloud)
    both, groups = await asyncio.gather(
        at_scopes(cloud, where.subscriptions, condition),
        at_scopes(cloud, where.management_groups, condition),
    )
    # Groups above what we may read are listed too; what they grant shows in the subscriptions below.
    refused = [one for one in groups[2] if isinstance(one, RefusedError)]
    return Seen(
        groups[0] | both[0],
        [*both[1], *groups[1]],
        [*where.unread, *both[2], *(one for one in groups[2] if one not in refused)],
        [*where.gaps, *(f"not readable: {one}" for one in refused)],
    )


async def _at_scope(cloud: Cloud, scope: str, condition: str) -> "list[RoleAssignment]":
    client = cloud.authorization(ANY_SUBSCRIPTION)
    async with azure_call(f"role assignments at {scope}, {condition}"):
        return [
            one
            async for one in client.role_assignments.list_for_scope(
                scope.strip("/"), filter=condition
            )
        ]


async def _hinted(cloud: Cloud, object_id: str) -> list[str] | ResponderError:
    try:
        return await resource_graph.grants(cloud, object_id)
    except ResponderError as error:
        return error


def _is_of(one: "RoleAssignment", object_id: str) -> bool:
    return str(one.principal_id).lower() == object_id


def _grant(found: "RoleAssignment", names: Mapping[str, str]) -> Grant:
    if not (found.id and found.scope and found.role_definition_id and found.principal_id):
        raise ContractChangedError(
            f"a role assignment without id, scope, role or principal: {found.id}"
        )
    return {
        "id": found.id,
        "scope": found.scope,
        "role_definition_id": found.role_definition_id,
        "role_name": names[found.role_definition_id],
        "principal_id": found.principal_id,
        "principal_type": str(found.principal_type),
        "condition": found.condition,
        "condition_version": found.condition_version,
        "description": found.description,
        "delegated_managed_identity_resource_id": found.delegated_managed_identity_resource_id,
        "created_on": found.created_on.isoformat() if found.created_on else None,
        "created_by": found.created_by,
    }
