"""Responder: the scopes at which Firebreak can look for role assignments.

Stops    nothing
Leaves   everything as it is; what is assigned where Firebreak sees nothing is not known to it
Undo     none needed
Needs    NEEDS, below
Source   https://learn.microsoft.com/rest/api/managementgroups/management-groups/list
         https://learn.microsoft.com/azure/role-based-access-control/role-assignments-list-rest
"""

import asyncio
from typing import Final, NamedTuple

from responders.cloud import Cloud
from responders.errors import (
    ContractChangedError,
    NotFoundError,
    RefusedError,
    ResponderError,
)
from responders.needs import AzureNeed, Needs

MANAGEMENT_GROUPS_VERSION = "2020-05-01"
_GROUPS = "/providers/Microsoft.Management/managementGroups"
NEEDS: Final = Needs(
    azure=(
        AzureNeed(
            "Microsoft.Management/managementGroups/read",
            "which management groups there are",
            ("visible", "_groups"),
        ),
    ),
)


class Scopes(NamedTuple):
    """Paths of scopes, and why there may be more."""

    subscriptions: list[str]
    management_groups: list[str]
    unread: list[ResponderError]
    gaps: list[str]


async def visible(cloud: Cloud) -> Scopes:
    """Every subscription and management group in sight.

    Not to be allowed to list the groups is a gap, no failure: the list of each subscription below
    shows what it inherits from them.
    """
    subscriptions, groups = await asyncio.gather(cloud.subscription_ids(), _groups(cloud))
    at = [f"/subscriptions/{one}" for one in subscriptions]
    match groups:
        case RefusedError() | NotFoundError():
            return Scopes(at, [], [], [f"management groups can't be listed: {groups}"])
        case ResponderError():
            return Scopes(at, [], [groups], [])
        case _:
            return Scopes(at, groups, [], [])


async def _groups(cloud: Cloud) -> list[str] | ResponderError:
    try:
        found = await cloud.remembered(
            "management groups", lambda: cloud.arm.list(_GROUPS, MANAGEMENT_GROUPS_VERSION)
        )
    except ResponderError as error:
        return error
    ids = [one.get("id") for one in found]
    if not all(isinstance(one, str) and one.lower().startswith(_GROUPS.lower()) for one in ids):
        return ContractChangedError(f"not the ids of management groups: {ids!r:.200}")
    return [str(one) for one in ids]
