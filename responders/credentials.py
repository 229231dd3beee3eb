"""Responder: secrets and keys of an application, and those on its service principal.

Stops    new tokens for whoever holds one of these secrets or private keys
Leaves   tokens already issued; federated credentials (see `federated_credentials`); single sign-on
         signing keys (usage Sign) of a service principal, which no token can be had with
Undo     none, on purpose: an exposed secret is never revived; the holder gets a new one
Needs    Graph Application.ReadWrite.All
Source   https://learn.microsoft.com/graph/api/application-removepassword
         https://learn.microsoft.com/graph/api/resources/keycredential

Keys go by PATCH of the whole list: `removeKey` wants a proof signed with a key that we don't hold.
https://learn.microsoft.com/graph/api/application-removekey
"""

import asyncio
from collections.abc import Awaitable
from typing import Literal

from structlog.contextvars import bound_contextvars

from responders.cloud import Cloud
from responders.errors import (
    ContractChangedError,
    NotFoundError,
    RefusedError,
    ResponderError,
    TransientError,
)
from responders.fan_out import worst
from responders.model import Credential, Json, Principal, StepResult
from responders.patience import rounds
from responders.read_only import is_read_only
from responders.settings import checked_guid

Holder = Literal["application", "service_principal"]

_SELECT = {"$select": "id,passwordCredentials,keyCredentials"}


async def read_all(cloud: Cloud, principal: Principal) -> list[Credential]:
    """Every secret and key of both objects, without their values."""
    holders: list[Holder] = ["service_principal"]
    if principal["application_object_id"] is not None:
        holders.insert(0, "application")
    read = await asyncio.gather(*(_read(cloud, principal, holder) for holder in holders))
    return [one for found, _ in read for one in found]


async def remove_from_application(cloud: Cloud, principal: Principal) -> StepResult:
    """Remove every secret and key of the application. Safe to repeat."""
    if principal["application_object_id"] is None:
        detail = f"application {principal['app_id']} is not in this tenant, or was deleted"
        return {"status": "nothing_to_do", "detail": detail, "items": []}
    return await _remove(cloud, principal, "application")


async def remove_from_service_principal(cloud: Cloud, principal: Principal) -> StepResult:
    """Remove every secret and key on the service principal, but signing keys. Safe to repeat."""
    return await _remove(cloud, principal, "service_principal")


async def _remove(cloud: Cloud, principal: Principal, holder: Holder) -> StepResult:
    """Read, remove, read back until nothing is left: what is added meanwhile is removed too."""
    path = _path(principal, holder)
    seen: dict[str, Credential] = {}
    errors: list[ResponderError] = []
    async for _ in rounds():
        found, raw_keys = await _read(cloud, principal, holder)
        kept = [one for one in found if _is_kept(one)]
        doomed = [one for one in found if not _is_kept(one)]
        if not doomed:
            return _result(path, list(seen.values()), kept)
        if is_read_only():
            detail = f"{path}: remove {_names(doomed)}{_kept(kept)}"
            return {"status": "planned", "detail": detail, "items": [dict(one) for one in doomed]}
        seen |= {one["key_id"]: one for one in doomed}
        errors = await _act(cloud, path, doomed, raw_keys)
        if any(isinstance(error, RefusedError) for error in errors):
            break
    if not errors:
        raise TransientError(f"{path}: {_names(list(seen.values()))} still read back after removal")
    error = worst(errors, path)
    if isinstance(error, RefusedError):
        return await _refused(cloud, principal, holder, seen, error)
    raise error


async def _refused(
    cloud: Cloud,
    principal: Principal,
    holder: Holder,
    seen: dict[str, Credential],
    error: RefusedError,
) -> StepResult:
    """Say what is still there: the other lever of this object may have worked."""
    left = {one["key_id"] for one in (await _read(cloud, principal, holder))[0]}
    gone = [dict(one) for key_id, one in seen.items() if key_id not in left]
    return {"status": "refused", "detail": str(error), "items": gone}


async def _act(
    cloud: Cloud, path: str, doomed: list[Credential], raw_keys: list[Json]
) -> list[ResponderError]:
    """One after the other: Graph answers concurrent writes to one object with conflicts."""
    errors: list[ResponderError] = []
    for one in doomed:
        if one["kind"] == "password":
            errors += await _tried(_remove_password(cloud, path, one))
    if any(one["kind"] == "key" for one in doomed):
        gone = {one["key_id"] for one in doomed}
        kept = [raw for raw in raw_keys if raw.get("keyId") not in gone]
        errors += await _tried(_keep_only(cloud, path, kept))
    return errors


async def _tried(work: Awaitable[None]) -> list[ResponderError]:
    """The error that the work ended in, so that the next lever is still pulled."""
    try:
        await work
    except ResponderError as error:
        return [error]
    return []


async def _remove_password(cloud: Cloud, path: str, one: Credential) -> None:
    with bound_contextvars(responder="credentials.remove", target=f"{path}/{one['key_id']}"):
        try:
            await cloud.graph.post(f"{path}/removePassword", {"keyId": one["key_id"]})
        except NotFoundError:
            return


async def _keep_only(cloud: Cloud, path: str, kept: list[Json]) -> None:
    with bound_contextvars(responder="credentials.remove", target=f"{path}/keyCredentials"):
        await cloud.graph.patch(path, {"keyCredentials": kept})


async def _read(
    cloud: Cloud, principal: Principal, holder: Holder
) -> tuple[list[Credential], list[Json]]:
    """The credentials of one object, and its keys as Graph has them, for the PATCH."""
    found = await cloud.graph.get(_path(principal, holder), _SELECT)
    match found:
        case {"passwordCredentials": [*passwords], "keyCredentials": [*keys]}:
            pass
        case _:
            raise ContractChangedError(
                f"{_path(principal, holder)}: no credential lists: {sorted(found)}"
            )
    return [
        *(_parse(one, "password", holder) for one in passwords),
        *(_parse(one, "key", holder) for one in keys),
    ], keys


def _path(principal: Principal, holder: Holder) -> str:
    if holder == "application":
        found = principal["application_object_id"] or ""
        return f"/applications/{checked_guid(found, 'application object id')}"
    return f"/servicePrincipals/{checked_guid(principal['object_id'], 'object id')}"


def _parse(raw: Json, kind: Literal["password", "key"], holder: Holder) -> Credential:
    key_id = raw.get("keyId")
    if not isinstance(key_id, str):
        raise ContractChangedError(f"a {kind} credential of the {holder} has no keyId")
    return {
        "key_id": key_id,
        "kind": kind,
        "display_name": raw.get("displayName"),
        "started": raw.get("startDateTime"),
        "ends": raw.get("endDateTime"),
        "usage": raw.get("usage") if kind == "key" else None,
        "holder": holder,
    }


def _is_kept(one: Credential) -> bool:
    """A key that signs SAML tokens for the users of an application can't ask for tokens itself."""
    return one["holder"] == "service_principal" and one["usage"] == "Sign"


def _result(path: str, removed: list[Credential], kept: list[Credential]) -> StepResult:
    if not removed:
        detail = f"{path} has no secret and no key{_kept(kept)}"
        return {"status": "nothing_to_do", "detail": detail, "items": []}
    detail = f"{path}: removed {_names(removed)}{_kept(kept)}"
    return {"status": "done", "detail": detail, "items": [dict(one) for one in removed]}


def _names(found: list[Credential]) -> str:
    return ", ".join(
        f"{one['kind']} {one['display_name'] or 'unnamed'} ({one['key_id']})" for one in found
    )


def _kept(kept: list[Credential]) -> str:
    return f"; kept for single sign-on: {_names(kept)}" if kept else ""
