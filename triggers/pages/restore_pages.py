"""Trigger: the page on which a false alarm is taken back: first what would come back, then exactly that.

To look at it is a POST as well: it asks the whole cloud, which a link preview has no business to start.
"""

import json

import azure.durable_functions as df
import azure.functions as func
import structlog
from pydantic import ValidationError

from playbooks.restoring import consents
from responders.model import Json
from triggers import call_traces, intake, people, restore_orders
from triggers.pages import consent_pages, failing, forms, incident_pages, rendering, words
from triggers.people import Person

bp = df.Blueprint()
_CHOICE = "choice"
# In the order in which a person asks: what comes back, what never, what stands in the way.
_PARTS = {
    "restore": "Comes back",
    "never": "Never comes back",
    "drifted": "Refused: it is another one by now",
    "unread": "Refused: it could not be read",
    "there": "There already",
}


@bp.route(
    route="incidents/{incident_id}/restore", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS
)
@bp.durable_client_input(client_name="client")
@failing.said
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
@failing.said
async def page_restore(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """200 with the plan as the world is now; 303 to the incident when exactly that was ordered, or refused."""
    structlog.contextvars.clear_contextvars()
    seen = await incident_pages.posted(req, client, people.APPROVE, "restore")
    if isinstance(seen, func.HttpResponse):
        return seen
    person, found, fields = seen
    said = {name: " ".join(values) for name, values in fields.items() if name != "chosen"}
    refuses = said.get("mode") == "refuse"
    chosen, reason = fields.get("chosen", []), said.get("reason", "")
    try:
        wanted = restore_orders.RestoreOrder.model_validate({**said, "chosen": chosen})
    except ValidationError as problem:
        failure = consent_pages.bad_form(consent_pages.people_say(problem))
        return _page(req, person, found, failure=failure, reason=reason)
    answered = await call_traces.traced(
        "page_restore",
        found["incident_id"],
        person.object_id,
        lambda: restore_orders.restore(client, found["incident_id"], person, wanted),
    )
    if answered.status_code == 202:
        begun = json.loads(answered.get_body())["begun"]
        heard = "not_restored" if refuses else "restored" if begun else "ordered"
        return incident_pages.taken(req, person, found["incident_id"], heard)
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
    asked = found["restore_asked"]
    same = drawn is not None and asked is not None and asked["plan_hash"] == drawn["plan_hash"]
    context = {
        "one": found,
        "drawn": drawn,
        "parts": _parts(drawn["plan"]) if drawn else [],
        "choices": _choices(drawn["plan"]) if drawn else [],
        "differences": [
            f"{one['object']}: {one['before']} → {one['after']}"
            for one in (drawn or {}).get("diff", [])
        ],
        "token": forms.token(browser_key, person, found["incident_id"], "restore"),
        "failure": failure,
        "reason": reason,
        "asked": asked,
        "same": same,
        "why_not": _why_not(person, asked) if same else "",
        "needs": consents.people(intake.policy().frozen()),
        "may": people.APPROVE in person.roles,
        "chosen": asked["chosen"] if same and not chosen else chosen or [],
    }
    status = failure["status"] if failure else 200
    return rendering.page(req, "restore.html", status, headers=cookie, person=person, **context)


def _why_not(person: Person, asked: Json) -> str:
    """Why this person's order would add nothing to those that were given, so that the page offers none."""
    if person.object_id in {one["approver"]["object_id"] for one in asked["approvals"]}:
        return "You have ordered this restore. Another person has to order it as well."
    return ""


def _parts(plan: Json) -> list[Json]:
    """Every line of the plan but those that are to be chosen, by what becomes of it."""
    found: dict[str, list[Json]] = {verdict: [] for verdict in _PARTS}
    for piece in plan["pieces"]:
        if piece["verdict"] != _CHOICE:
            found[piece["verdict"]].append(_line(piece))
    for one in plan["clusters"]:
        name = f"{one['cluster'].get('name', '')}, {len(one['objects'])} objects"
        found[one["verdict"]].append({"what": "cluster", "name": name, "why": one["reason"]})
    parts = [{"title": _PARTS[one], "lines": lines} for one, lines in found.items() if lines]
    for title, name in (("Ways in that nobody vouches for", "added"), ("Not looked at", "unread")):
        if plan[name]:
            lines = [{"what": "", "name": one, "why": ""} for one in plan[name]]
            parts.append({"title": title, "lines": lines})
    return parts


def _choices(plan: Json) -> list[Json]:
    """What comes back only where a person says so."""
    return [
        {**_line(one), "key": one["key"]} for one in plan["pieces"] if one["verdict"] == _CHOICE
    ]


def _line(piece: Json) -> Json:
    what = words.step(piece["kind"]).lower()
    name = piece["name"].removeprefix(f"{what} ")
    return {"what": what, "name": name, "why": piece["reason"]}
