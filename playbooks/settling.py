"""Running steps side by side, so that one that fails never stops the others.

A step answers failures as data, with `retry` where time can fix it. The retries are here, on durable
timers, because the SDK's own give up on all siblings at the first error, and wait once more after
the last attempt.
"""

from collections.abc import Generator, Sequence
from datetime import datetime, timedelta
from typing import Any

import azure.durable_functions as df

from playbooks.orders import Json, Order
from playbooks.runs.model import RunOrder

GOOD = frozenset({"done", "nothing_to_do"})
PROOF_WITHIN = timedelta(minutes=10)  # RBAC and federated credentials propagate for so long
# What was removed last is heard of last, seconds after the rest: longer would keep people waiting for a word that is
# true already, but for what it names as not proven.
HEARD_WITHIN = timedelta(minutes=1)
Call = tuple[Any, Order | RunOrder]  # a step as `function_app` registers it, and its order
# Every step may be carried out twice, so one that the host lost is tried again.
LOST: Json = {
    "status": "failed",
    "retry": True,
    "detail": "the host lost this step (timeout or worker failure); what it did is unknown",
}


def settle(
    context: df.DurableOrchestrationContext, calls: Sequence[Call]
) -> Generator[Any, Any, list[Json]]:
    """Run the calls side by side, again those that time can fix; answers in the calls' order."""
    if not calls:
        return []
    answers: list[Json] = [{} for _ in calls]
    waiting = list(range(len(calls)))
    for attempt in range(1, _attempts(calls) + 1):
        tasks = [context.call_activity(calls[index][0], calls[index][1]) for index in waiting]
        try:
            results = yield context.task_all(tasks)
        except Exception:  # noqa: BLE001 - a lost activity reaches 1.7 as a bare Exception
            results = yield from until_ended(context, tasks)  # its siblings go on, and count
        for index, result in zip(waiting, results, strict=True):
            answers[index] = result
        waiting = [index for index in waiting if answers[index].get("retry")]
        if not waiting or attempt == _attempts(calls):
            break
        pause = calls[0][1]["policy"]["retries"]["first_wait_seconds"] * 2 ** (attempt - 1)
        yield context.create_timer(context.current_utc_datetime + timedelta(seconds=pause))
    return answers


def begin(context: df.DurableOrchestrationContext, calls: Sequence[Call]) -> list[Any]:
    """Tasks for steps. Durable schedules them with the first `until_ended` that names them."""
    return [context.call_activity(step, order) for step, order in calls]


def until_ended(
    context: df.DurableOrchestrationContext, wanted: Sequence[Any], beside: Sequence[Any] = ()
) -> Generator[Any, Any, list[Json]]:
    """The answers of the wanted tasks, as soon as these have ended; those beside go on meanwhile."""
    while waiting := [one for one in wanted if not one.is_completed]:
        others = [one for one in beside if not one.is_completed]
        yield context.task_any([*waiting, *others])
    # A lost activity's result is the exception that it was lost with.
    return [one.result if isinstance(one.result, dict) else LOST for one in wanted]


def again(
    context: df.DurableOrchestrationContext, calls: Sequence[Call], answers: list[Json]
) -> Generator[Any, Any, list[Json]]:
    """The answers, those that time can fix asked for again as `settle` does."""
    waiting = [index for index, one in enumerate(answers) if one.get("retry")]
    if not waiting:
        return answers
    pause = calls[0][1]["policy"]["retries"]["first_wait_seconds"]
    yield context.create_timer(context.current_utc_datetime + timedelta(seconds=pause))
    settled = yield from settle(context, [calls[index] for index in waiting])
    found = dict(zip(waiting, settled, strict=True))
    return [found.get(index, one) for index, one in enumerate(answers)]


def perform_one(
    context: df.DurableOrchestrationContext, step: Any, order: Order | RunOrder
) -> Generator[Any, Any, Json]:
    """`settle` for a single step."""
    answers = yield from settle(context, [(step, order)])
    return answers[0]


def until_done(
    context: df.DurableOrchestrationContext,
    step: Any,
    order: Order | RunOrder,
    within: timedelta,
    *,
    first: Json | None = None,
    lag: timedelta = timedelta(0),
) -> Generator[Any, Any, Json]:
    """Ask again until the step says done, or the time is up: propagation takes seconds to minutes.

    The waits grow from `wait_seconds` to `max_wait_seconds`; the attempts are bounded too. `first` is the
    answer of an attempt that was made already. An answer that is `final` says that waiting helps nothing; one
    that holds but `lags` is asked for again for `lag`, as it may prove more, and counts as it is after that.
    """
    bounds = order["policy"]["verification"]
    deadline = context.current_utc_datetime + within
    heard_by: datetime | None = None
    pause = timedelta(seconds=bounds["wait_seconds"])
    answer: Json = {}
    for attempt in range(bounds["attempts"]):
        if attempt == 0 and first is not None:
            answer = first
        else:
            answer = yield from perform_one(context, step, order)
        now = context.current_utc_datetime
        if answer.get("lags") and answer["status"] != "failed":
            heard_by = heard_by or min(deadline, now + lag)
        until = _worth_asking(answer, deadline, heard_by)
        wake = now + pause
        if until is None or wake > until:
            break
        yield context.create_timer(wake)
        pause = min(pause * 1.5, timedelta(seconds=bounds["max_wait_seconds"]))
    return answer


def _worth_asking(answer: Json, deadline: datetime, heard_by: datetime | None) -> datetime | None:
    """How long asking again may still change this answer; None: it counts as it is."""
    if answer["status"] == "failed":
        return None if answer.get("final") else deadline
    return heard_by if answer.get("lags") else None


def _attempts(calls: Sequence[Call]) -> int:
    return int(calls[0][1]["policy"]["retries"]["attempts"])
