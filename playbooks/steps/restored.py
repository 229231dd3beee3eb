"""How a restore ended: what came back, what did not, what a person does about it."""

import asyncio
from datetime import UTC, datetime

import azure.durable_functions as df

from playbooks.journaled import Work, perform
from playbooks.orders import Json, Order
from playbooks.restoring import plans, restoring_id
from playbooks.restoring.model import Piece, Restored, RestorePlan
from playbooks.steps import restorable
from responders import claims, restorations
from responders.evidence import EvidenceStore

bp = df.Blueprint()


@bp.activity_trigger(input_name="order")
async def end_restore(order: Order) -> Json:
    """Record: the outcome, and until when signals about this identity are old news. Written once."""
    incident, asked = order["incident"], restorable.requested(order)

    async def act(work: Work) -> Json:
        path = f"{restorable.folder_of(order)}/outcome.json"
        if not await asyncio.to_thread(work.store.exists, path):
            await asyncio.to_thread(work.store.put_json, path, _outcome(work.store, order))
        ended: Restored = await asyncio.to_thread(work.store.get_json, path)
        if ended["outcome"] != "restore_refused":
            object_id = incident["principal"]["object_id"]
            await asyncio.to_thread(
                restorations.record, work.store, object_id, incident["incident_id"], dict(ended)
            )
        return {"status": "done", "detail": ended["detail"], "restored": ended}

    return await perform("end_restore", order, act, target=asked["restore_id"])


@bp.activity_trigger(input_name="order")
async def release_restore(order: Order) -> Json:
    """Close: the next signal about this principal opens an incident of its own."""
    incident, asked = order["incident"], restorable.requested(order)

    async def act(work: Work) -> Json:
        holder = restoring_id(incident["incident_id"], asked["restore_id"])
        await asyncio.to_thread(
            claims.let_go, work.store, incident["principal"]["object_id"], holder
        )
        return {"status": "done", "detail": "released"}

    return await perform("release_restore", order, act, target=asked["restore_id"])


def _outcome(store: EvidenceStore, order: Order) -> Restored:
    facts, asked = order["facts"], restorable.requested(order)
    moment = datetime.now(UTC)  # noqa: TID251 - an activity: it runs once, it is not replayed
    ended: Restored = {
        "restore_id": asked["restore_id"],
        "outcome": "restore_refused",
        "detail": str(facts["detail"]),
        "ended_at": moment.isoformat(timespec="milliseconds"),
        "ordered": asked.get("approvals", []),
        "missing": [],
        "never": [],
        "by_hand": [],
        "diff": facts.get("diff", []),
    }
    if facts["refused"]:
        return ended
    plan = restorable.agreed(store, order)
    pieces = plans.wanted(plan, asked["chosen"])
    missing = [*map(_told, _kept_back(plan)), *facts["missing"]]
    hands = [
        command
        for one in [*_kept_back(plan), *(pieces if facts["missing"] else [])]
        for command in one["by_hand"]
    ]
    never = [
        one for one in plan["pieces"] if one["verdict"] in {"never", "choice"} and one not in pieces
    ]
    issue = [command for one in never for command in one["by_hand"]]
    return {
        **ended,
        "outcome": "partly_restored" if missing else "restored",
        "detail": str(facts["detail"]) or f"{len(pieces)} things came back",
        "missing": missing,
        "never": list(map(_told, never)),
        "by_hand": list(dict.fromkeys([*hands, *issue])),
    }


def _kept_back(plan: RestorePlan) -> list[Piece]:
    """What should have come back by itself, and does not: the world is another one by now, or can't be read."""
    return [one for one in plan["pieces"] if one["verdict"] in {"drifted", "unread"}]


def _told(one: Piece) -> str:
    because = one["reason"] or ("nobody chose it" if one["verdict"] == "choice" else one["now"])
    return f"{one['kind'].replace('_', ' ')} {one['name']}: {because}"
