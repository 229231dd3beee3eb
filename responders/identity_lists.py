"""Responder: all user-assigned managed identities that Firebreak sees, each with whom it trusts.

Stops    nothing
Leaves   everything as it is
Undo     none needed
Needs    NEEDS, below
Source   https://learn.microsoft.com/rest/api/managedidentity/user-assigned-identities/list-by-subscription
         https://learn.microsoft.com/rest/api/managedidentity/federated-identity-credentials/list

One list for each subscription. Trusts hang on the identity: no list shows those of several, and Resource Graph none.
"""

from typing import Final

from responders import identity_trusts
from responders.audit_model import IdentityFacts
from responders.cloud import Cloud
from responders.errors import ContractChangedError, NotFoundError, ResponderError
from responders.fan_out import fan_out
from responders.managed_identities import API_VERSION
from responders.model import Json
from responders.needs import IDENTITIES, TRUSTS, AzureNeed, Needs
from responders.settings import checked_guid

# Of a tenant 30 reads a second, of one identity one in two seconds.
# https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
_AT_ONCE = 8
NEEDS: Final = Needs(
    azure=(
        AzureNeed(f"{IDENTITIES}/read", "managed identities of a subscription"),
        AzureNeed(f"{TRUSTS}/read", "whom they trust"),
    ),
)


async def in_subscription(
    cloud: Cloud, subscription_id: str
) -> tuple[list[IdentityFacts], list[str]]:
    """The identities, and a sentence for each whose trusts could not be read. Raises where the list can't be read."""
    checked = checked_guid(subscription_id, "subscription id")
    path = f"/subscriptions/{checked}/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
    found: list[IdentityFacts] = []
    async for page in cloud.arm.pages(path, API_VERSION):
        found += [_parse(one) for one in page.items]
    unread: list[str] = []
    outcomes = await fan_out(
        found, lambda one: identity_trusts.read_left(cloud, one["resource_id"]), at_once=_AT_ONCE
    )
    there = []
    for one, outcome in outcomes:
        match outcome:
            case NotFoundError():
                continue  # deleted since it was listed
            case ResponderError():
                unread.append(f"trusts of {one['resource_id']}: {outcome}")
                there.append(one)
            case trusts, gap:
                there.append({**one, "trusts": trusts, "gap": gap})
    return there, unread


def _parse(item: Json) -> IdentityFacts:
    match item:
        case {
            "id": str(resource_id),
            "name": str(name),
            "properties": {"principalId": str(object_id), "clientId": str(app_id)},
        }:
            return {
                "resource_id": resource_id,
                "name": name,
                "object_id": object_id.lower(),
                "app_id": app_id.lower(),
                "trusts": None,
                "gap": None,
            }
        case _:
            raise ContractChangedError(f"not a user-assigned identity: {sorted(item)}")
