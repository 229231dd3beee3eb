"""Trigger: pages of quiet days: the playbooks, a form to run one, all runs, one run and what it found, its plan."""

import asyncio
import json
from typing import Any

import azure.durable_functions as df
import azure.functions as func
import structlog
from pydantic import ValidationError

from playbooks.runs.catalogue import PLAYBOOKS, Playbook
from responders.model import Json
from triggers import intake, people, run_status, runs_api
from triggers.pages import consent_pages, failing, forms, listing, rendering, visitors, words
from triggers.pages.filters import Filter
from triggers.pages.listing import Listing
from triggers.people import Person
from triggers.run_status import RunsQuery
from triggers.runs_api import RunRequest

bp = df.Blueprint()
_START, _APPLY = "start-run", "apply-run"
_SHOWN = 500  # rows of a table and findings on the page; the report has all
_LONGEST = 50_000  # characters of parameters
_FIELDS = (
    Filter("playbook", "Playbook", [(one, one) for one in sorted(PLAYBOOKS)]),
    Filter("mode", "Mode", [("plan", "plan"), ("apply", "apply")]),
)
_LIST = Listing("/runs", "runs.html", "runs", _FIELDS, RunsQuery)


@bp.route(route="playbooks", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@failing.said
async def page_playbooks(req: func.HttpRequest) -> func.HttpResponse:
    """200 with every playbook, and a form to run it for who may."""
    structlog.contextvars.clear_contextvars()
    person = await visitors.visitor(req, people.READ)
    return person if isinstance(person, func.HttpResponse) else _playbooks(req, person)


@bp.route(route="playbooks/{playbook}/runs", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@bp.durable_client_input(client_name="client")
@failing.said
async def page_start_run(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """303 to the run that was begun; else the playbooks again, with what is wrong."""
    structlog.contextvars.clear_contextvars()
    seen = await _sent(req, people.RESPOND, "playbook", _START)
    if isinstance(seen, func.HttpResponse):
        return seen
    person, name, fields = seen
    sent = {one: " ".join(fields.get(one, [])) for one in ("mode", "reason", "parameters")}
    try:
        wanted = RunRequest.model_validate({**sent, "parameters": _parameters(sent["parameters"])})
    except ValidationError as problem:
        wrong = consent_pages.bad_form(consent_pages.people_say(problem))
        return _playbooks(req, person, failure=wrong, sent={**sent, "playbook": name})
    except ValueError as problem:
        return _playbooks(
            req,
            person,
            failure=consent_pages.bad_form(str(problem)),
            sent={**sent, "playbook": name},
        )
    answered = await runs_api.begin(client, person, name, wanted)
    if answered.status_code != 202:
        wrong = consent_pages.of_problem(answered)
        return _playbooks(req, person, failure=wrong, sent={**sent, "playbook": name})
    return rendering.see_other(req, f"/runs/{json.loads(answered.get_body())['run_id']}")


@bp.route(route="runs", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@bp.durable_client_input(client_name="client")
@failing.said
async def page_runs(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """200 with the list; 400 with the form again where a filter makes no sense."""

    async def find(query: RunsQuery) -> Json:
        return {**await run_status.page(client, query)}

    return await listing.show(req, _LIST, find)


@bp.route(route="runs/{run_id}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@bp.durable_client_input(client_name="client")
@failing.said
async def page_run(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """200 with the run; 404 where there is none."""
    structlog.contextvars.clear_contextvars()
    person = await visitors.visitor(req, people.READ)
    if isinstance(person, func.HttpResponse):
        return person
    found = await run_status.of(client, req.route_params["run_id"])
    return await _run(req, person, found)


@bp.route(route="runs/{run_id}/apply", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@bp.durable_client_input(client_name="client")
@failing.said
async def page_apply_run(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """303 to the run that carries the plan out; else the plan again, with what is wrong."""
    structlog.contextvars.clear_contextvars()
    seen = await _sent(req, people.APPROVE, "run_id", _APPLY)
    if isinstance(seen, func.HttpResponse):
        return seen
    person, run_id, fields = seen
    found = await run_status.of(client, run_id)
    if found is None or not found.get("plan_hash"):
        return await _run(req, person, found, failure=consent_pages.bad_form("it made no plan"))
    try:
        wanted = RunRequest(
            mode="apply",
            reason=" ".join(fields.get("reason", [])),
            parameters=found["parameters"],
            plan_hash=found["plan_hash"],
            accepted=fields.get("accepted", []),
        )
    except ValidationError as problem:
        wrong = consent_pages.bad_form(consent_pages.people_say(problem))
        return await _run(req, person, found, failure=wrong)
    answered = await runs_api.begin(client, person, found["playbook"], wanted)
    if answered.status_code != 202:
        return await _run(req, person, found, failure=consent_pages.of_problem(answered))
    return rendering.see_other(req, f"/runs/{json.loads(answered.get_body())['run_id']}")


async def _sent(
    req: func.HttpRequest, role: str, name: str, act: str
) -> tuple[Person, str, Any] | func.HttpResponse:
    """Who sent a form of ours, about what, and its fields; or why it isn't taken."""
    person = await visitors.visitor(req, role)
    if isinstance(person, func.HttpResponse):
        return person
    about = req.route_params[name]
    try:
        return person, about, forms.read(req, person, about, act)
    except (forms.ForgedError, ValueError) as problem:
        return forms.refused(req, person, problem)


def _parameters(text: str) -> Json:
    """Parameters as a person writes them: YAML, of which JSON is a part. Raises `ValueError` with what is wrong."""
    if not text.strip():
        return {}
    if len(text) > _LONGEST:
        raise ValueError(f"parameters: {len(text)} characters: {_LONGEST} are the most")
    import yaml  # type: ignore[import-untyped]  # noqa: PLC0415 - 50 ms that a cold start can do without

    try:
        read = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as odd:
        raise ValueError(f"parameters: no YAML: {' '.join(str(odd).split())[:300]}") from odd
    if not isinstance(read, dict):
        raise ValueError("parameters: write NAME: VALUE, one a line")
    return read


def _playbooks(
    req: func.HttpRequest,
    person: Person,
    *,
    failure: Json | None = None,
    sent: dict[str, str] | None = None,
) -> func.HttpResponse:
    key, cookie = forms.key(req)
    schedules = intake.policy().schedules.model_dump()
    rows = [
        {
            "playbook": one,
            "schedule": schedules.get(one.name, ""),
            "takes": _takes(one),
            "token": forms.token(key, person, one.name, _START),
        }
        for one in PLAYBOOKS.values()
    ]
    context: Json = {
        "rows": rows,
        "failure": failure,
        "sent": sent or {"playbook": "", "mode": "plan", "reason": "", "parameters": ""},
        "may": people.RESPOND in person.roles,
    }
    status = failure["status"] if failure else 200
    return rendering.page(req, "playbooks.html", status, headers=cookie, person=person, **context)


def _takes(one: Playbook) -> list[tuple[str, str]]:
    """Each parameter, and what it is."""
    found = one.parameters.model_json_schema()
    needed = set(found.get("required", []))
    return [
        (name, ("needed. " if name in needed else "") + str(of.get("description", "")))
        for name, of in found.get("properties", {}).items()
    ]


async def _run(
    req: func.HttpRequest, person: Person, found: Json | None, *, failure: Json | None = None
) -> func.HttpResponse:
    if found is None:
        said = f"No run {req.route_params['run_id'][:80]!r}."
        todo = "Check the address, or look it up in the list."
        return rendering.problem(req, 404, "Nothing here", said, todo, person=person, back="/runs")
    result = await asyncio.to_thread(run_status.result_of, intake.store(), found["run_id"])
    key, cookie = forms.key(req)
    can_apply = found["mode"] == "plan" and bool(found.get("plan_hash"))
    context: Json = {
        "one": found,
        "state": words.run_state(found["status"] or found["phase"]),
        "over": found["phase"] in {"ended", "failed"},
        "document": result[1] if result else None,
        "difference": result[2] if result else None,
        "most": _SHOWN,
        "apply": can_apply,
        "may": people.APPROVE in person.roles,
        "token": forms.token(key, person, found["run_id"], _APPLY),
        "failure": failure,
    }
    status = failure["status"] if failure else 200
    return rendering.page(req, "run.html", status, headers=cookie, person=person, **context)
