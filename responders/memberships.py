"""Responder: groups that a service principal is a member of, and so the roles that they carry.

Stops    what the groups carry: Azure roles, directory roles, app roles, places in applications
Leaves   tokens already issued that carry the groups; managed identities' tokens for up to a day; groups that
         a rule, a local directory or Exchange fills, and those that can carry directory roles
Undo     POST /groups/{id}/members/$ref with the ids of what was removed
Needs    Graph GroupMember.ReadWrite.All, Directory.Read.All
Source   https://learn.microsoft.com/graph/api/serviceprincipal-list-memberof
         https://learn.microsoft.com/graph/api/group-delete-members
"""

import asyncio

from structlog.contextvars import bound_contextvars

from responders import removals
from responders.cloud import Cloud
from responders.errors import ContractChangedError
from responders.model import Json, Principal, StepResult
from responders.settings import checked_guid

_GROUP = "#microsoft.graph.group"


async def read_all(cloud: Cloud, principal: Principal) -> list[Json]:
    """Every group, direct and through other groups, with the reason where we can't take it out."""
    path = f"/servicePrincipals/{checked_guid(principal['object_id'], 'object id')}"
    direct, transitive = await asyncio.gather(
        cloud.graph.list(f"{path}/memberOf"), cloud.graph.list(f"{path}/transitiveMemberOf")
    )
    found = [_parse(one, direct=True) for one in direct if _is_group(one)]
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
            name=lambda one: f"group {one['display_name'] or 'unnamed'} ({one['id']})",
            before="member",
            stays=lambda one: one["stays_because"],
        )
    )
    result["items"] = [*result.get("items", []), *inherited.values()]
    if result["status"] == "refused":
        result["by_hand"] = by_hand(principal)
    return result


def by_hand(principal: Principal) -> list[str]:
    """What a person would run."""
    object_id = checked_guid(principal["object_id"], "object id")
    graph = "https://graph.microsoft.com/v1.0"
    return [
        f"az rest --method GET --url {graph}/servicePrincipals/{object_id}/memberOf",
        f"az ad group member remove --group <group id> --member-id {object_id}",
    ]


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
