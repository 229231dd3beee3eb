"""The switch in the evidence store: one state for all instances, every turn kept, nobody overwrites another's turn."""

import threading

import pytest

from responders import kill_switch
from responders.errors import ConflictError, ContractChangedError
from responders.evidence import EvidenceStore
from responders.kill_switch import Turn
from tests.evidence_stores import blobs, storage, store

__all__ = ["blobs", "storage", "store"]


def to(*, acting: bool, reason: str = "wrong identity") -> Turn:
    by: kill_switch.TurnedBy = {"object_id": "o-1", "name": "rosa"}
    return {"acting": acting, "reason": reason, "by": by, "at": "2026-11-26T23:00:00+00:00"}


def test_a_switch_that_nobody_touched_is_on_and_reading_it_makes_none(store: EvidenceStore) -> None:
    assert kill_switch.read(store) == {"number": 0, "acting": True}
    assert store.claimed("kill-switch.json") is None
    assert kill_switch.history(store) == []


def test_whoever_pulls_it_is_named_with_reason_and_time_and_every_turn_is_kept(
    store: EvidenceStore,
) -> None:
    kill_switch.turn(store, to(acting=False))
    kill_switch.turn(store, to(acting=True, reason="it was the right one"))

    now = kill_switch.read(store)
    assert (now["number"], now["acting"], now["reason"]) == (2, True, "it was the right one")
    kept = kill_switch.history(store)
    assert [(one["number"], one["acting"]) for one in kept] == [(2, True), (1, False)]
    assert kept[1]["by"]["name"] == "rosa"


def test_who_expects_another_turn_changes_nothing(store: EvidenceStore) -> None:
    seen = kill_switch.turn(store, to(acting=False))
    kill_switch.turn(store, to(acting=True))

    with pytest.raises(ConflictError):
        kill_switch.turn(store, to(acting=True), expected=seen["number"])
    assert kill_switch.read(store)["number"] == 2


def test_many_who_turn_at_once_each_get_a_turn_of_their_own(store: EvidenceStore) -> None:
    threads = [
        threading.Thread(
            target=lambda n=n: kill_switch.turn(store, to(acting=False, reason=f"{n}"))
        )
        for n in range(5)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    reasons = {one["reason"] for one in kill_switch.history(store)}
    assert reasons == {"0", "1", "2", "3", "4"}
    assert kill_switch.read(store)["number"] == 5


def test_a_turn_whose_writer_died_before_it_was_kept_is_kept_by_the_next_one(
    store: EvidenceStore,
) -> None:
    store.claim("kill-switch.json", b'{"number": 1, "acting": false, "reason": "r"}')

    kill_switch.turn(store, to(acting=True))

    assert [one["number"] for one in kill_switch.history(store)] == [2, 1]


@pytest.mark.parametrize("content", [b"", b"{", b'{"acting": "no"}', b"[]"])
def test_what_is_no_switch_is_an_error_and_not_on(store: EvidenceStore, content: bytes) -> None:
    store.claim("kill-switch.json", content)

    with pytest.raises(ContractChangedError):
        kill_switch.read(store)
