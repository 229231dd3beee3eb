"""Playbook: the trusts of an identity are replaced, cluster by cluster, while its workloads run.

Starts    a person
Asks      whoever has Incident.Approve, by the plan's hash and the keys of its confirmations, before anything is
          stopped, moved off a secret, or removed for good
Undo      a cluster in which a new trust does not do is put back as it was, at once: the old trust goes last
Runbook   docs/runbooks/rotate-federation.md
"""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from playbooks import ending
from playbooks.rotations import KeySteps, turn_twice
from playbooks.runs.model import Json, RunOrder
from playbooks.settling import (
    GOOD,
    LOST,
    PROOF_WITHIN,
    perform_one,
    settle,
    until_done,
    until_ended,
)
from playbooks.steps import comparing_trusts, rotating_trusts, turning_keys

bp = df.Blueprint()


@bp.orchestration_trigger(context_name="context")
def rotate_federation(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """Read, compare, ask, replace; no cluster is begun after too many have failed."""
    order: RunOrder = context.get_input(expected_type=dict)

    # 1. The identity, then every cluster that has to do with it.
    ending.enter(context, "reading")
    read = yield from perform_one(context, comparing_trusts.read_rotated_identity, order)
    if read["status"] not in GOOD:
        return (yield from ending.end(context, order, read))
    facts: Json = {"path": read["path"], "app_id": read["app_id"]}
    if order["run"]["parameters"]["method"] == "signing_keys":
        return (yield from _turn_keys(context, order, facts, read["clusters"]))
    parts = yield from settle(
        context,
        [
            (comparing_trusts.read_rotated_cluster, {**order, "facts": {**facts, "cluster": one}})
            for one in read["clusters"]
        ],
    )
    if lost := [one for one in parts if one["status"] not in GOOD]:
        return (yield from ending.end(context, order, lost[0]))

    # 2. The plan, which has to be the one that people agreed to.
    facts["clusters"] = [one["path"] for one in parts]
    drawn = yield from perform_one(
        context, comparing_trusts.draw_rotation_plan, {**order, "facts": facts}
    )
    if drawn["status"] not in GOOD or drawn["over"]:
        return (yield from ending.end(context, order, drawn))

    # 3. Cluster by cluster, the canary first: each whole before the next, so that few trusts are side by side.
    base: Json = {"path": drawn["path"], "marker": drawn["marker"]}
    answers = yield from _one_by_one(context, rotate_one_cluster, order, (base, drawn["clusters"]))

    # 4. What nobody uses goes when everything else is well, and not before.
    rest: Json | None = None
    if all(one["status"] == "done" for one in answers):
        rest = yield from perform_one(
            context, rotating_trusts.remove_the_rest, {**order, "facts": base}
        )
    closing: Json = {**base, "answers": answers, "rest": rest, "unread": drawn["unread"]}
    closing["plan_hash"] = drawn["plan_hash"]
    concluded = yield from perform_one(
        context, comparing_trusts.conclude_rotation, {**order, "facts": closing}
    )
    return (yield from ending.end(context, order, concluded))


def _one_by_one(
    context: df.DurableOrchestrationContext,
    orchestrator: Any,
    order: RunOrder,
    what: tuple[Json, list[Json]],
) -> Generator[Any, Any, list[Json]]:
    """An answer for each cluster. Where the canary fails, or too many others, the next one is not begun."""
    base, refs = what
    most = order["policy"]["recovery"]["most_failed_clusters"]
    answers: list[Json] = []
    for number, ref in enumerate(refs):
        failed = [one for one in answers if one["status"] != "done"]
        if failed and (number == 1 or len(failed) > most):
            said = f"not begun: {len(failed)} clusters failed before: {failed[0]['detail']}"
            answers.append({"status": "refused", "detail": said})
            continue
        ending.enter(context, "rotating", cluster=ref["name"], done=number, of=len(refs))
        task = context.call_sub_orchestrator(
            orchestrator, {**order, "facts": {**base, "cluster": ref}}, expected_type=dict
        )
        [answer] = yield from until_ended(context, [task])
        answers.append(answer if answer is not LOST else {**LOST, "retry": False})
    return answers


def _turn_keys(
    context: df.DurableOrchestrationContext, order: RunOrder, facts: Json, refs: list[Json]
) -> Generator[Any, Any, Json]:
    """The other method: the clusters' signing keys, twice, and all that holds tokens of them restarted."""
    parts = yield from settle(
        context,
        [(turning_keys.read_key_cluster, {**order, "facts": {"cluster": one}}) for one in refs],
    )
    if lost := [one for one in parts if one["status"] not in GOOD]:
        return (yield from ending.end(context, order, lost[0]))
    drawing = {**facts, "clusters": [one["path"] for one in parts]}
    drawn = yield from perform_one(context, turning_keys.draw_key_plan, {**order, "facts": drawing})
    if drawn["status"] not in GOOD or drawn["over"]:
        return (yield from ending.end(context, order, drawn))
    base: Json = {"identity": facts["path"], "app_id": facts["app_id"]}
    answers = yield from _one_by_one(context, turn_cluster_keys, order, (base, drawn["clusters"]))
    closing: Json = {"path": drawn["path"], "plan_hash": drawn["plan_hash"], "answers": answers}
    concluded = yield from perform_one(
        context, turning_keys.conclude_keys, {**order, "facts": closing}
    )
    return (yield from ending.end(context, order, concluded))


@bp.orchestration_trigger(context_name="context")
def turn_cluster_keys(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """The keys of one cluster, as an incident turns them."""
    order: RunOrder = context.get_input(expected_type=dict)
    steps = KeySteps(
        turning_keys.record_cluster_keys,
        turning_keys.rotate_cluster_keys,
        turning_keys.list_key_users,
        turning_keys.restart_key_users,
        turning_keys.check_key_users,
        turning_keys.prove_cluster_keys_gone,
    )
    return (yield from turn_twice(context, order, steps))


@bp.orchestration_trigger(context_name="context")
def rotate_one_cluster(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """One cluster: the new trusts proven, workloads moved and well, and only then the old ones gone."""
    order: RunOrder = context.get_input(expected_type=dict)
    healthy = timedelta(seconds=order["policy"]["recovery"]["healthy_within_seconds"])
    for step, within, moved in (
        (rotating_trusts.create_successors, None, False),
        (rotating_trusts.trust_successors, None, False),
        (rotating_trusts.prove_successors, PROOF_WITHIN, False),
        (rotating_trusts.move_to_successors, None, True),
        (rotating_trusts.check_moved, healthy, True),
    ):
        answer = yield from _performed(context, step, order, within)
        if answer["status"] not in GOOD:
            name = step._function._name
            return (yield from _undone(context, order, f"{name}: {answer['detail']}", moved=moved))
    # From here on the new way works: what fails is said, and a run with the same label goes on.
    for step, within in (
        (rotating_trusts.retire_predecessors, None),
        (rotating_trusts.untrust_predecessors, None),
        (rotating_trusts.prove_predecessors_refused, PROOF_WITHIN),
    ):
        answer = yield from _performed(context, step, order, within)
        if answer["status"] not in GOOD:
            return {
                "status": answer["status"],
                "detail": f"{step._function._name}: {answer['detail']}; workloads run by the new trusts",
            }
    return {"status": "done", "detail": "new trusts proven, workloads moved, old ones refused"}


def _performed(
    context: df.DurableOrchestrationContext, step: Any, order: RunOrder, within: timedelta | None
) -> Generator[Any, Any, Json]:
    if within is None:
        return (yield from perform_one(context, step, order))
    return (yield from until_done(context, step, order, within))


def _undone(
    context: df.DurableOrchestrationContext, order: RunOrder, why: str, *, moved: bool
) -> Generator[Any, Any, Json]:
    """Back to the old trusts, which are still there. The new ones go when nothing runs by them any more."""
    healthy = timedelta(seconds=order["policy"]["recovery"]["healthy_within_seconds"])
    steps: list[tuple[Any, timedelta | None]] = [(rotating_trusts.undo_successors, None)]
    if moved:
        steps = [
            (rotating_trusts.move_back, None),
            (rotating_trusts.check_moved_back, healthy),
            *steps,
        ]
    for step, within in steps:
        answer = yield from _performed(context, step, order, within)
        if answer["status"] not in GOOD:
            said = f"{why}; NOT wholly undone: {step._function._name}: {answer['detail']}"
            return {"status": "failed", "detail": said}
    return {"status": "failed", "detail": f"{why}; undone, everything runs as before"}
