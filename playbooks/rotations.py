"""Signing keys rotated twice, cluster by cluster: the canary alone, then as many side by side as the policy says."""

from collections.abc import Generator
from datetime import timedelta
from typing import Any, NamedTuple

import azure.durable_functions as df

from playbooks import breaking
from playbooks.groups import each_cluster, orders_of
from playbooks.orders import Json, Order
from playbooks.settling import GOOD, LOST, perform_one, until_done, until_ended
from playbooks.steps import rotating
from responders.model import ClusterRef

bp = df.Blueprint()
_ROTATED_WITHIN = timedelta(hours=1)  # how long AKS takes is not documented
_SEEN_WITHIN = timedelta(minutes=10)


def rotate(
    context: df.DurableOrchestrationContext, order: Order, refs: list[ClusterRef]
) -> Generator[Any, Any, list[Json]]:
    """An answer for each cluster. Where the canary fails, no other cluster is begun."""
    size = order["policy"]["recovery"]["wave_size"]
    most = order["policy"]["recovery"]["most_failed_clusters"]
    waves = [refs[:1], *(refs[at : at + size] for at in range(1, len(refs), size))]
    answers: list[Json] = []
    for number, wave in enumerate(waves):
        failed = [one for one in answers if one["status"] not in GOOD]
        if failed and (number == 1 or len(failed) > most):
            detail = f"not begun: {len(failed)} clusters failed before: {failed[0]['detail']}"
            answers += [{"status": "refused", "detail": detail} for _ in wave]
            continue
        answers += yield from each_cluster(context, rotate_clusters, order, wave)
    return answers


@bp.orchestration_trigger(context_name="context")
@breaking.told
def rotate_clusters(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """The clusters of a group side by side, each in an orchestration of its own."""
    order: Order = context.get_input(expected_type=dict)
    tasks = [
        context.call_sub_orchestrator(rotate_cluster, _since(one), expected_type=dict)
        for one in orders_of(order)
    ]
    broke = "the rotation broke; how far it came is in the journal"
    ended = yield from until_ended(context, tasks)
    return {
        "answers": [{"status": "failed", "detail": broke} if one is LOST else one for one in ended]
    }


def _since(order: Order) -> Order:
    """What is known of a cluster's keys is known since its eviction: a recovery that is resumed finds it again."""
    since = order["facts"]["evicted"][order["cluster"]["resource_id"]]
    return {**order, "facts": {"since": since}}


@bp.orchestration_trigger(context_name="context")
@breaking.told
def rotate_cluster(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """One cluster of an incident."""
    order: Order = context.get_input(expected_type=dict)
    steps = KeySteps(
        rotating.record_signing_keys,
        rotating.rotate_signing_keys,
        rotating.list_token_users,
        rotating.restart_token_users,
        rotating.check_restarted,
        rotating.prove_keys_gone,
    )
    return (yield from turn_twice(context, order, steps))


class KeySteps(NamedTuple):
    """The steps that turn the keys of one cluster, as an incident or a run of a quiet day carries them out."""

    record: Any
    rotate: Any
    list_users: Any
    restart: Any
    check: Any
    prove: Any


def turn_twice(
    context: df.DurableOrchestrationContext, order: Any, by: KeySteps
) -> Generator[Any, Any, Json]:
    """One cluster: twice, then whoever holds tokens of the old keys is restarted, batch by batch."""
    kept = yield from perform_one(context, by.record, order)
    if kept["status"] not in GOOD:
        return _ended(by.record, kept)
    for turn in (1, 2):
        turned: Any = {**order, "facts": {**order["facts"], "turn": turn}}
        answer = yield from until_done(context, by.rotate, turned, _ROTATED_WITHIN)
        if answer["status"] not in GOOD:
            return _ended(by.rotate, answer)
    listed = yield from perform_one(context, by.list_users, order)
    if listed["status"] not in GOOD:
        return _ended(by.list_users, listed)
    healthy = timedelta(seconds=order["policy"]["recovery"]["healthy_within_seconds"])
    for batch in range(listed["batches"]):
        part: Any = {**order, "facts": {**order["facts"], "batch": batch}}
        for step in (by.restart, by.check):
            answer = yield from until_done(context, step, part, healthy)
            if answer["status"] not in GOOD:
                said = f"batch {batch + 1} of {listed['batches']}"
                return {**_ended(step, answer, said), **_left(listed)}
    proof = yield from until_done(context, by.prove, order, _SEEN_WITHIN)
    if proof["status"] not in GOOD:
        return {**_ended(by.prove, proof), **_left(listed)}
    aged = context.current_utc_datetime + timedelta(seconds=proof["max_age_s"])
    done = {"status": "done", "detail": proof["detail"], "aged": aged.isoformat()}
    return {**done, "recorded": kept["at"], **_left(listed)}


def _ended(step: Any, answer: Json, where: str = "") -> Json:
    detail = ", ".join(filter(None, (step._function._name, where)))
    return {"status": answer["status"], "detail": f"{detail}: {answer['detail']}"}


def _left(listed: Json) -> Json:
    return {"remaining": listed["remaining"], "by_hand": listed["by_hand"]}
