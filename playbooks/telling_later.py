"""A notice that a channel did not take is handed over later, beside the playbook, which goes on meanwhile.

How often and how long: at first as a throttle of seconds asks for, in the end as an outage of half a day does.
"""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from playbooks.orders import Json, Order
from playbooks.settling import LOST
from playbooks.steps import telling

bp = df.Blueprint()
TELL_LATER = "tell_later"
# A function of `triggers`, which playbooks can't import: it tells what is about no incident.
ANNOUNCE = "announce"
# Seconds before each try. Their sum is about twelve hours: who has not been told until then has seen the incident.
_WAITS = (5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 3600, 7200, 10_800, 14_400)
_LONGEST = 14_400  # whatever a Retry-After asks for


@bp.orchestration_trigger(context_name="context")
def tell_later(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """Try until the channel has taken it, somebody has to mend it, or half a day has passed.

    What nobody has tried is tried at once, on all channels, and from there on a channel each.
    """
    order: Order = context.get_input(expected_type=dict)
    if "first" not in order["facts"]:
        return (yield from tell(context, order))
    answer: Json = order["facts"]["first"]
    told: Order = {**order, "facts": {k: v for k, v in order["facts"].items() if k != "first"}}
    for number, wait in enumerate(_WAITS, start=1):
        pause = min(max(wait, int(answer.get("after_s", 0))), _LONGEST)
        yield context.create_timer(context.current_utc_datetime + timedelta(seconds=pause))
        if number == len(_WAITS):
            told = {**told, "last_try": True}
        task = context.call_activity(_step(told), told)
        yield context.task_any([task])
        answer = task.result if isinstance(task.result, dict) else LOST
        if not answer.get("retry"):
            break
    return answer


def beside(context: df.DurableOrchestrationContext, order: Order) -> Any:
    """The task that tells, all tries included, in an orchestration of its own: nobody has to wait for it.

    Durable schedules it with the first wait that names it.
    """
    return context.call_sub_orchestrator(TELL_LATER, order)


def tell(context: df.DurableOrchestrationContext, order: Order) -> Generator[Any, Any, Json]:
    """One try, and the rest beside the playbook where time can fix it. A channel that is down delays nothing."""
    task = context.call_activity(_step(order), order)
    yield context.task_any([task])
    answer: Json = task.result if isinstance(task.result, dict) else LOST
    if answer.get("retry"):
        yield from begin(context, order, answer)
    return answer


def begin(
    context: df.DurableOrchestrationContext, order: Order, answer: Json
) -> Generator[Any, Any, None]:
    """Hand a notice that was not taken to `tell_later`, a channel each, and go on at once."""
    busy = {name: one for name, one in answer.get("channels", {}).items() if one.get("retry")}
    later = [
        beside(context, _late(order, name, one))
        for name, one in (busy or {"": answer}).items()  # of a lost step nobody knows which
    ]
    yield from schedule(context, later)


def schedule(
    context: df.DurableOrchestrationContext, tasks: list[Any]
) -> Generator[Any, Any, None]:
    """Have Durable begin these, and go on at once."""
    if not tasks:
        return
    moment = context.create_timer(context.current_utc_datetime)
    yield context.task_any([*tasks, moment])
    if not moment.is_completed:
        moment.cancel()


def _late(order: Order, channel: str, first: Json) -> Order:
    late: Order = {**order, "facts": {**order["facts"], "first": first}}
    return {**late, "channel": channel} if channel else late


def _step(order: Order) -> Any:
    return ANNOUNCE if "announcement" in order else telling.tell_people
