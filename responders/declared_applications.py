"""Responder: an application that a repository declares.

Stops    nothing
Leaves   its credentials, permissions and URIs, which no declaration is about
Undo     `remove`: DELETE /applications/{id}, which can be restored for 30 days
Needs    NEEDS, below
Source   https://learn.microsoft.com/graph/api/application-post-applications
         https://learn.microsoft.com/graph/api/application-delete

It is found by its tag, and anybody who may register applications can write a tag: whose it is, the caller has to know
from elsewhere.
"""

from contextlib import suppress
from typing import Final

from structlog.contextvars import bound_contextvars

from responders import new_applications
from responders.cloud import Cloud
from responders.errors import NotFoundError, RefusedError, TransientError
from responders.model import Json, NewIdentity
from responders.needs import GraphNeed, Needs
from responders.patience import rounds

_NAME = "declared_applications.ensure"
_SELECT = "id,appId,displayName,tags,isDisabled,createdDateTime,passwordCredentials,keyCredentials"
NEEDS: Final = Needs(
    graph=(
        GraphNeed("Application.Read.All", "applications that are declared", ("read",)),
        GraphNeed(
            "Application.ReadWrite.All", "delete one that a run made, where it undoes", ("remove",)
        ),
    ),
)


async def find(cloud: Cloud, name: str) -> list[Json]:
    """Every application with this declaration's tag, whoever wrote it."""
    return await new_applications.tagged(cloud, tag_of(name), 0)


async def read(cloud: Cloud, app_id: str) -> Json | None:
    """The application with this client id; None where it is not there."""
    try:
        return await cloud.graph.get(f"/applications(appId='{app_id}')", {"$select": _SELECT})
    except NotFoundError:
        return None


async def successors(cloud: Cloud, app_id: str) -> list[Json]:
    """Applications that an incident put in its place."""
    return await new_applications.tagged(cloud, f"firebreak:replaces:{app_id}", 0)


async def ensure(cloud: Cloud, name: str, run_id: str, *, again: bool) -> NewIdentity:
    """Make it, or find what an earlier try of this run made. Safe to repeat.

    `again`: there was such a try, so the index is given its time. Raises `RefusedError` where others have the tag.
    """
    found = await new_applications.tagged(
        cloud, tag_of(name), new_applications.INDEX_S if again else 0
    )
    if strange := [one for one in found if _run_tag(run_id) not in (one.get("tags") or [])]:
        ids = ", ".join(str(one.get("appId")) for one in strange)
        raise RefusedError(
            f"{ids} was made with the tag {tag_of(name)} meanwhile: find out whose it is"
        )
    if len(found) > 1:
        ids = ", ".join(str(one.get("appId")) for one in found)
        raise RefusedError(f"more than one application is tagged {tag_of(name)}: {ids}; keep one")
    made = (
        found[0]
        if found
        else await new_applications.create(
            cloud, name, [tag_of(name), _run_tag(run_id)], responder=_NAME
        )
    )
    return await new_applications.completed(cloud, made, name, responder=_NAME)


async def remove(cloud: Cloud, name: str, run_id: str) -> list[str]:
    """Delete what this run made, its service principal with it. The client ids that are gone; none: there was none."""
    gone: list[str] = []
    async for _ in rounds(new_applications.INDEX_S):
        found = await new_applications.tagged(cloud, tag_of(name), 0)
        mine = [one for one in found if _run_tag(run_id) in (one.get("tags") or [])]
        left = [one for one in mine if str(one["appId"]) not in gone]
        for one in left:
            # Not there: gone by an earlier try, of which the index does not know yet.
            with (
                bound_contextvars(responder="declared_applications.remove", target=name),
                suppress(NotFoundError),
            ):
                await cloud.graph.delete(f"/applications/{one['id']}")
            gone.append(str(one["appId"]))
        if not mine and gone:
            return gone
        if not mine:
            continue  # the index may not know of it yet
    if any([await read(cloud, one) for one in gone]):
        raise TransientError(f"application {name}: deleted, but still there: {', '.join(gone)}")
    return gone


def tag_of(name: str) -> str:
    """What says of which declaration it is."""
    return f"firebreak:identity:{name}"


def _run_tag(run_id: str) -> str:
    return f"firebreak:run:{run_id}"
