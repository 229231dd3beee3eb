"""Responder: whether containment holds, read back lever by lever and asked of the token endpoint.

Stops    nothing
Leaves   everything as it is; the token asked for is refused, or dropped where it arrived
Undo     none needed
Needs    Application.Read.All; roleAssignments/read; create serviceaccounts/token in one cluster
Source   https://learn.microsoft.com/entra/identity-platform/reference-error-codes

It reads through the responders of the single nouns, which is why it may import them.
"""

import asyncio
from collections.abc import Awaitable
from typing import TypedDict

from responders import (
    applications,
    clusters,
    credentials,
    federated_credentials,
    role_assignments,
    service_principals,
    token_exchange,
)
from responders.cloud import Cloud
from responders.errors import ResponderError
from responders.model import FederatedCredential, Principal, StepResult

# Disabled application or service principal; no federated credential at all, or none that matches
# (70021 and its newer kinds for issuer and subject); application not in the tenant.
REFUSALS = frozenset({7000112, 70025, 70021, 700211, 700213, 700016})
_SUBJECT_PARTS = 4  # system:serviceaccount:<namespace>:<name>


class Check(TypedDict):
    """One fact of containment."""

    check: str
    holds: bool | None  # None: could not be asked, and `found` says why
    found: str


async def containment(
    cloud: Cloud,
    principal: Principal,
    former_trusts: list[FederatedCredential],
    *,
    ask_token_endpoint: bool,
) -> StepResult:
    """Done when every lever reads back as pulled and the token endpoint refuses; failed until then.

    Reads that fail count as "does not hold": what can't be read is not proven.
    """
    checks = await asyncio.gather(
        _check("service principal is disabled", _disabled(cloud, principal)),
        _check("application is deactivated", _deactivated(cloud, principal)),
        _check("no federated credential is left", _no_trusts(cloud, principal)),
        _check("no secret or key is left", _no_credentials(cloud, principal)),
        _check("no role assignment is left", _no_grants(cloud, principal)),
        _check("the token endpoint refuses", _refused(cloud, principal, former_trusts))
        if ask_token_endpoint
        else _skipped("the token endpoint refuses", "policy.toml [verification] token_exchange"),
    )
    broken = [f"{one['check']}: {one['found']}" for one in checks if one["holds"] is False]
    unasked = [
        f"{one['check']}: not asked, {one['found']}" for one in checks if one["holds"] is None
    ]
    return {
        "status": "failed" if broken else "done",
        "detail": "; ".join([*broken, *unasked]) or "every lever reads back, no token to be had",
        "items": [dict(one) for one in checks],
    }


async def _check(name: str, question: Awaitable[tuple[bool | None, str]]) -> Check:
    try:
        holds, found = await question
    except ResponderError as error:
        return {"check": name, "holds": False, "found": f"could not be read: {error}"}
    return {"check": name, "holds": holds, "found": found}


async def _skipped(name: str, reason: str) -> Check:
    return {"check": name, "holds": None, "found": f"switched off by {reason}"}


async def _disabled(cloud: Cloud, principal: Principal) -> tuple[bool, str]:
    enabled = await service_principals.is_enabled(cloud, principal["object_id"])
    return not enabled, f"accountEnabled is {str(enabled).lower()}"


async def _deactivated(cloud: Cloud, principal: Principal) -> tuple[bool, str]:
    if principal["application_object_id"] is None:
        return True, "the application is in another tenant"
    disabled = await applications.is_deactivated(cloud, principal["application_object_id"])
    return disabled, f"isDisabled is {str(disabled).lower()}"


async def _no_trusts(cloud: Cloud, principal: Principal) -> tuple[bool, str]:
    if principal["application_object_id"] is None:
        return True, "the application is in another tenant"
    left = await federated_credentials.read_all(cloud, principal["application_object_id"])
    return not left, f"{len(left)} left: {', '.join(one['name'] for one in left)}"


async def _no_credentials(cloud: Cloud, principal: Principal) -> tuple[bool, str]:
    left = [one for one in await credentials.read_all(cloud, principal) if one["usage"] != "Sign"]
    return not left, f"{len(left)} left: {', '.join(one['key_id'] for one in left)}"


async def _no_grants(cloud: Cloud, principal: Principal) -> tuple[bool, str]:
    left = await role_assignments.read_all(cloud, principal["object_id"])
    return not left, f"{len(left)} left: {', '.join(one['id'] for one in left)}"


async def _refused(
    cloud: Cloud, principal: Principal, former_trusts: list[FederatedCredential]
) -> tuple[bool | None, str]:
    """Ask as a workload that was trusted an hour ago would, in the first cluster that answers."""
    by_issuer = {one["issuer_url"]: one for one in await clusters.list_all(cloud)}
    silent: list[str] = []
    for trust in former_trusts:
        cluster = by_issuer.get(trust["issuer"])
        parts = (trust["subject"] or "").split(":")
        if cluster is None or len(parts) != _SUBJECT_PARTS:
            continue
        try:
            kube = await clusters.connect(cloud, cluster)
            verdict = await token_exchange.probe(
                cloud, kube, parts[2], parts[3], principal["app_id"]
            )
        except ResponderError as error:
            silent.append(f"{cluster['name']}: {error}")
            continue
        if verdict["accepted"]:
            return False, f"a token was issued to {trust['subject']} of {cluster['name']}"
        found = f"AADSTS{verdict['error_code']} for {trust['subject']} of {cluster['name']}"
        return verdict["error_code"] in REFUSALS, found
    return None, "; ".join(silent) or "no ServiceAccount of our clusters was trusted before"
