"""Running steps side by side, so that one that fails never stops the others.

A step answers failures as data, with `retry` where time can fix it. The retries are here, on durable
timers, because the SDK's own give up on all siblings at the first error, and wait once more after
the last attempt.
"""

from collections.abc import Generator, Sequence
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from playbooks.orders import Json, Order

PROOF_WITHIN = timedelta(minutes=10)  # RBAC and federated credentials propagate for so long
Call = tuple[Any, Order]  # a step as `function_app` registers it, and its order
_LOST: Json = {
    "status": "failed",
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
            results = [_LOST] * len(tasks)
        for index, result in zip(waiting, results, strict=True):
            answers[index] = result
        waiting = [index for index in waiting if answers[index].get("retry")]
        if not waiting or attempt == _attempts(calls):
            break
        pause = calls[0][1]["policy"]["retries"]["first_wait_seconds"] * 2 ** (attempt - 1)
        yield context.create_timer(context.current_utc_datetime + timedelta(seconds=pause))
    return answers


def begin(context: df.DurableOrchestrationContext, calls: Sequence[Call]) -> list[Any]:
    """Start steps that nothing waits for yet; `finish` has their answers. They are not tried again."""
    return [context.call_activity(step, order) for step, order in calls]


def finish(
    context: df.DurableOrchestrationContext, begun: list[Any]
) -> Generator[Any, Any, list[Json]]:
    """The answers of steps that were begun, in their order."""
    if not begun:
        return []
    try:
        answers: list[Json] = yield context.task_all(begun)
    except Exception:  # noqa: BLE001 - a lost activity reaches 1.7 as a bare Exception
        return [_LOST] * len(begun)
    return answers


def perform_one(
    context: df.DurableOrchestrationContext, step: Any, order: Order
) -> Generator[Any, Any, Json]:
    """`settle` for a single step."""
    answers = yield from settle(context, [(step, order)])
    return answers[0]


def until_done(
    context: df.DurableOrchestrationContext, step: Any, order: Order, within: timedelta
) -> Generator[Any, Any, Json]:
    """Ask again until the step says done, or the time is up: propagation takes seconds to minutes.

    The waits grow from `wait_seconds` to `max_wait_seconds`; the attempts are bounded too.
    """
    bounds = order["policy"]["verification"]
    deadline = context.current_utc_datetime + within
    pause = timedelta(seconds=bounds["wait_seconds"])
    answer: Json = {}
    for _ in range(bounds["attempts"]):
        answer = yield from perform_one(context, step, order)
        wake = context.current_utc_datetime + pause
        if answer["status"] != "failed" or wake > deadline:
            break
        yield context.create_timer(wake)
        pause = min(pause * 1.5, timedelta(seconds=bounds["max_wait_seconds"]))
    return answer


def _attempts(calls: Sequence[Call]) -> int:
    return int(calls[0][1]["policy"]["retries"]["attempts"])
