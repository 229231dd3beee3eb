"""Steps 8, 13 and 14: keeping people's answer, the report, and the end."""

import asyncio

import azure.durable_functions as df

from playbooks import plan_files
from playbooks.journaled import Work, open_store, perform
from playbooks.orders import Json, Order, folder
from playbooks.steps import depths, incident_documents
from responders import claims, incident_index, incident_traces, reports, tracing
from responders.evidence import EvidenceRef, EvidenceStore
from responders.model import Incident, StepResult

bp = df.Blueprint()


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

    released = await perform("release_principal", order, act)
    if released["status"] == "done":
        outcome = str(facts.get("outcome", "unknown"))
        await asyncio.to_thread(
            incident_traces.close, open_store(), incident, outcome, facts.get("clock", {})
        )
        await tracing.handed_over()
    return released


def _manifest(store: EvidenceStore, incident: Incident, name: str) -> EvidenceRef:
    """Written once. Its hash is what proves the bundle, so it is told where the bundle is not."""
    path = f"{folder(incident)}/{name}"
    if not store.exists(path):
        return reports.write_manifest(store, folder(incident), name=name)
    return reports.reference(store, path)
