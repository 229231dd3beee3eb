"""Responder: what Entra ID Protection thinks of a service principal.

Stops    sign-ins, where a Conditional Access policy blocks service principals at high risk
Leaves   tokens already issued; managed identities, which ID Protection does not cover
Undo     `dismiss`
Needs    NEEDS below; the licence Workload ID Premium
Source   https://learn.microsoft.com/graph/api/riskyserviceprincipal-confirmcompromised
         https://learn.microsoft.com/graph/api/riskyserviceprincipal-dismiss
         https://learn.microsoft.com/entra/id-protection/concept-workload-identity-risk

The whole tenant has one request a second here, and no 429 says how long to wait.
https://learn.microsoft.com/graph/throttling-limits
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from structlog.contextvars import bound_contextvars

from responders.cloud import Cloud
from responders.errors import NotFoundError, RefusedError, TransientError
from responders.model import MANAGED, Change, Json, Principal, StepResult
from responders.needs import GraphNeed, Needs
from responders.read_only import is_read_only
from responders.settings import checked_guid

PACE_S = 1.05
_TRIES = 8  # of one call, a pace apart: others in the tenant ask as well
_READ_BACKS = 8
_COMPROMISED = "confirmedCompromised"
_BASE = "/identityProtection/riskyServicePrincipals"
_ACTS = {_COMPROMISED: "confirmCompromised", "dismissed": "dismiss"}  # state -> what makes it so
_WORDS = {_COMPROMISED: "confirmed as compromised", "dismissed": "no longer thought compromised"}
NEEDS: Final = Needs(
    graph=(
        GraphNeed(
            "IdentityRiskyServicePrincipal.Read.All",
            "what Entra ID Protection thinks",
            ("_state", "state"),
            applications_only=True,
        ),
        GraphNeed(
            "IdentityRiskyServicePrincipal.ReadWrite.All",
            "tell Entra ID Protection",
            ("_post",),
            applications_only=True,
        ),
    ),
)


async def confirm_compromised(cloud: Cloud, principal: Principal) -> StepResult:
    """Say that it is compromised, and read the risk back. Safe to repeat.

    Without the licence there is nothing to do, and the detail begins with "skipped: not licensed".
    """
    object_id = checked_guid(principal["object_id"], "object id")
    who = f"{principal['display_name']} ({object_id})"
    if principal["kind"] in MANAGED:
        return _nothing(f"out of scope: ID Protection does not cover managed identities, {who}")
    if principal["kind"] == "application_without_principal":
        return _nothing(f"there is no service principal of {who} yet")
    try:
        return await _confirm(cloud, object_id, who)
    except RefusedError as error:
        if not _is_unlicensed(error):
            raise
        return _nothing(f"skipped: not licensed: {error}")


async def state(cloud: Cloud, principal: Principal) -> str:
    """The risk state, "none" where ID Protection never saw a risk in it or does not cover its kind."""
    if principal["kind"] in MANAGED or principal["kind"] == "application_without_principal":
        return "none"
    return await _state(cloud, checked_guid(principal["object_id"], "object id"))


async def dismiss(cloud: Cloud, principal: Principal) -> StepResult:
    """Take back that it is compromised, and read the risk back. Safe to repeat."""
    object_id = checked_guid(principal["object_id"], "object id")
    who = f"{principal['display_name']} ({object_id})"
    before = await _state(cloud, object_id)
    if before != _COMPROMISED:
        return _nothing(f"{who} is not confirmed as compromised: risk {before}")
    return await _turned(cloud, who, object_id, before, "dismissed")


def by_hand(principal: Principal) -> list[str]:
    """What a person would run."""
    object_id = checked_guid(principal["object_id"], "object id")
    url = f"https://graph.microsoft.com/v1.0{_BASE}/confirmCompromised"
    body = f'{{"servicePrincipalIds": ["{object_id}"]}}'
    return [f"az rest --method POST --url {url} --body '{body}'"]


async def _confirm(cloud: Cloud, object_id: str, who: str) -> StepResult:
    before = await _state(cloud, object_id)
    if before == _COMPROMISED:
        return _nothing(f"{who} is confirmed as compromised already")
    return await _turned(cloud, who, object_id, before, _COMPROMISED)


async def _turned(cloud: Cloud, who: str, object_id: str, before: str, after: str) -> StepResult:
    """Say it, and wait until it reads back."""
    change: Change = {"object": f"risk of {who}", "before": before, "after": after}
    if is_read_only():
        detail = f"{who}: risk {before} -> {after}"
        return {"status": "planned", "detail": detail, "changes": [change]}
    await asyncio.sleep(PACE_S)
    act = _ACTS[after]
    with bound_contextvars(responder=f"risk.{act}", target=object_id):
        await _paced(lambda: _post(cloud, act, object_id))
    for _ in range(_READ_BACKS):
        await asyncio.sleep(PACE_S)
        if await _state(cloud, object_id) == after:
            detail = f"{who} is {_WORDS[after]}"
            return {"status": "done", "detail": detail, "changes": [change]}
    raise TransientError(f"risk of {who}: {after} does not read back yet")


async def _state(cloud: Cloud, object_id: str) -> str:
    """The risk state; "none" where ID Protection never saw a risk in it."""
    path = f"{_BASE}/{object_id}"
    try:
        found = await _paced(lambda: cloud.graph.get(path, {"$select": "id,riskState"}))
    except NotFoundError:
        return "none"
    return str(found.get("riskState"))


async def _post(cloud: Cloud, act: str, object_id: str) -> Json:
    return await cloud.graph.post(f"{_BASE}/{act}", {"servicePrincipalIds": [object_id]})


async def _paced(call: Callable[[], Awaitable[Json]]) -> Json:
    """Ask again a second later while the tenant is over its limit, but not for ever."""
    for _ in range(_TRIES - 1):
        try:
            return await call()
        except TransientError:
            await asyncio.sleep(PACE_S)
    return await call()


def _is_unlicensed(error: RefusedError) -> bool:
    """Only the words tell a missing licence from a missing permission: both are 403."""
    return "licens" in str(error).lower()


def _nothing(detail: str) -> StepResult:
    return {"status": "nothing_to_do", "detail": detail}
