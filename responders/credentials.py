"""Responder: secrets and keys of an application, and those on its service principal.

Stops    new tokens for whoever holds one of these secrets or private keys
Leaves   tokens already issued; federated credentials (see `federated_credentials`); the certificate that single
         sign-on of a service principal signs with, and its password (see `signing_keys`): named, not taken
Undo     none, on purpose: an exposed secret is never revived; the holder gets a new one
Needs    NEEDS, below
Source   https://learn.microsoft.com/graph/api/application-removepassword
         https://learn.microsoft.com/graph/api/resources/keycredential

Keys go by PATCH of the whole list: `removeKey` wants a proof signed with a key that we don't hold.
https://learn.microsoft.com/graph/api/application-removekey
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from structlog.contextvars import bound_contextvars

from responders import patience, removals, signing_keys
from responders.cloud import Cloud
from responders.errors import (
    ConflictError,
    ContractChangedError,
    NotFoundError,
    TransientError,
)
from responders.model import Credential, Json, Principal, StepResult
from responders.needs import GraphNeed, Needs
from responders.settings import checked_guid

Holder = Literal["application", "service_principal"]
Kind = Literal["password", "key"]

_SELECT: dict[Holder, str] = {
    "application": "id,passwordCredentials,keyCredentials",
    "service_principal": "id,passwordCredentials,keyCredentials,preferredSingleSignOnMode,"
    "preferredTokenSigningKeyThumbprint",
}
NEEDS: Final = Needs(
    graph=(
        GraphNeed("Application.Read.All", "ids of secrets and keys", ("_read",)),
        GraphNeed(
            "Application.ReadWrite.All",
            "remove secrets and keys",
            ("_KeySweep", "_remove_password"),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class _Held:
    """The credentials of one object, those that stay with the reason, and its keys as Graph has them."""

    found: list[Credential]
    kept: dict[signing_keys.Named, str]
    raw_keys: list[Json]  # for the PATCH; they never leave this module

    @property
    def doomed(self) -> list[Credential]:
        return [one for one in self.found if _named(one) not in self.kept]


async def read_all(cloud: Cloud, principal: Principal) -> list[Credential]:
    """Every secret and key of both objects, without their values."""
    return [one for held in await _read_both(cloud, principal) for one in held.found]


async def read_dangerous(cloud: Cloud, principal: Principal) -> list[Credential]:
    """Those that the levers take away: a token can be had with each of them."""
    return [one for held in await _read_both(cloud, principal) for one in held.doomed]


def facts_of(raw: Json, holder: Holder) -> list[Credential]:
    """The secrets and keys of an application or a service principal as Graph shows it, without their values."""
    match raw:
        case {"passwordCredentials": [*passwords], "keyCredentials": [*keys]}:
            return [
                *(_parse(one, "password", holder) for one in passwords),
                *(_parse(one, "key", holder) for one in keys),
            ]
        case _:
            raise ContractChangedError(f"{holder} without credential lists: {sorted(raw)}")


async def remove_from_application(cloud: Cloud, principal: Principal) -> StepResult:
    """Remove every secret and key of the application. Safe to repeat."""
    if principal["application_object_id"] is None:
        detail = f"application {principal['app_id']} is not in this tenant, or was deleted"
        return {"status": "nothing_to_do", "detail": detail, "items": []}
    return await _remove(cloud, principal, "application")


async def remove_from_service_principal(cloud: Cloud, principal: Principal) -> StepResult:
    """Remove every secret and key on the service principal, but what single sign-on signs with.

    Safe to repeat.
    """
    if principal["kind"] == "application_without_principal":
        detail = f"application {principal['app_id']} has no service principal"
        return {"status": "nothing_to_do", "detail": detail, "items": []}
    return await _remove(cloud, principal, "service_principal")


async def remove_named(
    cloud: Cloud, principal: Principal, doomed: Sequence[Credential]
) -> list[StepResult]:
    """Remove exactly these of both objects. What single sign-on signs with stays, whoever named it. Safe to repeat."""
    only = frozenset(_named(one) for one in doomed)
    holders: set[Holder] = {one["holder"] for one in doomed}
    return [await _remove(cloud, principal, one, only) for one in sorted(holders)]


def by_hand(principal: Principal) -> list[str]:
    """What a person would run; the second delete is for certificates."""
    found = []
    for holder in _holders(principal):
        base = f"az ad {'app' if holder == 'application' else 'sp'} credential"
        object_id = _path(principal, holder).rpartition("/")[2]
        found += [f"{base} list --id {object_id}", f"{base} list --id {object_id} --cert"]
        found += [f"{base} delete --id {object_id} --key-id <keyId>"]
        found += [f"{base} delete --id {object_id} --key-id <keyId> --cert"]
    return found


async def _remove(
    cloud: Cloud,
    principal: Principal,
    holder: Holder,
    only: frozenset[signing_keys.Named] | None = None,
) -> StepResult:
    """Read, remove, read back until nothing is left: what is added meanwhile is removed too."""
    path = _path(principal, holder)
    latest = _Held([], {}, [])
    sweep, sent = _KeySweep(cloud, path), set[str]()

    async def read() -> list[Json]:
        nonlocal latest
        latest = await _read(cloud, principal, holder)
        if only is not None:
            latest = replace(latest, found=[one for one in latest.found if _named(one) in only])
        return [dict(one) for one in latest.doomed]

    async def remove(one: Json) -> None:
        if one["kind"] == "key":
            await sweep.remove_from(latest)
        elif one["key_id"] not in sent:  # a replica that shows it still does not bring it back
            await _remove_password(cloud, path, one["key_id"])
            sent.add(one["key_id"])

    result = await removals.remove_all(
        removals.Removal(
            what=path,
            read=read,
            remove=remove,
            name=_name,
            before="valid",
            key=lambda one: f"{one['kind']}/{one['key_id']}",
        )
    )
    return _with_kept(result, latest)


class _KeySweep:
    """All doomed keys of one reading go with one PATCH: who asks first sends it, all share how it ended."""

    def __init__(self, cloud: Cloud, path: str) -> None:
        self._cloud, self._path = cloud, path
        self._sent: tuple[_Held, asyncio.Task[None]] | None = None

    async def remove_from(self, held: _Held) -> None:
        if self._sent is None or self._sent[0] is not held:
            self._sent = (held, asyncio.create_task(self._patch(held)))
        task = self._sent[1]
        try:
            await task
        except ConflictError:
            if self._sent is not None and self._sent[1] is task:
                self._sent = None  # the first who asks again sends it again
            raise

    async def _patch(self, held: _Held) -> None:
        gone = {one["key_id"] for one in held.doomed if one["kind"] == "key"}
        left = [raw for raw in held.raw_keys if raw["keyId"] not in gone]
        with bound_contextvars(
            responder="credentials.remove", target=f"{self._path}/keyCredentials"
        ):
            await self._cloud.graph.patch(self._path, {"keyCredentials": left})


async def _remove_password(cloud: Cloud, path: str, key_id: str) -> None:
    """A 400 may mean that it is gone, and was read from a replica that had not heard: the next reading tells."""
    checked = checked_guid(key_id, "keyId")
    with bound_contextvars(responder="credentials.remove", target=f"{path}/{checked}"):
        try:
            await cloud.graph.post(f"{path}/removePassword", {"keyId": checked})
        except ContractChangedError as error:
            raise TransientError(str(error)) from error


def _with_kept(result: StepResult, held: _Held) -> StepResult:
    """Those that stay, in words and among the items: who holds one should know that it is still good."""
    stay = [one for one in held.found if _named(one) in held.kept]
    if not stay:
        return result
    names = ", ".join(_name(dict(one)) for one in stay)
    items: list[Json] = [{**one, "kept": held.kept[_named(one)]} for one in stay]
    detail = f"{result.get('detail', '')}; kept for single sign-on: {names}"
    return {**result, "detail": detail, "items": [*result.get("items", []), *items]}


async def _read_both(cloud: Cloud, principal: Principal) -> list[_Held]:
    return await asyncio.gather(
        *(_read_if_there(cloud, principal, holder) for holder in _holders(principal))
    )


async def _read_if_there(cloud: Cloud, principal: Principal, holder: Holder) -> _Held:
    """Nothing of an object that was deleted meanwhile: the other one's credentials still count."""
    try:
        return await patience.looked_twice(lambda: _read(cloud, principal, holder))
    except NotFoundError:
        return _Held([], {}, [])


def _holders(principal: Principal) -> list[Holder]:
    holders: list[Holder] = []
    if principal["application_object_id"] is not None:
        holders.append("application")
    if principal["kind"] != "application_without_principal":
        holders.append("service_principal")
    return holders


async def _read(cloud: Cloud, principal: Principal, holder: Holder) -> _Held:
    """The credentials of one object as they are now."""
    raw = await cloud.graph.get(_path(principal, holder), {"$select": _SELECT[holder]})
    found = facts_of(raw, holder)
    kept = signing_keys.kept(raw) if holder == "service_principal" else {}
    return _Held(found, kept, raw["keyCredentials"])


def _path(principal: Principal, holder: Holder) -> str:
    if holder == "application":
        found = principal["application_object_id"] or ""
        return f"/applications/{checked_guid(found, 'application object id')}"
    return f"/servicePrincipals/{checked_guid(principal['object_id'], 'object id')}"


def _parse(raw: Json, kind: Kind, holder: Holder) -> Credential:
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


def _named(one: Credential) -> signing_keys.Named:
    return one["kind"], one["key_id"]


def _name(one: Json) -> str:
    return f"{one['kind']} {one['display_name'] or 'unnamed'} ({one['key_id']})"
