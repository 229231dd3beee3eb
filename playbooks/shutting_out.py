"""What makes stolen ServiceAccount tokens worthless before the new identity trusts a name that it had before.

Each method has a condition of its own; a cluster where it does not hold is not trusted, and says why. A new name needs
none: no token of before fits it.
"""

import re
from collections.abc import Generator, Mapping
from datetime import datetime, timedelta
from typing import Any

import azure.durable_functions as df

from playbooks import breaking
from playbooks.groups import each_cluster, orders_of
from playbooks.holding import Wait, hold
from playbooks.orders import Json, Order
from playbooks.progress import Progress
from playbooks.rotations import rotate
from playbooks.settling import GOOD, perform_one, settle
from playbooks.steps import eviction, evidence, refederating

bp = df.Blueprint()
# Clocks differ: how far Entra lets them is not documented.
_SKEW = timedelta(minutes=5)
_WAITS = 3  # whoever requests tokens through all of them has to be met by a person
_CLOCK = {"waiting_out": "stolen tokens expire", "rotating_keys": "old keys aged out"}
_NOT_HELD = "containment did not hold while waiting"
States = Json  # cluster name -> status and detail


def shut_out(
    context: df.DurableOrchestrationContext,
    order: Order,
    clusters: list[Order],
    progress: Progress,
    plan: Json,
    evicted: Mapping[str, str],
) -> Generator[Any, Any, States]:
    """Make the method's condition hold. Returns the clusters where it does not: none of them may be trusted.

    What counts is when each cluster was evicted, not when a recovery that was resumed came by here once more.
    """
    if not clusters:
        return {}
    chosen = plan["refederation"]
    gone = {
        one["cluster"]["resource_id"]: evicted[one["cluster"]["resource_id"]] for one in clusters
    }
    longest = timedelta(seconds=chosen["longest_token_s"])
    last = datetime.fromisoformat(max(gone.values()))
    if chosen["method"] == "accept_risk":
        progress.until("risk accepted until", last + longest)
        return {}
    # Whoever may request tokens gets a new one: for a new name, by new keys, after any wait.
    away = yield from _each(context, check_footholds, order, clusters)
    if chosen["method"] == "new_subject":
        return away
    ready = _without(clusters, away)
    told: Order = {**order, "facts": {"vector": chosen["vector"], "since": min(gone.values())}}
    if chosen["method"] == "rotate_keys":
        turned = yield from _rotate(context, told, ready, progress, gone)
        return {**away, **turned}
    until = last + longest + _SKEW
    waited = yield from _wait(context, told, ready, progress, ("waiting_out", until))
    return {**away, **waited}


def _wait(
    context: df.DurableOrchestrationContext,
    order: Order,
    ready: list[Order],
    progress: Progress,
    begun: tuple[str, datetime],
) -> Generator[Any, Any, States]:
    """Until tokens of before are worthless, and then once more for each that was requested meanwhile."""
    away: States = {}
    phase, until = begun
    for number in range(1, _WAITS + 1):
        if not ready:
            return away
        progress.until(_CLOCK[phase], until)
        waiting = {"Trusted again after": progress.clock[_CLOCK[phase]]}
        yield from progress.tell("waiting", waiting, key=f"{phase}-{until.isoformat()}")
        wait = Wait(phase, until, beyond=True)
        outcome = yield from hold(context, order, progress, "contained", wait)
        if outcome == "not_contained":
            return {**away, **_all(ready, "failed", _NOT_HELD)}
        # Somebody may have started again what was stopped, and its pods have new tokens.
        back = yield from _each(context, check_still_evicted, order, ready)
        away |= {
            name: {**state, "detail": f"it runs again: {state['detail']}"}
            for name, state in back.items()
        }
        ready = _without(ready, back)
        asked = yield from _requested(context, order, number)
        if asked["status"] not in GOOD:
            return {**away, **_all(ready, asked["status"], asked["detail"])}
        now = context.current_utc_datetime
        until = datetime.fromisoformat(asked["until"]) + _SKEW if asked["until"] else now
        if until <= now:
            progress.note(remaining=[*progress.remaining, *asked["unread"]])
            return away
    still = f"tokens were requested in each of {_WAITS} waits: take the right to do so away, then resume"
    return {**away, **_all(ready, "refused", still)}


def _rotate(
    context: df.DurableOrchestrationContext,
    order: Order,
    clusters: list[Order],
    progress: Progress,
    evicted: Mapping[str, str],
) -> Generator[Any, Any, States]:
    """New signing keys twice in every cluster, then until copies of the old ones have aged out.

    A token that was requested since the keys of before were written down may be one of the new keys: it is waited for.
    """
    if not clusters:
        return {}
    progress.enter("rotating_keys")
    told: Order = {**order, "facts": {"evicted": dict(evicted)}}
    answers = yield from rotate(context, told, [one["cluster"] for one in clusters])
    states = dict(zip((one["cluster"]["name"] for one in clusters), answers, strict=True))
    progress.note(
        remaining=[*progress.remaining, *_of(answers, "remaining")],
        by_hand=[*progress.by_hand, *_of(answers, "by_hand")],
    )
    away = {
        name: {"status": one["status"], "detail": one["detail"]}
        for name, one in states.items()
        if one["status"] not in GOOD
    }
    turned = [one for one in answers if one["status"] in GOOD]
    if not turned:
        return away
    aged = max(datetime.fromisoformat(one["aged"]) for one in turned)
    since = min(one["recorded"] for one in turned)
    looked: Order = {**order, "facts": {**order["facts"], "since": since}}
    ready = _without(clusters, away)
    waited = yield from _wait(context, looked, ready, progress, ("rotating_keys", aged))
    return {**away, **waited}


def _of(answers: list[Json], name: str) -> list[str]:
    return [str(line) for one in answers for line in one.get(name, [])]


def _requested(
    context: df.DurableOrchestrationContext, order: Order, number: int
) -> Generator[Any, Any, Json]:
    """Whether the audit logs name a token that was requested since then. Each look is a sweep of its own."""
    now = context.current_utc_datetime.isoformat()
    sweep = f"sweep-1-waited-{re.sub('[^0-9]', '', now)}-{number}"
    facts = {**order["facts"], "sweep": sweep, "now": now}
    swept: Order = {**order, "facts": facts}
    yield from settle(
        context, [(evidence.collect_activity_log, swept), (evidence.collect_logs, swept)]
    )
    return (yield from perform_one(context, refederating.look_for_requests, swept))


@bp.orchestration_trigger(context_name="context")
@breaking.told
def check_footholds(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """Who may still request tokens, in each cluster of a group."""
    order: Order = context.get_input(expected_type=dict)
    calls = [(refederating.check_foothold, one) for one in orders_of(order)]
    return {"answers": (yield from settle(context, calls))}


@bp.orchestration_trigger(context_name="context")
@breaking.told
def check_still_evicted(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """Whether something runs again, in each cluster of a group."""
    order: Order = context.get_input(expected_type=dict)
    calls = [(eviction.check_evicted, one) for one in orders_of(order)]
    return {"answers": (yield from settle(context, calls))}


def _each(
    context: df.DurableOrchestrationContext,
    orchestrator: Any,
    order: Order,
    orders: list[Order],
) -> Generator[Any, Any, States]:
    """The check in every cluster; returns those where it did not end well."""
    if not orders:
        return {}
    refs = [one["cluster"] for one in orders]
    answers = yield from each_cluster(context, orchestrator, order, refs)
    return {
        order["cluster"]["name"]: {"status": answer["status"], "detail": answer["detail"]}
        for order, answer in zip(orders, answers, strict=True)
        if answer["status"] not in GOOD
    }


def _without(orders: list[Order], away: States) -> list[Order]:
    return [one for one in orders if one["cluster"]["name"] not in away]


def _all(orders: list[Order], status: str, detail: str) -> States:
    return {one["cluster"]["name"]: {"status": status, "detail": detail} for one in orders}
