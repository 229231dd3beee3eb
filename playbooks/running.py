"""How a step of a quiet-day playbook is carried out: the same journal, the same refusals, the same kill switch.

It runs inside activities, which are not replayed.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog  # noqa: TID251 - see above

from playbooks import mandates, stopping
from playbooks.hands import hand_of
from playbooks.journaled import Job, Work, carry_out, open_store
from playbooks.runs.model import Document, Json, RunOrder, counts, folder
from responders import claims, guards, run_records
from responders.cloud import Cloud
from responders.errors import RefusedError
from responders.evidence import canonical
from responders.guards import Rules
from responders.journal import Journal
from responders.looking import as_containment
from responders.model import Principal


async def perform(
    step: str,
    order: RunOrder,
    act: Callable[[Work], Awaitable[Any]],
    *,
    target: str = "",
    acts: bool = False,
) -> Json:
    """Carry out one step of a run and write down how it ended, as `journaled.perform` does for an incident.

    In mode plan the transport refuses everything but reads. A step that `acts` asks the kill switch first, and stops
    within seconds of its being pulled.
    """
    run = order["run"]
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(run_id=run["run_id"], step=step, mode=run["mode"])
    store = open_store()
    journal = Journal(store, run["run_id"], folder=folder(run))
    writes = run["mode"] == "apply"
    hand = hand_of(step)
    job = Job(
        step,
        target or run["playbook"],
        journal,
        store,
        acts=acts,
        writes=writes,
        hand=hand,
        about=run["run_id"],
        says={
            "firebreak.run_id": run["run_id"],
            "firebreak.target_kind": run["playbook"],
            "firebreak.mode": run["mode"],
        },
    )
    return await carry_out(job, act, _why_not(job, order))


async def _why_not(job: Job, order: RunOrder) -> Json | None:
    """A step that only reads, or only shows, is held back by nothing."""
    if not (job.acts and job.writes):
        return None
    if order["policy"]["guards"]["observe_only"]:
        said = "observe only: policy.toml [guards] observe_only = true"
        return {"status": "refused", "detail": said}
    questions = [asyncio.to_thread(stopping.stopped_by, job.store)]
    if job.hand == "rebuild":
        questions.append(mandates.why_no_run(job.store, order, job.step))
    return await stopping.first_of(questions)


async def keep(work: Work, order: RunOrder, name: str, value: Any) -> str:
    """Keep what is too large, or too telling, for Durable's history; its path.

    A step that runs again keeps what it found this time beside what it kept before.
    """
    base = f"{folder(order['run'])}/{name}"

    def put() -> str:
        path, number = f"{base}.json", 1
        while work.store.exists(path):
            if canonical(work.store.get_json(path)) == canonical(value):
                return path
            number += 1
            path = f"{base}-{number}.json"
        work.store.put_json(path, value)
        return path

    return await asyncio.to_thread(put)


async def conclude(
    work: Work, order: RunOrder, found: Document, *, plan_hash: str | None = None
) -> Json:
    """Keep a document, and say of it what the playbook hands to `ending.end`.

    `plan_hash`: of the plan that the document shows. Who asked for it is kept, since they may not be the one who
    takes its confirmations upon themselves.
    """
    path = await keep(work, order, "document", found)
    if plan_hash is not None:
        await asyncio.to_thread(run_records.planned, work.store, plan_hash, order["run"])
    return {
        "plan_hash": plan_hash,
        "status": "done",
        "outcome": found["status"],
        "summary": found["summary"],
        "counts": counts(found["findings"]),
        "changes": len(found["changes"]),
        "confirmations": [one["key"] for one in found["confirmations"]],
        "unread": len(found["unread"]),
        "document": path,
        "detail": found["summary"],
    }


async def incident_open(work: Work, object_id: str) -> str | None:
    """The incident that holds this principal: nobody changes its identity beside it. None where there is none."""
    held = await asyncio.to_thread(claims.current, work.store, object_id)
    return None if held is None else claims.incident_of(held["incident_id"])


@as_containment
async def _may_be_changed(cloud: Cloud, principal: Principal, rules: Rules) -> None:
    await guards.may_be_changed(cloud, principal, rules)


async def must_be_free(work: Work, order: RunOrder, principal: Principal) -> None:
    """Raise `RefusedError` where this principal may not be changed: protected, our own, or an incident is about it."""
    await _may_be_changed(work.cloud, principal, order["policy"]["guards"])
    if (incident := await incident_open(work, principal["object_id"])) is not None:
        raise RefusedError(
            f"{incident} is open about {principal['object_id']}: nothing else changes it meanwhile. "
            f"GET /api/incidents/{incident}"
        )
