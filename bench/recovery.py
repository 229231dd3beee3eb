"""From a person's yes to the last cluster moved and proven: a fleet of 50 clusters, at the latencies of a real cloud.

Waits for rollouts are not counted: the clusters' controllers take no time. What comes after the last proof is not
counted either: the second look waits by the policy for GitOps controllers.
"""

import asyncio
import os
import re
import sqlite3
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypedDict

from bench import fleet
from bench.chains import Call, longest
from bench.response import calls_since, latencies, peak_mb, seconds_of
from drill.alert import log_alert
from drill.options import ROOT, DrillError, Json
from drill.processes import Service
from drill.responder import Responder
from drill.training_ground import Layout, TrainingGround, opened

_WITHIN_S = 600.0
_POLL_S = 0.2
_LAST_STEP = "prove_old_subjects_refused"  # of a cluster's move
_FIRST_OF_MOVE = "create_identity"
# Of all calls to a cluster these are not counted for a ServiceAccount.
_UNCOUNTED = {
    "fence": re.compile(r"(?:POST|DELETE) .*/networkpolicies(?:/[^/]+)?$"),
    "review": re.compile(r"POST .*/selfsubject(?:access|rules)reviews$"),
    "token": re.compile(r"POST .*/serviceaccounts/[^/]+/token$"),
    "log": re.compile(r"GET .*/pods/[^/]+/log$"),
    "list": re.compile(r"GET .*/(?:namespaces/[^/]+/)?[a-z]+s(?:es)?$"),
    "list of what is served": re.compile(r"GET .*/apis$"),
}


class Recovery(TypedDict):
    """One recovery of the whole fleet."""

    clusters: int
    service_accounts: int  # in all clusters
    moved: int  # of these
    survey_s: float
    recovery_s: float
    bound_s: float
    ratio: float
    calls: int
    calls_per_moved: float  # named objects, while they are moved
    calls_to_stop: (
        float  # named objects, while what runs as it is stopped; its fence is in `by_kind`
    )
    by_kind: dict[str, int]
    app_cpu_s: float  # processor time of each process during the recovery
    sandbox_cpu_s: float
    no_core_s: float  # how long the app's main thread could have gone on and had no core meanwhile
    most_actions: int
    most_actions_of: str
    peak_memory_mb: float
    chain: list[str]


async def measure() -> Recovery:
    """Raises `DrillError` where the fleet does not end recovered."""
    with tempfile.TemporaryDirectory(prefix="firebreak-bench-") as folder:
        layout = Layout(
            folder=Path(folder),
            host_environment={"FIREBREAK_POLICY": str(_policy(Path(folder)))},
            sandbox_options=["--clusters", str(fleet.CLUSTERS)],
        )
        async with opened(layout) as ground:
            victim = await fleet.build(ground)
            await ground.control.set_pace(controllers=0, pod_ready=0, pod_stop=0)
            await ground.control.no_delays()
            await ground.control.set_latency(latencies(ground))
            return await _recovered(ground, victim)


def _policy(folder: Path) -> Path:
    """The real one, but for the limits that keep an alert alone from a fleet; and the second look comes at once."""
    text = (ROOT / "policy.toml").read_text()
    for key in ("most_shared_clusters", "most_shared_namespaces"):
        text = re.sub(rf"^{key} = \d+", f"{key} = 100", text, flags=re.MULTILINE)
    text = re.sub(r"^recheck_minutes = \d+", "recheck_minutes = 0", text, flags=re.MULTILINE)
    path = folder / "policy-fleet.toml"  # `opened` writes a policy.toml of its own
    path.write_text(text)
    return path


async def _recovered(ground: TrainingGround, victim: fleet.Victim) -> Recovery:
    responder = await Responder.sign_in(ground)
    incident_id = await responder.deliver(log_alert(ground.described, victim.object_id, "Sev0"))
    await _until(responder, incident_id, "collecting_evidence")
    surveying = time.monotonic()
    asked = await _until(responder, incident_id, "awaiting_consent")
    survey_s = time.monotonic() - surveying
    spent, starved = [_cpu_s(one) for one in (ground.host, ground.sandbox)], _no_core_s(ground.host)
    begun = datetime.now(UTC)
    await responder.consent(incident_id, asked["consent"], granted=True, reason="measured")
    status = await _until(responder, incident_id, "watching")
    app, sandbox = (
        _cpu_s(one) - before
        for one, before in zip((ground.host, ground.sandbox), spent, strict=True)
    )
    starved = _no_core_s(ground.host) - starved
    if status["outcome"] != "recovered":
        raise DrillError(f"the fleet is {status['outcome']}: {status['clusters']}")
    ended = max(_ends(status, _LAST_STEP))
    moving = min(_began(status, _FIRST_OF_MOVE))
    calls = calls_since(await ground.control.traffic(), begun)
    calls = [one for one in calls if one.ended_ms <= ended.timestamp() * 1000]
    kinds = Counter(kind_of(one) for one in calls)
    objects = [one for one in calls if kind_of(one) == "object"]
    chain, moved = longest(calls), len(victim.clusters)
    moved_by = [one for one in objects if one.began_ms >= moving.timestamp() * 1000]
    most, name = _most_actions(ground.folder)
    recovery_s, bound_s = (ended - begun).total_seconds(), seconds_of(chain)
    return {
        "clusters": fleet.CLUSTERS,
        "service_accounts": fleet.CLUSTERS * fleet.ACCOUNTS,
        "moved": moved,
        "survey_s": round(survey_s, 1),
        "recovery_s": round(recovery_s, 2),
        "bound_s": bound_s,
        "ratio": round(recovery_s / bound_s, 2),
        "calls": len(calls),
        "calls_per_moved": round(len(moved_by) / moved, 2),
        "calls_to_stop": round((len(objects) - len(moved_by)) / moved, 2),
        "by_kind": dict(sorted(kinds.items())),
        "app_cpu_s": round(app, 1),
        "sandbox_cpu_s": round(sandbox, 1),
        "no_core_s": round(starved, 1),
        "most_actions": most,
        "most_actions_of": name,
        "peak_memory_mb": peak_mb(ground),
        "chain": [call.name for call in chain],
    }


def kind_of(call: Call) -> str:
    """What a call is counted as: "object" where it is about one named object of a cluster, or makes it."""
    method, service, path = call.name.split(" ", 2)
    if service != "kubernetes":
        return service
    asked = f"{method} {path}"
    return next((kind for kind, form in _UNCOUNTED.items() if form.fullmatch(asked)), "object")


async def _until(responder: Responder, incident_id: str, phase: str) -> Json:
    """The status once this phase is reached. Raises `DrillError` where it never is."""
    deadline = time.monotonic() + _WITHIN_S
    while time.monotonic() < deadline:
        responder.ground.check()
        status = await responder.incident(incident_id)
        if status["phase"] == phase:
            return status
        if status["phase"] in {"closed", "refused", "failed"}:
            said = [one["detail"] for one in status["steps"] if one["status"] != "done"]
            raise DrillError(f"the incident is {status['phase']}, {status['outcome']}: {said}")
        await asyncio.sleep(_POLL_S)
    raise DrillError(f"{phase} was not reached within {_WITHIN_S:g} s")


def _began(status: Json, step: str) -> list[datetime]:
    return [
        datetime.fromisoformat(one["started"]) for one in status["steps"] if one["step"] == step
    ]


def _ends(status: Json, step: str) -> list[datetime]:
    return [
        datetime.fromisoformat(one["started"]) + timedelta(milliseconds=one["duration_ms"])
        for one in status["steps"]
        if one["step"] == step
    ]


def _cpu_s(service: Service) -> float:
    """Processor time so far, of all its threads."""
    fields = Path(f"/proc/{service.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _no_core_s(service: Service) -> float:
    """How long the main thread has waited for a core so far.

    https://docs.kernel.org/scheduler/sched-stats.html
    """
    waited = Path(f"/proc/{service.process.pid}/schedstat").read_text().split()[1]
    return int(waited) / 1e9


def _most_actions(folder: Path) -> tuple[int, str]:
    """The most that one orchestration scheduled, and which: a replay reads all of it again."""
    query = (
        "SELECT count(*) AS most, name FROM instances JOIN"
        " (SELECT instance_id FROM actions) USING (instance_id)"
        " GROUP BY instance_id ORDER BY most DESC LIMIT 1"
    )
    with sqlite3.connect(folder / "host" / "history.sqlite") as history:
        most, name = history.execute(query).fetchone()
    return int(most), str(name)
