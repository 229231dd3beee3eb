"""Trigger: what an incident's plan is, and who breaks with it: as JSON, as Mermaid, as a picture.

It reads the evidence store alone, so it answers as long as the evidence is kept.
"""

import asyncio
from typing import Literal, cast

import azure.durable_functions as df
import azure.functions as func
from pydantic import BaseModel, ConfigDict

from playbooks import plan_files, plans
from responders import graph_drawings, graph_pages
from responders.evidence import EvidenceStore
from responders.graph_model import Graph
from responders.model import Json
from triggers import documents, edge, intake
from triggers.answers import answer, error
from triggers.edge import Call, Nothing, Operation, Said

bp = df.Blueprint()
# A picture of names that an attacker may have chosen: the browser is to run and load nothing, whatever is in it.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "X-Content-Type-Options": "nosniff",
}
View = Literal["json", "mermaid", "svg"]


class PlanQuery(BaseModel):
    """In which form."""

    model_config = ConfigDict(extra="forbid")

    view: View = "json"


PLAN: Operation[Nothing, PlanQuery] = Operation(
    name="read_plan",
    method="GET",
    route="api/incidents/{incident_id}/plan",
    summary="The whole plan, and who breaks",
    query=PlanQuery,
    answers={
        200: Said(
            "plan and graph; as Mermaid or SVG the graph alone",
            documents.PlanDocument,
            also=("text/plain", "image/svg+xml"),
        )
    },
    errors={404: "NoPlan"},
)
OPERATIONS = (PLAN,)


@bp.route(**PLAN.binding)
async def read_plan(req: func.HttpRequest) -> func.HttpResponse:
    """200 with plan and graph; 400 for an unknown view, 404 where nothing is planned, or not yet."""

    async def act(call: Call[Nothing, PlanQuery]) -> func.HttpResponse:
        view = call.query.view
        return await asyncio.to_thread(_shown, intake.store(), call.incident_id, view)

    return await edge.serve(req, None, PLAN, act)


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
