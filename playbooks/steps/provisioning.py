"""Steps of provision_identity that act, each on one identity: made, trusted, granted, wired, proven, labelled."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import azure.durable_functions as df

from playbooks.in_cluster import each, whole
from playbooks.journaled import Work
from playbooks.orders import Json
from playbooks.provisioning import naming
from playbooks.provisioning.model import IdentityPlan, Operation, OperationKind, WiredAccount
from playbooks.running import incident_open, must_be_free, perform
from playbooks.runs.model import RunOrder
from playbooks.steps.comparing_identities import clusters_of, plan_of
from responders import (
    cluster_features,
    clusters,
    declared_applications,
    declared_grants,
    declared_identities,
    identity_proofs,
    namespaces,
    principals,
    resource_reads,
    restart_limits,
    trusts,
    use_labels,
    wired_accounts,
)
from responders.cloud import Cloud
from responders.errors import ConflictError, RefusedError
from responders.kube import Kube
from responders.looking import as_containment
from responders.model import FederatedCredential, Grant, NewIdentity, Principal, StepResult
from responders.token_exchange import Account
from responders.wired_accounts import Wiring

bp = df.Blueprint()
Act = Callable[[Work, IdentityPlan], Awaitable[Json]]


@bp.activity_trigger(input_name="order")
async def enable_cluster(order: RunOrder) -> Json:
    """Prepare: OIDC issuer and workload identity on in one cluster, as the policy allows. There is no way back."""
    cluster = order["facts"]["cluster"]

    async def act(work: Work) -> Json:
        features = await cluster_features.enable(work.cloud, cluster)
        return {"status": "done", "detail": f"{cluster['name']}: issuer {features['issuer_url']}"}

    return await perform("enable_cluster", order, act, target=cluster["name"], acts=True)


@bp.activity_trigger(input_name="order")
async def make_identity(order: RunOrder) -> Json:
    """Make: the application or identity, or the one that is there with its tags. A crash must not make two of them."""

    async def act(work: Work, plan: IdentityPlan) -> Json:
        await _must_have_issuers(work, order, plan)
        if plan["found"] is not None:
            principal = await _meant(work.cloud, plan["found"]["app_id"])
            await must_be_free(work, order, principal)
            for one in _of(plan, "tag"):
                await declared_identities.retag(
                    work.cloud, plan["found"]["resource_id"] or "", one["after"] or {}
                )
            identity = plan["found"]
        else:
            identity = await _made(work, order, plan)
        return {"status": "done", "detail": identity["app_id"], "identity": identity}

    return await _on_identity("make_identity", order, act)


@as_containment
async def _meant(cloud: Cloud, app_id: str) -> Principal:
    """Whose client id it is by now; of a managed identity, what it belongs to."""
    return await principals.resolve(cloud, {"app_id": app_id})


async def _must_have_issuers(work: Work, order: RunOrder, plan: IdentityPlan) -> None:
    """Nothing is begun for an identity of which a cluster could not be switched on."""
    refs = await clusters_of(work, order)
    for key in sorted({one["cluster"] for one in plan["accounts"]}):
        features = await cluster_features.read(work.cloud, refs[key])  # type: ignore[arg-type]
        if features["command"]:
            raise RefusedError(f"{refs[key]['name']} was not switched on: {features['command']}")


async def _made(work: Work, order: RunOrder, plan: IdentityPlan) -> NewIdentity:
    run_id, again = order["run"]["run_id"], work.run > 1
    if plan["kind"] == "application":
        return await declared_applications.ensure(work.cloud, plan["name"], run_id, again=again)
    return await declared_identities.ensure(
        work.cloud, plan["address"], plan["location"], plan["tags"], (plan["name"], run_id)
    )


@bp.activity_trigger(input_name="order")
async def trust_accounts(order: RunOrder) -> Json:
    """Make: the federated credentials, one after the other, each with the exact issuer of its cluster."""

    async def act(work: Work, plan: IdentityPlan) -> Json:
        holder = order["facts"]["identity"]
        wrong = [one["before"] for one in _of(plan, "trust", "untrust") if one["before"]]
        await trusts.remove(work.cloud, holder, [_trust(one) for one in wrong])
        wanted = [await _wanted(work, order, one) for one in _of(plan, "trust")]
        return dict(await trusts.ensure(work.cloud, holder, wanted))

    return await _on_identity("trust_accounts", order, act)


async def _wanted(work: Work, order: RunOrder, one: Operation) -> FederatedCredential:
    """With the issuer as it is now, where the plan could not know it yet."""
    wanted = _trust(one["after"] or {})
    if wanted["issuer"]:
        return wanted
    ref = (await clusters_of(work, order))[one["cluster"]]
    features = await cluster_features.read(work.cloud, ref)  # type: ignore[arg-type]
    if features["issuer_url"] is None:
        raise RefusedError(f"{ref['name']} has no OIDC issuer: {features['command']}")
    return {**wanted, "issuer": features["issuer_url"]}


def _trust(found: Json) -> FederatedCredential:
    return {
        "id": str(found["id"]),
        "name": str(found["name"]),
        "issuer": str(found["issuer"]),
        "subject": found["subject"],
        "audiences": list(found["audiences"]),
    }


@bp.activity_trigger(input_name="order")
async def grant_declared_roles(order: RunOrder) -> Json:
    """Make: the role assignments, under names computed from what they give to whom."""

    async def act(work: Work, plan: IdentityPlan) -> Json:
        object_id = order["facts"]["identity"]["object_id"]
        given, gone = _of(plan, "grant"), _of(plan, "revoke")
        for one in given:
            existing = one["before"]["id"] if one["before"] else None
            await declared_grants.ensure(work.cloud, object_id, one["after"] or {}, existing)
        for one in gone:
            await declared_grants.remove(work.cloud, object_id, one["target"])
        return {"status": "done", "detail": f"{len(given)} given, {len(gone)} taken away"}

    return await _on_identity("grant_declared_roles", order, act)


@bp.activity_trigger(input_name="order")
async def wire_accounts(order: RunOrder) -> Json:
    """Make: namespaces and ServiceAccounts that name the identity, in every cluster side by side."""

    async def act(work: Work, plan: IdentityPlan) -> Json:
        async def wire(kube: Kube, own: list[Operation]) -> StepResult:
            marks = (plan["name"], order["run"]["run_id"])
            for one in own:
                if one["kind"] == "namespace":
                    await namespaces.ensure(kube, one["target"], marks)
            for one in own:
                if one["kind"] == "account":
                    await wired_accounts.ensure(kube, wiring_of(work.cloud, order, plan, one))
            return {"status": "done", "detail": f"{kube.cluster}: {len(own)} written"}

        return await in_clusters(work, order, _of(plan, "namespace", "account"), wire)

    return await _on_identity("wire_accounts", order, act)


def wiring_of(cloud: Cloud, order: RunOrder, plan: IdentityPlan, one: Operation) -> Wiring:
    """What a planned ServiceAccount says."""
    after = one["after"] or {}
    return Wiring(
        namespace=after["namespace"],
        name=after["name"],
        client_id=order["facts"]["identity"]["app_id"],
        tenant_id=cloud.tenant_id,
        expiration=after["expiration"],
        identity=plan["name"],
        run_id=order["run"]["run_id"],
    )


@bp.activity_trigger(input_name="order")
async def prove_accounts(order: RunOrder) -> Json:
    """Verify: each ServiceAccount that was touched gets a token, and reads something that its roles are for."""

    async def act(work: Work, plan: IdentityPlan) -> Json:
        if not order["policy"]["verification"]["token_exchange"]:
            said = "not proven by a token: policy.toml [verification] token_exchange is off"
            return {"status": "nothing_to_do", "detail": said, "unproven": True}
        client_id = order["facts"]["identity"]["app_id"]
        reads = await resource_reads.choose(work.cloud, _grants(order, plan))
        refs = await clusters_of(work, order)

        async def prove(one: WiredAccount) -> StepResult:
            kube = await clusters.connect(work.cloud, refs[one["cluster"]])  # type: ignore[arg-type]
            account = Account(one["namespace"], one["name"], client_id)
            proven = await identity_proofs.prove(work.cloud, kube, account, reads)
            return {**proven, "detail": f"{kube.cluster} {proven.get('detail', '')}"}

        return await each(prove(one) for one in _touched(plan))

    return await _on_identity("prove_accounts", order, act, acts=False)


def _touched(plan: IdentityPlan) -> list[WiredAccount]:
    """All of them where the identity or its roles are new: a trust that is there may be as new as they are."""
    if _of(plan, "create_identity", "adopt", "grant"):
        return plan["accounts"]
    ways = {(one["cluster"], str((one["after"] or {})["subject"])) for one in _of(plan, "trust")}
    ways |= {
        (one["cluster"], naming.subject(*one["target"].split("/", 1)))
        for one in _of(plan, "account")
    }
    return [
        one
        for one in plan["accounts"]
        if (one["cluster"], naming.subject(one["namespace"], one["name"])) in ways
    ]


def _grants(order: RunOrder, plan: IdentityPlan) -> list[Grant]:
    """Those that this run gives: whether they are in effect is what is proven."""
    object_id = order["facts"]["identity"]["object_id"]
    return [
        declared_grants.grant_of(object_id, one["after"])
        for one in _of(plan, "grant")
        if one["after"]
    ]


@bp.activity_trigger(input_name="order")
async def label_workloads(order: RunOrder) -> Json:
    """Make: the label on the pod templates, by which the webhook knows their pods. Each is a rollout."""

    async def act(work: Work, plan: IdentityPlan) -> Json:
        async def label(kube: Kube, own: list[Operation]) -> StepResult:
            for one in own:
                namespace, workload = one["target"].split("/", 1)
                await use_labels.ensure(kube, namespace, workload, (one["after"] or {})["value"])
            return {"status": "done", "detail": f"{kube.cluster}: {len(own)} templates labelled"}

        return await in_clusters(work, order, _of(plan, "label"), label)

    return await _on_identity("label_workloads", order, act)


@bp.activity_trigger(input_name="order")
async def check_labelled(order: RunOrder) -> Json:
    """Verify: what was labelled has rolled out, and every pod is available."""

    async def act(work: Work, plan: IdentityPlan) -> Json:
        async def check(kube: Kube, own: list[Operation]) -> StepResult:
            return whole([await _rolled_out(kube, one) for one in own])  # type: ignore[return-value]

        return await in_clusters(work, order, _of(plan, "label"), check)

    return await _on_identity("check_labelled", order, act, acts=False)


async def _rolled_out(kube: Kube, one: Operation) -> StepResult:
    namespace, workload = one["target"].split("/", 1)
    where = f"{kube.cluster} {namespace} {workload}"
    found = await use_labels.find(kube, namespace, workload)
    if found is None:
        return {"status": "done", "detail": f"{where} is gone"}
    if missing := restart_limits.unfinished(use_labels.parsed(workload)[0], found):
        return {"status": "failed", "detail": f"{where}: not yet: {missing}"}
    return {"status": "done", "detail": f"{where} runs with the identity"}


@bp.activity_trigger(input_name="order")
async def record_identity(order: RunOrder) -> Json:
    """Record: this is the identity that the document declares; the next run finds it by that and by no name."""

    async def act(work: Work, plan: IdentityPlan) -> Json:
        identity = order["facts"]["identity"]
        path = naming.record_path(plan["name"], identity["app_id"])
        record = {"identity": identity, "run_id": order["run"]["run_id"]}
        try:
            await asyncio.to_thread(work.store.put_json, path, record)
        except ConflictError:
            return {"status": "nothing_to_do", "detail": f"{path}: an earlier run wrote it"}
        return {"status": "done", "detail": path}

    return await _on_identity("record_identity", order, act, acts=False)


async def in_clusters(
    work: Work,
    order: RunOrder,
    operations: Iterable[Operation],
    act: Callable[[Kube, list[Operation]], Awaitable[StepResult]],
) -> Json:
    """Each cluster's operations in order, clusters side by side, none stopped by another."""
    by_cluster: dict[str, list[Operation]] = {}
    for one in operations:
        by_cluster.setdefault(one["cluster"], []).append(one)
    refs = await clusters_of(work, order)

    async def one_cluster(key: str) -> StepResult:
        kube = await clusters.connect(work.cloud, refs[key])  # type: ignore[arg-type]
        return await act(kube, by_cluster[key])

    answer = await each(one_cluster(key) for key in sorted(by_cluster))
    return {name: value for name, value in answer.items() if name != "items"}


async def _on_identity(step: str, order: RunOrder, act: Act, *, acts: bool = True) -> Json:
    """One step on one identity; nothing more is done to one that an incident has begun to be about."""
    name = order["facts"]["name"]

    async def checked(work: Work) -> Json:
        plan = await plan_of(work, order)
        held = plan["found"] or order["facts"].get("identity")
        if held and (incident := await incident_open(work, held["object_id"])) is not None:
            raise RefusedError(
                f"{incident} is open about {name}: nothing else changes it meanwhile"
            )
        answer = await act(work, plan)
        return {key: value for key, value in answer.items() if key not in {"items", "changes"}}

    return await perform(step, order, checked, target=name, acts=acts)


def _of(plan: IdentityPlan, *kinds: OperationKind) -> list[Operation]:
    return [one for one in plan["operations"] if one["kind"] in kinds]
