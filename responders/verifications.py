"""Responder: whether containment holds, read back lever by lever and asked of the token endpoint.

Stops    nothing
Leaves   everything as it is; the token asked for is refused, or dropped where it arrived
Undo     none needed
Needs    NEEDS, below
Source   https://learn.microsoft.com/entra/identity-platform/reference-error-codes

It reads through the responders of the single nouns, which is why it may import them.
"""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any, Final, Literal, NotRequired, TypedDict

from responders import (
    applications,
    credentials,
    federated_credentials,
    identity_trusts,
    key_vault_policies,
    made_principals,
    open_paths,
    role_assignments,
    service_principals,
    token_proofs,
)
from responders.cloud import Cloud
from responders.errors import NotFoundError, ResponderError
from responders.model import MANAGED, Json, Principal, Status
from responders.needs import GraphNeed, Needs
from responders.snapshots import Snapshot

Answer = tuple[bool | None, str]  # holds, or None where it could not be asked; and what was found
NEEDS: Final = Needs(
    graph=(GraphNeed("Application.Read.All", "whether it was made anew", ("_replaced",)),),
)


class Check(TypedDict):
    """One fact of containment."""

    check: str
    holds: bool | None  # None: could not be asked, and `found` says why
    found: str
    weight: Literal["must", "open"]  # "open": named as what remains, containment stands without it
    left: list[str]  # of an "open" one: the ids of what remains
    lags: NotRequired[bool]  # not proven yet, and asked again soon it may be


_REFUSES = "the token endpoint refuses"
_SWITCHED_OFF = "switched off by policy.toml [verification] token_exchange"


class Proof(TypedDict):
    """How containment stands."""

    status: Status
    detail: str
    items: list[Json]
    remaining: NotRequired[list[str]]  # what a person has to look at although containment holds
    open: NotRequired[list[str]]  # the same, one id a line: what is new in it was given since
    # What could not be asked, and why; every lever reads back all the same.
    unasked: NotRequired[list[str]]
    token_refused: NotRequired[bool]  # the token endpoint itself was asked, and said no
    lags: NotRequired[
        bool
    ]  # containment holds, and asked again soon the token endpoint may prove more


async def containment(
    cloud: Cloud, principal: Principal, snapshot: Snapshot, *, ask_token_endpoint: bool
) -> Proof:
    """Done when every lever reads back as pulled and the token endpoint refuses; failed until then.

    Reads that fail count as "does not hold": what can't be read is not proven.
    """
    stands = await made_principals.standing(cloud, principal)
    asked = (
        _refused(token_proofs.refused(cloud, principal, snapshot))
        if ask_token_endpoint
        else _check(_REFUSES, "must", _skipped(_SWITCHED_OFF))
    )
    checks = await asyncio.gather(
        *(_check(name, "must", question) for name, question in _musts(cloud, stands)),
        asked,
        *(
            _open(name, words, question)
            for name, words, question in open_paths.questions(cloud, stands)
        ),
    )
    broken = [_said(one) for one in checks if one["holds"] is False and one["weight"] == "must"]
    remaining = [_said(one) for one in checks if one["holds"] is False and one["weight"] == "open"]
    unasked = [_said(one) for one in checks if one["holds"] is None]
    return {
        "status": "failed" if broken else "done",
        "detail": "; ".join([*broken, *remaining, *unasked])
        or "every lever reads back, no token to be had",
        "items": [dict(one) for one in checks],
        "remaining": remaining,
        "open": sorted(f"{one['check']}: {left}" for one in checks for left in one["left"]),
        "unasked": unasked,
        "token_refused": any(one["check"] == _REFUSES and one["holds"] for one in checks),
        "lags": any(one.get("lags") for one in checks),
    }


def _said(one: Check) -> str:
    return f"{one['check']}: {'not asked: ' if one['holds'] is None else ''}{one['found']}"


def _musts(cloud: Cloud, principal: Principal) -> list[tuple[str, Awaitable[Answer]]]:
    """Without one of these the identity still gets tokens, or its tokens still open something."""
    found: list[tuple[str, Awaitable[Answer]]] = []
    if principal["kind"] not in MANAGED:
        found.append(("service principal is disabled", _disabled(cloud, principal)))
        found.append(("no secret or key is left", _no_credentials(cloud, principal)))
    if principal["application_object_id"] is not None:
        application_id = principal["application_object_id"]
        found.append(("application is deactivated", _deactivated(cloud, application_id)))
        trusts = federated_credentials.read_all(cloud, application_id)
        found.append(("no federated credential is left", _none(trusts, "name")))
    if principal["kind"] == "user_assigned_identity":
        untrusted = _untrusted(cloud, principal["resource_id"] or "")
        found.append(("no federated credential is left", untrusted))
    if principal["kind"] != "application_without_principal":
        object_id = principal["object_id"]
        direct = role_assignments.read_all(cloud, object_id)
        found += [
            ("no role assignment is left", _none(direct, "id")),
            (
                "no group carries a role to it",
                _none(role_assignments.group_grants(cloud, object_id), "id"),
            ),
            (
                "no Key Vault access policy names it",
                _none(key_vault_policies.read_all(cloud, principal), "vault_id"),
            ),
        ]
    return found


async def _open(name: str, words: str, question: Awaitable[list[str]]) -> Check:
    left: list[str] = []

    async def answer() -> Answer:
        with suppress(NotFoundError):  # what is deleted has none; `open_paths` says that it is
            left.extend(await question)
        return not left, f"{len(left)} {words}: {', '.join(left)}"

    return {**await _check(name, "open", answer()), "left": left}


async def _refused(question: Awaitable[token_proofs.Refusal]) -> Check:
    lags = False

    async def answer() -> Answer:
        nonlocal lags
        holds, found, lags = await question
        return holds, found

    check = await _check(_REFUSES, "must", answer())
    return {**check, "lags": lags}


async def _check(name: str, weight: Literal["must", "open"], question: Awaitable[Answer]) -> Check:
    try:
        holds, found = await question
    except ResponderError as error:
        holds, found = False, f"could not be read: {error}"
    return {"check": name, "holds": holds, "found": found, "weight": weight, "left": []}


async def _skipped(reason: str) -> Answer:
    return None, reason


async def _none(reading: Awaitable[list[Json]] | Awaitable[list[Any]], key: str) -> Answer:
    try:
        left = await reading
    except NotFoundError as gone:  # what is deleted has none; `open_paths` says that it is
        return True, f"not there any more: {gone}"
    return not left, f"{len(left)} left: {', '.join(str(one.get(key)) for one in left)}"


async def _untrusted(cloud: Cloud, resource_id: str) -> Answer:
    """None is left that anybody lists; where flexible ones can't be asked for, that is said, not passed over."""
    try:
        left, gap = await identity_trusts.read_left(cloud, resource_id)
    except NotFoundError as gone:
        return True, f"not there any more: {gone}"
    if left or gap is None:
        return not left, f"{len(left)} left: {', '.join(one['name'] for one in left)}"
    return None, gap


async def _disabled(cloud: Cloud, principal: Principal) -> Answer:
    """By its id; where that is gone, by client id: somebody may have made another one."""
    try:
        enabled = await service_principals.is_enabled(cloud, principal["object_id"])
    except NotFoundError:
        return await _replaced(cloud, principal)
    return not enabled, f"accountEnabled is {str(enabled).lower()}"


async def _replaced(cloud: Cloud, principal: Principal) -> Answer:
    """Another service principal of the same client id has to be disabled, and to have nothing."""
    by_client = f"/servicePrincipals(appId='{principal['app_id']}')"
    try:
        found = await cloud.graph.get(by_client, {"$select": "id,accountEnabled"})
    except NotFoundError:
        if await service_principals.is_without_application(cloud, principal):
            return True, "neither it nor its application exists any more"
        return False, "there is none: whoever creates one can sign in"
    if found.get("accountEnabled") is not False:
        return False, f"another one, {found.get('id')}, has its client id, and is enabled"
    other: Principal = {**principal, "object_id": str(found.get("id")).lower()}
    keys, grants = await asyncio.gather(
        credentials.read_dangerous(cloud, other),
        role_assignments.read_all(cloud, other["object_id"]),
    )
    if keys or grants:
        return False, (
            f"another one, {other['object_id']}, has its client id, {len(keys)} credentials and "
            f"{len(grants)} role assignments: open an incident about it"
        )
    return True, f"another one, {other['object_id']}, has its client id: disabled, without roles"


async def _deactivated(cloud: Cloud, application_id: str) -> Answer:
    try:
        disabled = await applications.is_deactivated(cloud, application_id)
    except NotFoundError:
        return True, "the application does not exist any more"
    return disabled, f"isDisabled is {str(disabled).lower()}"


async def _no_credentials(cloud: Cloud, principal: Principal) -> Answer:
    left = await credentials.read_dangerous(cloud, principal)
    return not left, f"{len(left)} left: {', '.join(one['key_id'] for one in left)}"
