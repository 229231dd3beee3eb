"""Signing keys rotated twice, cluster by cluster: the canary alone, then as many side by side as the policy says."""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

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
    """One cluster: twice, then whoever holds tokens of the old keys is restarted, batch by batch."""
    order: Order = context.get_input(expected_type=dict)
    kept = yield from perform_one(context, rotating.record_signing_keys, order)
    if kept["status"] not in GOOD:
        return _ended("record_signing_keys", kept)
    for turn in (1, 2):
        turned: Order = {**order, "facts": {**order["facts"], "turn": turn}}
        answer = yield from until_done(
            context, rotating.rotate_signing_keys, turned, _ROTATED_WITHIN
        )
        if answer["status"] not in GOOD:
            return _ended("rotate_signing_keys", answer)
    listed = yield from perform_one(context, rotating.list_token_users, order)
    if listed["status"] not in GOOD:
        return _ended("list_token_users", listed)
    healthy = timedelta(seconds=order["policy"]["recovery"]["healthy_within_seconds"])
    for batch in range(listed["batches"]):
        part: Order = {**order, "facts": {**order["facts"], "batch": batch}}
        for step in (rotating.restart_token_users, rotating.check_restarted):
            answer = yield from until_done(context, step, part, healthy)
            if answer["status"] not in GOOD:
                said = f"batch {batch + 1} of {listed['batches']}"
                return {**_ended(step._function._name, answer, said), **_left(listed)}
    proof = yield from until_done(context, rotating.prove_keys_gone, order, _SEEN_WITHIN)
    if proof["status"] not in GOOD:
        return {**_ended("prove_keys_gone", proof), **_left(listed)}
    aged = context.current_utc_datetime + timedelta(seconds=proof["max_age_s"])
    done = {"status": "done", "detail": proof["detail"], "aged": aged.isoformat()}
    return {**done, "recorded": kept["at"], **_left(listed)}


def _ended(step: str, answer: Json, where: str = "") -> Json:
    detail = ", ".join(filter(None, (step, where)))
    return {"status": answer["status"], "detail": f"{detail}: {answer['detail']}"}


def _left(listed: Json) -> Json:
    return {"remaining": listed["remaining"], "by_hand": listed["by_hand"]}
