"""An incident that is rehearsed on the real Durable executor: what its steps answer where a test says nothing else."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from playbooks import compromised_identity as playbook
from playbooks import levers, policy
from tests.rehearsal import START, Rehearsal, hours, rehearse

# What a person does at a status: an event and what it carries, or nothing.
OnStatus = Callable[[dict[str, Any]], tuple[str, Any] | None]
PLAN_HASH = "ab" * 32
OTHER_HASH = "ef" * 32  # of a plan that was drawn anew


def group(order: dict[str, Any], **answers: dict[str, Any]) -> dict[str, Any]:
    """The answer of a group's orchestration: done, but for the clusters that are named."""
    good = {"status": "done", "detail": ""}
    names = [one["name"].replace("-", "_") for one in order["clusters"]]
    return {"answers": [answers.get(name, good) for name in names]}


def moved(done: Rehearsal, step: str = "rewire_wave") -> list[list[str]]:
    """The clusters of each group, as they were begun."""
    return [[one["name"] for one in to["clusters"]] for name, to in done.orders if name == step]


def but(**answers: dict[str, Any]) -> Any:
    """What a group's orchestration answers where not every cluster is done."""
    return lambda order: group(order, **answers)


CLUSTERS = [
    {"name": name, "resource_id": f"/{name}", "location": "x", "issuer_url": f"https://{name}/"}
    for name in ("aks-1", "aks-2", "aks-3")
]
PLANNED = {
    "status": "done",
    "detail": "plan.json",
    "plan_hash": PLAN_HASH,
    "refederation": {"vector": "unknown", "method": "new_subject", "longest_token_s": 3600},
    "choices": ["grant-1"],
    "confirmations": ["risk-1"],
    "irreversible": 0,
    "clusters": [{"ref": one, "acts": True, "reason": ""} for one in CLUSTERS],
}
IDENTITY = {"app_id": "new", "application_object_id": "a", "object_id": "o", "display_name": "n"}
ANSWERS: dict[str, Any] = {
    "list_clusters": {"status": "done", "detail": "", "clusters": CLUSTERS},
    "draw_plan": PLANNED,
    "create_identity": {"status": "done", "detail": "", "identity": IDENTITY},
    "take_snapshot": {"status": "done", "detail": "snapshot.json", "removals": 7},
    "state_residual": lambda order: {
        "status": "done",
        "detail": "",
        "exposures": [{"resource": "Azure", "until": "later", "why": "w"}],
        "deadline": (
            datetime.fromisoformat(order["facts"]["contained_at"]) + hours(24)
        ).isoformat(),
    },
    "hold_containment": {"holds": True, "reached": True, "detail": "held"},
    "survey_clusters": group,
    "preflight_clusters": group,
    "evict_clusters": group,
    "check_footholds": group,
    "rewire_wave": group,
    "resurvey_clusters": group,
    "amend_plan": {"status": "nothing_to_do", "detail": "every cluster is as the plan says"},
    "recheck_clusters": group,
}
SWEPT = [
    "hold_containment",
    "collect_activity_log",
    "collect_logs",
    "trace_footprint",
    "seal_evidence",
]
SWEPT_AFTER = [
    *SWEPT[:-1],
    "collect_successor_sign_ins",
    "judge_rebuilt",
    SWEPT[-1],
]  # of a recovery
LEVERS = {step._function._name for step in levers.LEVERS["application"]}
BESIDE = {step._function._name for step in levers.BESIDE["application"]}
POLICY = policy.load(Path(__file__).parent.parent / "policy.toml").frozen()
POLICY["recovery"]["resumable_days"] = 1  # no longer than the watch, except where a test says so


def order(mode: str) -> dict[str, Any]:
    """An order as intake makes it."""
    principal = {
        "kind": "application",
        "object_id": "11111111-1111-1111-1111-111111111111",
        "app_id": "22222222-2222-2222-2222-222222222222",
        "application_object_id": "33333333-3333-3333-3333-333333333333",
        "display_name": "orders-api",
        "tenant_id": "t",
        "owner_tenant_id": "t",
        "service_principal_type": "Application",
        "resource_id": None,
        "unsupported_because": None,
    }
    signal = {
        "source": "test",
        "signal_id": "1",
        "fired_at": START.isoformat(),
        "title": "alert",
        "severity": "Sev0",
        "hint": {},
    }
    incident = {
        "incident_id": "inc-20260101-0123456789ab",
        "mode": mode,
        "principal": principal,
        "signal": signal,
        "opened_at": START.isoformat(),
        "window_start": (START - hours(24)).isoformat(),
    }
    return {"incident": incident, "policy": POLICY}


def waiting(days: int = 3, **verification: Any) -> dict[str, Any]:
    """An order whose recovery can be resumed for longer than the incident is watched."""
    recovery = {**POLICY["recovery"], "resumable_days": days}
    checks = {**POLICY["verification"], **verification}
    return {
        **order("respond"),
        "policy": {**POLICY, "recovery": recovery, "verification": checks},
    }


def consent(decision: str, plan_hash: str = PLAN_HASH, **more: Any) -> OnStatus:
    """Answers the question as soon as it is asked, once."""
    asked: list[str] = []

    def on_status(status: dict[str, Any]) -> tuple[str, Any] | None:
        if asked or status["phase"] != "awaiting_consent" or "decision" in status["consent"]:
            return None
        asked.append(status["consent"]["event"])
        said = {"decision": decision, "plan_hash": plan_hash, "confirmed": ["risk-1"], **more}
        return status["consent"]["event"], said

    return on_status


def run(mode: str, answers: dict[str, Any] | None = None, events: Any = None) -> Rehearsal:
    return rehearse(
        playbook.compromised_identity,
        order(mode),
        {**ANSWERS, **(answers or {})},
        events or (lambda _status: None),
    )


def phases(rehearsal: Rehearsal) -> list[str]:
    seen = [status["phase"] for status in rehearsal.statuses]
    return [phase for n, phase in enumerate(seen) if n == 0 or seen[n - 1] != phase]


def told(done: Rehearsal) -> list[str]:
    return [one["notice"] for name, one in done.orders if name == "tell_people"]


FAILED = {"status": "failed", "detail": "pods not ready"}


def many(count: int, **recovery: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """An order and the answers of a tenant with so many clusters."""
    payload = order("respond")
    payload["policy"] = {**POLICY, "recovery": {**POLICY["recovery"], **recovery}}
    refs = [{**CLUSTERS[0], "name": f"aks-{n}", "resource_id": f"/aks-{n}"} for n in range(count)]
    plan = {**PLANNED, "clusters": [{"ref": one, "acts": True, "reason": ""} for one in refs]}
    listed = {"status": "done", "detail": "", "clusters": refs}
    return payload, {**ANSWERS, "list_clusters": listed, "draw_plan": plan}


def resumes(*moments: str) -> OnStatus:
    """A person who consents, and then says go on at the first status with such a phase, once for each."""
    agree, waiting = consent("grant"), list(moments)

    def on_status(status: dict[str, Any]) -> tuple[str, Any] | None:
        if waiting and status["resumable"] and status["phase"] == waiting[0]:
            waiting.pop(0)
            return status["resume"]["event"], {
                "reason": "mended",
                "by": {"object_id": "rosa", "name": "rosa"},
            }
        return agree(status)

    return on_status
