"""Responder: groups that a service principal is a member of, and so the roles that they carry.

Stops    what the groups carry: Azure roles, directory roles, app roles, places in applications
Leaves   tokens already issued that carry the groups; managed identities' tokens for up to a day; groups that
         a rule, a local directory or Exchange fills, and those that can carry directory roles
Undo     `ensure`, with the direct ones of what `read_all` returned
Needs    NEEDS, below
Source   https://learn.microsoft.com/graph/api/serviceprincipal-list-memberof
         https://learn.microsoft.com/graph/api/group-delete-members
         https://learn.microsoft.com/graph/api/group-post-members
"""

import asyncio
from typing import Final

from structlog.contextvars import bound_contextvars

from responders import additions, removals
from responders.cloud import Cloud
from responders.errors import ContractChangedError, RefusedError
from responders.model import Json, Principal, StepResult
from responders.needs import GraphNeed, Needs
from responders.settings import checked_guid

_GROUP = "#microsoft.graph.group"
NEEDS: Final = Needs(
    graph=(
        GraphNeed("Application.Read.All", "which groups it is in", ("read_all", "_direct")),
        GraphNeed("GroupMember.Read.All", "what these groups are", ("read_all", "_direct")),
        GraphNeed("GroupMember.ReadWrite.All", "take it out of groups", ("remove_all",)),
        GraphNeed("GroupMember.ReadWrite.All", "put it into groups", ("ensure",)),
        GraphNeed("Application.ReadWrite.All", "put a service principal into groups", ("ensure",)),
    ),
)


async def read_all(cloud: Cloud, principal: Principal) -> list[Json]:
    """Every group, direct and through other groups, with the reason where we can't take it out."""
    path = f"/servicePrincipals/{checked_guid(principal['object_id'], 'object id')}"
    found, transitive = await asyncio.gather(
        _direct(cloud, principal["object_id"]), cloud.graph.list(f"{path}/transitiveMemberOf")
    )
    known = {one["id"] for one in found}
    inherited = [_parse(one, direct=False) for one in transitive if _is_group(one)]
    return [*found, *(one for one in inherited if one["id"] not in known)]


async def remove_all(cloud: Cloud, principal: Principal) -> StepResult:
    """Take it out of every group that it is a direct member of, and read back. Safe to repeat.

    The items name those it was in through others too, with `direct` false.
    """
    object_id = checked_guid(principal["object_id"], "object id")
    inherited: dict[str, Json] = {}

    async def read() -> list[Json]:
        found = await read_all(cloud, principal)
        inherited.update({one["id"]: one for one in found if not one["direct"]})
        # Those go by themselves, unless a direct one that they come through can't be left.
        stuck = any(one["direct"] and one["stays_because"] for one in found)
        return [one for one in found if one["direct"] or stuck]

    async def remove(one: Json) -> None:
        path = f"/groups/{checked_guid(one['id'], 'group id')}/members/{object_id}/$ref"
        with bound_contextvars(responder="memberships.remove_all", target=path):
            await cloud.graph.delete(path)

    result = await removals.remove_all(
        removals.Removal(
            what=f"groups of {principal['display_name']} ({object_id})",
            read=read,
            remove=remove,
            name=_name,
            before="member",
            stays=lambda one: one["stays_because"],
        )
    )
    result["items"] = [*result.get("items", []), *inherited.values()]
    if result["status"] == "refused":
        result["by_hand"] = by_hand(principal)
    return result


async def ensure(cloud: Cloud, object_id: str, wanted: list[Json]) -> StepResult:
    """Put it into the groups that it lacks, and read back. Safe to repeat.

    A group that only others fill can't be given: its reason is what is said.
    """
    member = f"{cloud.endpoints.graph}/v1.0/directoryObjects/{checked_guid(object_id, 'object id')}"

    async def add(one: Json) -> None:
        if one.get("stays_because"):
            raise RefusedError(f"{_name(one)}: {one['stays_because']}")
        path = f"/groups/{checked_guid(one['id'], 'group id')}/members/$ref"
        with bound_contextvars(responder="memberships.ensure", target=path):
            await cloud.graph.post(path, {"@odata.id": member})

    return await additions.ensure(
        additions.Addition(
            what=f"groups of {object_id}",
            read=lambda: _direct(cloud, object_id),
            add=add,
            name=_name,
            key=lambda one: str(one["id"]).lower(),
            after="member",
        ),
        wanted,
    )


def by_hand(principal: Principal) -> list[str]:
    """What a person would run."""
    object_id = checked_guid(principal["object_id"], "object id")
    graph = "https://graph.microsoft.com/v1.0"
    return [
        f"az rest --method GET --url {graph}/servicePrincipals/{object_id}/memberOf",
        f"az ad group member remove --group <group id> --member-id {object_id}",
    ]


async def _direct(cloud: Cloud, object_id: str) -> list[Json]:
    path = f"/servicePrincipals/{checked_guid(object_id, 'object id')}/memberOf"
    return [_parse(one, direct=True) for one in await cloud.graph.list(path) if _is_group(one)]


def _name(one: Json) -> str:
    return f"group {one['display_name'] or 'unnamed'} ({one['id']})"


def _is_group(raw: Json) -> bool:
    """Directory roles are `directory_roles`' matter; administrative units carry nothing to their members."""
    kind = raw.get("@odata.type")
    if not isinstance(kind, str):
        raise ContractChangedError(f"a membership without a type: {sorted(raw)}")
    return kind == _GROUP


def _parse(raw: Json, *, direct: bool) -> Json:
    return {
        "id": checked_guid(str(raw.get("id")), "group id"),
        "display_name": raw.get("displayName"),
        "direct": direct,
        "can_carry_directory_roles": raw.get("isAssignableToRole") is True,
        "stays_because": _stays(raw) if direct else "it comes through another group",
    }


def _stays(raw: Json) -> str | None:
    """Why Graph would not let us, or should not.

    https://learn.microsoft.com/graph/api/resources/groups-overview
    """
    kinds = raw.get("groupTypes") or []
    if "DynamicMembership" in kinds:
        return "its rule fills it: change the rule, or what the rule goes by"
    if raw.get("isAssignableToRole") is True:
        # https://learn.microsoft.com/entra/identity/role-based-access-control/groups-concept
        return "it can carry directory roles: it takes RoleManagement.ReadWrite.Directory"
    if raw.get("onPremisesSyncEnabled") is True:
        return "it comes from a local directory: take the member out there"
    if raw.get("mailEnabled") is True and "Unified" not in kinds:
        return "it belongs to Exchange: take the member out there"
    return None
