"""Finding a user-assigned managed identity by its address, and its ids once it has them.

Source   https://learn.microsoft.com/rest/api/managedidentity/user-assigned-identities
"""

from typing import Final

from responders.cloud import Cloud
from responders.errors import ContractChangedError, NotFoundError, TransientError
from responders.managed_identities import API_VERSION
from responders.model import Json, NewIdentity
from responders.needs import IDENTITIES, AzureNeed, Needs
from responders.patience import rounds
from responders.settings import checked_guid

NEEDS: Final = Needs(
    azure=(AzureNeed(f"{IDENTITIES}/read", "whether a new managed identity is there", ("find",)),),
)


async def find(cloud: Cloud, at: str) -> Json | None:
    """The resource; None where nothing has this address."""
    try:
        return await cloud.arm.get(at, API_VERSION)
    except NotFoundError:
        return None


async def described(cloud: Cloud, at: str, name: str) -> NewIdentity:
    """Its ids, once it reads back with all of them."""
    async for _ in rounds():
        match await find(cloud, at):
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
