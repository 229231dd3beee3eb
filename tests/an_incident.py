"""A whole incident as its pages need it: what Durable says, and what lies in the store. Every text is hostile."""

from types import SimpleNamespace
from typing import Any

from playbooks import plans
from playbooks.consents import consent_event
from responders import signal_records
from responders.evidence import EvidenceStore
from tests.a_principal import PRINCIPAL
from triggers import intake

INCIDENT = "inc-20260101-0123456789ab"
EVIL = "<img src=x onerror=alert(1)>"
TURNED = "gnp.\N{RIGHT-TO-LEFT OVERRIDE}exe"
# As wide as names get: nothing in it lets a line end.
LONG = "/subscriptions/" + "x" * 240
EXPIRES = "2026-01-01T01:00:00+00:00"
SIGNAL = {
    "source": "azure-monitor",
    "kind": "log-alert",
    "signal_id": "alert-1",
    "fired_at": "2026-01-01T00:00:00+00:00",
    "title": f"title {EVIL} {LONG}",
    "severity": "Sev0",
    "confidence": "high",
    "authenticated": "key",
    "hint": {},
}
_CLUSTER = {
    "resource_id": "/subscriptions/s/managedClusters/aks-weu",
    "name": f"aks-weu {EVIL}",
    "location": "westeurope",
    "issuer_url": "https://issuer.example/weu/",
}
_WORKLOAD = {
    "kind": "Deployment",
    "namespace": "shop",
    "name": f"orders {EVIL}",
    "service_account": "orders-api",
    "replicas": 2,
    "blocking_budgets": [],
}


def plan(**part: Any) -> Any:
    """A plan with everything that a page shows of one."""
    whole: dict[str, Any] = {
        "incident_id": INCIDENT,
        "kind": "application",
        "display_name": f"orders-api-r1 {EVIL}",
        "refederation": {
            "vector": "credential",
            "because": f"because {EVIL}",
            "method": "new_subject",
            "explained": "every ServiceAccount gets a successor",
            "longest_token_s": 3600,
        },
        "confirmations": [
            {"key": "risk-1", "sentence": f"a stolen token stays good {EVIL} {LONG}"}
        ],
        "choices": [
            {
                "key": "grant-1",
                "what": "grant",
                "name": f"Owner {EVIL} {LONG}",
                "reason": f"owner-level {EVIL} {LONG}",
                "restores": {"kind": "grant"},
            }
        ],
        "federated_credentials": [
            {
                "id": "",
                "name": f"trust {EVIL}",
                "issuer": "https://issuer.example/weu/",
                "subject": f"system:serviceaccount:shop:{EVIL}",
                "audiences": ["api://AzureADTokenExchange"],
            }
        ],
        "grants": [{"role_name": f"Reader {EVIL}", "scope": LONG, "condition": EVIL}],
        "app_roles": [{"role_name": f"User.Read.All {EVIL}", "resource_name": EVIL}],
        "left_out": [
            {"what": "password", "name": EVIL, "reason": f"planted {EVIL}", "suspicious": True},
            {"what": "key", "name": TURNED, "reason": "may be exposed", "suspicious": False},
        ],
        "clusters": [
            {
                "survey": {
                    "cluster": _CLUSTER,
                    "workloads": [_WORKLOAD],
                    "preflight": {"status": "done", "detail": f"ready {EVIL}"},
                },
                "acts": True,
                "reason": "",
                "service_accounts": [],
                "workloads": [_WORKLOAD],
                "consumers": [{"kind": "ConfigMap", "name": EVIL}],
                "new_names": {f"shop/{EVIL}": f"orders-api-r1 {EVIL}"},
            }
        ],
        "waves": [[_CLUSTER["resource_id"]]],
    }
    return {**whole, **part}


# A restore that one person ordered, and that waits for another.
ORDERED = {
    "number": 1,
    "restore_id": "restore-0123abcd",
    "plan_hash": "cd" * 32,
    "chosen": [],
    "by": {"object_id": "o", "name": EVIL},
    "reason": f"because {EVIL} {LONG}",
    "at": "2026-01-01T00:00:00+00:00",
    "expires_at": "2099-01-01T01:00:00+00:00",
    "needs": 2,
    "requesters": [],
    "requester_may": False,
}


def graph() -> Any:
    """Who breaks: two nodes, one of them planted."""
    identity = {
        "id": "identity",
        "kind": "identity",
        "name": f"orders-api {EVIL}",
        "detail": "application",
        "suspicious": "",
        "breaks": "",
        "facts": {},
    }
    trust = {**identity, "id": "trust", "kind": "federated credential", "suspicious": f"odd {EVIL}"}
    counts = dict.fromkeys(
        (
            *("clusters", "unknown_clusters", "federated_credentials", "service_accounts"),
            *("workloads", "replicas", "blocked_by_budgets", "owned_by_gitops", "hard_coded"),
            *("consumers", "consumers_by_hand", "attachments", "resources", "suspicious"),
        ),
        1,
    )
    return {
        "nodes": [identity, trust],
        "edges": [{"source": "identity", "target": "trust", "label": EVIL}],
        "counts": counts,
        "unknown": [],
        "unread": [],
    }


def kept(store: EvidenceStore, whole: Any = None) -> str:
    """Put it into the evidence; returns the hash of its plan."""
    whole = whole or plan()
    base = f"incidents/{INCIDENT}"
    store.put_json(f"{base}/plan.json", whole)
    store.put_json(f"{base}/graph.json", graph())
    store.put_json(f"{base}/signals/1.json", SIGNAL)
    changed = {"object": f"trust {EVIL} {LONG}", "before": EVIL, "after": f"removed {EVIL}"}
    store.put_json(f"{base}/levers/remove_owners-1.json", {"changes": [changed]})
    store.put_json(f"{base}/restore/order-001/asking.json", ORDERED)
    return plans.plan_hash(whole)


def signalled(store: EvidenceStore, status: signal_records.Fate) -> None:
    """A signal that came in, and what became of it."""
    told: Any = {**SIGNAL, "signal_id": status}
    record, _ = signal_records.begin(store, told)
    signal_records.enlist(store, record)
    fate: Any = {"status": status, "why": f"because {EVIL}", "candidates": [EVIL, LONG]}
    signal_records.change(store, told, lambda one: {**one, **fate})


def question(plan_hash: str) -> dict[str, Any]:
    """What the playbook says when it asks for consent."""
    return {
        "plan_hash": plan_hash,
        "event": consent_event(plan_hash),
        "expires_at": "2099-01-01T01:00:00+00:00",
        "heard": 0,
        "needs": 1,
        "requester_may_approve": False,
    }


def standing(phase: str = "awaiting_consent", plan_hash: str = "", **told: Any) -> Any:
    """What Durable says of it."""
    incident = {
        "incident_id": INCIDENT,
        "mode": "respond",
        "principal": {**PRINCIPAL, "display_name": f"orders-api {EVIL} {LONG}"},
        "signal": SIGNAL,
        "opened_at": "2026-01-01T00:00:05+00:00",
    }
    said = {
        "phase": phase,
        "clock": {"disabled": "2026-01-01T00:00:06+00:00", "residual until": EXPIRES},
        "exposures": [{"resource": EVIL, "until": EXPIRES, "why": f"why {EVIL}"}],
        "remaining": [f"look at {EVIL} {LONG}"],
        "unasked": [f"could not ask {EVIL}"],
        "by_hand": [f"az role assignment delete --ids '{EVIL}'\nsecond line"],
        "reversals": [f"undone by {EVIL}"],
        "clusters": {f"aks {EVIL}": {"status": "waiting", "detail": EVIL, "next": f"do {EVIL}"}},
        "consent": question(plan_hash) if plan_hash else None,
        "deepened": [
            {"mode": "respond", "at": EXPIRES, "source": "responder", "title": EVIL, "key": "k"}
        ],
        "cancelled": {"by": {"name": EVIL}, "reason": EVIL, "at": EXPIRES, "phase": "watching"},
        **told,
    }
    return SimpleNamespace(
        runtime_status=SimpleNamespace(name="Running"),
        input_={"incident": incident, "policy": intake.policy().frozen()},
        custom_status=said,
    )
