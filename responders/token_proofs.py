"""Responder: whether any known way to a token still works, asked of the token endpoint itself.

Stops    nothing
Leaves   a real token, where Entra says yes: it is dropped where it arrived, and the answer is "not contained"
Undo     none needed
Needs    serviceaccounts/token: create, in the clusters that federate into the identity
Source   https://learn.microsoft.com/entra/identity-platform/reference-error-codes

It reads through the responders of clusters and token exchange, which is why it may import them.
"""

import asyncio

from responders import clusters, token_exchange
from responders.cloud import Cloud
from responders.errors import NotFoundError, ResponderError
from responders.kube import Kube
from responders.model import ClusterRef, FederatedCredential, Principal, TokenVerdict
from responders.snapshots import Snapshot

# Disabled application or service principal; no federated credential at all, or none that matches
# (70021 and its newer kinds for issuer and subject); application not in the tenant.
REFUSALS = frozenset({7000112, 70025, 70021, 700211, 700213, 700016})
# Of these, what is said of the identity itself: whatever else it is asked with, it is refused by this replica.
_WHOLLY = frozenset({7000112, 700016})
# The endpoint judged our throwaway credential before it came to the switch: that proves nothing.
_THROWAWAY = frozenset({7000215, 7000222})
_SUBJECT_PARTS = 4  # system:serviceaccount:<namespace>:<name>
_MOST = 20  # trusts of one application or identity, by Entra's own limit

Answer = tuple[bool | None, str]


async def refused(cloud: Cloud, principal: Principal, snapshot: Snapshot) -> Answer:
    """False as soon as one known path yields a token or says nothing clear; None where none could be asked."""
    asked = await asyncio.gather(
        _as_workloads(cloud, principal, snapshot["federated_credentials"]),
        _with_secret(cloud, principal, snapshot),
    )
    answers = [one for group in asked for one in group]
    open_paths = [found for holds, found in answers if holds is False]
    if open_paths:
        return False, "; ".join(open_paths)
    closed = [found for holds, found in answers if holds]
    silent = "; ".join(f"not asked: {found}" for holds, found in answers if holds is None)
    if closed and snapshot["credentials"] and not any(map(_is_whole, closed)):
        # That a trust is gone says nothing of keys: a replica may not have heard of the switch yet.
        said = "; ".join([*closed, silent] if silent else closed)
        return None, f"whether its secrets and keys are refused: {said}"
    if closed:
        return True, "; ".join([*closed, silent] if silent else closed)
    return None, silent or "no ServiceAccount of our clusters was trusted, no secret was there"


async def _as_workloads(
    cloud: Cloud, principal: Principal, former: list[FederatedCredential]
) -> list[Answer]:
    """As every workload that was trusted before would."""
    if not former:
        return []
    by_issuer = {one["issuer_url"]: one for one in await clusters.list_all(cloud)}
    accounts: dict[str, list[tuple[str, str]]] = {}
    for trust in former[:_MOST]:
        parts = (trust["subject"] or "").split(":")
        if trust["issuer"] in by_issuer and len(parts) == _SUBJECT_PARTS:
            accounts.setdefault(trust["issuer"], []).append((parts[2], parts[3]))
    asked = await asyncio.gather(
        *(_in_cluster(cloud, principal, by_issuer[one], accounts[one]) for one in accounts)
    )
    return [answer for answers in asked for answer in answers]


async def _in_cluster(
    cloud: Cloud, principal: Principal, cluster: ClusterRef, accounts: list[tuple[str, str]]
) -> list[Answer]:
    """As every trusted ServiceAccount of one cluster, side by side."""
    try:
        kube = await clusters.connect(cloud, cluster)
    except ResponderError as error:
        return [(None, f"{cluster['name']}: {error}")]
    return list(await asyncio.gather(*(_as_one(cloud, principal, kube, one) for one in accounts)))


async def _as_one(
    cloud: Cloud, principal: Principal, kube: Kube, account: tuple[str, str]
) -> Answer:
    who = f"{'/'.join(account)} of {kube.cluster}"
    try:
        verdict = await token_exchange.probe(cloud, kube, *account, principal["app_id"])
    except NotFoundError:
        return None, f"{who}: no such ServiceAccount"
    except ResponderError as error:
        return None, f"{who}: {error}"
    return _judged(verdict, who)


async def _with_secret(cloud: Cloud, principal: Principal, snapshot: Snapshot) -> list[Answer]:
    """With a secret that nobody has: a disabled application is refused as such."""
    if not any(one["kind"] == "password" for one in snapshot["credentials"]):
        return []
    try:
        verdict = await token_exchange.probe_secret(cloud, principal["app_id"])
    except ResponderError as error:
        return [(None, f"client secret: {error}")]
    if verdict["error_code"] in _THROWAWAY:
        return [(None, f"client secret: AADSTS{verdict['error_code']}, which proves nothing")]
    return [_judged(verdict, "client secret")]


def _is_whole(said: str) -> bool:
    return any(f"AADSTS{code} " in said for code in _WHOLLY)


def _judged(verdict: TokenVerdict, who: str) -> Answer:
    if verdict["accepted"]:
        return False, f"a token was issued to {who}"
    code = verdict["error_code"]
    if code in REFUSALS:
        return True, f"AADSTS{code} for {who}"
    return False, f"AADSTS{code} for {who}, which is no refusal of the identity"
