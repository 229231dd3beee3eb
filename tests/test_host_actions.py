"""The ledger: it numbers tasks as the SDK does, and knows another orchestrator when it sees one."""

import pytest

from host.durable.actions import Action, Ledger, NonDeterminismError, RetryTimer, Scheduled


def activity(name: str, given: str = "1") -> Action:
    return {"actionType": 0, "functionName": name, "input": given}


def retried(name: str, attempts: int = 2) -> Action:
    options = {"firstRetryIntervalInMilliseconds": 1500, "maxNumberOfAttempts": attempts}
    inner = {"actionType": 1, "functionName": name, "input": "1", "retryOptions": options}
    return {"actionType": 12, "compoundActions": [inner]}


def event(name: str) -> Action:
    return {"actionType": 6, "externalEventName": name, "reason": "ExternalEvent"}


def timer(*, cancelled: bool = False) -> Action:
    return {"actionType": 5, "fireAt": "2026-01-01T00:00:00.000000Z", "isCanceled": cancelled}


def both(*actions: Action) -> Action:
    return {"actionType": 12, "compoundActions": list(actions)}


def either(*actions: Action) -> Action:
    return {"actionType": 11, "compoundActions": list(actions)}


def numbers(scheduled: list[Scheduled]) -> list[int]:
    return [s.task_id for s in scheduled]


def test_compound_tasks_are_numbered_from_the_left_and_events_take_no_number() -> None:
    ledger = Ledger()
    asked = [activity("a"), either(event("go"), both(activity("b"), activity("c")), timer())]
    assert numbers(ledger.accept(asked)) == [0, 1, 2, 3]
    assert ledger.accept(asked) == []


def test_a_failed_attempt_takes_a_number_for_its_pause_and_one_for_the_next() -> None:
    ledger = Ledger()
    ledger.accept([retried("a")])
    assert ledger.completed(0, failed=True) == RetryTimer(1, 1.5)
    again = ledger.completed(1, failed=False)
    assert isinstance(again, Scheduled)
    assert again.task_id == 2
    assert ledger.completed(2, failed=True) == RetryTimer(3, 1.5)  # the extra one
    assert ledger.completed(3, failed=False) is None
    assert numbers(ledger.accept([retried("a"), activity("next")])) == [4]


def test_a_success_ends_the_attempts() -> None:
    ledger = Ledger()
    ledger.accept([retried("a")])
    assert ledger.completed(0, failed=False) is None
    assert ledger.attempts == {}


def test_cancelling_a_timer_is_no_other_action() -> None:
    ledger = Ledger()
    ledger.accept([either(event("go"), timer())])
    asked = [either(event("go"), timer(cancelled=True)), activity("a")]
    assert numbers(ledger.accept(asked)) == [1]
    assert ledger.cancelled_timers(asked) == [0]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ([activity("other")], ["call_activity 'disable'", "call_activity 'other'"]),
        ([activity("disable", "2")], ["call_activity 'disable'", "other arguments"]),
        ([event("disable")], ["wait_for_external_event 'disable'"]),
        ([both(activity("disable"))], ["task_all"]),
        ([], ["call_activity 'disable'", "nothing"]),
    ],
)
def test_another_prefix_is_refused_by_name(asked: list[Action], words: list[str]) -> None:
    ledger = Ledger()
    ledger.accept([activity("disable")])
    with pytest.raises(NonDeterminismError) as refused:
        ledger.accept(asked)
    assert all(word in str(refused.value) for word in words)


def test_a_refusal_never_quotes_an_input() -> None:
    ledger = Ledger()
    ledger.accept([activity("a", "a secret")])
    with pytest.raises(NonDeterminismError) as refused:
        ledger.accept([activity("a", "another secret")])
    assert "secret" not in str(refused.value)
