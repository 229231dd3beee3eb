"""Which pods go by something old, and may be started anew. Pure.

Source   https://learn.microsoft.com/azure/aks/workload-identity-overview (pods read the client id when they start)
         https://learn.microsoft.com/entra/identity-platform/reference-error-codes (AADSTS700024)
"""

from datetime import datetime, timedelta
from typing import TypedDict

from playbooks.runs.model import Finding
from playbooks.troubleshooting.model import Facts, where
from playbooks.troubleshooting.pod_checks import client_ids
from playbooks.troubleshooting.pod_fixes import restart
from playbooks.troubleshooting.wiring import running
from responders.wired_pods import PodSeen

EXPIRED = 700024  # the assertion had expired: a program that read its token once and never again
_ROLLS_OUT = frozenset({"Deployment", "StatefulSet", "DaemonSet"})


class Stale(TypedDict):
    """A workload with stale pods. `kind` is "" for what no rollout restarts."""

    cluster: str  # ARM id
    namespace: str
    kind: str
    name: str
    pods: list[str]
    why: str
    by_hand: str


def of(facts: Facts) -> list[Stale]:
    """Workloads of one ServiceAccount with pods that go by an old client id, or by an old token."""
    account = facts["wiring"]["account"]
    wanted = ((account and account["client_id"]) or "").strip().lower()
    since = datetime.fromisoformat(facts["looked_at"]) - timedelta(hours=facts["hours"])
    expired = {
        one["pod"]: one["last"]
        for one in facts["wiring"]["words"]
        # Kubelet stamps in UTC, down to nanoseconds: what it said long ago it may have got over since.
        if one["code"] == EXPIRED and one["last"] >= f"{since:%Y-%m-%dT%H:%M:%S}"
    }
    found: dict[str, Stale] = {}
    for pod in running(facts):
        why = ""
        if pod["name"] in expired:
            why = f"it said AADSTS{EXPIRED} last at {expired[pod['name']]}: its token had expired"
        elif wanted and client_ids(facts, pod) - {wanted}:
            why = f"it started with another client id than {wanted}"
        if why:
            one = found.setdefault(pod["made_by"] or pod["name"], _stale(facts, pod, why))
            one["pods"].append(pod["name"])
    return list(found.values())


def findings(facts: Facts, stale: list[Stale]) -> list[Finding]:
    """One for each workload."""
    return [
        {
            "rule": "stale-pods",
            "severity": "high",
            "subject": f"{one['cluster']}/{one['namespace']}/{one['kind'] or 'Pod'}/{one['name']}",
            "subject_name": f"{where(facts)}: {one['name']}",
            "detail": f"{', '.join(one['pods'][:5])}: {one['why']}",
            "fix": one["by_hand"],
            "evidence": [],
        }
        for one in stale
    ]


def _stale(facts: Facts, pod: PodSeen, why: str) -> Stale:
    kind, _, name = pod["made_by"].partition("/")
    rolls = kind in _ROLLS_OUT
    return {
        "cluster": facts["cluster"]["resource_id"],
        "namespace": facts["wiring"]["namespace"],
        "kind": kind if rolls else "",
        "name": name if rolls else pod["name"],
        "pods": [],
        "why": why,
        "by_hand": restart(facts, pod),
    }
