"""Undo of provision_identity: what a failed run has made or changed, backwards, as far as it still stands so."""

from collections.abc import Awaitable

import azure.durable_functions as df

from playbooks.journaled import Work, as_data
from playbooks.orders import Json
from playbooks.provisioning.model import IdentityPlan, Operation
from playbooks.running import perform
from playbooks.runs.model import RunOrder
from playbooks.settling import GOOD
from playbooks.steps.comparing_identities import plan_of
from playbooks.steps.provisioning import in_clusters, wiring_of
from responders import (
    declared_applications,
    declared_grants,
    declared_identities,
    namespaces,
    trusts,
    use_labels,
    wired_accounts,
)
from responders.kube import Kube
from responders.model import FederatedCredential, StepResult

bp = df.Blueprint()


@bp.activity_trigger(input_name="order")
async def undo_identity(order: RunOrder) -> Json:
    """Undo: pods and ServiceAccounts first, then rights, trusts, and the identity itself. Each part is tried."""
    name = order["facts"]["name"]

    async def act(work: Work) -> Json:
        plan = await plan_of(work, order)
        parts = [_itself(work, order, plan)]
        if order["facts"].get("identity"):
            parts = [
                _in_clusters(work, order, plan),
                _rights(work, order, plan),
                _ways_in(work, order, plan),
                *parts,
            ]
        answers = [await as_data(one) for one in parts]
        left = [one for one in answers if one["status"] not in GOOD]
        said = [str(one["detail"]) for one in left or answers if one.get("detail")]
        return {
            "status": "failed" if left else "done",
            "retry": any(one.get("retry") for one in left),
            "detail": "; ".join(said) or "nothing had been changed",
        }

    return await perform("undo_identity", order, act, target=name, acts=True)


async def _in_clusters(work: Work, order: RunOrder, plan: IdentityPlan) -> Json:
    async def undo(kube: Kube, own: list[Operation]) -> StepResult:
        stays = []
        for one in reversed(own):
            before = one["before"]
            if one["kind"] == "label":
                namespace, workload = one["target"].split("/", 1)
                await use_labels.ensure(kube, namespace, workload, (before or {}).get("value"))
            elif one["kind"] == "account":
                to = wiring_of(work.cloud, order, plan, one)
                stays.append(await wired_accounts.restore(kube, to, before))
            else:
                run_id = order["run"]["run_id"]
                stays.append(await namespaces.remove(kube, one["target"], run_id))
        left = "; ".join(filter(None, stays))
        return {"status": "refused" if left else "done", "detail": left}

    kinds = ("namespace", "account", "label")
    wired = [one for one in plan["operations"] if one["kind"] in kinds]
    return await in_clusters(work, order, wired, undo)


async def _rights(work: Work, order: RunOrder, plan: IdentityPlan) -> Json:
    object_id = order["facts"]["identity"]["object_id"]
    for one in reversed(plan["operations"]):
        after, before = one["after"] or {}, one["before"]
        if one["kind"] == "grant" and before is None:
            at = declared_grants.assignment_id(object_id, after)
            await declared_grants.remove(work.cloud, object_id, at)
        elif one["kind"] == "grant" and before is not None:
            await declared_grants.ensure(work.cloud, object_id, {**after, **before}, before["id"])
        elif one["kind"] == "revoke" and before is not None:
            await declared_grants.ensure(work.cloud, object_id, before, None)
    return {"status": "done", "detail": ""}


async def _ways_in(work: Work, order: RunOrder, plan: IdentityPlan) -> Json:
    """Of an identity that this run made as well: a deleted application is kept for 30 days, with whom it trusts."""
    holder = order["facts"]["identity"]
    made: list[FederatedCredential] = [
        one["after"]  # type: ignore[misc]
        for one in plan["operations"]
        if one["kind"] == "trust"
    ]
    there = await trusts.read(work.cloud, holder)
    doomed = [
        one
        for one in there
        if any((one["name"], one["subject"]) == (new["name"], new["subject"]) for new in made)
    ]
    await trusts.remove(work.cloud, holder, doomed)
    before: list[FederatedCredential] = [
        one["before"]  # type: ignore[misc]
        for one in plan["operations"]
        if one["kind"] in ("trust", "untrust") and one["before"]
    ]
    await trusts.ensure(work.cloud, holder, [one for one in before if one["subject"]])
    flexible = ", ".join(one["name"] for one in before if not one["subject"])
    said = f"a person makes it again, after looking at its expression: {flexible}"
    return {"status": "refused", "detail": said} if flexible else {"status": "done", "detail": ""}


def _itself(work: Work, order: RunOrder, plan: IdentityPlan) -> Awaitable[Json]:
    return _made(work, order, plan) if plan["found"] is None else _tags(work, plan)


async def _made(work: Work, order: RunOrder, plan: IdentityPlan) -> Json:
    run_id = order["run"]["run_id"]
    if plan["kind"] == "application":
        gone = await declared_applications.remove(work.cloud, plan["name"], run_id)
        return {"status": "done", "detail": f"deleted {', '.join(gone)}" if gone else ""}
    removed = await declared_identities.remove(work.cloud, plan["address"], run_id)
    return {"status": "done", "detail": f"deleted {plan['address']}" if removed else ""}


async def _tags(work: Work, plan: IdentityPlan) -> Json:
    for one in plan["operations"]:
        if one["kind"] == "tag":
            await declared_identities.retag(work.cloud, plan["address"], one["before"] or {})
    return {"status": "done", "detail": ""}
