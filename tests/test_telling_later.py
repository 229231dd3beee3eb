"""A channel that does not take a card gets it later, on a schedule that ends, beside the playbook."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from playbooks import telling_later
from tests.rehearsal import START, Rehearsal, rehearse

BUSY: dict[str, Any] = {"status": "failed", "retry": True, "detail": "answered 429"}
ORDER: dict[str, Any] = {"incident": {}, "policy": {}, "notice": "contained"}


def later(answers: Iterator[dict[str, Any]], first: dict[str, Any] = BUSY) -> Rehearsal:
    order = {**ORDER, "facts": {"first": first, "lines": ["x"]}}
    return rehearse(telling_later.tell_later, order, {"tell_people": lambda _order: next(answers)})


def test_it_tries_until_the_channel_has_taken_it() -> None:
    run = later(iter([BUSY, BUSY, {"status": "done"}]))
    assert run.timeline == ["tell_people"] * 3
    assert run.outcome == {"status": "done"}
    assert [order["facts"] for _, order in run.orders] == [{"lines": ["x"]}] * 3


def test_what_a_person_has_to_mend_is_not_tried_again() -> None:
    run = later(iter([{"status": "refused", "detail": "renew the webhook"}]))
    assert run.timeline == ["tell_people"]
    assert run.outcome["status"] == "refused"


def test_it_ends_after_half_a_day_and_says_that_nobody_was_told() -> None:
    run = later(iter([BUSY] * 100))
    assert timedelta(hours=11) < run.ended_at - START < timedelta(hours=13)
    assert run.outcome == BUSY


def test_it_waits_as_long_as_the_channel_asks_for_and_no_longer_than_four_hours() -> None:
    for asked, waited in ((90, 90), (10**9, 14_400)):
        run = later(iter([{"status": "done"}]), {**BUSY, "after_s": asked})
        assert run.ended_at - START == timedelta(seconds=waited)


def test_what_nobody_has_tried_is_tried_at_once() -> None:
    order = {**ORDER, "facts": {"lines": ["x"]}}
    run = rehearse(telling_later.tell_later, order, {"tell_people": {"status": "done"}})
    assert run.timeline == ["tell_people"]
    assert run.ended_at == START


def test_each_channel_that_is_busy_is_tried_by_itself_and_the_others_no_more() -> None:
    slow = {**BUSY, "after_s": 3600}
    joint = {**BUSY, "channels": {"teams": slow, "events": BUSY, "sentinel": {"status": "done"}}}
    order = {**ORDER, "facts": {}}
    run = rehearse(telling_later.tell_later, order, {"tell_people": joint})
    late = [one for name, one in run.orders if name == "tell_later"]
    assert [(one["channel"], one["facts"]["first"]) for one in late] == [
        ("teams", slow),
        ("events", BUSY),
    ]


def test_of_a_try_that_was_lost_every_channel_is_tried_again() -> None:
    order = {**ORDER, "facts": {}}
    run = rehearse(telling_later.tell_later, order, {"tell_people": {"lost": "the worker died"}})
    (late,) = [one for name, one in run.orders if name == "tell_later"]
    assert "channel" not in late


def test_the_last_try_knows_that_it_is_the_last() -> None:
    run = later(iter([BUSY] * 100))
    last = [one.get("last_try", False) for _, one in run.orders]
    assert last == [*[False] * (len(last) - 1), True]
