"""Responder: federated credentials that a user-assigned managed identity is given, in Resource Manager.

Stops    nothing
Leaves   whatever else is trusted, unless it is said what `only` may be: then that is refused, and nothing is created
Undo     DELETE each item that was `created`: `identity_trusts.remove_all` takes them all
Needs    NEEDS, below
Source   https://learn.microsoft.com/rest/api/managedidentity/federated-identity-credentials/create-or-update
         https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations

Writes to one identity go one after the other: Azure answers a second one at the same time with 409
`ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity`, which only asks for patience.
"""

from typing import Final

from structlog.contextvars import bound_contextvars

from responders import identity_trusts, wanted_trusts
from responders.cloud import Cloud
from responders.errors import ConflictError, NotFoundError, ResponderError, TransientError
from responders.model import FederatedCredential, Json, StepResult
from responders.needs import TRUSTS, AzureNeed, Needs
from responders.patience import rounds
from responders.read_only import is_read_only
from responders.resource_graph import checked_resource_id
from responders.wanted_trusts import of_a_binding

NEEDS: Final = Needs(
    azure=(
        AzureNeed(
            f"{TRUSTS}/write", "let workloads sign in as a managed identity", ("ensure", "_put")
        ),
    ),
)


async def ensure(
    cloud: Cloud,
    resource_id: str,
    wanted: list[FederatedCredential],
    *,
    only: list[FederatedCredential] | None = None,
    client_id: str = "",
) -> StepResult:
    """Create those that are missing, by name, one after the other. Safe to repeat.

    Raises `RefusedError` where a name is taken by another trust, and, with `only`, where anything else than these is
    trusted; what AKS made for identity bindings of this `client_id` is a person's work, and stays.
    """
    identity = checked_resource_id(resource_id)
    existing = await identity_trusts.read_all(cloud, identity)
    bound = [one for one in existing if of_a_binding(one, cloud.tenant_id, client_id)]
    allowed = None if only is None else [*only, *bound]
    missing = wanted_trusts.missing(existing, wanted, identity, only=allowed)
    if missing and not is_read_only():
        for one in missing:
            await _create(cloud, identity, one)
    return wanted_trusts.answer(wanted, missing)


async def _create(cloud: Cloud, identity: str, one: FederatedCredential) -> None:
    """PUT until it reads back: to put the same once more changes nothing."""
    last: ResponderError | None = None
    async for _ in rounds():
        try:
            await _put(cloud, identity, one)
        except (ConflictError, NotFoundError) as error:
            last = error  # another write is under way, or the identity is not known everywhere yet
            continue
        found = await identity_trusts.read_all(cloud, identity)
        if wanted_trusts.is_there({other["name"]: other for other in found}, one):
            return
    said = str(last) if last else "it was created, but is not listed yet"
    raise TransientError(f"federated credential {one['name']} of {identity}: {said}")


async def _put(cloud: Cloud, identity: str, one: FederatedCredential) -> None:
    target = f"{identity}/federatedIdentityCredentials/{one['name']}"
    body: Json = {
        "properties": {
            "issuer": one["issuer"],
            "subject": one["subject"],
            "audiences": one["audiences"],
        }
    }
    with bound_contextvars(responder="identity_trust_additions.ensure", target=target):
        await cloud.arm.put(target, identity_trusts.API_VERSION, body)
