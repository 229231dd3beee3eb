"""Steps of the health check: what clusters, sign-in logs and Firebreak itself say, and the judgement of all of it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import azure.durable_functions as df

from playbooks.health import cluster_rules, judging, own_rules, sign_in_rules
from playbooks.health.judging import Earlier
from playbooks.health.model import Part
from playbooks.journaled import Work
from playbooks.orders import Json
from playbooks.running import conclude, keep, perform
from playbooks.runs.model import RunOrder
from playbooks.steps import health_clusters, health_own
from responders import run_records, sign_in_failures
from responders.evidence import EvidenceStore
from responders.sign_in_failures import Window

bp = df.Blueprint()
_HISTORY = 14  # runs that the report shows


@bp.activity_trigger(input_name="order")
async def look_at_clusters(order: RunOrder) -> Json:
    """Read: webhook, issuer and our own rights in every cluster that is asked about."""

    async def act(work: Work) -> Json:
        seen = await health_clusters.look(work.cloud, order)
        path = await keep(work, order, "clusters", seen)
        return {"status": "done", "detail": f"{len(seen)} clusters", "path": path}

    return await perform("look_at_clusters", order, act)


@bp.activity_trigger(input_name="order")
async def look_at_sign_ins(order: RunOrder) -> Json:
    """Read: how many sign-ins of workload identities failed, by code, against the days before."""

    async def act(work: Work) -> Json:
        length = timedelta(hours=order["policy"]["health"]["look_back_hours"])
        seen = await sign_in_failures.look(work.cloud, Window(_now(), length))
        path = await keep(work, order, "sign-ins", seen)
        return {"status": "done", "detail": f"{len(seen['codes'])} codes", "path": path}

    return await perform("look_at_sign_ins", order, act)


@bp.activity_trigger(input_name="order")
async def look_at_ourselves(order: RunOrder) -> Json:
    """Read: what Firebreak hangs on, what it may do, what waits, what did not run, who was not told."""

    async def act(work: Work) -> Json:
        seen = await health_own.look(work, order, _now())
        path = await keep(work, order, "own", seen)
        return {"status": "done", "detail": f"{len(seen['checks'])} checks", "path": path}

    return await perform("look_at_ourselves", order, act)


@bp.activity_trigger(input_name="order")
async def judge_health(order: RunOrder) -> Json:
    """Judge: one light, and a finding for everything that is wrong."""

    async def act(work: Work) -> Json:
        parts, history = await asyncio.to_thread(_read, work.store, order)
        return await conclude(work, order, judging.joined(parts, history))

    return await perform("judge_health", order, act)


def _read(store: EvidenceStore, order: RunOrder) -> tuple[list[Part], list[Earlier]]:
    """The parts, out of what was kept; one that nobody could look at is a part that says so."""
    limits, parts = order["policy"]["health"], []
    for name, look in order["facts"]["looks"].items():
        if not look["path"]:
            parts.append(Part(name, "nobody could look", [], [look["why"]], []))
            continue
        seen: Any = store.get_json(look["path"])
        match name:
            case "Clusters":
                parts.append(cluster_rules.judged(seen, limits))
            case "Authentication":
                parts.append(sign_in_rules.judged(seen, limits))
            case _:
                parts += own_rules.judged(seen, _now(), limits)
    return parts, _history(store, order)


def _history(store: EvidenceStore, order: RunOrder) -> list[Earlier]:
    """Earlier runs that counted, of the same question, the newest first."""
    asked, found = order["run"], list[Earlier]()
    for run_id in run_records.names(store, asked["playbook"]):
        run, how = run_records.read(store, run_id), run_records.end_of(store, run_id)
        if run is None or how is None or run_id == asked["run_id"] or run["mode"] != "apply":
            continue
        if run["parameters"] != asked["parameters"]:
            continue
        known = store.get_json(how["document"])
        found.append(
            {
                "run_id": run_id,
                "opened_at": run["opened_at"],
                "light": known["data"].get("light", how["status"]),
                "findings": len(known["findings"]),
                "unread": len(known["unread"]),
            }
        )
        if len(found) == _HISTORY:
            break
    return found


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - an activity, never replayed
