"""Responder: federated credentials of an identity of either kind, one by one: read, made sure of, taken away.

Stops    new tokens by the trusts that are removed
Leaves   all others; tokens already issued; trust that the token endpoint still caches, for a few minutes
Undo     `ensure` with what was removed, `remove` with what was created
Needs    NEEDS, below
Source   https://learn.microsoft.com/graph/api/resources/federatedidentitycredential
         https://learn.microsoft.com/rest/api/managedidentity/federated-identity-credentials

It goes by the responders of the two kinds, which is why it may import them.
"""

from collections.abc import Sequence
from typing import Final

from structlog.contextvars import bound_contextvars

from responders import federated_credentials, identity_trust_additions, identity_trusts
from responders.cloud import Cloud
from responders.errors import ConflictError, NotFoundError, RefusedError, TransientError
from responders.model import FederatedCredential, NewIdentity, Principal, StepResult
from responders.needs import TRUSTS, AzureNeed, GraphNeed, Needs
from responders.patience import rounds
from responders.settings import checked_guid

NEEDS: Final = Needs(
    graph=(
        GraphNeed(
            "Application.ReadWrite.All",
            "remove exactly these trusts of an application",
            ("_delete",),
        ),
    ),
    azure=(
        AzureNeed(
            f"{TRUSTS}/delete", "remove exactly these trusts of a managed identity", ("_delete",)
        ),
    ),
)


def holder_of(principal: Principal) -> NewIdentity:
    """The identity of a principal that trusts can be given to. Raises `RefusedError` for any other kind."""
    kind = principal["kind"]
    if kind not in ("application", "user_assigned_identity"):
        raise RefusedError(f"{principal['display_name']} is a {kind}: nothing federates into it")
    return {
        "kind": "application" if kind == "application" else "user_assigned_identity",
        "app_id": principal["app_id"],
        "object_id": principal["object_id"],
        "application_object_id": principal["application_object_id"],
        "resource_id": principal["resource_id"],
        "display_name": principal["display_name"],
    }


async def read(cloud: Cloud, holder: NewIdentity) -> list[FederatedCredential]:
    """Every one, flexible ones included."""
    if holder["kind"] == "application":
        return await federated_credentials.read_all(cloud, _application(holder))
    return await identity_trusts.read_all(cloud, holder["resource_id"] or "")


async def ensure(
    cloud: Cloud, holder: NewIdentity, wanted: list[FederatedCredential]
) -> StepResult:
    """Create those that are missing. Raises `RefusedError` where a name is taken by another trust, or above 20."""
    if holder["kind"] == "application":
        return await federated_credentials.ensure(cloud, _application(holder), wanted)
    return await identity_trust_additions.ensure(cloud, holder["resource_id"] or "", wanted)


async def remove(
    cloud: Cloud, holder: NewIdentity, doomed: Sequence[FederatedCredential]
) -> list[FederatedCredential]:
    """Delete exactly these, by name, issuer and subject, one after the other, until none is listed. Safe to repeat.

    One that has another issuer or subject by now stays: it is not the one that was looked at. Those that were deleted.
    """
    removed: dict[str, FederatedCredential] = {}
    async for _ in rounds():
        try:
            found = await read(cloud, holder)
        except NotFoundError:
            return list(removed.values())
        left = [one for one in found if any(_is_same(one, other) for other in doomed)]
        if not left:
            return list(removed.values())
        for one in left:
            try:
                await _delete(cloud, holder, one)
            except ConflictError:
                break  # another write to this identity is under way: read again
            removed[one["name"]] = one
    names = ", ".join(one["name"] for one in doomed)
    raise TransientError(f"{holder['display_name']}: still listed, though deleted: {names}")


async def _delete(cloud: Cloud, holder: NewIdentity, one: FederatedCredential) -> None:
    target = f"{holder['app_id']}/{one['name']}"
    with bound_contextvars(responder="trusts.remove", target=target):
        try:
            if holder["kind"] == "application":
                key = checked_guid(one["id"], "credential id")
                at = f"/applications/{_application(holder)}/federatedIdentityCredentials/{key}"
                await cloud.graph.delete(at)
            else:
                at = f"{holder['resource_id']}/federatedIdentityCredentials/{one['name']}"
                await cloud.arm.delete(at, identity_trusts.API_VERSION)
        except NotFoundError:
            return  # somebody was faster


def _application(holder: NewIdentity) -> str:
    return checked_guid(holder["application_object_id"] or "", "application object id")


def _is_same(one: FederatedCredential, other: FederatedCredential) -> bool:
    """Case matters to Entra in all of it, so it does here. Two flexible ones are told apart by their names."""
    return all(one[part] == other[part] for part in ("name", "issuer", "subject"))
