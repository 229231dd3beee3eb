"""The direct role assignments of a principal, read from every subscription that we can see.

Source   https://learn.microsoft.com/rest/api/authorization/role-assignments/list-for-subscription
"""

import uuid
from typing import TYPE_CHECKING

from responders.calls import azure_call
from responders.cloud import Cloud
from responders.errors import ContractChangedError, NotFoundError, ResponderError
from responders.fan_out import failures, fan_out
from responders.model import Grant
from responders.settings import checked_guid

if TYPE_CHECKING:
    from azure.mgmt.authorization.v2022_04_01.models import RoleAssignment

# The SDK's client wants a subscription, but calls by id name their own scope, which may be above it.
ANY_SUBSCRIPTION = str(uuid.UUID(int=0))


async def grants_of(
    cloud: Cloud, principal_object_id: str
) -> tuple[list[Grant], list[ResponderError]]:
    """The grants that can be read, and why others can't."""
    object_id = checked_guid(principal_object_id, "object id")
    subscriptions = await cloud.subscription_ids()
    outcomes = await fan_out(subscriptions, lambda one: _in_subscription(cloud, one, object_id))
    # A subscription that is gone by now grants nothing.
    unread = [one for one in failures(outcomes) if not isinstance(one, NotFoundError)]
    found = {
        str(one.id).lower(): one
        for _, assignments in outcomes
        if not isinstance(assignments, ResponderError)
        for one in assignments
    }
    names = await _role_names(cloud, list(found.values()))
    return [_grant(one, names) for _, one in sorted(found.items())], unread


async def _in_subscription(
    cloud: Cloud, subscription_id: str, object_id: str
) -> "list[RoleAssignment]":
    client = cloud.authorization(subscription_id)
    async with azure_call(f"role assignments of {object_id} in subscription {subscription_id}"):
        found = [
            one
            async for one in client.role_assignments.list_for_subscription(
                filter=f"principalId eq '{object_id}'"
            )
        ]
    # Asked for exactly one principal, and compared again: a filter that is ignored must not delete.
    return [one for one in found if str(one.principal_id).lower() == object_id]


async def _role_names(cloud: Cloud, found: "list[RoleAssignment]") -> dict[str, str]:
    """Names by definition id. One that can't be read keeps its GUID: a name decides nothing here."""
    client = cloud.authorization(ANY_SUBSCRIPTION)

    async def name(definition_id: str) -> str:
        async with azure_call(f"role definition {definition_id}"):
            definition = await client.role_definitions.get_by_id(definition_id)
        return str(definition.role_name)

    wanted = sorted({str(one.role_definition_id) for one in found})
    return {
        definition_id: definition_id.rpartition("/")[2]
        if isinstance(named, ResponderError)
        else named
        for definition_id, named in await fan_out(wanted, name)
    }


def _grant(found: "RoleAssignment", names: dict[str, str]) -> Grant:
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
        "created_on": found.created_on.isoformat() if found.created_on else None,
        "created_by": found.created_by,
    }
