"""Responder: a user-assigned managed identity that a repository declares.

Stops    nothing
Leaves   where it is attached; tags that no declaration names
Undo     `remove`: DELETE; its role assignments have to go first, they would stay as orphans
Needs    NEEDS, below
Source   https://learn.microsoft.com/rest/api/managedidentity/user-assigned-identities
"""

from collections.abc import Mapping
from typing import Final

from structlog.contextvars import bound_contextvars

from responders import new_identities
from responders.cloud import Cloud
from responders.errors import RefusedError, TransientError
from responders.managed_identities import API_VERSION
from responders.model import Json, NewIdentity
from responders.needs import IDENTITIES, AzureNeed, Needs
from responders.patience import rounds
from responders.resource_graph import checked_resource_id

NAME, RUN = "firebreak-identity", "firebreak-run"
REPLACES = "firebreak-replaces"
_IDENTITIES = "providers/Microsoft.ManagedIdentity/userAssignedIdentities"
NEEDS: Final = Needs(
    azure=(
        AzureNeed(
            f"{IDENTITIES}/read",
            "identities that are declared",
            ("successors", "ensure", "retag", "remove"),
        ),
        AzureNeed(f"{IDENTITIES}/write", "make and tag declared identities", ("ensure", "retag")),
        AzureNeed(
            f"{IDENTITIES}/delete", "delete one that a run made, where it undoes", ("remove",)
        ),
    ),
)


def address_of(resource_group: str, name: str) -> str:
    """Where it is: a name is there once in its group."""
    return checked_resource_id(f"{resource_group}/{_IDENTITIES}/{name}")


async def successors(cloud: Cloud, resource_group: str, app_id: str) -> list[Json]:
    """Identities of the group that an incident put in its place."""
    found = await cloud.arm.list(f"{resource_group}/{_IDENTITIES}", API_VERSION)
    return [one for one in found if (one.get("tags") or {}).get(REPLACES) == app_id]


async def ensure(
    cloud: Cloud, at: str, location: str, tags: Mapping[str, str], marks: tuple[str, str]
) -> NewIdentity:
    """Make it, or find what an earlier try of this run made. `marks` are declaration and run. Safe to repeat.

    Raises `RefusedError` where something else has the address by now.
    """
    name, run_id = marks
    found = await new_identities.find(cloud, at)
    wanted = {**tags, NAME: name, RUN: run_id}
    if found is None:
        with bound_contextvars(responder="declared_identities.ensure", target=at):
            await cloud.arm.put(at, API_VERSION, {"location": location, "tags": wanted})
    elif (found.get("tags") or {}).get(RUN) != run_id:
        raise RefusedError(f"{at} was made by somebody else meanwhile: find out whose it is")
    return await new_identities.described(cloud, at, at.rpartition("/")[2])


async def retag(cloud: Cloud, at: str, tags: Mapping[str, str | None]) -> None:
    """Set these tags, take off those that are None, and leave all others."""
    found = await new_identities.find(cloud, at)
    if found is None:
        raise RefusedError(f"{at} is gone")
    now: dict[str, str] = dict(found.get("tags") or {})
    wanted = {key: value for key, value in {**now, **tags}.items() if value is not None}
    if wanted == now:
        return
    with bound_contextvars(responder="declared_identities.retag", target=at):
        await cloud.arm.patch(at, API_VERSION, {"tags": wanted})


async def remove(cloud: Cloud, at: str, run_id: str) -> bool:
    """Delete it where this run made it; False where it is gone, or somebody else's."""
    found = await new_identities.find(cloud, at)
    if found is None or (found.get("tags") or {}).get(RUN) != run_id:
        return False
    with bound_contextvars(responder="declared_identities.remove", target=at):
        await cloud.arm.delete(at, API_VERSION)
    async for _ in rounds():
        if await new_identities.find(cloud, at) is None:
            return True
    raise TransientError(f"{at} was deleted, but still reads back")
