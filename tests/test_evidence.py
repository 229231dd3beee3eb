"""Evidence is written once, journals are chained, claims hold: nothing here may be overwritten quietly."""

import json
import threading
from pathlib import Path

import pytest

from responders import claims
from responders.errors import ConflictError, NotFoundError, RefusedError
from responders.evidence import EvidenceStore
from responders.journal import Journal, verify_chain
from responders.model import Incident, Signal


@pytest.fixture
def store(tmp_path: Path) -> EvidenceStore:
    return EvidenceStore(tmp_path / "evidence")


def signal(signal_id: str = "1") -> Signal:
    return {
        "source": "azure-monitor",
        "signal_id": signal_id,
        "fired_at": "2026-01-01T00:00:00+00:00",
        "title": "t",
        "severity": "Sev0",
        "hint": {},
    }


def test_evidence_is_never_overwritten(store: EvidenceStore) -> None:
    store.put("a/b.json", b"one")

    with pytest.raises(ConflictError):
        store.put("a/b.json", b"two")
    assert store.get("a/b.json") == b"one"


def test_the_same_bytes_may_be_put_twice(store: EvidenceStore) -> None:
    assert store.put("a", b"x") == store.put("a", b"x")


def test_missing_evidence_is_an_error_and_not_empty(store: EvidenceStore) -> None:
    with pytest.raises(NotFoundError):
        store.get("absent")


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "a/../../outside"])
def test_no_path_leaves_the_store(store: EvidenceStore, path: str) -> None:
    with pytest.raises(RefusedError):
        store.put(path, b"x")


def test_only_one_of_many_gets_a_claim(store: EvidenceStore) -> None:
    holders: list[str] = []
    threads = [
        threading.Thread(target=lambda n=n: holders.append(claims.take(store, "oid", f"inc-{n}")))
        for n in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(holders)) == 1


def test_a_claim_is_taken_over_once(store: EvidenceStore) -> None:
    claims.take(store, "oid", "dead")

    assert claims.take_over(store, "oid", "dead", "first")
    assert not claims.take_over(store, "oid", "dead", "second")
    assert claims.take(store, "oid", "third") == "first"


def test_only_the_holder_releases(store: EvidenceStore) -> None:
    claims.take(store, "oid", "inc-1")
    other: Incident = {"incident_id": "inc-2", "principal": {"object_id": "oid"}}  # type: ignore[typeddict-item]
    claims.release(store, other)
    assert claims.take(store, "oid", "inc-3") == "inc-1"

    holder: Incident = {"incident_id": "inc-1", "principal": {"object_id": "OID"}}  # type: ignore[typeddict-item]
    claims.release(store, holder)
    assert claims.take(store, "oid", "inc-3") == "inc-3"


def test_the_same_signal_makes_the_same_incident() -> None:
    assert claims.incident_id(signal()) == claims.incident_id(signal())
    assert claims.incident_id(signal("2")) != claims.incident_id(signal())


def test_a_redelivered_signal_is_kept_once(store: EvidenceStore) -> None:
    assert claims.keep_signal(store, "inc-1", signal())
    assert not claims.keep_signal(store, "inc-1", signal())


def journal_with_three_lines(store: EvidenceStore) -> Journal:
    journal = Journal(store, "inc-1")
    run = journal.intent("disable", "oid")
    journal.outcome("disable", "oid", run=run, status="done", detail="", duration_ms=5)
    journal.intent("remove", "oid")
    return journal


def test_an_intent_without_an_outcome_is_unknown(store: EvidenceStore) -> None:
    steps = journal_with_three_lines(store).steps()

    assert [(one["step"], one["status"]) for one in steps] == [
        ("disable", "done"),
        ("remove", "unknown"),
    ]


def test_a_step_that_is_begun_again_knows_it(store: EvidenceStore) -> None:
    journal = journal_with_three_lines(store)

    assert journal.intent("remove", "oid") == 2
    assert journal.intent("remove", "another") == 1


def test_an_intact_chain_verifies(store: EvidenceStore) -> None:
    assert verify_chain(journal_with_three_lines(store).entries()) is None


@pytest.mark.parametrize(
    ("tamper", "line"),
    [
        (lambda lines: [lines[0], lines[1] | {"status": "failed"}, lines[2]], 1),
        (lambda lines: [lines[0], lines[2]], 1),
        (lambda lines: [lines[1], lines[0], lines[2]], 0),
        (lambda lines: lines[1:], 0),
    ],
    ids=["changed", "removed", "reordered", "beheaded"],
)
def test_a_touched_chain_names_its_first_bad_line(
    store: EvidenceStore, tamper: object, line: int
) -> None:
    entries = journal_with_three_lines(store).entries()

    assert verify_chain(tamper(entries)) == line  # type: ignore[operator]


def test_many_writers_keep_one_chain(store: EvidenceStore) -> None:
    journal = Journal(store, "inc-1")
    threads = [
        threading.Thread(target=lambda n=n: journal.intent(f"step-{n}", "oid")) for n in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(journal.entries()) == 16
    assert verify_chain(journal.entries()) is None


def test_journal_lines_are_json_lines(store: EvidenceStore) -> None:
    journal = journal_with_three_lines(store)

    lines = store.get(journal.path).decode().splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["intent", "outcome", "intent"]
