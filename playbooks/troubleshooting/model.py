"""What was read of a workload, and what a check says of it. Plain JSON: it lands in evidence."""

from typing import Literal, TypedDict

from playbooks.runs.model import Severity
from responders.entitlements import Entitlement
from responders.model import ClusterRef, TokenVerdict
from responders.wirings import Wiring

State = Literal["ok", "broken", "unknown"]


class SignIns(TypedDict):
    """How often the token endpoint gave one answer to this identity, of late."""

    code: int  # AADSTS; 0: a token
    count: int
    last: str
    addresses: list[str]


class Exchange(TypedDict):
    """What the token endpoint says to the ServiceAccount now."""

    verdict: TokenVerdict | None
    why: str  # it was not asked


class Facts(TypedDict):
    """Everything that the checks of one ServiceAccount go by."""

    cluster: ClusterRef
    wiring: Wiring
    asked_for: (
        str  # the client id that somebody asked about; "" where it is the ServiceAccount's own
    )
    injects: bool | None  # the cluster's own switch of workload identity; None: not known
    webhook: str | None  # what is wrong with it, "": nothing; None: not known
    keys: str | None  # the same of the issuer's keys
    identity: Entitlement | None  # None: the ServiceAccount names no client id
    incident: str | None  # that is open about this identity
    exchange: Exchange
    sign_ins: list[SignIns] | None
    hours: int  # how far back the sign-ins go
    looked_at: str  # RFC 3339, UTC
    tenant_id: str
    audience: str
    authority: str
    resource: str
    said: list[int]  # AADSTS codes that somebody handed in
    unread: dict[str, str]


class Check(TypedDict):
    """What one check found. `fix` is the exact command, where there is one."""

    check: str
    state: State
    found: str  # one sentence
    evidence: list[str]
    fix: str
    severity: Severity


def ok(check: str, found: str, evidence: list[str] | None = None) -> Check:
    """Nothing is wrong here."""
    return _check(check, "ok", found, evidence or [], "", "info")


def broken(
    check: str,
    found: str,
    fix: str,
    *,
    evidence: list[str] | None = None,
    severity: Severity = "high",
) -> Check:
    """This keeps the workload from what it wants, and this mends it."""
    return _check(check, "broken", found, evidence or [], fix, severity)


def unknown(check: str, found: str, fix: str = "") -> Check:
    """Nobody can say: why, and how to find out."""
    return _check(check, "unknown", found, [], fix, "info")


def _check(
    check: str, state: State, found: str, evidence: list[str], fix: str, severity: Severity
) -> Check:
    return {
        "check": check,
        "state": state,
        "found": found,
        "evidence": evidence,
        "fix": fix,
        "severity": severity,
    }


def subject_of(facts: Facts) -> str:
    """The ServiceAccount, as a trust names it."""
    wiring = facts["wiring"]
    return f"system:serviceaccount:{wiring['namespace']}:{wiring['name']}"


def where(facts: Facts) -> str:
    """The ServiceAccount, for people."""
    wiring = facts["wiring"]
    return f"{facts['cluster']['name']} {wiring['namespace']}/{wiring['name']}"


def kubectl(facts: Facts) -> str:
    """How a command about its namespace begins."""
    return f"kubectl --context {facts['cluster']['name']} -n {facts['wiring']['namespace']}"


def counted(count: int, noun: str) -> str:
    """1 pod, 2 pods."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
