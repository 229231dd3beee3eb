"""Responder: owners of an application and of its service principal.

Stops    an owner, phished or planted, from enabling it again and adding credentials
Leaves   administrators, who need not be owners; ourselves, where we are one: it may be all that lets us act
Undo     `ensure`, with what `read_all` returned, once those accounts are known to be sound
Needs    NEEDS, below
Source   https://learn.microsoft.com/graph/api/application-delete-owners
         https://learn.microsoft.com/graph/api/serviceprincipal-delete-owners
         https://learn.microsoft.com/graph/api/application-post-owners
"""

import asyncio
from typing import Final, Literal

from structlog.contextvars import bound_contextvars

from responders import additions, patience, removals
from responders.cloud import Cloud
from responders.errors import NotFoundError, TransientError
from responders.model import MANAGED, Json, Principal, StepResult
from responders.needs import GraphNeed, Needs
from responders.settings import checked_guid

_GRAPH = "https://graph.microsoft.com/v1.0"
_SELECT = {"$select": "id,displayName,userPrincipalName"}
Holder = Literal["application", "service_principal"]
NEEDS: Final = Needs(
    graph=(
        GraphNeed("Application.Read.All", "who owns an application"),
        GraphNeed("User.ReadBasic.All", "what owners are called", ("read_all", "_list")),
        GraphNeed(
            "Application.ReadWrite.All", "remove owners, who can add credentials", ("remove_all",)
        ),
        GraphNeed("Application.ReadWrite.All", "give owners back", ("ensure",)),
        GraphNeed("Directory.Read.All", "give owners back: Graph asks for both", ("ensure",)),
    ),
)


async def read_all(cloud: Cloud, principal: Principal) -> list[Json]:
    """Every owner of both objects; who owns both is there twice, `of` one and `of` the other."""
    holders = _holders(principal)
    read = await asyncio.gather(*(_list(cloud, path) for path in holders.values()))
    return [
        _parse(raw, holder) for holder, found in zip(holders, read, strict=True) for raw in found
    ]


async def remove_all(cloud: Cloud, principal: Principal) -> StepResult:
    """Remove every owner but ourselves, side by side, and read back. Safe to repeat."""
    paths = _holders(principal)
    if principal["kind"] in MANAGED:
        detail = "a managed identity has no owner whom its directory object would obey"
        return {"status": "nothing_to_do", "detail": detail, "items": []}
    own = await cloud.own_object_ids()

    async def read() -> list[Json]:
        return [one for one in await read_all(cloud, principal) if one["id"] not in own]

    async def remove(one: Json) -> None:
        path = f"{paths[one['of']]}/owners/{one['id']}/$ref"
        with bound_contextvars(responder="owners.remove_all", target=path):
            await cloud.graph.delete(path)

    what = f"owners of {principal['display_name']} ({principal['app_id']})"
    return await removals.remove_all(
        removals.Removal(what=what, read=read, remove=remove, name=_name, before="owner", key=_key)
    )


async def ensure(
    cloud: Cloud, object_id: str, application_object_id: str | None, wanted: list[Json]
) -> StepResult:
    """Make them owners again, each `of` the object that it owned, and read back. Safe to repeat."""
    paths: dict[Holder, str] = {
        "service_principal": f"/servicePrincipals/{checked_guid(object_id, 'object id')}"
    }
    if application_object_id is not None:
        checked = checked_guid(application_object_id, "application object id")
        paths["application"] = f"/applications/{checked}"

    async def read() -> list[Json]:
        lists = await asyncio.gather(*(_list(cloud, path) for path in paths.values()))
        return [_parse(raw, of) for of, found in zip(paths, lists, strict=True) for raw in found]

    async def add(one: Json) -> None:
        path = f"{paths[one['of']]}/owners/$ref"
        owner = checked_guid(str(one["id"]), "owner id")
        body: Json = {"@odata.id": f"{cloud.endpoints.graph}/v1.0/directoryObjects/{owner}"}
        with bound_contextvars(responder="owners.ensure", target=f"{path} {owner}"):
            await cloud.graph.post(path, body)

    what = f"owners of {application_object_id or object_id}"
    return await additions.ensure(
        additions.Addition(what=what, read=read, add=add, name=_name, key=_key, after="owner"),
        [one for one in wanted if one["of"] in paths],
    )


def by_hand(principal: Principal) -> list[str]:
    """What a person would run."""
    found = []
    for path in _holders(principal).values():
        url = f"{_GRAPH}{path}/owners"
        found += [f"az rest --method GET --url {url}"]
        found += [f"az rest --method DELETE --url '{url}/<id>/$ref'"]
    return found


async def _list(cloud: Cloud, path: str) -> list[Json]:
    """None of an object that was deleted meanwhile: the other one's owners still count."""
    try:
        return await patience.looked_twice(lambda: cloud.graph.list(f"{path}/owners", _SELECT))
    except NotFoundError as unread:
        try:
            await cloud.graph.get(path, {"$select": "id"})
        except NotFoundError:
            return []
        raise TransientError(f"{path} is there, and its owners are not found") from unread


def _holders(principal: Principal) -> dict[Holder, str]:
    holders: dict[Holder, str] = {}
    if principal["application_object_id"] is not None:
        checked = checked_guid(principal["application_object_id"], "application object id")
        holders["application"] = f"/applications/{checked}"
    if principal["kind"] != "application_without_principal":
        checked = checked_guid(principal["object_id"], "object id")
        holders["service_principal"] = f"/servicePrincipals/{checked}"
    return holders


def _parse(raw: Json, holder: Holder) -> Json:
    return {
        "id": checked_guid(str(raw.get("id")), "owner id"),
        "of": holder,
        "type": str(raw.get("@odata.type") or "").rpartition(".")[2] or None,
        "display_name": raw.get("displayName"),
        "user_principal_name": raw.get("userPrincipalName"),
    }


def _key(one: Json) -> str:
    return f"{one['of']}/{one['id']}"


def _name(one: Json) -> str:
    named = one["user_principal_name"] or one["display_name"] or one["type"] or "owner"
    return f"{named} ({one['id']}) of the {str(one['of']).replace('_', ' ')}"
