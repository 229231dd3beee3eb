"""Deleting role assignments side by side, and listing again until none is left.

Source   https://learn.microsoft.com/rest/api/authorization/role-assignments/delete-by-id
         https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling
"""

import asyncio
from typing import TYPE_CHECKING, Final

from structlog.contextvars import bound_contextvars

from responders import grants
from responders.calls import azure_call
from responders.cloud import Cloud
from responders.errors import ConflictError, NotFoundError, ResponderError, TransientError
from responders.fan_out import fan_out
from responders.needs import ASSIGNMENTS, AzureNeed, Needs
from responders.patience import rounds

if TYPE_CHECKING:
    from azure.mgmt.authorization.v2022_04_01.models import RoleAssignment

_AT_ONCE = 64  # 200 deletes at once and 10 a second are allowed, per subscription and principal
NEEDS: Final = Needs(
    azure=(AzureNeed(f"{ASSIGNMENTS}/delete", "take a role away, Owner included", ("_delete",)),),
)


async def remove(
    cloud: Cloud, object_id: str, seen: grants.Seen
) -> tuple["dict[str, RoleAssignment]", list[ResponderError]]:
    """What was deleted, and why the rest was not."""
    left, gone = dict(seen.found), dict[str, "RoleAssignment"]()
    broken = dict[str, ResponderError]()
    unread = list[ResponderError]()
    async for _ in rounds():
        for one, error in await fan_out(
            left.values(), lambda one: _delete(cloud, one), at_once=_AT_ONCE
        ):
            key = str(one.id).lower()
            if error is None:
                gone[key] = one
            elif not isinstance(error, ConflictError):
                broken[key] = error
        back, unread = await _read_back(cloud, object_id, seen)
        left = {key: one for key, one in back.items() if key not in broken}
        if not left:
            break
    lost = [
        TransientError(f"role assignment {one.id} was deleted, but still reads back")
        for one in left.values()
    ]
    done = {key: one for key, one in gone.items() if key not in left}
    return done, [*broken.values(), *lost, *seen.unread, *unread]


async def _delete(cloud: Cloud, one: "RoleAssignment") -> None:
    client = cloud.authorization(grants.ANY_SUBSCRIPTION)
    with bound_contextvars(responder="role_assignments.remove_all", target=one.id):
        try:
            async with azure_call(f"delete role assignment {one.id}"):
                await client.role_assignments.delete_by_id(str(one.id))  # 204: gone already
        except NotFoundError:
            return


async def _read_back(
    cloud: Cloud, object_id: str, seen: grants.Seen
) -> tuple["dict[str, RoleAssignment]", list[ResponderError]]:
    """By the lists that showed them; by id where no list did."""
    condition = f"principalId eq '{object_id}'"
    (listed, _, unread), (single, unknown) = await asyncio.gather(
        grants.at_scopes(cloud, seen.readable, condition),
        grants.by_id(cloud, object_id, [str(seen.found[key].id) for key in seen.unlisted]),
    )
    own = {key: one for key, one in listed.items() if str(one.principal_id).lower() == object_id}
    return own | single, [*unread, *unknown]
