"""Steps 5 and 6: the first sweep of the logs, the clusters' answers, and the plan that a person will see."""

import asyncio
from collections import Counter

import azure.durable_functions as df

from playbooks import graphs, known_good, plans, vectors
from playbooks.journaled import Work, perform
from playbooks.known import Known
from playbooks.orders import Json, Order, folder, graph_path
from playbooks.steps import ages, findings, sign_ins, sweeps
from responders import clusters, surveys
from responders.evidence import EvidenceStore, canonical, digest
from responders.model import ClusterRef, Incident
from responders.snapshots import Snapshot

bp = df.Blueprint()
_SURVEY_RUNS = 3  # a cluster that is still unreachable then is planned as unreachable


def survey_path(incident: Incident, cluster: ClusterRef) -> str:
    """Where a cluster's survey lies. Names repeat across resource groups, resource ids don't."""
    key = digest(cluster["resource_id"].lower().encode())[:8]
    return f"{folder(incident)}/clusters/{cluster['name']}-{key}.json"


@bp.activity_trigger(input_name="order")
async def collect_activity_log(order: Order) -> Json:
    """Collect: what the principal did through Azure Resource Manager, from Azure itself."""
    return await perform(
        "collect_activity_log", order, lambda work: sweeps.collect_activity_log(work, order)
    )


@bp.activity_trigger(input_name="order")
async def collect_logs(order: Order) -> Json:
    """Collect: what every log table of the workspace says. `facts.sweep` names the sweep."""
    return await perform("collect_logs", order, lambda work: sweeps.collect_tables(work, order))


@bp.activity_trigger(input_name="order")
async def list_clusters(order: Order) -> Json:
    """Collect: the clusters that the app can see, with their issuers."""

    async def act(work: Work) -> Json:
        found = told_apart(await clusters.list_all(work.cloud))
        return {"status": "done", "detail": f"{len(found)} clusters", "clusters": found}

    return await perform("list_clusters", order, act)


@bp.activity_trigger(input_name="order")
async def survey_cluster(order: Order) -> Json:
    """Collect: who names the client id in one cluster, who runs with it, and can we act there."""
    incident, cluster = order["incident"], order["cluster"]

    async def act(work: Work) -> Json:
        insist = work.run < _SURVEY_RUNS
        survey = await surveys.take(work.cloud, cluster, incident["principal"], insist=insist)
        if not survey["reachable"] and insist:
            return {"status": "failed", "retry": True, "detail": survey["reason"]}
        path = survey_path(incident, cluster)
        await asyncio.to_thread(_put_once, work.store, path, survey)
        accounts, running = len(survey["service_accounts"]), len(survey["workloads"])
        detail = f"{accounts} ServiceAccounts, {running} workloads"
        return {
            "status": "done" if survey["reachable"] else "failed",
            "detail": detail if survey["reachable"] else survey["reason"],
        }

    return await perform("survey_cluster", order, act, target=cluster["name"])


@bp.activity_trigger(input_name="order")
async def draw_plan(order: Order) -> Json:
    """Plan: what a rebuild would do, what is left out and why, and the hash that consent is bound to."""

    async def act(work: Work) -> Json:
        known = await ages.known(work, order["incident"])
        return await asyncio.to_thread(_draw, work.store, order, known)

    return await perform("draw_plan", order, act)


@bp.activity_trigger(input_name="order")
async def collect_successor_sign_ins(order: Order) -> Json:
    """Collect: who signs in as the new identity, and whether the old one still does. Information, no proof."""
    sweep = str(order["facts"]["sweep"])
    return await perform(
        "collect_successor_sign_ins",
        order,
        lambda work: sign_ins.collect(work, order),
        target=sweep,
    )


@bp.activity_trigger(input_name="order")
async def trace_footprint(order: Order) -> Json:
    """Findings: which credential did what from where, who is suspect next, what to rotate, what still worked."""
    return await perform("trace_footprint", order, lambda work: findings.trace(work, order))


def _draw(store: EvidenceStore, order: Order, known: Known) -> Json:
    """The graph of who breaks for every kind of principal, the plan for those that can be rebuilt."""
    incident = order["incident"]
    path = f"{folder(incident)}/plan.json"
    snapshot = store.get_json(f"{folder(incident)}/snapshot.json")
    answers = [_survey(store, incident, one) for one in order["facts"]["clusters"]]
    graph = graph_path(incident)
    why = plans.not_rebuilt(incident)
    _put_once(store, graph, graphs.draw(incident, snapshot, answers, rebuilt=why is None))
    if why is not None:
        return {"status": "nothing_to_do", "detail": f"{graph}; {why}", "clusters": []}
    if not store.exists(path):
        judgement = judged(store, incident, snapshot, answers)
        drawn = plans.draw(incident, snapshot, answers, order["policy"], judgement, known)
        seen = digest(canonical(store.get_json(graph)))
        store.put_json(path, {**drawn, "graph": seen})
    plan: plans.Plan = store.get_json(path)
    return said_of(path, plan)


def said_of(path: str, plan: plans.Plan) -> Json:
    """What a playbook needs of a plan; the whole lies in the evidence."""
    refused = known_good.too_many(plan["federated_credentials"])
    return {
        "status": "done" if refused is None else "refused",
        "detail": path if refused is None else f"{path}: {refused}",
        "plan_hash": plans.plan_hash(plan),
        "refederation": {
            name: plan["refederation"][name] for name in ("vector", "method", "longest_token_s")
        },
        "choices": [one["key"] for one in plan["choices"]],
        "confirmations": [one["key"] for one in plan["confirmations"]],
        "irreversible": len(plan["irreversible"]),
        "clusters": [
            {
                "ref": one["survey"]["cluster"],
                "acts": one["acts"],
                "reason": one["reason"],
            }
            for one in plan["clusters"]
        ],
    }


def judged(
    store: EvidenceStore,
    incident: Incident,
    snapshot: Snapshot,
    answers: list[surveys.Survey],
) -> vectors.Judgement:
    """How they got in, by the first sweep's rows and by every signal that joined so far."""
    base = folder(incident)
    traced = f"{base}/footprint.json"
    signals = [store.get_json(one) for one in store.list(f"{base}/signals")]
    seen = vectors.Seen(
        footprint=store.get_json(traced) if store.exists(traced) else None,
        snapshot=snapshot,
        issuers={one["cluster"]["issuer_url"] for one in answers if one["cluster"]["issuer_url"]},
        unread=vectors.unread_of(sweeps.complete_of(store, incident)),
        stated=[one["stated"] for one in (incident["signal"], *signals) if "stated" in one],
    )
    return vectors.judge(seen)


def _put_once(store: EvidenceStore, path: str, document: object) -> None:
    """The first one is the truest: an earlier run's stands."""
    if not store.exists(path):
        store.put_json(path, document)


def told_apart(found: list[ClusterRef]) -> list[ClusterRef]:
    """Clusters whose name is another's too get the start of a hash behind it: states are kept by name."""
    often = Counter(one["name"].lower() for one in found)
    return [
        {**one, "name": f"{one['name']}-{digest(one['resource_id'].lower().encode())[:6]}"}
        if often[one["name"].lower()] > 1
        else one
        for one in found
    ]


def _survey(store: EvidenceStore, incident: Incident, cluster: ClusterRef) -> surveys.Survey:
    """The survey of a cluster. One that was lost leaves the cluster unknown, not absent."""
    path = survey_path(incident, cluster)
    if not store.exists(path):
        return surveys.unreachable(cluster, "its survey was lost; see the journal")
    survey: surveys.Survey = store.get_json(path)
    return survey
