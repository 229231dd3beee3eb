"""The plan of an incident that nobody opened: the playbook's own parts, in its order, over a folder that is forgotten.

The caller wraps it in `read_only()`: the transport under every client refuses whatever is not a read.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from playbooks import graphs, plans
from playbooks.journaled import Work
from playbooks.orders import Order, folder
from playbooks.plan_model import Plan
from playbooks.policy import Policy
from playbooks.steps import ages, evidence, findings, sweeps
from responders import claims, clusters, snapshots, surveys
from responders.cloud import Cloud
from responders.evidence import EvidenceRef, EvidenceStore, Rows, canonical, digest
from responders.evidence_folder import EvidenceFolder
from responders.graph_model import Graph
from responders.model import Incident, Principal, Signal
from responders.snapshots import Snapshot
from responders.surveys import Survey
from twin.pseudonyms import Names
from twin.wire import Json

UNREACHABLE = "it gave no answer"
_SWEEP = {"sweep": sweeps.FIRST}
_LAST_RUN = 3  # of a sweep: what is still busy then is a gap, and said


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, and what it was drawn from."""

    incident: Incident
    names: Names
    snapshot: Snapshot
    surveys: Sequence[Survey]  # as they were taken; see `_stable`
    plan: Plan | None
    graph: Graph  # of who breaks; the plan has its hash
    not_rebuilt: str | None
    logs: dict[str, Json]  # source -> {complete, gaps, rows}


def incident_about(principal: Principal, policy: Policy, at: datetime) -> Incident:
    """A rehearsal's: as if a responder had called at this moment."""
    moment = at.astimezone(UTC).isoformat(timespec="seconds")
    signal: Signal = {
        "source": "responder",
        "kind": "call",
        "signal_id": f"twin/{principal['object_id']}/{moment}",
        "fired_at": moment,
        "title": "rehearsal",
        "severity": "responder",
        "confidence": "high",
        "authenticated": "token",
        "hint": {"object_id": principal["object_id"]},
    }
    window = timedelta(hours=policy.windows.compromise_hours)
    return {
        "incident_id": claims.incident_id(signal),
        "mode": "respond",
        "principal": principal,
        "signal": signal,
        "opened_at": at.astimezone(UTC).isoformat(timespec="milliseconds"),
        "window_start": (at - window).isoformat(timespec="seconds"),
    }


class _Kept(EvidenceFolder):
    """Log rows without people's names, where these are hidden: a plan is judged by them."""

    def __init__(self, folder: Path, names: Names) -> None:
        super().__init__(folder)
        self._names = names

    def put_rows(self, path: str, rows: Rows) -> EvidenceRef:
        """As they came, but for that."""
        return super().put_rows(path, self._names.within(rows))


async def draw(
    cloud: Cloud, incident: Incident, policy: Policy, *, pseudonymous: bool = False
) -> Planned:
    """Read everything that a plan is drawn from, and draw it. Raises where half of it would pass for the whole."""
    with TemporaryDirectory(prefix="firebreak-twin-") as folder_of_it:
        snapshot = await snapshots.take(cloud, incident, insist=True)
        names = Names.of(snapshot, hides=pseudonymous)
        snapshot = names.within(snapshot)
        store = _Kept(Path(folder_of_it), names)
        order: Order = {"incident": incident, "policy": policy.frozen(), "facts": dict(_SWEEP)}
        work = Work(cloud, store, _LAST_RUN)
        store.put_json(f"{folder(incident)}/snapshot.json", snapshot)
        refs = evidence.told_apart(await clusters.list_all(cloud))
        await asyncio.gather(
            sweeps.collect_activity_log(work, order), sweeps.collect_tables(work, order)
        )
        taken = list(
            await asyncio.gather(
                *(surveys.take(cloud, one, incident["principal"], insist=False) for one in refs)
            )
        )
        taken = names.within(taken)
        answers = [_stable(one) for one in taken]
        for survey in answers:
            store.put_json(evidence.survey_path(incident, survey["cluster"]), survey)
        await findings.trace(work, order)
        why, plan = plans.not_rebuilt(incident), None
        graph = graphs.draw(incident, snapshot, answers, rebuilt=why is None)
        if why is None:
            judged = evidence.judged(store, incident, snapshot, answers)
            known = await ages.known(work, incident)
            plan = plans.draw(incident, snapshot, answers, order["policy"], judged, known)
            plan = {**plan, "graph": digest(canonical(graph))}
        return Planned(incident, names, snapshot, taken, plan, graph, why, _logs(store, incident))


def _stable(survey: Survey) -> Survey:
    """Why a cluster gave no answer is worded by whichever call failed first: a plan that is compared can't say it."""
    if survey["reachable"]:
        return survey
    return surveys.unreachable(survey["cluster"], UNREACHABLE)


def _logs(store: EvidenceStore, incident: Incident) -> dict[str, Json]:
    whole, rows = sweeps.complete_of(store, incident), sweeps.rows_of(store, incident)
    found: dict[str, Json] = {}
    for source in rows:
        about = store.get_json(sweeps.path_of(incident, sweeps.FIRST, source))
        found[source] = {
            "complete": source in whole,
            "gaps": [str(one) for one in about.get("gaps", [])],
            "rows": rows[source],
        }
    return found
