"""Trigger: the page on which a false alarm is taken back: first what would come back, then exactly that.

To look at it is a POST as well: it asks the whole cloud, which a link preview has no business to start.
"""

import json

import azure.durable_functions as df
import azure.functions as func
import structlog
from pydantic import ValidationError

from responders.model import Json
from triggers import people, restore_api
from triggers.pages import consent_pages, forms, incident_pages, rendering
from triggers.people import Person

bp = df.Blueprint()
# In the order in which a person asks: what comes back, what only if I say so, what never, what stands in the way.
_PARTS = {
    "restore": "Comes back",
    "choice": "Comes back only if you choose it",
    "never": "Never comes back",
    "drifted": "Refused: it is another one by now",
    "unread": "Refused: it could not be read",
    "there": "There already",
}


@bp.route(
    route="incidents/{incident_id}/restore", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS
)
@bp.durable_client_input(client_name="client")
async def page_restore_form(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """200 with the form that asks for the plan of a restore."""
    structlog.contextvars.clear_contextvars()
    seen = await incident_pages.opened(req, client, people.READ)
    return seen if isinstance(seen, func.HttpResponse) else _page(req, *seen)


@bp.route(
    route="incidents/{incident_id}/restore", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS
)
@bp.durable_client_input(client_name="client")
async def page_restore(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """200 with the plan as the world is now; 303 to the incident when exactly that was ordered."""
    structlog.contextvars.clear_contextvars()
    seen = await incident_pages.opened(req, client, people.APPROVE)
    if isinstance(seen, func.HttpResponse):
        return seen
    person, found = seen
    try:
        fields = forms.read(req, person, found["incident_id"], "restore")
    except (forms.ForgedError, ValueError) as problem:
        return forms.refused(req, person, problem)
    said = {name: " ".join(values) for name, values in fields.items() if name != "chosen"}
    chosen, reason = fields.get("chosen", []), said.get("reason", "")
    try:
        wanted = restore_api.RestoreOrder.model_validate({**said, "chosen": chosen})
    except ValidationError as problem:
        failure = consent_pages.bad_form(consent_pages.people_say(problem))
        return _page(req, person, found, failure=failure, reason=reason)
    answered = await restore_api.restore(client, found["incident_id"], person, wanted)
    if answered.status_code == 202:
        return incident_pages.taken(req, person, found["incident_id"], "restored")
    told: Json = json.loads(answered.get_body())
    wrong = consent_pages.of_problem(answered) if answered.status_code >= 400 else None
    drawn = told if "plan" in told else None
    return _page(req, person, found, drawn=drawn, failure=wrong, reason=reason, chosen=chosen)


def _page(  # noqa: PLR0913 - what was sent before, and what was answered
    req: func.HttpRequest,
    person: Person,
    found: Json,
    *,
    drawn: Json | None = None,
    failure: Json | None = None,
    reason: str = "",
    chosen: list[str] | None = None,
) -> func.HttpResponse:
    browser_key, cookie = forms.key(req)
    context = {
        "one": found,
        "drawn": drawn,
        "parts": _parts(drawn["plan"]) if drawn else [],
        "differences": [
            f"{one['object']}: {one['before']} → {one['after']}"
            for one in (drawn or {}).get("diff", [])
        ],
        "token": forms.token(browser_key, person, found["incident_id"], "restore"),
        "failure": failure,
        "reason": reason,
        "chosen": chosen or [],
    }
    status = failure["status"] if failure else 200
    return rendering.page(req, "restore.html", status, headers=cookie, person=person, **context)


def _parts(plan: Json) -> list[Json]:
    """Every line of the plan, by what becomes of it."""
    found: dict[str, list[str]] = {verdict: [] for verdict in _PARTS}
    for piece in plan["pieces"]:
        why = f": {piece['reason']}" if piece["reason"] else ""
        found[piece["verdict"]].append(f"{piece['kind']} {piece['name']}{why}")
    for one in plan["clusters"]:
        said = f"cluster {one['cluster'].get('name', '')}: {len(one['objects'])} objects"
        found[one["verdict"]].append(f"{said} {one['reason']}".rstrip())
    parts = [{"title": _PARTS[one], "lines": lines} for one, lines in found.items() if lines]
    if plan["added"]:
        parts.append({"title": "Ways in that nobody vouches for", "lines": plan["added"]})
    if plan["unread"]:
        parts.append({"title": "Could not be looked at", "lines": plan["unread"]})
    return parts
