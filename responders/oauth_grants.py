"""Responder: delegated permissions, what users and administrators let a client do in their name.

Stops    every later token for a user through this client from carrying these scopes
Leaves   access tokens already issued to it for users, until they expire; the users' own credentials
Undo     POST /oauth2PermissionGrants with what was removed; an administrator has to agree anew
Needs    Graph DelegatedPermissionGrant.ReadWrite.All, Directory.Read.All
Source   https://learn.microsoft.com/graph/api/serviceprincipal-list-oauth2permissiongrants
         https://learn.microsoft.com/graph/api/oauth2permissiongrant-delete
"""

from structlog.contextvars import bound_contextvars

from responders import removals
from responders.cloud import Cloud
from responders.errors import ContractChangedError
from responders.graph import checked_key
from responders.model import Json, Principal, StepResult
from responders.settings import checked_guid

_GRAPH = "https://graph.microsoft.com/v1.0"


async def read_all(cloud: Cloud, principal: Principal) -> list[Json]:
    """Every grant whose client it is, those of all users and those of single ones."""
    return [_parse(one) for one in await cloud.graph.list(_path(principal))]


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


def by_hand(principal: Principal) -> list[str]:
    """What a person would run."""
    return [
        f"az rest --method GET --url {_GRAPH}{_path(principal)}",
        f"az rest --method DELETE --url {_GRAPH}/oauth2PermissionGrants/<id>",
    ]


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


def _path(principal: Principal) -> str:
    object_id = checked_guid(principal["object_id"], "object id")
    return f"/servicePrincipals/{object_id}/oauth2PermissionGrants"
