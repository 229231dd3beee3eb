"""Trigger: quiet-day playbooks, by HTTP: which there are, start one, follow it, read what it found."""

import asyncio
import json
from typing import Annotated, Any, Literal

import azure.durable_functions as df
import azure.functions as func
from pydantic import BaseModel, ConfigDict, Field, model_validator

from playbooks.runs.catalogue import PLAYBOOKS, Playbook
from playbooks.runs.model import Json, RunMode
from responders import run_pages, run_records
from triggers import edge, intake, people, run_documents, run_status, starting_runs, tags
from triggers.answers import answer, error, unchanged
from triggers.edge import Call, Nothing, Operation, Said
from triggers.reading_api import INERT
from triggers.refusals import fields, unknown_run
from triggers.run_status import RunsQuery
from triggers.starting_runs import BadParametersError, BusyError, Wanted

bp = df.Blueprint()
_Key = Annotated[str, Field(min_length=1, max_length=400)]


class RunRequest(BaseModel):
    """What a person sends to have a playbook run."""

    model_config = ConfigDict(extra="forbid")

    mode: RunMode = "plan"
    reason: Annotated[str, Field(min_length=3, max_length=500)]
    parameters: dict[str, Any] = Field(
        default={}, description="As GET /api/playbooks describes them for this playbook."
    )
    plan_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = Field(
        default=None,
        description="Carry out exactly this plan, and refuse where it is another by now.",
    )
    accepted: list[_Key] = Field(
        default=[], max_length=500, description="Keys of the plan's confirmations."
    )

    @model_validator(mode="after")
    def confirmations_are_of_a_plan(self) -> "RunRequest":
        """A yes to something that nobody saw is none."""
        if self.accepted and (self.plan_hash is None or self.mode != "apply"):
            raise ValueError(
                "accepted needs mode apply and the plan_hash of the plan that was read"
            )
        return self


class RunReportQuery(BaseModel):
    """In which form."""

    model_config = ConfigDict(extra="forbid")

    format: Literal["json", "md", "html", "csv"] = "json"


PLAYBOOKS_LIST: Operation[Nothing, Nothing] = Operation(
    name="list_playbooks",
    method="GET",
    route="api/playbooks",
    summary="Quiet-day playbooks: what each does, takes, and when it runs by itself",
    answers={200: Said("all of them", run_documents.PlaybooksDocument)},
)
START: Operation[RunRequest, Nothing] = Operation(
    name="start_run",
    method="POST",
    route="api/playbooks/{playbook}/runs",
    summary="Run a playbook: to see (plan), or to do and to count (apply)",
    body=RunRequest,
    answers={202: Said("begun", run_documents.RunBegunDocument)},
    errors={
        400: "BadParameters",
        403: "RequesterMayNotApprove",
        409: "AnotherRunActs, UnknownPlan",
    },
    steers=True,
)
RUNS: Operation[Nothing, RunsQuery] = Operation(
    name="list_runs",
    method="GET",
    route="api/runs",
    summary="Runs of quiet-day playbooks, the newest first",
    query=RunsQuery,
    answers={200: Said("a page", run_documents.RunsDocument)},
)
RUN: Operation[Nothing, Nothing] = Operation(
    name="read_run",
    method="GET",
    route="api/runs/{run_id}",
    summary="How a run stands, with its steps",
    answers={
        200: Said("as it stands", run_documents.RunDocument, tagged=True),
        304: Said("nothing new since If-None-Match", media=""),
    },
)
REPORT: Operation[Nothing, RunReportQuery] = Operation(
    name="read_run_report",
    method="GET",
    route="api/runs/{run_id}/report",
    summary="What a run found or did",
    query=RunReportQuery,
    answers={200: Said("the document", also=("text/markdown", "text/html", "text/csv"))},
    errors={404: "NotEnded"},
)
OPERATIONS = (PLAYBOOKS_LIST, START, RUNS, RUN, REPORT)


@bp.route(**PLAYBOOKS_LIST.binding)
async def list_playbooks(req: func.HttpRequest) -> func.HttpResponse:
    """200 with every playbook, its parameters as a JSON schema, and its schedule."""

    async def act(call: Call[Nothing, Nothing]) -> func.HttpResponse:
        return answer(200, {"playbooks": [_described(one) for one in PLAYBOOKS.values()]})

    return await edge.serve(req, None, PLAYBOOKS_LIST, act)


@bp.route(**START.binding)
@bp.durable_client_input(client_name="client")
async def start_run(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """202 with the run; 409 where another one acts; 403 where whoever asked for a plan confirms it too."""

    async def act(call: Call[RunRequest, Nothing]) -> func.HttpResponse:
        return await begin(call.client, call.person, call.named["playbook"], call.body)

    return await edge.serve(req, client, START, act)


async def begin(
    client: df.DurableOrchestrationClient, person: people.Person, name: str, body: RunRequest
) -> func.HttpResponse:
    """The run that a person asked for, from a page or a call."""
    if name not in PLAYBOOKS:
        todo = f"there are: {', '.join(sorted(PLAYBOOKS))}"
        return error(404, "UnknownPlaybook", f"no playbook {name[:80]!r}", todo)
    if body.accepted and (refused := await _may_confirm(person, name, body)) is not None:
        return refused
    wanted = Wanted(
        playbook=name,
        mode=body.mode,
        parameters=body.parameters,
        by={"object_id": person.object_id, "name": person.name},
        started_by="person",
        reason=body.reason,
        plan_hash=body.plan_hash,
        accepted=body.accepted,
    )
    try:
        run = await starting_runs.start(client, wanted)
    except BadParametersError as bad:
        more = {"errors": fields(bad.problem)}
        said = "; ".join(f"{one['field']}: {one['message']}" for one in more["errors"])
        todo = "GET /api/playbooks describes the parameters"
        return error(400, "BadParameters", f"parameters: {said}", todo, more=more)
    except BusyError as busy:
        return error(409, "AnotherRunActs", str(busy), f"GET /api/runs/{busy.run_id}, then again")
    where = f"/api/runs/{run['run_id']}"
    begun = {"run_id": run["run_id"], "mode": run["mode"], "status_url": where}
    return answer(202, {**begun, "report_url": f"{where}/report"}, headers={"Location": where})


async def _may_confirm(
    person: people.Person, playbook: str, body: RunRequest
) -> func.HttpResponse | None:
    """Why this person may not take the plan's confirmations upon themselves; None where they may."""
    try:
        person.must_be(people.APPROVE)
    except people.NotAllowedError as not_allowed:
        return error(403, "NotAllowed", str(not_allowed), "ask an approver to apply this plan")
    planners = await asyncio.to_thread(
        run_records.planners, intake.store(), playbook, str(body.plan_hash)
    )
    if not planners:
        said = f"no run of {playbook} made a plan with this hash"
        return error(409, "UnknownPlan", said, "run it in mode plan, and read that plan")
    if person.object_id in planners and not intake.policy().consent.requester_may_approve:
        said = "whoever asked for a plan does not take its confirmations upon themselves"
        return error(403, "RequesterMayNotApprove", said, "ask another approver")
    return None


@bp.route(**RUNS.binding)
@bp.durable_client_input(client_name="client")
async def list_runs(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """200 with a page; 400 for a filter that makes no sense."""

    async def act(call: Call[Nothing, RunsQuery]) -> func.HttpResponse:
        return answer(200, await run_status.page(call.client, call.query))

    return await edge.serve(req, client, RUNS, act)


@bp.route(**RUN.binding)
@bp.durable_client_input(client_name="client")
async def read_run(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """200 with the run; 304 where nothing is new; 404 where there is none."""

    async def act(call: Call[Nothing, Nothing]) -> func.HttpResponse:
        run_id = call.named["run_id"]
        found = await run_status.of(call.client, run_id)
        if found is None:
            return unknown_run(run_id)
        tag = tags.of(found)
        if tags.is_known(call.headers.get("If-None-Match"), tag):
            return unchanged(tag)
        return answer(200, found, headers={"ETag": tag})

    return await edge.serve(req, client, RUN, act)


@bp.route(**REPORT.binding)
async def read_run_report(req: func.HttpRequest) -> func.HttpResponse:
    """200 with the document as JSON, Markdown, HTML or CSV; 404 where there is no such run, or no end of it yet."""

    async def act(call: Call[Nothing, RunReportQuery]) -> func.HttpResponse:
        return await asyncio.to_thread(_report, call.named["run_id"], call.query.format)

    return await edge.serve(req, None, REPORT, act)


def _report(run_id: str, form: str) -> func.HttpResponse:
    if run_records.read(intake.store(), run_id) is None:
        return unknown_run(run_id)
    found = run_status.result_of(intake.store(), run_id)
    if found is None:
        return error(404, "NotEnded", f"{run_id} has not ended", f"GET /api/runs/{run_id}")
    run, document, difference = (dict(one) for one in found)
    made = {
        "json": lambda: json.dumps({"run": run, "document": document, "difference": difference}),
        "md": lambda: run_pages.markdown(run, document, difference),
        "html": lambda: run_pages.html(run, document, difference),
        "csv": lambda: run_pages.csv_of(document),
    }[form]()
    media = {"json": "application/json", "md": "text/markdown", "html": "text/html"}
    return func.HttpResponse(
        made,
        headers={**INERT, "Cache-Control": "no-store"},
        mimetype=media.get(form, "text/csv"),
        charset="utf-8",
    )


def _described(one: Playbook) -> Json:
    schedules = intake.policy().schedules.model_dump()
    return {
        "playbook": one.name,
        "summary": one.summary,
        "acts": one.acts,
        "tells": one.tells,
        "schedule": schedules.get(one.name, ""),
        "parameters": one.parameters.model_json_schema(),
        "runbook": one.runbook,
    }
