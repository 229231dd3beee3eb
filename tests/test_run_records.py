"""Runs of quiet-day playbooks are listed by time, one acts at a time, and the newest one counts."""

from pathlib import Path

import pytest

from responders import run_records
from responders.evidence_folder import EvidenceFolder
from responders.run_records import Counted

FIRST = "run-health_check-20260101T050000-00000a"
SECOND = "run-audit_identities-20260102T050000-00000b"
THIRD = "run-health_check-20260103T050000-00000c"


@pytest.fixture
def store(tmp_path: Path) -> EvidenceFolder:
    return EvidenceFolder(tmp_path)


def opened(store: EvidenceFolder, run_id: str) -> None:
    playbook = run_records.playbook_of(run_id)
    run_records.opened(store, {"run_id": run_id, "playbook": playbook})


def test_the_newest_run_comes_first_whatever_its_playbook(store: EvidenceFolder) -> None:
    for run_id in (SECOND, THIRD, FIRST):
        opened(store, run_id)

    assert run_records.names(store, None) == [THIRD, SECOND, FIRST]
    assert run_records.names(store, "health_check") == [THIRD, FIRST]


@pytest.mark.parametrize(
    "odd", ["", "run-x", "../../etc", "inc-20260101-0123456789ab", f"{FIRST}/x"]
)
def test_what_is_no_run_id_names_no_file(store: EvidenceFolder, odd: str) -> None:
    assert run_records.playbook_of(odd) is None
    assert run_records.read(store, odd) is None


def test_one_run_acts_at_a_time(store: EvidenceFolder) -> None:
    assert run_records.lock(store, FIRST) is None
    assert run_records.lock(store, FIRST) is None  # the same run again
    assert run_records.lock(store, THIRD) == FIRST
    run_records.unlock(store, THIRD)  # who does not have it can't give it away
    assert run_records.lock(store, THIRD) == FIRST
    run_records.unlock(store, FIRST)
    assert run_records.lock(store, THIRD) is None


def test_the_lock_of_a_dead_run_is_taken_over_by_one(store: EvidenceFolder) -> None:
    run_records.lock(store, FIRST)

    assert run_records.take_over(store, FIRST, THIRD)
    assert not run_records.take_over(store, FIRST, SECOND)
    assert run_records.lock(store, SECOND) == THIRD


def test_an_older_run_never_takes_the_place_of_a_newer_one(store: EvidenceFolder) -> None:
    run_records.count(store, "health_check", {}, Counted(THIRD, "c.json"))
    run_records.count(store, "health_check", {}, Counted(FIRST, "a.json"))

    assert run_records.last(store, "health_check", {}) == Counted(THIRD, "c.json")


def test_runs_with_other_parameters_are_compared_among_themselves(store: EvidenceFolder) -> None:
    run_records.count(store, "health_check", {"clusters": ["a"]}, Counted(FIRST, "a.json"))

    assert run_records.last(store, "health_check", {"clusters": ["b"]}) is None


def test_the_first_end_of_a_run_stands(store: EvidenceFolder) -> None:
    how: run_records.Ended = {
        "run_id": FIRST,
        "status": "done",
        "summary": "well",
        "ended_at": "2026-01-01T05:00:10+00:00",
        "counts": {},
        "new": 0,
        "gone": 0,
        "document": "d.json",
        "plan_hash": None,
        "confirmations": [],
    }
    run_records.ended(store, how)
    run_records.ended(store, {**how, "ended_at": "2026-01-01T05:00:11+00:00"})

    assert run_records.end_of(store, FIRST) == how
    assert run_records.end_of(store, THIRD) is None


def test_whoever_asked_for_a_plan_is_known_for_its_own_playbook_alone(
    store: EvidenceFolder,
) -> None:
    run = {"run_id": FIRST, "playbook": "health_check", "by": {"object_id": "rosa", "name": "Rosa"}}
    run_records.planned(store, "a" * 64, run)

    assert run_records.planners(store, "health_check", "a" * 64) == ["rosa"]
    assert run_records.planners(store, "audit_identities", "a" * 64) == []
    assert run_records.planners(store, "health_check", "b" * 64) == []
