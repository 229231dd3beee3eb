"""Responder: delegated permissions, what users and administrators let a client do in their name.

Stops    every later token for a user through this client from carrying these scopes
Leaves   access tokens already issued to it for users, until they expire; the users' own credentials
Undo     `ensure`, with what `read_all` returned; ids are new
Needs    NEEDS, below
Source   https://learn.microsoft.com/graph/api/serviceprincipal-list-oauth2permissiongrants
         https://learn.microsoft.com/graph/api/oauth2permissiongrant-delete
         https://learn.microsoft.com/graph/api/oauth2permissiongrant-post
"""

from typing import Final

from structlog.contextvars import bound_contextvars

from responders import additions, removals
from responders.cloud import Cloud
from responders.errors import ContractChangedError, RefusedError
from responders.graph import checked_key
from responders.model import Json, Principal, StepResult
from responders.needs import GraphNeed, Needs
from responders.settings import checked_guid

_GRAPH = "https://graph.microsoft.com/v1.0"
NEEDS: Final = Needs(
    graph=(
        GraphNeed("DelegatedPermissionGrant.Read.All", "delegated permissions"),
        GraphNeed(
            "DelegatedPermissionGrant.ReadWrite.All",
            "take delegated permissions away",
            ("remove_all",),
        ),
        GraphNeed(
            "DelegatedPermissionGrant.ReadWrite.All", "give delegated permissions", ("ensure",)
        ),
    ),
)


async def read_all(cloud: Cloud, principal: Principal) -> list[Json]:
    """Every grant whose client it is, those of all users and those of single ones."""
    return await _list(cloud, principal["object_id"])


async def remove_all(cloud: Cloud, principal: Principal) -> StepResult:
    """Remove every one, side by side, and read back. Safe to repeat."""

    async def remove(one: Json) -> None:
        path = f"/oauth2PermissionGrants/{checked_key(one['id'], 'permission grant')}"
        with bound_contextvars(responder="oauth_grants.remove_all", target=path):
            await cloud.graph.delete(path)

    return await removals.remove_all(
        removals.Removal(
            what=f"delegated permissions of {principal['display_name']} ({principal['object_id']})",
            read=lambda: read_all(cloud, principal),
            remove=remove,
            name=_name,
            before="consented",
        )
    )


async def ensure(cloud: Cloud, object_id: str, wanted: list[Json]) -> StepResult:
    """Consent again to what is missing, and read back. Safe to repeat.

    There is one grant for each client, resource and user: where one is there with other scopes, somebody agreed to
    something else since, and it is refused.
    """
    path = "/oauth2PermissionGrants"

    async def add(one: Json) -> None:
        taken = [other for other in await _list(cloud, object_id) if _place(other) == _place(one)]
        if taken:
            raise RefusedError(
                f"{_name(one)}: there is another consent by now, {_name(taken[0])}: decide which holds"
            )
        body: Json = {
            "clientId": object_id,
            "consentType": one["consent_type"],
            "resourceId": checked_guid(str(one["resource_id"]), "resource id"),
            "scope": one["scope"],
        }
        if one["principal_id"] is not None:
            body["principalId"] = checked_guid(str(one["principal_id"]), "user id")
        with bound_contextvars(responder="oauth_grants.ensure", target=_place(one)):
            await cloud.graph.post(path, body)

    return await additions.ensure(
        additions.Addition(
            what=f"delegated permissions of {object_id}",
            read=lambda: _list(cloud, object_id),
            add=add,
            name=_name,
            key=lambda one: f"{_place(one)}/{' '.join(scopes_of(one))}",
            after="consented",
        ),
        wanted,
    )


def scopes_of(one: Json) -> list[str]:
    """The scopes of a grant, in order: how they were written tells nothing."""
    return sorted(str(one["scope"] or "").split())


def by_hand(principal: Principal) -> list[str]:
    """What a person would run."""
    return [
        f"az rest --method GET --url {_GRAPH}{_path(principal['object_id'])}",
        f"az rest --method DELETE --url {_GRAPH}/oauth2PermissionGrants/<id>",
    ]


async def _list(cloud: Cloud, object_id: str) -> list[Json]:
    return [_parse(one) for one in await cloud.graph.list(_path(object_id))]


def _place(one: Json) -> str:
    return f"{one['resource_id']}/{one['consent_type']}/{one['principal_id'] or ''}".lower()


def _parse(raw: Json) -> Json:
    match raw:
        case {"id": str(key), "resourceId": str(resource_id), "consentType": str(consent)}:
            return {
                "id": key,
                "resource_id": resource_id,
                "consent_type": consent,
                "principal_id": raw.get("principalId"),  # the user; None: everybody
                "scope": raw.get("scope"),
            }
        case _:
            raise ContractChangedError(f"not a permission grant: {sorted(raw)}")


def _name(one: Json) -> str:
    who = f"user {one['principal_id']}" if one["principal_id"] else "every user"
    scopes = " ".join(str(one["scope"] or "").split()) or "no scope"
    return f"{scopes} on {one['resource_id']} for {who}"


def _path(object_id: str) -> str:
    return f"/servicePrincipals/{checked_guid(object_id, 'object id')}/oauth2PermissionGrants"
