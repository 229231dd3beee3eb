"""Clusters move in waves: the canary alone, then so many side by side, and none after too many failed."""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from playbooks import breaking
from playbooks.groups import orders_of
from playbooks.orders import Json, Order
from playbooks.settling import GOOD, perform_one, settle, until_done, until_ended
from playbooks.steps import gitops_pauses, manifests, rewiring
from responders.model import ClusterRef

bp = df.Blueprint()
_FEDERATION_WITHIN = timedelta(minutes=10)  # a new federated credential may take minutes to be seen
_MOST_COMMANDS = 50  # of one cluster, through Durable's history; the evidence has them all
_BROKE: Json = {
    "status": "failed",
    "detail": "this cluster's move broke; how far it came is in the journal",
}


def waves(refs: list[ClusterRef], size: int) -> list[list[ClusterRef]]:
    """Who is moved beside whom, in the plan's order."""
    return [refs[at : at + size] for at in range(0, len(refs), size)]


@bp.orchestration_trigger(context_name="context")
@breaking.told
def rewire_wave(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """One wave: its clusters side by side. One that breaks is an answer, so the incident still ends in a report."""
    order: Order = context.get_input(expected_type=dict)
    tasks = [
        context.call_sub_orchestrator(rewire_cluster, one, expected_type=dict)
        for one in orders_of(order)
    ]
    answers = yield from until_ended(context, tasks)
    return {"answers": [one if one.get("of") == "move" else _BROKE for one in answers]}


@bp.orchestration_trigger(context_name="context")
@breaking.told
def rewire_cluster(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """One cluster: new ServiceAccounts, proof that they get tokens, workloads moved, both halves proven."""
    order: Order = context.get_input(expected_type=dict)
    healthy = timedelta(seconds=order["policy"]["recovery"]["healthy_within_seconds"])
    left: list[str] = []
    unproven: list[str] = []
    commands: list[str] = []

    # The new identity is proven before a single workload depends on it, and the fence is lifted only then.
    for step, within in (
        (manifests.write_manifest_patches, None),
        (rewiring.create_service_accounts, None),
        (rewiring.prove_new_identity, _FEDERATION_WITHIN),
        (rewiring.lift_quarantine, None),
        (rewiring.move_consumers, None),
        (rewiring.move_workloads, None),
        (rewiring.check_workloads, healthy),
        (rewiring.retire_service_accounts, None),
        (rewiring.prove_old_subjects_refused, _FEDERATION_WITHIN),
    ):
        if within is None:
            answer = yield from perform_one(context, step, order)
        else:
            answer = yield from until_done(context, step, order, within)
        said = f"{step._function._name}: {answer.get('detail', '')}"
        commands += answer.get("by_hand", [])
        unproven += [answer["unproven"]] if "unproven" in answer else []
        if answer.get("by_hand_only"):  # what no step can do holds up nothing that one can
            left.append(said)
        elif answer["status"] not in GOOD:
            return _ended(answer["status"], [said, *left], commands)
    if left:
        return _ended("by_hand", [*left, *dict.fromkeys(unproven)], commands)
    if unproven:
        return _ended("unproven", list(dict.fromkeys(unproven)), commands)
    return _ended("done", ["new identity proven, old one refused"], commands)


def _ended(status: str, said: list[str], commands: list[str]) -> Json:
    by_hand = list(dict.fromkeys(commands))[:_MOST_COMMANDS]
    return {"of": "move", "status": status, "detail": "; ".join(said), "by_hand": by_hand}


@bp.orchestration_trigger(context_name="context")
@breaking.told
def resume_owners_in(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """GitOps controllers that were asked to wait go on, where Git holds what was changed."""
    order: Order = context.get_input(expected_type=dict)
    calls = [(gitops_pauses.resume_owners, one) for one in orders_of(order)]
    return {"answers": (yield from settle(context, calls))}


@bp.orchestration_trigger(context_name="context")
@breaking.told
def recheck_clusters(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """Once more, minutes later: does the move still stand, or did a controller put the old state back?"""
    order: Order = context.get_input(expected_type=dict)
    calls = [(rewiring.recheck_cluster, one) for one in orders_of(order)]
    return {"answers": (yield from settle(context, calls))}
