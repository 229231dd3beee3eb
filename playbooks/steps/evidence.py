"""Steps 5 and 6: the first sweep of the logs, the clusters' answers, and the plan that a person will see."""

import json
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import azure.durable_functions as df

from playbooks import footprint, plans
from playbooks.journaled import Work, perform
from playbooks.orders import Json, Order, folder
from responders import activity_logs, azure_activity, clusters, sign_ins, surveys
from responders.cloud import Cloud
from responders.collected import Collected
from responders.evidence import EvidenceStore, digest
from responders.model import ClusterRef, Incident, Principal, StepResult

bp = df.Blueprint()
Collector = Callable[[Cloud, Principal, datetime, datetime], Awaitable[Collected]]
_SURVEY_RUNS = 3  # a cluster that is still unreachable then is planned as unreachable


def survey_path(incident: Incident, cluster: ClusterRef) -> str:
    """Where a cluster's survey lies. Names repeat across resource groups, resource ids don't."""
    key = digest(cluster["resource_id"].lower().encode())[:8]
    return f"{folder(incident)}/clusters/{cluster['name']}-{key}.json"


@bp.activity_trigger(input_name="order")
async def collect_activity_log(order: Order) -> Json:
    """Collect: what the principal did through Azure Resource Manager."""
    return await perform(
        "collect_activity_log",
        order,
        lambda work: _sweep(work, order, "activity_log", activity_logs.collect),
    )


@bp.activity_trigger(input_name="order")
async def collect_azure_activity(order: Order) -> Json:
    """Collect: the same from the workspace, with the token ids that join it to the sign-ins."""
    return await perform(
        "collect_azure_activity",
        order,
        lambda work: _sweep(work, order, "azure_activity", azure_activity.collect),
    )


@bp.activity_trigger(input_name="order")
async def collect_sign_ins(order: Order) -> Json:
    """Collect: which credential asked for tokens, from where."""
    return await perform(
        "collect_sign_ins",
        order,
        lambda work: _sweep(work, order, "sign_ins", sign_ins.collect),
    )


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
        survey = await surveys.take(work.cloud, cluster, incident["principal"]["app_id"])
        if not survey["reachable"] and work.run < _SURVEY_RUNS:
            return {"status": "failed", "retry": True, "detail": survey["reason"]}
        path = survey_path(incident, cluster)
        if not work.store.exists(path):
            work.store.put_json(path, survey)
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
    incident = order["incident"]

    async def act(work: Work) -> Json:
        path = f"{folder(incident)}/plan.json"
        if not work.store.exists(path):
            snapshot = work.store.get_json(f"{folder(incident)}/snapshot.json")
            answers = [_survey(work.store, incident, one) for one in order["facts"]["clusters"]]
            work.store.put_json(path, plans.draw(incident, snapshot, answers, order["policy"]))
        plan: plans.Plan = work.store.get_json(path)
        return {
            "status": "done",
            "detail": path,
            "plan_hash": plans.plan_hash(plan),
            "clusters": [
                {
                    "ref": one["survey"]["cluster"],
                    "acts": one["acts"],
                    "reason": one["reason"],
                }
                for one in plan["clusters"]
            ],
        }

    return await perform("draw_plan", order, act)


@bp.activity_trigger(input_name="order")
async def trace_footprint(order: Order) -> Json:
    """Findings: what the rows say, and what in the plan looks planted."""
    incident = order["incident"]

    async def act(work: Work) -> StepResult:
        path = f"{folder(incident)}/footprint.json"
        if not work.store.exists(path):
            drawn = f"{folder(incident)}/plan.json"
            plan = work.store.get_json(drawn) if work.store.exists(drawn) else None
            rows = [_rows(work.store, incident, name) for name in ("activity_log", "sign_ins")]
            work.store.put_json(path, footprint.trace(rows[0], rows[1], plan))
        return {"status": "done", "detail": path}

    return await perform("trace_footprint", order, act)


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


def _rows(store: EvidenceStore, incident: Incident, name: str) -> list[Json]:
    """The rows of a sweep. One that failed has none here, and is named as a gap in the report."""
    if not store.exists(f"{folder(incident)}/logs/{name}.jsonl"):
        return []
    lines = store.get(f"{folder(incident)}/logs/{name}.jsonl").splitlines()
    return [json.loads(line) for line in lines]


async def _sweep(work: Work, order: Order, name: str, collect: Collector) -> StepResult:
    """Collect and keep rows, query, window and gaps. A sweep that was kept before stands."""
    incident = order["incident"]
    about = f"{folder(incident)}/logs/{name}.json"
    if not work.store.exists(about):
        end = datetime.now(UTC)  # noqa: TID251 - an activity: it runs once, it is not replayed
        opened = datetime.fromisoformat(incident["opened_at"])
        start = opened - timedelta(hours=order["policy"]["windows"]["evidence_hours"])
        swept = await collect(work.cloud, incident["principal"], start, end)
        rows = work.store.put_rows(f"{folder(incident)}/logs/{name}.jsonl", swept["rows"])
        facts = {key: value for key, value in swept.items() if key != "rows"}
        work.store.put_json(about, {**facts, "row_count": len(swept["rows"]), "rows": rows})
    kept = work.store.get_json(about)
    gaps = "".join(f"; gap: {gap}" for gap in kept["gaps"])
    return {"status": "done", "detail": f"{kept['row_count']} rows{gaps}"}
