"""How the attacker got in, judged from the rows and from what a responder says. Pure: no I/O, no clock.

A wrong "credential" would let somebody who holds a ServiceAccount token into the new identity, so nothing is taken for
one while a single federated sign-in, or a log that could not be read, may be the attacker's.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TypedDict

from playbooks.footprint import Footprint
from playbooks.tracing.chains import Use
from playbooks.tracing.rows import Act, same
from responders.model import Stated, Vector
from responders.snapshots import Snapshot

# Without these nobody can say that no ServiceAccount token was used, or requested. Any one of the second suffices:
# a cluster sends one of them.
SIGN_INS = ("AADServicePrincipalSignInLogs", "AADManagedIdentitySignInLogs")
AUDITS = ("AKSAudit", "AKSAuditAdmin", "AzureDiagnosticsKubeAudit")
_SHOWN = 3  # rows named of each sign: the footprint has them all
# Stricter first: of two answers the one that trusts less counts.
_STRICTNESS: tuple[Vector, ...] = ("cluster", "unknown", "credential")


class Judgement(TypedDict):
    """How they got in, by what that is judged, and whether tokens may have been requested at will."""

    vector: Vector
    because: str
    requested: (
        str  # why a stolen ServiceAccount token may be as long-lived as one can ask for; or empty
    )


@dataclass(frozen=True, slots=True)
class Seen:
    """What there is to judge by. `unread` are the log sources that could not be read whole."""

    footprint: Footprint | None
    snapshot: Snapshot
    issuers: Collection[str]  # of our clusters, to the letter
    unread: Collection[str] = ()
    stated: Sequence[Stated] = ()


UNSEEN: Judgement = {
    "vector": "unknown",
    "because": "no rows were traced",
    "requested": "whether somebody requested tokens is not known",
}


def judge(seen: Seen) -> Judgement:
    """Evidence of a cluster outweighs everything; a responder's word outweighs what is merely not known."""
    if seen.footprint is None:
        return _said(seen.stated, UNSEEN)
    inside = _inside(seen, seen.footprint)
    leaked = _leaked(seen, seen.footprint)
    doubts = _doubts(seen, seen.footprint)
    requested = _requested(seen, seen.footprint)
    if inside:
        found: Judgement = {"vector": "cluster", "because": _list(inside), "requested": requested}
    elif leaked and not doubts:
        because = f"{_list(leaked)}; no ServiceAccount token of our clusters was used or requested"
        found = {"vector": "credential", "because": because, "requested": requested}
    else:
        because = _list([*leaked, *doubts]) or "no row tells how they got in"
        found = {"vector": "unknown", "because": because, "requested": requested}
    return _said(seen.stated, found)


def unread_of(complete: Collection[str]) -> list[str]:
    """Which sources are missing, given those that were read whole."""
    missing = [one for one in SIGN_INS if one not in complete]
    return missing if any(one in complete for one in AUDITS) else [*missing, " or ".join(AUDITS)]


def _said(stated: Sequence[Stated], found: Judgement) -> Judgement:
    """What a responder states counts over what is not known, and never against evidence of a cluster."""
    if not stated:
        return found
    word = min(stated, key=lambda one: _STRICTNESS.index(one["vector"]))
    claim = f"{word['by']} ({word['object_id']}) stated {word['vector']}"
    if found["vector"] == "cluster" != word["vector"]:
        return {**found, "because": f"{found['because']}; {claim}, which the rows contradict"}
    return {**found, "vector": word["vector"], "because": f"{claim}; the rows: {found['because']}"}


def _inside(seen: Seen, footprint: Footprint) -> list[str]:
    """Signs of somebody in a cluster, or with a ServiceAccount token of one."""
    signs = [
        *_rows("token requested", _worked(footprint["minted"])),
        *_rows("pod entered", _worked(footprint["entered"])),
        *_rows("its own ServiceAccount read secrets", _worked(footprint["cluster_secrets_read"])),
    ]
    elsewhere = {
        address
        for use in footprint["credentials"]
        if use["succeeded"] and not _is_ours(use, seen)
        for address in use["addresses"]
    }
    for use in footprint["credentials"]:
        shared = elsewhere.intersection(use["addresses"])
        if use["succeeded"] and _is_ours(use, seen) and shared:
            where = ", ".join(sorted(shared)[:_SHOWN])
            signs.append(f"{_name(use)} was used from {where}, as were other credentials")
    return signs


def _leaked(seen: Seen, footprint: Footprint) -> list[str]:
    """Tokens bought with a secret, a key, or a trust that leads to none of our clusters."""
    return [
        f"{_name(use)} bought tokens from {', '.join(use['addresses'][:_SHOWN]) or 'an unknown address'}"
        for use in footprint["credentials"]
        if use["succeeded"] and (use["credential"]["kind"] == "key" or _is_foreign(use, seen))
    ]


def _doubts(seen: Seen, footprint: Footprint) -> list[str]:
    """What keeps a leaked credential from being the whole story."""
    told_by_address = [
        f"{_name(use)} bought tokens from {', '.join(use['addresses'][:_SHOWN]) or 'an unknown address'}, "
        "which may be its pods or a stolen token"
        for use in footprint["credentials"]
        if use["succeeded"] and use["credential"]["kind"] != "key" and not _is_foreign(use, seen)
    ]
    return told_by_address + [f"{one} could not be read whole" for one in seen.unread]


def _requested(seen: Seen, footprint: Footprint) -> str:
    """Why stolen tokens may live as long as anybody can ask for."""
    if minted := _worked(footprint["minted"]):
        return (
            f"{sum(one['count'] for one in minted)} tokens were requested for its ServiceAccounts"
        )
    gaps = [one for one in seen.unread if one not in SIGN_INS]
    return f"{gaps[0]} could not be read whole" if gaps else ""


def _trust_of(use: Use, seen: Seen) -> str | None:
    """The issuer of the trust that was used; None where the snapshot does not know it."""
    for one in seen.snapshot["federated_credentials"]:
        if same(one["id"], use["credential"]["id"]):
            return one["issuer"]
    return None


def _is_ours(use: Use, seen: Seen) -> bool:
    return use["credential"]["kind"] == "federated_credential" and (
        _trust_of(use, seen) in seen.issuers
    )


def _is_foreign(use: Use, seen: Seen) -> bool:
    """A trust that is known, and leads to none of our clusters. One that nobody knows is no proof of that."""
    issuer = _trust_of(use, seen)
    return (
        use["credential"]["kind"] == "federated_credential"
        and issuer is not None
        and issuer not in seen.issuers
    )


def _worked(acts: Sequence[Act]) -> list[Act]:
    return [one for one in acts if one["ok"]]


def _rows(what: str, acts: Sequence[Act]) -> list[str]:
    named = [
        f"{what}: {one['operation']} on {one['target']} at {one['when']} from "
        f"{one['address'] or 'an unknown address'}"
        for one in acts[:_SHOWN]
    ]
    more = len(acts) - len(named)
    return [*named, f"{more} more like it"] if more else named


def _name(use: Use) -> str:
    credential = use["credential"]
    return f"{credential['kind'].replace('_', ' ')} {credential['name'] or credential['id'] or 'without a name'}"


def _list(signs: Sequence[str]) -> str:
    return "; ".join(signs)
