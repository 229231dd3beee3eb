"""The health check as a playbook: what could not be looked at is judged as such; the same blindness is told once."""

from pathlib import Path
from typing import Any

from playbooks import health_check as playbook
from playbooks.runs.model import Document, Run, document
from playbooks.steps import concluding
from responders import run_records
from responders.evidence_folder import EvidenceFolder
from tests.rehearsal import Json, Rehearsal, rehearse

KEPT = {"status": "done", "detail": "kept", "path": "runs/x.json"}
LOST = {"status": "failed", "detail": "the workspace does not answer"}
ENDED = {"status": "done", "outcome": "done", "summary": "s", "counts": {}, "tell": False}
JUDGED = {"status": "done", "detail": "green", "document": "d.json"}


def run(number: int, clusters: list[str] | None = None) -> Run:
    return {
        "run_id": f"run-health_check-2026112{number}T050000-00000a",
        "playbook": "health_check",
        "mode": "apply",
        "parameters": {"clusters": clusters or []},
        "by": {"object_id": "", "name": "schedule"},
        "started_by": "schedule",
        "reason": "as scheduled",
        "opened_at": f"2026-11-2{number}T05:00:00+00:00",
        "accepted": [],
    }


def checked(answers: dict[str, Any], clusters: list[str] | None = None) -> Rehearsal:
    policy = {"retries": {"attempts": 1, "first_wait_seconds": 1}}
    order: Json = {"run": run(1, clusters), "policy": policy, "facts": {}}
    well: dict[str, Any] = {
        "look_at_clusters": KEPT,
        "look_at_sign_ins": KEPT,
        "look_at_ourselves": KEPT,
        "judge_health": JUDGED,
        "end_run": ENDED,
    }
    return rehearse(playbook.health_check, order, {**well, **answers})


def test_everything_is_looked_at_side_by_side_then_judged_once() -> None:
    done = checked({})

    assert sorted(done.timeline[:3]) == [
        "look_at_clusters",
        "look_at_ourselves",
        "look_at_sign_ins",
    ]
    assert done.timeline[3:] == ["judge_health", "end_run", "seal_run"]


def test_what_could_not_be_looked_at_is_handed_on_with_its_reason() -> None:
    done = checked({"look_at_sign_ins": LOST})

    order = next(one for name, one in done.orders if name == "judge_health")
    looks = order["facts"]["looks"]
    assert looks["Authentication"] == {"path": "", "why": "the workspace does not answer"}
    assert looks["Clusters"] == {"path": "runs/x.json", "why": ""}


def test_a_cluster_that_nobody_sees_ends_the_run_unjudged() -> None:
    refused = {"status": "refused", "detail": "no cluster 'aks-x' in sight"}

    assert "judge_health" not in checked({"look_at_clusters": refused}, ["aks-x"]).timeline
    # Where all are asked about, that none may be read is a finding like others.
    assert "judge_health" in checked({"look_at_clusters": refused}).timeline


def told(store: EvidenceFolder, number: int, unread: list[str]) -> bool:
    found: Document = document("t", "s", "partly" if unread else "done", unread=unread)
    path = f"runs/health_check/{number}.json"
    store.put_json(path, found)
    run_records.opened(store, run(number))
    ended = concluding._ended(store, run(number), {"status": "done", "document": path})
    return bool(ended["tell"])


def test_what_stays_unread_is_told_when_it_begins_and_when_it_ends(tmp_path: Path) -> None:
    store = EvidenceFolder(tmp_path)

    assert not told(store, 1, [])
    assert told(store, 2, ["aks-a: no answer within 40 s"])
    assert not told(store, 3, ["aks-a: no answer within 41 s"])
    assert told(store, 4, ["aks-a: no answer", "aks-b: no answer"])
    assert told(store, 5, [])
    assert not told(store, 6, [])
