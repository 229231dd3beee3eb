"""Responder: the user-assigned managed identity that takes the place of a compromised one.

Stops    nothing: the old one is contained, and stays for whoever looks into it
Leaves   the Azure resources that the old one is attached to, which a person attaches to the new one; tags of the
         old one, which Azure Policy may ask for
Undo     DELETE the identity; its role assignments have to go first, they would stay as orphans
Needs    Microsoft.ManagedIdentity/userAssignedIdentities/read and /write: Managed Identity Contributor
Source   https://learn.microsoft.com/rest/api/managedidentity/user-assigned-identities/create-or-update
         https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/overview
"""

from structlog.contextvars import bound_contextvars

from responders.cloud import Cloud
from responders.errors import ContractChangedError, NotFoundError, RefusedError, TransientError
from responders.managed_identities import API_VERSION
from responders.model import Json, NewIdentity, Principal
from responders.patience import rounds
from responders.resource_graph import checked_resource_id
from responders.settings import checked_guid

INCIDENT, REPLACES, MADE_BY = "firebreak-incident", "firebreak-replaces", "firebreak-made-by"


def resource_id_of(principal: Principal, name: str) -> str:
    """Where the successor is: beside the old one, in the same resource group."""
    return f"{checked_resource_id(principal['resource_id'] or '').rpartition('/')[0]}/{name}"


async def ensure(
    cloud: Cloud,
    principal: Principal,
    incident_id: str,
    name: str,
    old: Json,
    *,
    intent_on_record: bool = False,
) -> NewIdentity:
    """Make the successor, or find the one that an earlier run of this incident made: a name is there once.

    Raises `RefusedError` where the name is taken. Without `intent_on_record` nobody of us can have made it, whatever
    its tags say: an identity that was put there beforehand may trust whoever put it there.
    """
    at = checked_resource_id(resource_id_of(principal, name))
    found = await _read(cloud, at)
    tags = _lineage(principal, incident_id)
    if found is not None and not (intent_on_record and _has(found, tags)):
        raise RefusedError(f"{at} exists, and this incident did not make it: find out whose it is")
    if found is None:
        with bound_contextvars(responder="identity_successors.ensure", target=at):
            await cloud.arm.put(at, API_VERSION, _body(old, tags))
    return await _described(cloud, at, name)


def _body(old: Json, tags: dict[str, str]) -> Json:
    body: Json = {"location": old["location"], "tags": tags}
    scope = (old.get("properties") or {}).get("isolationScope")
    return body if scope is None else {**body, "properties": {"isolationScope": scope}}


async def _described(cloud: Cloud, at: str, name: str) -> NewIdentity:
    """Its ids, once it reads back with all of them."""
    async for _ in rounds():
        match await _read(cloud, at):
            case {"properties": {"principalId": str(object_id), "clientId": str(app_id)}}:
                return {
                    "kind": "user_assigned_identity",
                    "app_id": checked_guid(app_id, "clientId"),
                    "object_id": checked_guid(object_id, "principalId"),
                    "application_object_id": None,
                    "resource_id": at,
                    "display_name": name,
                }
            case {"properties": {}} | None:
                continue  # Resource Manager's replicas, or an identity that is still being made
            case other:
                raise ContractChangedError(f"{at} is no managed identity: {sorted(other)}")
    raise TransientError(f"{at} was created, but does not read back with its ids yet")


async def _read(cloud: Cloud, at: str) -> Json | None:
    try:
        return await cloud.arm.get(at, API_VERSION)
    except NotFoundError:
        return None


def _lineage(principal: Principal, incident_id: str) -> dict[str, str]:
    return {INCIDENT: incident_id, REPLACES: principal["app_id"], MADE_BY: "firebreak"}


def _has(found: Json, tags: dict[str, str]) -> bool:
    return {**(found.get("tags") or {}), **tags} == (found.get("tags") or {})
