"""Trigger: the page of one incident, what of it moves, and the picture of who breaks. Nothing here changes anything.

A function's answer can't be held open, so the page asks for what moves every few seconds, and is told 304 while
nothing did. Without scripts it is loaded again as a whole.
"""

import asyncio
import hmac
from collections.abc import Mapping

import azure.durable_functions as df
import azure.functions as func
import structlog

from responders import graph_drawings, tracing
from responders.evidence import EvidenceStore, digest
from responders.model import Json
from triggers import intake, people, status
from triggers.pages import failing, forms, incident_view, rendering, visitors, words
from triggers.people import Person

bp = df.Blueprint()
# What a person is told after a form was taken, and nobody else: a link can't make somebody believe that they answered.
TOLD = {
    "opened": "The incident was opened.",
    "joined": "An incident about this identity was open: your call joined it.",
    "consented": "Your consent was handed over. What comes of it is shown here.",
    "refused": "Your no was handed over.",
    "resumed": "The recovery was asked to go on.",
    "asked_anew": "People are asked anew as soon as the clusters were surveyed.",
    "cancelled": "The incident was asked to end.",
    "restored": "The restore was ordered, and begins.",
    "ordered": "Your order was kept. The restore begins when another person has given the same.",
    "not_restored": "Your no was kept: nothing is given back.",
}
_PICTURE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
}


@bp.route(route="incidents/{incident_id}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@bp.durable_client_input(client_name="client")
@failing.said
async def page_incident(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """200 with the page; 302 to sign in, 403 without the role, 404 where no such incident was ever opened."""
    structlog.contextvars.clear_contextvars()
    seen = await opened(req, client, people.READ)
    if isinstance(seen, func.HttpResponse):
        return seen
    person, found = seen
    shown = await asyncio.to_thread(incident_view.shown, intake.store(), found)
    told = _told(req, person, found["incident_id"])
    acts = _acts(person, found)
    return rendering.page(req, "incident.html", person=person, told=told, acts=acts, **shown)


@bp.route(
    route="incidents/{incident_id}/live", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS
)
@bp.durable_client_input(client_name="client")
@failing.said
async def page_live(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """200 with what moves on the page; 304 where the sender has just that."""
    structlog.contextvars.clear_contextvars()
    seen = await opened(req, client, people.READ)
    if isinstance(seen, func.HttpResponse):
        return seen
    shown = await asyncio.to_thread(incident_view.shown, intake.store(), seen[1])
    body = rendering.part("live.html", **shown)
    etag = f'"{digest(body.encode())[:32]}"'
    headers = {"ETag": etag, **({"X-Incident-Over": "1"} if shown["over"] else {})}
    if req.headers.get("If-None-Match") == etag:
        return rendering.answer(req, "", 304, headers=headers)
    return rendering.answer(req, body, headers=headers)


@bp.route(
    route="incidents/{incident_id}/graph.svg", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS
)
@failing.said
async def page_graph(req: func.HttpRequest) -> func.HttpResponse:
    """200 with the picture; 404 where no cluster was asked yet. Its names are others': it may run and load nothing."""
    structlog.contextvars.clear_contextvars()
    person = await visitors.visitor(req, people.READ)
    if isinstance(person, func.HttpResponse):
        return person
    incident_id = req.route_params["incident_id"]
    drawn = None
    if status.is_incident_id(incident_id):
        drawn = await asyncio.to_thread(_drawn, intake.store(), incident_id)
    if drawn is None:
        return unknown(req, person, incident_id)
    return rendering.answer(req, drawn, mimetype="image/svg+xml", headers=_PICTURE)


async def opened(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, role: str
) -> tuple[Person, Json] | func.HttpResponse:
    """Who looks, and how the incident of the address stands; or the page that says why not."""
    person = await visitors.visitor(req, role)
    if isinstance(person, func.HttpResponse):
        return person
    incident_id = req.route_params["incident_id"]
    found = await status.of(client, incident_id)
    return (person, found) if found else unknown(req, person, incident_id)


async def posted(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, role: str, act: str
) -> tuple[Person, Json, Mapping[str, list[str]]] | func.HttpResponse:
    """Who sent a form of ours about this act, how the incident stands, and the fields; or why it isn't taken."""
    tracing.came_from(req.headers)
    seen = await opened(req, client, role)
    if isinstance(seen, func.HttpResponse):
        return seen
    person, found = seen
    try:
        return person, found, forms.read(req, person, found["incident_id"], act)
    except (forms.ForgedError, ValueError) as problem:
        return forms.refused(req, person, problem)


def taken(req: func.HttpRequest, person: Person, incident_id: str, told: str) -> func.HttpResponse:
    """To the incident, which says to this person in this browser that the form was taken."""
    proof = forms.token(forms.key(req)[0], person, incident_id, f"told {told}")
    return rendering.see_other(req, f"/incidents/{incident_id}?told={told}&proof={proof}")


def _told(req: func.HttpRequest, person: Person, incident_id: str) -> str:
    told = req.params.get("told", "")
    proof = forms.token(forms.key(req)[0], person, incident_id, f"told {told}")
    sent = req.params.get("proof", "").encode()
    return TOLD.get(told, "") if hmac.compare_digest(sent, proof.encode()) else ""


def unknown(req: func.HttpRequest, person: Person, incident_id: str) -> func.HttpResponse:
    """404 for an id that no incident has, or that nothing is known of yet."""
    said = f"No incident {incident_id[:80]!r}, or nothing to show of it yet."
    todo = "Check the address, or look it up in the list."
    return rendering.problem(req, 404, "Nothing here", said, todo, person=person)


def _drawn(store: EvidenceStore, incident_id: str) -> str | None:
    path = f"incidents/{incident_id}/graph.json"
    if not store.exists(path):
        return None
    return graph_drawings.svg(incident_view.read_kept(store, path))


def _acts(person: Person, found: Json) -> list[Json]:
    """What a person can do besides answering a plan, and why not where they can't."""
    over = found["phase"] in words.OVER
    acts = [
        ("resume", _resumes(found), people.RESPOND, found["resumable"]),
        ("restore", "Restore: it was a false alarm", people.APPROVE, _restorable(found)),
        ("cancel", "Cancel the incident", people.RESPOND, not over),
    ]
    return [
        {
            "path": path,
            "text": text,
            "allowed": possible and role in person.roles,
            "why": f"needs the role {role}" if possible else "not now",
        }
        for path, text, role, possible in acts
        if possible or not over
    ]


def _resumes(found: Json) -> str:
    anew = (found["resume"] or {}).get("asks_anew")
    return "Ask for consent anew" if anew else "Resume the recovery"


def _restorable(found: Json) -> bool:
    waits = found["phase"] in {"watching", "held", "awaiting_resume", "closed", "failed"}
    return waits and found["mode"] != "plan"
