"""Responder: federated credentials of a user-assigned managed identity, in Resource Manager.

Stops    new tokens for every workload, pipeline and attacker that federates into the identity
Leaves   tokens already issued, for up to 24 hours; Azure resources that it is attached to, which ask
         for tokens without any trust; trust that the token endpoint still caches, for a few minutes
Undo     `identity_trust_additions.ensure`, with what `read_all` returned, minus what nobody vouches for
Needs    NEEDS, below
Source   https://learn.microsoft.com/rest/api/managedidentity/federated-identity-credentials
         https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations

Writes to one identity go one after the other: Azure answers a second one at the same time with 409.
"""

import asyncio
from collections.abc import Iterable
from typing import Final

from structlog.contextvars import bound_contextvars

from responders.cloud import Cloud
from responders.errors import (
    ConflictError,
    ContractChangedError,
    NotFoundError,
    RefusedError,
    ResponderError,
    TransientError,
)
from responders.fan_out import worst
from responders.model import Change, FederatedCredential, Json, Principal, StepResult
from responders.needs import TRUSTS, AzureNeed, Needs
from responders.patience import looked_twice, rounds
from responders.read_only import is_read_only
from responders.resource_graph import checked_resource_id

API_VERSION = "2024-11-30"
PREVIEW = "2025-05-31-preview"  # knows flexible ones, which match by an expression, not a subject
NEEDS: Final = Needs(
    azure=(
        AzureNeed(f"{TRUSTS}/read", "whom a managed identity trusts"),
        AzureNeed(f"{TRUSTS}/delete", "remove trusts of a managed identity", ("_delete",)),
    ),
)


async def read_all(cloud: Cloud, resource_id: str) -> list[FederatedCredential]:
    """Every one, flexible ones included. Raises `NotFoundError` where the identity is gone."""
    return (await _read(cloud, resource_id))[0]


async def read_left(cloud: Cloud, resource_id: str) -> tuple[list[FederatedCredential], str | None]:
    """Those that are there, and why there may be flexible ones that nobody lists."""
    return await _read(cloud, resource_id)


async def remove_all(cloud: Cloud, principal: Principal) -> StepResult:
    """Delete every one, one after the other, and read back until none is left. Safe to repeat.

    One that is planted meanwhile is deleted too; one that is refused does not keep the others.
    """
    identity = principal["resource_id"]
    if principal["kind"] != "user_assigned_identity" or identity is None:
        return {"status": "nothing_to_do", "detail": "only a user-assigned identity has trusts"}
    removed: dict[str, FederatedCredential] = {}
    refused: dict[str, ResponderError] = {}
    gap: str | None = None
    async for _ in rounds():
        try:
            found, gap = await looked_twice(lambda: _read(cloud, identity))
        except NotFoundError:
            return {"status": "nothing_to_do", "detail": f"{identity} does not exist (any more)"}
        left = [one for one in found if one["name"] not in refused]
        if not left:
            return _result(identity, removed, refused, gap)
        if is_read_only():
            return _planned(identity, found, gap)
        await _delete_each(cloud, identity, left, removed, refused)
    raise TransientError(
        f"federated credentials of {identity}: some are still listed, {len(removed)} were deleted; "
        f"another writer may be at work, or deletes are throttled (one in four seconds)"
    )


def by_hand(principal: Principal) -> list[str]:
    """The commands that do the same."""
    identity = principal["resource_id"] or "<resource id>"
    at = f"https://management.azure.com{identity}/federatedIdentityCredentials"
    return [
        f"az rest --method get --url '{at}?api-version={API_VERSION}' --query 'value[].name'",
        f"az rest --method delete --url '{at}/<name>?api-version={API_VERSION}'  # one by one",
    ]


async def _read(cloud: Cloud, resource_id: str) -> tuple[list[FederatedCredential], str | None]:
    """What both versions list, by name, and why the preview could not be asked.

    The stable version requires a subject, so whether it lists flexible ones at all isn't documented.
    """
    collection = _collection(resource_id)
    stable, preview = await asyncio.gather(
        cloud.arm.list(collection, API_VERSION), _preview(cloud, collection)
    )
    found = {one["name"]: one for one in map(_parse, stable)}
    if isinstance(preview, ResponderError):
        return list(found.values()), f"flexible ones could not be asked for: {preview}"
    return list((found | {one["name"]: one for one in map(_parse, preview)}).values()), None


async def _preview(cloud: Cloud, collection: str) -> list[Json] | ResponderError:
    """A preview may end any day, so its error is a remark; the stable version must answer."""
    try:
        return await cloud.arm.list(collection, PREVIEW)
    except ResponderError as error:
        return error


async def _delete_each(
    cloud: Cloud,
    identity: str,
    found: list[FederatedCredential],
    removed: dict[str, FederatedCredential],
    refused: dict[str, ResponderError],
) -> None:
    """Until another writer is met. Raises what time can fix: the next run goes on from there."""
    for one in found:
        try:
            await _delete(cloud, identity, one)
        except ConflictError:
            return  # read again what they left
        except (RefusedError, ContractChangedError) as error:
            refused[one["name"]] = error
            continue
        removed[one["name"]] = one


async def _delete(cloud: Cloud, identity: str, one: FederatedCredential) -> None:
    target = f"{_collection(identity)}/{one['name']}"
    with bound_contextvars(responder="identity_trusts.remove_all", target=target):
        try:
            await cloud.arm.delete(target, API_VERSION)
        except NotFoundError:
            return  # somebody was faster


def _result(
    identity: str,
    removed: dict[str, FederatedCredential],
    refused: dict[str, ResponderError],
    gap: str | None,
) -> StepResult:
    items: list[Json] = [dict(one) for one in removed.values()]
    remark = f"; {gap}" if gap else ""
    changes = [_change(identity, one) for one in removed.values()]
    if refused:
        error = worst(list(refused.values()), f"federated credentials of {identity}")
        if not isinstance(error, RefusedError):
            raise error
        gone = f"; deleted {_names(removed.values())}" if removed else ""
        return {
            "status": "refused",
            "detail": f"{error}{gone}{remark}",
            "items": items,
            "changes": changes,
        }
    if not removed:
        detail = f"{identity} has no federated credentials{remark}"
        return {"status": "nothing_to_do", "detail": detail, "items": []}
    detail = f"deleted {_names(removed.values())}{remark}"
    return {"status": "done", "detail": detail, "items": items, "changes": changes}


def _planned(identity: str, found: list[FederatedCredential], gap: str | None) -> StepResult:
    remark = f"; {gap}" if gap else ""
    return {
        "status": "planned",
        "detail": f"delete {_names(found)}{remark}",
        "items": [dict(one) for one in found],
        "changes": [_change(identity, one) for one in found],
    }


def _change(identity: str, one: FederatedCredential) -> Change:
    return {
        "object": f"federated credential {one['name']} of {identity}",
        "before": f"trusts {_trust(one)}",
        "after": "deleted",
    }


def _collection(resource_id: str) -> str:
    return f"{checked_resource_id(resource_id)}/federatedIdentityCredentials"


def _parse(item: Json) -> FederatedCredential:
    match item:
        case {
            "id": str(credential_id),
            "name": str(name),
            "properties": {"issuer": str(issuer), "audiences": [*audiences]} as properties,
        }:
            found: FederatedCredential = {
                "id": credential_id,
                "name": name,
                "issuer": issuer,
                "subject": properties.get("subject"),  # None: a flexible one
                "audiences": [str(audience) for audience in audiences],
            }
            if (expression := properties.get("claimsMatchingExpression")) is not None:
                found["claims_matching_expression"] = expression
            return found
        case _:
            raise ContractChangedError(f"not a federated credential: {sorted(item)}")


def _names(found: Iterable[FederatedCredential]) -> str:
    return ", ".join(f"{one['name']} ({_trust(one)})" for one in found)


def _trust(one: FederatedCredential) -> str:
    flexible = one.get("claims_matching_expression") or "an expression that is not shown"
    return f"{one['issuer']} {one['subject'] or flexible}"
