"""The second half of the playbook: a person's yes, a new identity, and one cluster after the other."""

import json
from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from playbooks.orders import Json, Order
from playbooks.progress import Progress
from playbooks.settling import LOST, perform_one, settle, until_done, until_ended
from playbooks.steps import eviction, rebuilding, reporting, rewiring

bp = df.Blueprint()
_GOOD = {"done", "nothing_to_do"}
_STOPPED_WITHIN = timedelta(minutes=5)  # a pod may ask for a long grace period
_FEDERATION_WITHIN = timedelta(minutes=10)  # a new federated credential may take minutes to be seen


def consent_event(plan_hash: str) -> str:
    """The external event that answers this plan: a name of its own, so that no other wait hears it."""
    return f"consent-{plan_hash[:16]}"


def ask(
    context: df.DurableOrchestrationContext, order: Order, progress: Progress, plan: Json
) -> Generator[Any, Any, bool]:
    """Ask for consent to this exact plan, and keep the answer. Silence, or anything unclear, is a no."""
    if plan["status"] != "done":
        return False
    expires = context.current_utc_datetime + timedelta(
        minutes=order["policy"]["consent"]["expires_minutes"]
    )
    # The wait is registered before anybody is asked: an answer that came early would be lost.
    answer = context.wait_for_external_event(consent_event(plan["plan_hash"]))
    silence = context.create_timer(expires)
    shown = {"plan_hash": plan["plan_hash"], "expires_at": expires.isoformat(timespec="seconds")}
    progress.note(phase="awaiting_consent", consent=shown)
    facts = {"Answer before": shown["expires_at"], **progress.clock}
    card: Order = {**order, "notice": "asking", "facts": facts}
    told = context.call_activity(reporting.tell_people, card)
    yield context.task_any([answer, silence, told])
    if told.is_completed and isinstance(told.result, dict) and told.result.get("retry"):
        yield from perform_one(context, reporting.tell_people, card)
    winner = yield context.task_any([answer, silence])
    given: Json = {"decision": "none", "reason": "nobody answered in time"}
    if winner == answer:
        silence.cancel()
        # The Python client encodes twice: https://github.com/Azure/azure-functions-durable-python/issues/295
        given = json.loads(answer.result) if isinstance(answer.result, str) else answer.result
    answered = {**given, "plan_hash": plan["plan_hash"]}
    yield from perform_one(context, reporting.record_consent, {**order, "facts": answered})
    progress.note(consent={**shown, **_shown(given)})
    return given.get("decision") == "grant" and given.get("plan_hash") == plan["plan_hash"]


def _shown(given: Json) -> Json:
    names = ("decision", "approver", "reason", "at")
    return {name: given[name] for name in names if name in given}


def rebuild(
    context: df.DurableOrchestrationContext, order: Order, progress: Progress, plan: Json
) -> Generator[Any, Any, str]:
    """Evict everywhere, make the new identity, move cluster after cluster. Returns the outcome."""
    refs = [one["ref"] for one in plan["clusters"] if one["acts"]]
    states: Json = {
        one["ref"]["name"]: {"status": "refused", "detail": one["reason"]}
        for one in plan["clusters"]
        if not one["acts"] and not one["reason"].startswith("no ServiceAccount")
    }
    orders: list[Order] = [{**order, "cluster": ref} for ref in refs]

    progress.enter("evicting")
    remaining = yield from _evict(context, orders)
    states |= remaining
    orders = [one for one in orders if one["cluster"]["name"] not in remaining]

    progress.enter("rebuilding")
    made = yield from perform_one(context, rebuilding.create_identity, order)
    if made["status"] not in _GOOD:
        progress.note(clusters={"identity": {"status": made["status"], "detail": made["detail"]}})
        return "partly_recovered"
    progress.note(identity=made["identity"])
    named: list[Order] = [{**one, "identity": made["identity"]} for one in orders]
    whole: Order = {**order, "identity": made["identity"]}
    built = yield from settle(
        context, [(rebuilding.federate_identity, whole), (rebuilding.grant_roles, whole)]
    )

    progress.enter("rewiring")
    states |= yield from _move(context, named)
    progress.note(clusters=states)

    complete = all(one["status"] in _GOOD for one in [*built, *states.values()])
    if complete:
        progress.mark("recovered")
    return "recovered" if complete else "partly_recovered"


def _evict(
    context: df.DurableOrchestrationContext, orders: list[Order]
) -> Generator[Any, Any, Json]:
    """Capture, scale to zero, wait until the pods are gone. Returns the clusters where they are not.

    Nothing is stopped before it is written down: where the capture fails, the pods stay.
    """
    remaining: Json = {}
    captured = yield from settle(context, [(eviction.capture_pods, one) for one in orders])
    for order, kept in zip(orders, captured, strict=True):
        if kept["status"] not in _GOOD:
            detail = f"not captured, so neither evicted nor moved: {kept['detail']}"
            remaining[order["cluster"]["name"]] = {"status": kept["status"], "detail": detail}
    ready = [one for one in orders if one["cluster"]["name"] not in remaining]
    yield from settle(context, [(eviction.evict_workloads, one) for one in ready])
    for order in ready:
        gone = yield from until_done(context, eviction.check_evicted, order, _STOPPED_WITHIN)
        if gone["status"] not in _GOOD:
            detail = f"not evicted, so not moved: {gone['detail']}"
            remaining[order["cluster"]["name"]] = {"status": gone["status"], "detail": detail}
    return remaining


def _move(
    context: df.DurableOrchestrationContext, orders: list[Order]
) -> Generator[Any, Any, Json]:
    """Canary first and alone; the others side by side, and only if the canary lives."""
    if not orders:
        return {}
    (canary,) = yield from _rewired(context, orders[:1])
    states: Json = {orders[0]["cluster"]["name"]: canary}
    if canary["status"] not in _GOOD:
        reason = f"not begun: the canary {orders[0]['cluster']['name']} failed"
        held = {
            one["cluster"]["name"]: {"status": "refused", "detail": reason} for one in orders[1:]
        }
        return {**states, **held}
    moved = yield from _rewired(context, orders[1:])
    names = (one["cluster"]["name"] for one in orders[1:])
    return {**states, **dict(zip(names, moved, strict=True))}


def _rewired(
    context: df.DurableOrchestrationContext, orders: list[Order]
) -> Generator[Any, Any, list[Json]]:
    """Sub-orchestrations side by side. One that breaks is an answer, so the incident still ends in a report."""
    tasks = [
        context.call_sub_orchestrator(rewire_cluster, one, expected_type=dict) for one in orders
    ]
    if not tasks:
        return []
    answers = yield from until_ended(context, tasks)
    broke = "this cluster's move broke; how far it came is in the journal"
    return [{"status": "failed", "detail": broke} if one is LOST else one for one in answers]


@bp.orchestration_trigger(context_name="context")
def rewire_cluster(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """One cluster: new ServiceAccounts, proof that they get tokens, workloads moved, both halves proven."""
    order: Order = context.get_input(expected_type=dict)
    healthy = timedelta(seconds=order["policy"]["recovery"]["healthy_within_seconds"])

    # The new identity is proven before a single workload depends on it.
    for step, within in (
        (rewiring.create_service_accounts, None),
        (rewiring.prove_new_identity, _FEDERATION_WITHIN),
        (rewiring.move_workloads, None),
        (rewiring.check_workloads, healthy),
        (rewiring.retire_service_accounts, None),
        (rewiring.prove_old_subjects_refused, _FEDERATION_WITHIN),
    ):
        if within is None:
            answer = yield from perform_one(context, step, order)
        else:
            answer = yield from until_done(context, step, order, within)
        if answer["status"] not in _GOOD:
            name = step._function._name
            return {"status": answer["status"], "detail": f"{name}: {answer['detail']}"}
    return {"status": "done", "detail": "new identity proven, old one refused"}
