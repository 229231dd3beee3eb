"""Responder: whether any known way to a token still works, asked of the token endpoint itself.

Stops    nothing
Leaves   a real token, where Entra says yes: it is dropped where it arrived, and the answer is "not contained"
Undo     none needed
Needs    what token_exchange.py needs, in the clusters that federate into the identity
Source   https://learn.microsoft.com/entra/identity-platform/reference-error-codes

It reads through the responders of clusters and token exchange, which is why it may import them.
"""

import asyncio
from typing import NamedTuple

from responders import clusters, token_exchange
from responders.cloud import Cloud
from responders.errors import NotFoundError, ResponderError
from responders.kube import Kube
from responders.model import ClusterRef, FederatedCredential, Principal, TokenVerdict
from responders.snapshots import Snapshot
from responders.untrusted import visible

# Disabled application or service principal; no federated credential at all, or none that matches
# (70021 and its newer kinds for issuer and subject); application not in the tenant.
REFUSALS = frozenset({7000112, 70025, 70021, 700211, 700213, 700016})
# Of these, what is said of the identity itself: whatever else it is asked with, it is refused by this replica.
_WHOLLY = frozenset({7000112, 700016})
# Said where some federated credential is still known, and none fits: another one may still be taken.
# Where none is known any more the answer is 70025.
_ANOTHER = frozenset({70021, 700211, 700213})
# The endpoint judged our throwaway credential before it came to the switch: that proves nothing.
_THROWAWAY = frozenset({7000215, 7000222})
_SUBJECT_PARTS = 4  # system:serviceaccount:<namespace>:<name>
_MOST = 20  # trusts of one application or identity, by Entra's own limit
_OTHERS = "other trusts, of which Entra's token endpoint still knows one,"


class Answer(NamedTuple):
    """What came of one question, or of all of them."""

    holds: bool | None  # None: could not be asked, or what was said does not prove it
    found: str
    code: int | None = None  # the refusal's


class Refusal(NamedTuple):
    """Whether no known way to a token works any more."""

    holds: bool | None  # None: not proven, and `found` says what is not
    found: str
    lags: bool = (
        False  # a replica has not heard of all that was removed: asked again soon, it may say more
    )


async def refused(cloud: Cloud, principal: Principal, snapshot: Snapshot) -> Refusal:
    """False as soon as one known path yields a token or says nothing clear; None where that is not proven."""
    asked = await asyncio.gather(
        _as_workloads(cloud, principal, snapshot["federated_credentials"]),
        _with_secret(cloud, principal, snapshot),
    )
    answers = [one for group in asked for one in group]
    open_paths = [one.found for one in answers if one.holds is False]
    if open_paths:
        return Refusal(False, "; ".join(open_paths))
    closed = [one for one in answers if one.holds]
    silent = [f"not asked: {one.found}" for one in answers if one.holds is None]
    if not closed:
        nobody = "no ServiceAccount of our clusters was trusted, no secret was there"
        return Refusal(None, "; ".join(silent) or nobody)
    said = "; ".join([*(one.found for one in closed), *silent])
    doubts = _doubts({one.code for one in closed}, snapshot)
    if doubts:
        return Refusal(
            None, f"whether {' and '.join(doubts)} are refused: {said}", _OTHERS in doubts
        )
    return Refusal(True, said)


def _doubts(codes: set[int | None], snapshot: Snapshot) -> list[str]:
    """What these refusals do not prove: each speaks for one replica, which hears of one removal after the other."""
    doubts: list[str] = []
    if snapshot["credentials"] and not codes & _WHOLLY:
        # That a trust is gone says nothing of keys: a replica may not have heard of the switch yet.
        doubts.append("its secrets and keys")
    if codes & _ANOTHER:
        doubts.append(_OTHERS)
    return doubts


async def _as_workloads(
    cloud: Cloud, principal: Principal, former: list[FederatedCredential]
) -> list[Answer]:
    """As every workload that was trusted before would."""
    if not former:
        return []
    by_issuer = {one["issuer_url"]: one for one in await clusters.list_all(cloud)}
    accounts: dict[str, list[tuple[str, str]]] = {}
    strangers: list[Answer] = []
    for trust in former[:_MOST]:
        parts = (trust["subject"] or "").split(":")
        if trust["issuer"] in by_issuer and len(parts) == _SUBJECT_PARTS:
            accounts.setdefault(trust["issuer"], []).append((parts[2], parts[3]))
        else:
            strangers.append(Answer(None, f"{_named(trust)}: nobody here can present such a token"))
    asked = await asyncio.gather(
        *(_in_cluster(cloud, principal, by_issuer[one], accounts[one]) for one in accounts)
    )
    return [*(answer for answers in asked for answer in answers), *strangers]


async def _in_cluster(
    cloud: Cloud, principal: Principal, cluster: ClusterRef, accounts: list[tuple[str, str]]
) -> list[Answer]:
    """As every trusted ServiceAccount of one cluster, side by side."""
    try:
        kube = await clusters.connect(cloud, cluster)
    except ResponderError as error:
        return [Answer(None, f"{cluster['name']}: {error}")]
    return list(await asyncio.gather(*(_as_one(cloud, principal, kube, one) for one in accounts)))


async def _as_one(
    cloud: Cloud, principal: Principal, kube: Kube, account: tuple[str, str]
) -> Answer:
    who = f"{'/'.join(account)} of {kube.cluster}"
    try:
        verdict = await token_exchange.probe(cloud, kube, *account, principal["app_id"])
    except NotFoundError:
        return Answer(None, f"{who}: no such ServiceAccount")
    except ResponderError as error:
        return Answer(None, f"{who}: {error}")
    return _judged(verdict, who)


async def _with_secret(cloud: Cloud, principal: Principal, snapshot: Snapshot) -> list[Answer]:
    """With a secret that nobody has: a disabled application is refused as such."""
    if not any(one["kind"] == "password" for one in snapshot["credentials"]):
        return []
    try:
        verdict = await token_exchange.probe_secret(cloud, principal["app_id"])
    except ResponderError as error:
        return [Answer(None, f"client secret: {error}")]
    if verdict["error_code"] in _THROWAWAY:
        nothing = f"client secret: AADSTS{verdict['error_code']}, which proves nothing"
        return [Answer(None, nothing)]
    return [_judged(verdict, "client secret")]


def _named(trust: FederatedCredential) -> str:
    flexible = trust.get("claims_matching_expression") or "by an expression that is not shown"
    return visible(f"{trust['issuer']} {trust['subject'] or flexible}")


def _judged(verdict: TokenVerdict, who: str) -> Answer:
    if verdict["accepted"]:
        return Answer(False, f"a token was issued to {who}")
    code = verdict["error_code"]
    if code in REFUSALS:
        return Answer(True, f"AADSTS{code} for {who}", code)
    return Answer(False, f"AADSTS{code} for {who}, which is no refusal of the identity")
