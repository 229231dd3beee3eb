"""Responder: role assignments of a principal, at every scope that we can see.

Stops    what issued tokens can do in Azure: RBAC is asked for every request
Leaves   up to 10 minutes in which a resource still honours the old answer; grants that a group
         carries (`group_grants` names them); access outside RBAC (Key Vault policies, SQL users, ACLs, account keys)
Undo     `ensure` with what `read_all` returned, for a principal that is clean
Needs    what grants.py, grant_removals.py and grant_additions.py need
Source   https://learn.microsoft.com/azure/role-based-access-control/troubleshooting
         https://learn.microsoft.com/rest/api/authorization/role-assignments
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from responders import grant_additions, grant_removals, grants
from responders.cloud import Cloud
from responders.errors import (
    RefusedError,
    ResponderError,
    TransientError,
)
from responders.fan_out import failures, fan_out, worst
from responders.model import Change, Grant, Json, Principal, Status, StepResult
from responders.read_only import is_read_only
from responders.settings import checked_guid

if TYPE_CHECKING:
    from azure.mgmt.authorization.v2022_04_01.models import RoleAssignment


async def read_all(cloud: Cloud, principal_object_id: str) -> list[Grant]:
    """Every direct grant, inherited ones included: at, above and below each visible scope.

    Raises if any subscription can't be read: half a list must not pass for the whole.
    """
    seen = await grants.of(cloud, principal_object_id)
    if seen.unread:
        raise worst(seen.unread, f"role assignments of {principal_object_id}")
    found = seen.found.values()
    return grants.described(found, await grants.role_names(cloud, found))


async def read_known(
    cloud: Cloud, principal_object_id: str, *, insist: bool
) -> tuple[list[Grant], str | None]:
    """Every grant that can be read, and why there may be more: what can't be read can't be deleted either.

    With `insist` it raises where time may still help.
    """
    known: list[Grant] = []
    try:
        seen = await grants.of(cloud, principal_object_id)
        found = seen.found.values()
        known = grants.described(found, await grants.role_names(cloud, found))
        if not seen.unread:
            return known, None
        raise worst(seen.unread, f"role assignments of {principal_object_id}")
    except ResponderError as error:
        if insist and isinstance(error, TransientError):
            raise
        return known, str(error)


async def group_grants(cloud: Cloud, principal_object_id: str) -> list[Json]:
    """Grants that groups carry to it, each with `group_id`. They end with the membership."""
    seen = await grants.carried_by_groups(cloud, principal_object_id)
    if seen.unread:
        raise worst(seen.unread, f"role assignments that groups carry to {principal_object_id}")
    found = seen.found.values()
    carried = grants.described(found, await grants.role_names(cloud, found))
    return [{**one, "group_id": one["principal_id"]} for one in carried]


async def remove_all(cloud: Cloud, principal: Principal) -> StepResult:
    """Delete every direct grant, side by side, and list again until none is left. Safe to repeat.

    What can be read goes, even where other subscriptions can't be read; those are then the result.
    One that is given meanwhile goes too.
    """
    object_id = checked_guid(principal["object_id"], "object id")
    what = f"role assignments of {object_id}"
    seen = await grants.of(cloud, object_id)
    if not seen.found and not seen.unread:
        detail = f"{object_id} has no role assignment that we can see{_remarks(seen.gaps)}"
        return {"status": "nothing_to_do", "detail": detail, "items": []}
    if is_read_only():
        if seen.unread:
            raise worst(seen.unread, what)
        planned = await _described(cloud, seen.found, {})
        return _removal("planned", f"delete {_names(planned)}{_remarks(seen.gaps)}", planned)
    names, (gone, broken) = await asyncio.gather(
        grants.role_names(cloud, seen.found.values()), grant_removals.remove(cloud, object_id, seen)
    )
    removed = await _described(cloud, gone, names)
    if not broken:
        return _removal("done", f"deleted {_names(removed)}{_remarks(seen.gaps)}", removed)
    error = worst(broken, what)
    if isinstance(error, RefusedError):
        done = f"; deleted {_names(removed)}" if removed else ""
        return _removal("refused", f"{error}{done}{_remarks(seen.gaps)}", removed)
    raise error


def by_hand(principal: Principal) -> list[str]:
    """The commands that do the same. `--all` covers one subscription, so it is said for each."""
    object_id = principal["object_id"]
    of_it = f"tostring(properties.principalId) =~ '{object_id}'"
    query = (
        "authorizationresources | where type =~ 'microsoft.authorization/roleassignments' "
        f"| where {of_it} | project id, scope = properties.scope"
    )
    return [
        f"az role assignment list --all --assignee {object_id} --subscription <each>",
        f'az graph query -q "{query}"',
        "az role assignment delete --ids <id> ...",
    ]


async def ensure(cloud: Cloud, new_principal_object_id: str, given: list[Grant]) -> StepResult:
    """Give a new principal the given grants, under names computed from them. Safe to repeat.

    One whose scope is gone by now is left out, and said. Raises `TransientError` while RBAC has not heard of the
    new principal.
    """
    object_id = checked_guid(new_principal_object_id, "object id")
    outcomes = await fan_out(given, lambda one: grant_additions.ensure(cloud, object_id, one))
    items = [one for _, one in outcomes if not isinstance(one, ResponderError)]
    broken = [one for one in failures(outcomes) if not grant_additions.is_scope_gone(one)]
    if broken:
        error = worst(broken, f"role assignments for {object_id}")
        if isinstance(error, RefusedError):
            refused = [one for one, out in outcomes if isinstance(out, RefusedError)]
            return {
                **grant_additions.answer("refused", str(error), items),
                "by_hand": grant_additions.by_hand(object_id, refused),
            }
        raise error
    gone = [one["scope"] for one, out in outcomes if isinstance(out, ResponderError)]
    remark = f"; left out, the scope is gone: {', '.join(gone)}" if gone else ""
    created = [one for one in items if one["created"]]
    if not created:
        return grant_additions.answer("nothing_to_do", f"all are there already{remark}", items)
    if is_read_only():
        return grant_additions.answer("planned", f"create {_names(created)}{remark}", items)
    return grant_additions.answer("done", f"created {_names(created)}{remark}", items)


async def _described(
    cloud: Cloud, found: "dict[str, RoleAssignment]", names: Mapping[str, str]
) -> list[Grant]:
    return grants.described(found.values(), await grants.role_names(cloud, found.values(), names))


def _removal(status: Status, detail: str, removed: list[Grant]) -> StepResult:
    changes: list[Change] = [
        {
            "object": f"role assignment {one['id']}",
            "before": f"{one['role_name']} at {one['scope']}"
            + (f", if {one['condition']}" if one["condition"] else ""),
            "after": "deleted",
        }
        for one in removed
    ]
    items: list[Json] = [dict(one) for one in removed]
    return {"status": status, "detail": detail, "items": items, "changes": changes}


def _remarks(gaps: list[str]) -> str:
    return "".join(f"; {one}" for one in gaps)


def _names(items: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{one['role_name']} at {one['scope']}" for one in items)
