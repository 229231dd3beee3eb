"""Steps 7, 8, 13 and 14: telling people, keeping their answer, the report, and the end."""

import asyncio

import azure.durable_functions as df

from playbooks import addresses, choosing, plan_files, plans, refederation
from playbooks.journaled import Work, perform
from playbooks.orders import Json, Order, folder, graph_path
from playbooks.steps import depths, incident_documents
from playbooks.what_to_do import NOW
from responders import cards, claims, graph_pages, incident_index, notices, reports
from responders.evidence import EvidenceRef, EvidenceStore
from responders.model import Incident, StepResult

bp = df.Blueprint()
_MOST_NAMED = 10  # irreversible acts on a card, which has to stay small; the plan has all of them
# Which notice -> its title and its mood.
NOTICES: dict[str, tuple[str, cards.Mood]] = {
    "refused": ("Not acted on: a person is needed", "bad"),
    "not_contained": ("NOT contained: a person is needed now", "bad"),
    "contained": ("Contained", "good"),
    "partly_contained": ("Contained, but for what is named here", "asking"),
    "planned": ("A plan, nothing was touched", "asking"),
    "asking": ("Contained. Consent is asked for to rebuild", "asking"),
    "waiting": ("Evicted. Waiting until stolen tokens have expired", "asking"),
    "recovered": ("Recovered", "good"),
    "partly_recovered": ("Partly recovered: a person is needed", "asking"),
    "not_resumed": ("Not resumed: a person is needed", "bad"),
    "closed": ("Closed: the watch is over", "asking"),
    "reversed": ("Containment does not hold", "bad"),
    "contained_again": ("Contained again", "asking"),
    "active_after": ("The identity was used after containment", "bad"),
    "rebuilt_in_window": ("Rebuilt, and made by the attacker: a person is needed", "bad"),
    "restored": ("Restored, minus what is never revived", "good"),
    "partly_restored": ("Partly restored: a person is needed", "asking"),
    "restore_refused": ("Not restored: the world has changed, or may not be touched", "asking"),
    "cancelled": ("Cancelled by a person: nobody watches any more", "bad"),
    "reopened": ("Containment no longer holds: a person is needed now", "bad"),
}


@bp.activity_trigger(input_name="order")
async def tell_people(order: Order) -> Json:
    """Tell: one card per notice; a notice that was handed over is not handed over again."""
    incident, notice = order["incident"], order["notice"]
    key = order.get("notice_key", notice)

    async def act(work: Work) -> StepResult:
        path = f"{folder(incident)}/notices/{key}.json"
        if await asyncio.to_thread(work.store.exists, path):
            return {"status": "nothing_to_do", "detail": "handed over before"}
        card = await asyncio.to_thread(_card, work.store, incident, notice, order["facts"])
        answer = await notices.send(work.cloud, card)
        if answer["status"] == "done":
            await asyncio.to_thread(work.store.put_json, path, card)
        return answer

    return await perform("tell_people", order, act, target=key)


@bp.activity_trigger(input_name="order")
async def record_consent(order: Order) -> Json:
    """Record: who said yes or no to which plan, or that nobody did."""

    async def act(work: Work) -> StepResult:
        path = plan_files.consent_path(order["incident"], order.get("plan_number", 1))
        if not await asyncio.to_thread(work.store.exists, path):
            await asyncio.to_thread(work.store.put_json, path, order["facts"])
        return {"status": "done", "detail": str(order["facts"]["decision"])}

    return await perform("record_consent", order, act)


@bp.activity_trigger(input_name="order")
async def record_resume(order: Order) -> Json:
    """Record: who had a recovery go on, and why."""

    async def act(work: Work) -> StepResult:
        path = f"{folder(order['incident'])}/resumes/{order['facts']['name']}.json"
        if not await asyncio.to_thread(work.store.exists, path):
            await asyncio.to_thread(work.store.put_json, path, order["facts"]["call"])
        return {"status": "done", "detail": path}

    return await perform("record_resume", order, act, target=order["facts"]["name"])


@bp.activity_trigger(input_name="order")
async def write_report(order: Order) -> Json:
    """Report: the incident as one document, for machines, for people, and for printing."""
    incident = order["incident"]

    async def act(work: Work) -> Json:
        return await asyncio.to_thread(
            incident_documents.write, work.store, incident, order["facts"]
        )

    return await perform("write_report", order, act)


@bp.activity_trigger(input_name="order")
async def seal_evidence(order: Order) -> Json:
    """Record: a manifest of everything so far. Earlier ones are among its files, a later one covers them."""
    incident, after = order["incident"], order["facts"]["after"]

    async def act(work: Work) -> Json:
        name = "manifest.json" if after == "report" else f"manifest-{after}.json"
        manifest = await asyncio.to_thread(_manifest, work.store, incident, name)
        return {"status": "done", "detail": manifest["path"], "manifest": manifest}

    return await perform("seal_evidence", order, act, target=after)


@bp.activity_trigger(input_name="order")
async def release_principal(order: Order) -> Json:
    """Close: the next signal about this principal opens an incident of its own. Not where more is asked of this one."""
    incident, facts = order["incident"], order.get("facts", {})

    async def act(work: Work) -> Json:
        held = await asyncio.to_thread(
            claims.release, work.store, incident, hears=facts.get("hears", "all")
        )
        if held is not None:
            return depths.asked_for(held, held.get("raised", []))
        how = incident_index.Closed(
            facts.get("outcome", "unknown"), facts.get("mode", incident["mode"])
        )
        await asyncio.to_thread(incident_index.closed, work.store, incident["incident_id"], how)
        return {"status": "done", "detail": "released"}

    return await perform("release_principal", order, act)


def _card(store: EvidenceStore, incident: Incident, notice: str, facts: Json) -> Json:
    title, mood = NOTICES[notice]
    principal = incident["principal"]
    rows = [
        ("Identity", f"{principal['display_name']} · client id {principal['app_id']}"),
        ("Signal", f"{incident['signal']['title']} ({incident['signal']['severity']})"),
        ("Incident", incident["incident_id"]),
        *((name, str(value)) for name, value in facts.items() if name != "lines"),
    ]
    lines = [*facts.get("lines", []), *(_plan_lines(store, incident) if notice == "asking" else [])]
    if notice in {"asking", "planned"} and store.exists(graph_path(incident)):
        lines += graph_pages.summary(store.get_json(graph_path(incident)))
    if notice in {"contained", "partly_contained", "asking"}:
        lines += [
            f"Not covered, look by hand: {one}"
            for one in incident_documents.uncovered(store, incident)
        ]
    name, url = f"{title}: {principal['display_name']}", incident_url(incident["incident_id"])
    seen = notice in {"asking", "planned"} and url and store.exists(graph_path(incident))
    picture = f"{url}/graph.svg" if seen else ""
    links = [("Open the incident", url), ("See who breaks", picture)]
    if notice == "asking" and url:
        links.insert(0, ("Read and answer the plan", f"{url}/consent"))
    return cards.content(cards.Card(name, mood, NOW[notice], rows, lines, links))


def _plan_lines(store: EvidenceStore, incident: Incident) -> list[str]:
    """What a person is asked to agree to, in sentences."""
    plan: plans.Plan = store.get_json(
        plan_files.plan_path(incident, plan_files.newest(store, incident))
    )
    lines = [f"New identity {plan['display_name']}", *refederation.lines(plan)]
    keeps = refederation.keeps_subject(plan["refederation"]["method"])
    kept = "re-annotated" if keeps else "renamed"
    for cluster in plan["clusters"]:
        survey = cluster["survey"]
        what = cluster["reason"] or (
            f"{_count(len(cluster['new_names']), 'ServiceAccount')} {kept}, "
            f"{_count(len(survey['workloads']), 'workload')} scaled to zero, "
            f"{len(cluster['workloads'])} back"
        )
        lines.append(f"{survey['cluster']['name']}: {what}")
    planted = [one for one in plan["left_out"] if one["suspicious"]]
    lines += [f"Nothing brings it back: {one}" for one in plan["irreversible"][:_MOST_NAMED]]
    lines += [f"Not rebuilt: {one['what']} {one['name']}: {one['reason']}" for one in planted]
    return [*lines, *choosing.offered(plan)]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _manifest(store: EvidenceStore, incident: Incident, name: str) -> EvidenceRef:
    """Written once. Its hash is what proves the bundle, so it is told where the bundle is not."""
    path = f"{folder(incident)}/{name}"
    if not store.exists(path):
        return reports.write_manifest(store, folder(incident), name=name)
    return reports.reference(store, path)


def incident_url(incident_id: str) -> str:
    """The address of the incident's page; empty where the platform names no host."""
    return addresses.page_url(f"/incidents/{incident_id}")
