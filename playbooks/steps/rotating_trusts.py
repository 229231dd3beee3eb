"""Steps of rotate_federation that act, each in one cluster: the new way in first, the old one last."""

import asyncio
from collections.abc import Awaitable, Callable

import azure.durable_functions as df

from playbooks.federation.model import AccountRotation, ClusterRotation, Migration, RotationPlan
from playbooks.federation.reading import ROOT
from playbooks.in_cluster import each, whole
from playbooks.journaled import Work
from playbooks.orders import Json
from playbooks.running import must_be_free, perform
from playbooks.runs.model import RunOrder
from responders import (
    clusters,
    credentials,
    identity_proofs,
    moves,
    restart_limits,
    rollouts,
    secret_variables,
    service_accounts,
    standing,
    trusts,
    use_labels,
    wired_accounts,
)
from responders.kube import Kube
from responders.model import FederatedCredential, ServiceAccountRef, StepResult, WorkloadRef
from responders.secret_variables import Place
from responders.service_accounts import Successor
from responders.standing import Standing
from responders.token_exchange import Account
from responders.wired_accounts import Wiring
from responders.workload_objects import (
    describe,
    is_finished,
    is_injected,
    service_account_of,
    template_of,
)

bp = df.Blueprint()
Act = Callable[[Work, Kube, RotationPlan, ClusterRotation], Awaitable[Json]]


@bp.activity_trigger(input_name="order")
async def create_successors(order: RunOrder) -> Json:
    """Rotate: ServiceAccounts under their new names, with the same client id; and those of migrated workloads."""

    async def act(work: Work, kube: Kube, plan: RotationPlan, part: ClusterRotation) -> Json:
        olds = [one["old"] for one in part["accounts"]]
        known = await service_accounts.read(kube, olds)
        made = await each(
            service_accounts.ensure_successor(
                kube, one["old"], known.get(_place(one["old"])), _successor(order, plan, one)
            )
            for one in part["accounts"]
        )
        own = {one["new_name"] for one in part["accounts"]}
        for move in part["migrations"]:
            if move["account"] not in own:
                await wired_accounts.ensure(kube, _wiring(work, order, plan, move))
        return made

    return await _in_cluster("create_successors", order, act)


def _successor(order: RunOrder, plan: RotationPlan, one: AccountRotation) -> Successor:
    marks = ((ROOT, one["root"]),)
    return Successor(one["new_name"], plan["identity"]["app_id"], order["facts"]["marker"], marks)


def _wiring(work: Work, order: RunOrder, plan: RotationPlan, move: Migration) -> Wiring:
    return Wiring(
        namespace=move["namespace"],
        name=move["account"],
        client_id=plan["identity"]["app_id"],
        tenant_id=work.cloud.tenant_id,
        expiration=None,
        identity=plan["identity"]["display_name"],
        run_id=order["facts"]["marker"],
    )


@bp.activity_trigger(input_name="order")
async def trust_successors(order: RunOrder) -> Json:
    """Rotate: the new trusts beside the old ones, one after the other."""

    async def act(work: Work, _kube: Kube, plan: RotationPlan, part: ClusterRotation) -> Json:
        return dict(await trusts.ensure(work.cloud, plan["identity"], _new_trusts(part)))

    return await _in_cluster("trust_successors", order, act)


def _new_trusts(part: ClusterRotation) -> list[FederatedCredential]:
    migrated = {
        one["new_trust"]["name"]: one["new_trust"] for one in part["migrations"] if one["new_trust"]
    }
    return [*(one["new_trust"] for one in part["accounts"]), *migrated.values()]


@bp.activity_trigger(input_name="order")
async def prove_successors(order: RunOrder) -> Json:
    """Verify: each new ServiceAccount gets a token, before anything depends on it or any old trust goes."""

    async def act(work: Work, kube: Kube, plan: RotationPlan, part: ClusterRotation) -> Json:
        names = {(one["old"]["namespace"], one["new_name"]) for one in part["accounts"]}
        names |= {(one["namespace"], one["account"]) for one in part["migrations"]}
        return await each(
            identity_proofs.prove(
                work.cloud, kube, Account(namespace, name, plan["identity"]["app_id"]), []
            )
            for namespace, name in sorted(names)
        )

    return await _in_cluster("prove_successors", order, act, acts=False)


@bp.activity_trigger(input_name="order")
async def move_to_successors(order: RunOrder) -> Json:
    """Rotate: workloads onto the new ServiceAccounts, secrets out of templates; each is a rollout."""

    async def act(_work: Work, kube: Kube, plan: RotationPlan, part: ClusterRotation) -> Json:
        return await _move(kube, order, plan, part, back=False)

    return await _in_cluster("move_to_successors", order, act)


@bp.activity_trigger(input_name="order")
async def move_back(order: RunOrder) -> Json:
    """Undo: workloads onto the ServiceAccounts that they had, which are trusted still; secrets where they were."""

    async def act(_work: Work, kube: Kube, plan: RotationPlan, part: ClusterRotation) -> Json:
        return await _move(kube, order, plan, part, back=True)

    return await _in_cluster("move_back", order, act)


async def _move(
    kube: Kube, order: RunOrder, plan: RotationPlan, part: ClusterRotation, *, back: bool
) -> Json:
    pairs = [(one, ref) for one in part["accounts"] for ref in one["workloads"]]
    now = await standing.read(kube, [ref for _, ref in pairs])
    moved = await each(
        moves.move(
            kube, ref, now, _to(order, plan, one["old"]["name"] if back else one["new_name"])
        )
        for one, ref in pairs
    )
    for move in part["migrations"]:
        place = Place(move["namespace"], f"{move['kind']}/{move['name']}")
        if back:
            await secret_variables.put_back(kube, place, move["before"], move["variables"])
        else:
            await secret_variables.give_up(kube, place, move["account"], move["variables"])
    return moved


def _to(order: RunOrder, plan: RotationPlan, account: str) -> moves.Move:
    client_id = plan["identity"]["app_id"]
    return moves.Move(account, client_id, client_id, order["facts"]["marker"])


@bp.activity_trigger(input_name="order")
async def check_moved(order: RunOrder) -> Json:
    """Verify: rolled out, every pod under its new ServiceAccount and well, and no Job left under an old one."""

    async def act(_work: Work, kube: Kube, plan: RotationPlan, part: ClusterRotation) -> Json:
        return await _check(kube, plan, part, back=False)

    return await _in_cluster("check_moved", order, act, acts=False)


@bp.activity_trigger(input_name="order")
async def check_moved_back(order: RunOrder) -> Json:
    """Verify: what was moved back runs again as it did."""

    async def act(_work: Work, kube: Kube, plan: RotationPlan, part: ClusterRotation) -> Json:
        return await _check(kube, plan, part, back=True)

    return await _in_cluster("check_moved_back", order, act, acts=False)


async def _check(kube: Kube, plan: RotationPlan, part: ClusterRotation, *, back: bool) -> Json:
    pairs = [
        (ref, one["old"]["name"] if back else one["new_name"])
        for one in part["accounts"]
        for ref in one["workloads"]
    ]
    now = await standing.read(kube, [ref for ref, _ in pairs], pods=True)
    client_id = plan["identity"]["app_id"]
    moved = [_is_well(ref, now, account, client_id) for ref, account in pairs]
    migrated = [await _is_migrated(kube, one) for one in part["migrations"]]
    return whole([*moved, *migrated])


def _is_well(ref: WorkloadRef, now: Standing, account: str, client_id: str) -> StepResult:
    found = now.of(ref)
    if found is None:
        return {"status": "done", "detail": f"{describe(ref)} is gone"}
    for job in now.below(ref, "Job") if ref["kind"] == "CronJob" else []:
        runs_as = service_account_of(template_of("Job", job)["spec"])
        if not is_finished("Job", job) and runs_as != account:
            name = job["metadata"]["name"]
            detail = f"{describe(ref)}: not yet: its Job {name} still runs as {runs_as}"
            return {"status": "failed", "detail": detail}
    if is_injected(template_of(ref["kind"], found)):
        return rollouts.is_healthy(ref, now, account, client_id)
    if missing := restart_limits.unfinished(ref["kind"], found):
        return {"status": "failed", "detail": f"{describe(ref)}: not yet: {missing}"}
    return {
        "status": "done",
        "detail": f"{describe(ref)}: rolled out, without an identity as before",
    }


async def _is_migrated(kube: Kube, one: Migration) -> StepResult:
    workload = f"{one['kind']}/{one['name']}"
    found = await use_labels.find(kube, one["namespace"], workload)
    where = f"{kube.cluster} {one['namespace']} {workload}"
    if found is None:
        return {"status": "done", "detail": f"{where} is gone"}
    if missing := restart_limits.unfinished(use_labels.parsed(workload)[0], found):
        return {"status": "failed", "detail": f"{where}: not yet: {missing}"}
    return {"status": "done", "detail": f"{where}: rolled out"}


@bp.activity_trigger(input_name="order")
async def retire_predecessors(order: RunOrder) -> Json:
    """Rotate: the old ServiceAccounts name nobody any more, and say what replaced them."""

    async def act(_work: Work, kube: Kube, _plan: RotationPlan, part: ClusterRotation) -> Json:
        olds = [one["old"] for one in part["accounts"]]
        known = await service_accounts.read(kube, olds)
        return await each(
            service_accounts.retire(
                kube,
                one["old"],
                known.get(_place(one["old"])),
                one["new_name"],
                order["facts"]["marker"],
            )
            for one in part["accounts"]
        )

    return await _in_cluster("retire_predecessors", order, act)


@bp.activity_trigger(input_name="order")
async def untrust_predecessors(order: RunOrder) -> Json:
    """Rotate: the old trusts go, now that nothing runs by them."""

    async def act(work: Work, _kube: Kube, plan: RotationPlan, part: ClusterRotation) -> Json:
        gone = await trusts.remove(
            work.cloud, plan["identity"], [one["trust"] for one in part["accounts"]]
        )
        return {"status": "done", "detail": f"deleted {', '.join(one['name'] for one in gone)}"}

    return await _in_cluster("untrust_predecessors", order, act)


@bp.activity_trigger(input_name="order")
async def prove_predecessors_refused(order: RunOrder) -> Json:
    """Verify: a token of an old ServiceAccount, whoever has it, opens nothing."""

    async def act(work: Work, kube: Kube, plan: RotationPlan, part: ClusterRotation) -> Json:
        client_id = plan["identity"]["app_id"]
        olds = [Account(*_place(one["old"]), client_id) for one in part["accounts"]]
        return await each(identity_proofs.refused(work.cloud, kube, one) for one in olds)

    return await _in_cluster("prove_predecessors_refused", order, act, acts=False)


@bp.activity_trigger(input_name="order")
async def undo_successors(order: RunOrder) -> Json:
    """Undo: the new trusts go, and the new ServiceAccounts name nobody; the old ones were never touched."""

    async def act(work: Work, kube: Kube, plan: RotationPlan, part: ClusterRotation) -> Json:
        await trusts.remove(work.cloud, plan["identity"], _new_trusts(part))
        for one in part["accounts"]:
            path, change = service_accounts.closed(one["old"], _successor(order, plan, one))
            await kube.update(path, change)
        return {"status": "done", "detail": "the new trusts are gone"}

    return await _in_cluster("undo_successors", order, act)


@bp.activity_trigger(input_name="order")
async def remove_the_rest(order: RunOrder) -> Json:
    """Rotate: trusts that nobody uses, and credentials that were named and agreed to."""

    async def act(work: Work) -> Json:
        plan: RotationPlan = await asyncio.to_thread(work.store.get_json, order["facts"]["path"])
        await must_be_free(work, order, plan["principal"])
        gone = await trusts.remove(work.cloud, plan["identity"], plan["remove_trusts"])
        removed = await credentials.remove_named(
            work.cloud, plan["principal"], plan["remove_credentials"]
        )
        said = [*(one["name"] for one in gone), *(str(one.get("detail")) for one in removed)]
        ended = whole(removed) if removed else {"status": "done"}
        status = "done" if ended["status"] == "nothing_to_do" else ended["status"]
        return {"status": status, "detail": "; ".join(said) or "nothing was left to remove"}

    return await perform("remove_the_rest", order, act, acts=True)


async def _in_cluster(step: str, order: RunOrder, act: Act, *, acts: bool = True) -> Json:
    """One step in one cluster; nothing more is done once an incident is about the identity."""
    ref = order["facts"]["cluster"]

    async def connected(work: Work) -> Json:
        plan: RotationPlan = await asyncio.to_thread(work.store.get_json, order["facts"]["path"])
        if acts:
            await must_be_free(work, order, plan["principal"])
        part = next(
            one for one in plan["clusters"] if one["ref"]["resource_id"] == ref["resource_id"]
        )
        answer = await act(work, await clusters.connect(work.cloud, ref), plan, part)
        return {name: value for name, value in answer.items() if name not in {"items", "changes"}}

    return await perform(step, order, connected, target=ref["name"], acts=acts)


def _place(ref: ServiceAccountRef) -> tuple[str, str]:
    return ref["namespace"], ref["name"]
