"""The step log holds together: each line hangs on the one before, whoever writes, and a crash shows."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from responders import journal as journals
from responders.errors import ConflictError, TransientError
from responders.evidence import EvidenceStore
from responders.journal import GENESIS, Journal, verify_chain
from tests.evidence_stores import blobs, storage, store
from tests.one_module import instead

__all__ = ["blobs", "storage", "store"]


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


def test_the_head_is_the_last_line(store: EvidenceStore) -> None:
    empty = Journal(store, "inc-0").head()
    assert (empty["entries"], empty["head"]) == (0, GENESIS)

    journal = journal_with_three_lines(store)
    last = journal.entries()[-1]
    assert journal.head() == {"path": journal.path, "entries": 3, "head": last["hash"]}


def test_instances_that_do_not_know_each_other_cannot_fork_the_chain(
    store: EvidenceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the turns that threads of one process take, only the condition of `append` is left."""
    monkeypatch.setattr(journals, "_turn", lambda path: threading.Lock())
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: Journal(store, "inc-1").intent(f"step-{n}", "oid"), range(24)))

    entries = Journal(store, "inc-1").entries()
    assert (len(entries), verify_chain(entries)) == (24, None)


def test_a_writer_that_is_always_too_late_says_so(
    store: EvidenceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def late(path: str, content: bytes, *, expected: int) -> None:
        tries.append(expected)
        raise ConflictError("late")

    monkeypatch.setattr(store, "append", late)
    with pytest.raises(TransientError, match="others wrote first"):
        Journal(store, "inc-1").intent("step", "oid")
    assert len(tries) == journals._TRIES


def test_a_line_is_parsed_once_however_long_the_journal_gets(
    store: EvidenceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[bytes] = []
    load = json.loads

    def counted(line: bytes) -> object:
        parsed.extend([line] if b'"step"' in bytes(line) else [])
        return load(line)

    instead(monkeypatch, journals, json, loads=counted)
    journal = Journal(store, "inc-parsed-once")

    for number in range(30):
        journal.intent("step", f"target-{number}")

    assert len(parsed) == 29
    assert len(journal.entries()) == 30


def test_another_journal_of_the_same_name_is_read_anew(store: EvidenceStore) -> None:
    journal = journal_with_three_lines(store)
    content = store.get(journal.path)
    journals._last_read[journal.path] = (b"something else\n", [])

    assert len(journal.entries()) == 3
    journals._last_read[journal.path] = (content + content, [])
    assert len(journal.entries()) == 3
