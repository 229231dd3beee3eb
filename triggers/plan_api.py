"""Trigger: what an incident's plan is, and who breaks with it: as JSON, as Mermaid, as a picture.

It reads the evidence store alone, so it answers as long as the evidence is kept.
"""

import asyncio
from typing import Literal, cast

import azure.durable_functions as df
import azure.functions as func
import structlog

from playbooks import plan_files, plans
from responders import graph_drawings, graph_pages
from responders.evidence import EvidenceStore
from responders.graph_model import Graph
from responders.model import Json
from triggers import intake, people, signed_calls, status
from triggers.answers import answer, error

bp = df.Blueprint()
# A picture of names that an attacker may have chosen: the browser is to run and load nothing, whatever is in it.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "X-Content-Type-Options": "nosniff",
}
View = Literal["json", "mermaid", "svg"]


@bp.route(
    route="api/incidents/{incident_id}/plan", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS
)
async def read_plan(req: func.HttpRequest) -> func.HttpResponse:
    """200 with plan and graph; 400 for an unknown view, 404 where nothing is planned, or not yet."""
    structlog.contextvars.clear_contextvars()
    reader = await signed_calls.admit(req, people.READ)
    if isinstance(reader, func.HttpResponse):
        return reader
    incident_id, view = req.route_params["incident_id"], req.params.get("view", "json")
    if view not in {"json", "mermaid", "svg"}:
        todo = "send view=json, view=mermaid or view=svg"
        return error(400, "BadRequest", f"no such view: {view[:40]!r}", todo)
    if not status.is_incident_id(incident_id):
        return _unknown(incident_id)
    return await asyncio.to_thread(_shown, intake.store(), incident_id, cast(View, view))


def _shown(store: EvidenceStore, incident_id: str, view: View) -> func.HttpResponse:
    base = f"incidents/{incident_id}"
    if not store.exists(f"{base}/graph.json"):
        return _unknown(incident_id)
    graph: Graph = store.get_json(f"{base}/graph.json")
    if view == "mermaid":
        return func.HttpResponse(
            graph_pages.mermaid(graph), headers=_HEADERS, mimetype="text/plain", charset="utf-8"
        )
    if view == "svg":
        return func.HttpResponse(
            graph_drawings.svg(graph), headers=_HEADERS, mimetype="image/svg+xml", charset="utf-8"
        )
    plan: Json | None = None
    if store.exists(path := plan_files.newest_path(store, base)):
        plan = store.get_json(path)
    hashed = plans.plan_hash(cast(plans.Plan, plan)) if plan else None
    return answer(200, {"plan_hash": hashed, "plan": plan, "graph": graph})


def _unknown(incident_id: str) -> func.HttpResponse:
    return error(
        404,
        "NoPlan",
        f"no plan of incident {incident_id[:80]!r}",
        "check the id, and read the incident until its clusters were asked",
    )
