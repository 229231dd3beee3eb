"""Responder: the user-assigned managed identity that takes the place of a compromised one.

Stops    nothing: the old one is contained, and stays for whoever looks into it
Leaves   the Azure resources that the old one is attached to, which a person attaches to the new one; tags of the
         old one, which Azure Policy may ask for
Undo     DELETE the identity; its role assignments have to go first, they would stay as orphans
Needs    NEEDS, below
Source   https://learn.microsoft.com/rest/api/managedidentity/user-assigned-identities/create-or-update
         https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/overview
"""

from typing import Final

from structlog.contextvars import bound_contextvars

from responders import new_identities
from responders.cloud import Cloud
from responders.errors import RefusedError
from responders.managed_identities import API_VERSION
from responders.model import Json, NewIdentity, Principal
from responders.needs import IDENTITIES, AzureNeed, Needs
from responders.resource_graph import checked_resource_id

INCIDENT, REPLACES, MADE_BY = "firebreak-incident", "firebreak-replaces", "firebreak-made-by"
NEEDS: Final = Needs(
    azure=(AzureNeed(f"{IDENTITIES}/write", "make the new managed identity", ("ensure",)),),
)


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
    found = await new_identities.find(cloud, at)
    tags = _lineage(principal, incident_id)
    if found is not None and not (intent_on_record and _has(found, tags)):
        raise RefusedError(f"{at} exists, and this incident did not make it: find out whose it is")
    if found is None:
        with bound_contextvars(responder="identity_successors.ensure", target=at):
            await cloud.arm.put(at, API_VERSION, _body(old, tags))
    return await new_identities.described(cloud, at, name)


def _body(old: Json, tags: dict[str, str]) -> Json:
    body: Json = {"location": old["location"], "tags": tags}
    scope = (old.get("properties") or {}).get("isolationScope")
    return body if scope is None else {**body, "properties": {"isolationScope": scope}}


def _lineage(principal: Principal, incident_id: str) -> dict[str, str]:
    return {INCIDENT: incident_id, REPLACES: principal["app_id"], MADE_BY: "firebreak"}


def _has(found: Json, tags: dict[str, str]) -> bool:
    return {**(found.get("tags") or {}), **tags} == (found.get("tags") or {})
