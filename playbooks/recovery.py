"""The second half of the playbook: no foothold, a new identity, and one cluster after the other."""

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df

from playbooks.foothold import evict
from playbooks.orders import Json, Order
from playbooks.progress import Progress
from playbooks.settling import GOOD, perform_one, settle
from playbooks.shutting_out import shut_out
from playbooks.steps import rebuilding
from playbooks.waves import move


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
    remaining = yield from evict(context, orders)
    states |= remaining
    orders = [one for one in orders if one["cluster"]["name"] not in remaining]

    # A name that the identity had before is trusted only where tokens of before are worthless.
    held = yield from shut_out(context, order, orders, progress, plan)
    states |= held
    orders = [one for one in orders if one["cluster"]["name"] not in held]

    progress.enter("rebuilding")
    made = yield from perform_one(context, rebuilding.create_identity, order)
    if made["status"] not in GOOD:
        progress.note(clusters={"identity": {"status": made["status"], "detail": made["detail"]}})
        return "partly_recovered"
    progress.note(identity=made["identity"])
    named: list[Order] = [{**one, "identity": made["identity"]} for one in orders]
    trusted = [one["cluster"]["issuer_url"] for one in orders]
    whole: Order = {**order, "identity": made["identity"], "facts": {"trusted": trusted}}
    built = yield from settle(
        context,
        [
            (rebuilding.federate_identity, whole),
            (rebuilding.grant_roles, whole),
            (rebuilding.give_permissions, whole),
        ],
    )
    progress.hand_over(built)

    progress.enter("rewiring")
    states |= yield from move(context, named)
    progress.note(clusters=states)

    complete = all(one["status"] in GOOD for one in [*built, *states.values()])
    if complete:
        progress.mark("recovered")
    return "recovered" if complete else "partly_recovered"
