"""Responder: the bin of the directory: what was deleted within the last 30 days.

Stops    nothing
Leaves   groups, app roles and policies that a deleted service principal had: they do not come back with it; role
         assignments, which outlive it
Undo     DELETE /applications/{id} or /servicePrincipals/{id}, by a person
Needs    NEEDS below, and the directory role Application Administrator to restore
Source   https://learn.microsoft.com/graph/api/directory-deleteditems-restore
         https://learn.microsoft.com/entra/architecture/recover-from-deletions
"""

from typing import Final, Literal

from structlog.contextvars import bound_contextvars

from responders.cloud import Cloud
from responders.errors import NotFoundError
from responders.model import Change, Json, StepResult
from responders.needs import GraphNeed, Needs
from responders.patience import until_it_reads_back
from responders.read_only import is_read_only
from responders.settings import checked_guid

Kind = Literal["application", "servicePrincipal"]
_BIN = "/directory/deletedItems"
NEEDS: Final = Needs(
    graph=(
        GraphNeed("Application.Read.All", "whether an object lies in the bin"),
        GraphNeed("Application.ReadWrite.All", "take an application out of the bin", ("_post",)),
    ),
)


async def find(cloud: Cloud, kind: Kind, object_id: str) -> Json | None:
    """The deleted object, or None where the bin does not have it: deleted for good, or never deleted."""
    checked = checked_guid(object_id, "object id")
    path = f"{_BIN}/{checked}/microsoft.graph.{kind}"
    try:
        return await cloud.graph.get(path, {"$select": "id,displayName,deletedDateTime"})
    except NotFoundError:
        return None


async def restore(cloud: Cloud, kind: Kind, object_id: str) -> StepResult:
    """Take it out of the bin and read it back. Safe to repeat. Refused where it is deleted for good."""
    path = f"/{kind}s/{checked_guid(object_id, 'object id')}"
    if await _exists(cloud, path):
        return {"status": "nothing_to_do", "detail": f"{path} is there"}
    if await find(cloud, kind, object_id) is None:
        detail = f"{path} is deleted for good: it can only be made anew, with another id"
        return {"status": "refused", "detail": detail}
    change: Change = {"object": path, "before": "deleted", "after": "restored"}
    if is_read_only():
        return {"status": "planned", "detail": f"restore {path}", "changes": [change]}
    with bound_contextvars(responder="deleted_items.restore", target=object_id):
        await until_it_reads_back(
            lambda: _post(cloud, object_id), lambda: _exists(cloud, path), f"{path}: restored"
        )
    return {"status": "done", "detail": f"{path} is restored", "changes": [change]}


def by_hand(object_id: str) -> list[str]:
    """What a person would run."""
    checked = checked_guid(object_id, "object id")
    return [f"az rest --method POST --url https://graph.microsoft.com/v1.0{_BIN}/{checked}/restore"]


async def _post(cloud: Cloud, object_id: str) -> None:
    await cloud.graph.post(f"{_BIN}/{object_id}/restore", {})


async def _exists(cloud: Cloud, path: str) -> bool:
    try:
        await cloud.graph.get(path, {"$select": "id"})
    except NotFoundError:
        return False
    return True
