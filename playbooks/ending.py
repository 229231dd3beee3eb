"""How a run of a quiet-day playbook ends: written down, compared with the one before, told to people."""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from playbooks.runs.model import Json, RunOrder
from playbooks.settling import GOOD, LOST, perform_one
from playbooks.steps import concluding

# Seconds before each further try to tell people: about two hours, then the page alone says it.
_WAITS = (5, 30, 60, 300, 900, 1800, 3600)


def enter(context: df.DurableOrchestrationContext, phase: str, **said: object) -> None:
    """Say what the run is at."""
    context.set_custom_status({"phase": phase, **said})


def end(
    context: df.DurableOrchestrationContext, order: RunOrder, answer: Json
) -> Generator[Any, Any, Json]:
    """Write down how it ended, count it, let go, tell people, seal the evidence. `answer`: of `running.conclude`.

    An answer that is a refusal or a failure becomes a document that says so.
    """
    enter(context, "ending")
    closing: RunOrder = {**order, "facts": {"answer": answer}}
    ended = yield from perform_one(context, concluding.end_run, closing)
    if ended["status"] not in GOOD:
        raise RuntimeError(f"the end of the run could not be written down: {ended['detail']}")
    result: Json = {name: ended[name] for name in ("outcome", "summary", "counts")}
    enter(context, "ended", **result)
    if ended["tell"]:
        told = yield from _tell(context, closing)
        result["told"] = f"{told['status']}: {told.get('detail', '')}"[:300]
        enter(context, "ended", **result)
    sealed = yield from perform_one(context, concluding.seal_run, closing)
    result["sealed"] = sealed["status"] in GOOD
    return result


def _tell(context: df.DurableOrchestrationContext, order: RunOrder) -> Generator[Any, Any, Json]:
    answer: Json = LOST
    for wait in (0, *_WAITS):
        if wait:
            pause = timedelta(seconds=max(wait, int(answer.get("after_s", 0))))
            yield context.create_timer(context.current_utc_datetime + pause)
        task = context.call_activity(concluding.tell_of_run, order)
        yield context.task_any([task])
        answer = task.result if isinstance(task.result, dict) else LOST
        if not answer.get("retry"):
            break
    return answer
