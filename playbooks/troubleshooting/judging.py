"""From facts to checks, in the order of cause and effect, and to a verdict. Pure."""

from collections.abc import Callable
from typing import Literal

from playbooks.runs.model import Document, Finding, Json, Table, document
from playbooks.troubleshooting import (
    account_checks,
    cluster_checks,
    outcome_checks,
    pod_checks,
    trust_checks,
)
from playbooks.troubleshooting.model import Check, Facts, where

Verdict = Literal["works", "broken", "unknown"]
# What is wrong further up is the cause of what is wrong further down.
CHECKS: tuple[Callable[[Facts], Check], ...] = (
    cluster_checks.switches,
    cluster_checks.webhook,
    cluster_checks.issuer_keys,
    account_checks.service_account,
    account_checks.identity,
    pod_checks.pod_label,
    pod_checks.token_volume,
    pod_checks.environment,
    pod_checks.replica_age,
    trust_checks.issuer,
    trust_checks.subject,
    trust_checks.audience,
    outcome_checks.token_exchange,
    outcome_checks.roles,
    outcome_checks.errors,
)
_TITLE = "Why a workload gets no token, or can do nothing with it"
_COUNTED: dict[Verdict, str] = {"broken": "broken", "unknown": "not known", "works": "well"}
_MARKS = {"ok": "ok", "broken": "BROKEN", "unknown": "unknown"}


def checked(facts: Facts) -> list[Check]:
    """Every check of one ServiceAccount."""
    return [check(facts) for check in CHECKS]


def verdict(checks: list[Check]) -> Verdict:
    """Broken where one is, unknown where nobody can say, and works only where all that matters was seen to."""
    states = {one["state"] for one in checks}
    if "broken" in states:
        return "broken"
    return "unknown" if "unknown" in states else "works"


def cause(checks: list[Check]) -> Check | None:
    """The first of what is broken; what is only said to be so, or hurts less, comes after."""
    wrong = [one for one in checks if one["state"] == "broken"]
    grave = [one for one in wrong if one["severity"] in {"critical", "high"}]
    return next(iter(grave or wrong), None)


def judged(seen: list[Facts], unread: list[str]) -> Document:
    """The document of a troubleshooting."""
    results = [(facts, checked(facts)) for facts in seen]
    blind = [*unread, *(line for facts, _ in results for line in _unread(facts))]
    findings = [one for facts, checks in results for one in _findings(facts, checks)]
    fixes = [fix for _, checks in results if (fix := _fix(checks))]
    return document(
        _TITLE,
        _summary(results, unread),
        "partly" if blind else "done",
        findings=findings,
        unread=blind,
        tables=[_table(facts, checks) for facts, checks in results],
        by_hand=list(dict.fromkeys(fixes)),
        data={"workloads": [_data(facts, checks) for facts, checks in results]},
    )


def _summary(results: list[tuple[Facts, list[Check]]], unread: list[str]) -> str:
    if not results:
        return unread[0] if unread else "nothing names this client id"
    said = [_sentence(facts, checks) for facts, checks in results]
    if len(said) == 1:
        return said[0]
    verdicts = [verdict(checks) for _, checks in results]
    counted = ", ".join(
        f"{verdicts.count(one)} {word}" for one, word in _COUNTED.items() if one in verdicts
    )
    worst = said[verdicts.index(min(verdicts, key=list(_COUNTED).index))]
    return f"{len(said)} workloads: {counted}. {worst}"


def _sentence(facts: Facts, checks: list[Check]) -> str:
    name = where(facts)
    first = cause(checks)
    if first is not None:
        return f"{name} is broken, by {first['check']}: {first['found']}"
    silent = [one["check"] for one in checks if one["state"] == "unknown"]
    if silent:
        return f"{name}: nothing broken was found, and nobody can say of {', '.join(silent)}"
    return f"{name} works: it gets tokens, and has roles to use them with"


def _findings(facts: Facts, checks: list[Check]) -> list[Finding]:
    wiring = facts["wiring"]
    subject = f"{facts['cluster']['resource_id']}/{wiring['namespace']}/{wiring['name']}"
    return [
        {
            "rule": f"workload-{one['check']}",
            "severity": one["severity"],
            "subject": subject,
            "subject_name": where(facts),
            "detail": one["found"],
            "fix": one["fix"],
            "evidence": one["evidence"],
        }
        for one in checks
        if one["state"] == "broken"
    ]


def _table(facts: Facts, checks: list[Check]) -> Table:
    rows = [
        [one["check"], _MARKS[one["state"]], "\n".join([one["found"], *one["evidence"]])]
        for one in checks
    ]
    return {"title": where(facts), "columns": ["check", "state", "found"], "rows": rows}


def _fix(checks: list[Check]) -> str:
    first = cause(checks)
    return "" if first is None else first["fix"]


def _data(facts: Facts, checks: list[Check]) -> Json:
    first, wiring = cause(checks), facts["wiring"]
    return {
        "cluster": facts["cluster"]["resource_id"],
        "namespace": wiring["namespace"],
        "service_account": wiring["name"],
        "client_id": facts["identity"]["client_id"] if facts["identity"] else None,
        "verdict": verdict(checks),
        "cause": None if first is None else first["check"],
        "checks": [dict(one) for one in checks],
    }


def _unread(facts: Facts) -> list[str]:
    parts = {**facts["unread"], **facts["wiring"]["unread"]}
    parts |= facts["identity"]["unread"] if facts["identity"] else {}
    return [f"{where(facts)}: {part}: {why}" for part, why in parts.items()]
