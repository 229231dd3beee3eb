"""Playbook: identities are what a repository declares them to be.

Starts    a person, or a pipeline; a schedule in mode plan shows drift
Asks      whoever has Incident.Approve, by the plan's hash and the keys of its confirmations, before a role that gives
          everything, an identity that Firebreak did not make, or what nobody declares is touched
Undo      an identity that can't be made whole is put back as it was, at once: `unprovisioning.undo_identity`
Runbook   docs/runbooks/provision-identity.md
"""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from playbooks import ending
from playbooks.runs.model import Json, RunOrder
from playbooks.settling import (
    GOOD,
    PROOF_WITHIN,
    perform_one,
    settle,
    until_done,
    until_ended,
)
from playbooks.steps import comparing_identities, provisioning, unprovisioning

bp = df.Blueprint()
_AT_ONCE = 5  # identities side by side
_ENABLED_WITHIN = timedelta(hours=1)  # how long AKS takes is not documented
_BROKE: Json = {
    "status": "failed",
    "detail": "this identity's part broke; how far it came is in the journal",
}


@bp.orchestration_trigger(context_name="context")
def provision_identity(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """Read, compare, ask, make; each identity wholly or not at all."""
    order: RunOrder = context.get_input(expected_type=dict)

    # 1. What is declared, what there is. The documents are many pages: only the first step gets them.
    ending.enter(context, "reading")
    read = yield from perform_one(context, comparing_identities.read_declarations, order)
    if read["status"] not in GOOD:
        return (yield from ending.end(context, order, read))
    removes = order["run"]["parameters"]["remove_undeclared"]
    slim: RunOrder = {**order, "run": {**order["run"], "parameters": {}}}
    facts: Json = {"path": read["path"], "remove_undeclared": removes}
    parts = yield from settle(
        context,
        [
            (comparing_identities.read_identities, {**slim, "facts": {**facts, "part": part}})
            for part in range(read["parts"])
        ],
    )
    if lost := [one for one in parts if one["status"] not in GOOD]:
        return (yield from ending.end(context, order, lost[0]))

    # 2. The plan. In mode plan it is all there is; else it has to be the one that people agreed to.
    facts["identities"] = [one["path"] for one in parts]
    drawing: RunOrder = {**slim, "facts": facts}
    drawn = yield from perform_one(context, comparing_identities.draw_identity_plan, drawing)
    if drawn["status"] not in GOOD or drawn["over"]:
        return (yield from ending.end(context, order, drawn))

    # 3. Clusters first: an identity of which one could not be switched on is not begun.
    ending.enter(context, "enabling_clusters")
    switched = yield from until_ended(
        context,
        [
            context.call_sub_orchestrator(
                enable_one_cluster, {**slim, "facts": {"cluster": one}}, expected_type=dict
            )
            for one in drawn["enable"]
        ],
    )

    # 4. Identities, a few at a time; one that fails is undone, and holds up no other.
    answers: dict[str, Json] = {}
    names = drawn["names"]
    for at in range(0, len(names), _AT_ONCE):
        some = names[at : at + _AT_ONCE]
        ending.enter(context, "provisioning", identities=some, done=at, of=len(names))
        base: Json = {"path": drawn["path"]}
        tasks = [
            context.call_sub_orchestrator(
                provision_one, {**slim, "facts": {**base, "name": one}}, expected_type=dict
            )
            for one in some
        ]
        ended = yield from until_ended(context, tasks)
        answers |= {
            name: one if one.get("of") == "identity" else _BROKE
            for name, one in zip(some, ended, strict=True)
        }
    closing: Json = {
        "path": drawn["path"],
        "plan_hash": drawn["plan_hash"],
        "answers": answers,
        "enabled": [
            {"name": ref["name"], "status": one["status"], "detail": str(one.get("detail", ""))}
            for ref, one in zip(drawn["enable"], switched, strict=True)
        ],
        "declared": read["path"],
        "whole": not order["run"]["parameters"]["only"],
    }
    concluded = yield from perform_one(
        context, comparing_identities.conclude_provisioning, {**slim, "facts": closing}
    )
    return (yield from ending.end(context, order, concluded))


@bp.orchestration_trigger(context_name="context")
def enable_one_cluster(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """One cluster, however long AKS takes."""
    order: RunOrder = context.get_input(expected_type=dict)
    return (yield from until_done(context, provisioning.enable_cluster, order, _ENABLED_WITHIN))


@bp.orchestration_trigger(context_name="context")
def provision_one(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """One identity, from itself to the pods that run as it: the next thing only where the one before is proven."""
    order: RunOrder = context.get_input(expected_type=dict)
    healthy = timedelta(seconds=order["policy"]["recovery"]["healthy_within_seconds"])
    made = yield from perform_one(context, provisioning.make_identity, order)
    if made["status"] not in GOOD:
        return (yield from _undone(context, order, "make_identity", made))
    order = {**order, "facts": {**order["facts"], "identity": made["identity"]}}
    unproven = ""
    # Rights before pods: a pod that starts without them fails in ways that look like something else.
    for step, within in (
        (provisioning.trust_accounts, None),
        (provisioning.grant_declared_roles, PROOF_WITHIN),
        (provisioning.wire_accounts, None),
        (provisioning.prove_accounts, PROOF_WITHIN),
        (provisioning.label_workloads, None),
        (provisioning.check_labelled, healthy),
        (provisioning.record_identity, None),
    ):
        if within is None:
            answer = yield from perform_one(context, step, order)
        else:
            answer = yield from until_done(context, step, order, within)
        if answer["status"] not in GOOD:
            return (yield from _undone(context, order, step._function._name, answer))
        if answer.get("unproven"):
            unproven = f"; {answer['detail']}"
    identity = made["identity"]
    said = f"as declared, proven by a token of each ServiceAccount that was touched{unproven}"
    return {"of": "identity", "status": "done", "detail": said, "identity": identity}


def _undone(
    context: df.DurableOrchestrationContext, order: RunOrder, step: str, answer: Json
) -> Generator[Any, Any, Json]:
    """All or nothing: what was done is taken back, and what could not be is said."""
    undone = yield from perform_one(context, unprovisioning.undo_identity, order)
    whole = undone["status"] in GOOD
    then = "undone" if whole else f"NOT wholly undone: {undone['detail']}"
    return {
        "of": "identity",
        "status": answer["status"] if whole else "failed",
        "detail": f"{step}: {answer['detail']}; {then}",
        "by_hand": [] if whole else [undone["detail"]],
    }
