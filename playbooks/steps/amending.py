"""When a recovery is resumed: what became of the clusters that were not touched, and is the plan still the plan."""

import asyncio

import azure.durable_functions as df

from playbooks import amendments, plan_files, plans
from playbooks.journaled import Work, perform
from playbooks.known import Known
from playbooks.orders import Json, Order, folder
from playbooks.steps import ages, evidence
from responders import surveys
from responders.evidence import EvidenceStore, digest
from responders.model import ClusterRef, Incident

bp = df.Blueprint()


@bp.activity_trigger(input_name="order")
async def survey_again(order: Order) -> Json:
    """Collect: one cluster as it is now; what it said when the plan was drawn stays in the evidence."""
    incident, cluster = order["incident"], order["cluster"]

    async def act(work: Work) -> Json:
        survey = await surveys.take(work.cloud, cluster, incident["principal"], insist=True)
        path = _path(incident, cluster, order["facts"]["number"])
        if not await asyncio.to_thread(work.store.exists, path):
            await asyncio.to_thread(work.store.put_json, path, survey)
        status = "done" if survey["reachable"] else "failed"
        return {"status": status, "detail": survey["reason"] or path}

    return await perform("survey_again", order, act, target=cluster["name"])


@bp.activity_trigger(input_name="order")
async def amend_plan(order: Order) -> Json:
    """Plan: once more, where an untouched cluster is another one than in the plan that was agreed to.

    Where nobody agreed to any, always: people are asked by another hash, so that no answer of before counts.
    """

    async def act(work: Work) -> Json:
        known = await ages.known(work, order["incident"])
        return await asyncio.to_thread(_amend, work.store, order, known)

    return await perform("amend_plan", order, act)


def _amend(store: EvidenceStore, order: Order, known: Known) -> Json:
    incident, facts = order["incident"], order["facts"]
    anew = bool(facts.get("anew"))
    old = plan_files.latest(store, incident) if anew else plan_files.plan_of(store, incident)
    answers = [_now(store, order, one["survey"]) for one in old["clusters"]]
    snapshot = store.get_json(f"{folder(incident)}/snapshot.json")
    judged = evidence.judged(store, incident, snapshot, answers)
    new = plans.draw(incident, snapshot, answers, order["policy"], judged, known)
    changed = amendments.differences(old, new)
    if not changed and not anew:
        return {"status": "nothing_to_do", "detail": "every cluster is as the plan says"}
    if reason := amendments.contradiction(old, new, set(facts["touched"])):
        return {"status": "refused", "detail": f"{'; '.join(changed)}. No new plan: {reason}"}
    number = plan_files.newest(store, incident) + 1
    path = plan_files.plan_path(incident, number)
    asked: Json = {"asked": number} if anew else {}
    store.put_json(path, {**new, "graph": old.get("graph", ""), **asked})
    drawn = evidence.said_of(plan_files.plan_path(incident, number), store.get_json(path))
    said = {"changed": changed} if changed else {}
    return {**drawn, "number": number, **said}


def _now(store: EvidenceStore, order: Order, then: surveys.Survey) -> surveys.Survey:
    """A cluster's newest survey: that of the plan where it was touched, or where it is not ready now either."""
    cluster = then["cluster"]
    path = _path(order["incident"], cluster, order["facts"]["number"])
    if cluster["resource_id"] in order["facts"]["touched"] or not store.exists(path):
        return then
    survey: surveys.Survey = store.get_json(path)
    ready = survey["reachable"] and survey["preflight"]["status"] == "done"
    return survey if ready else then


def _path(incident: Incident, cluster: ClusterRef, number: int) -> str:
    key = digest(cluster["resource_id"].lower().encode())[:8]
    return f"{folder(incident)}/clusters/{cluster['name']}-{key}-again-{number}.json"
