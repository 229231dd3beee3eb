"""Steps of provision_identity that read: what is declared, what there is, and the plan that comes of both."""

import asyncio
import json
from collections.abc import Sequence

import azure.durable_functions as df

from playbooks.journaled import Work
from playbooks.orders import Json
from playbooks.provisioning import naming, planning, reading, reading_clusters, reporting
from playbooks.provisioning.declarations import Identity
from playbooks.provisioning.model import Actual, IdentityPlan, Plan
from playbooks.provisioning.parameters import Provision
from playbooks.running import conclude, incident_open, keep, perform
from playbooks.runs import agreeing
from playbooks.runs.model import RunOrder
from responders.errors import RefusedError
from responders.evidence import EvidenceStore, canonical, digest

bp = df.Blueprint()
_PART = 25  # identities that one step reads: far within the time that a step has


@bp.activity_trigger(input_name="order")
async def read_declarations(order: RunOrder) -> Json:
    """Read: the documents, and every cluster and role that they name."""

    async def act(work: Work) -> Json:
        asked = Provision.model_validate(order["run"]["parameters"])
        declared = asked.identities() if asked.declarations else await _applied_last(work)
        (clusters, unknown_clusters), (roles, unknown_roles) = await asyncio.gather(
            reading_clusters.of_clusters(work.cloud, declared),
            reading.of_roles(work.cloud, declared),
        )
        found = {
            "declared": [one.model_dump(mode="json") for one in declared],
            "clusters": clusters,
            "unknown_clusters": unknown_clusters,
            "roles": roles,
            "unknown_roles": unknown_roles,
        }
        path = await keep(work, order, "declared", found)
        detail = f"{len(declared)} identities, {len(clusters)} clusters, {len(roles)} roles"
        parts = -(-len(declared) // _PART)
        return {"status": "done", "detail": detail, "path": path, "parts": parts}

    return await perform("read_declarations", order, act)


@bp.activity_trigger(input_name="order")
async def read_identities(order: RunOrder) -> Json:
    """Read: one part of the identities as they are. `facts.part` says which."""
    part = order["facts"]["part"]

    async def act(work: Work) -> Json:
        declared = (await _kept(work, order))[part * _PART : (part + 1) * _PART]
        rules = order["policy"]["guards"]

        async def open_about(object_id: str) -> str:
            return await incident_open(work, object_id) or ""

        found = await reading.of_identities(work.cloud, work.store, declared, rules, open_about)
        path = await keep(work, order, f"identities-{part}", found)
        return {"status": "done", "detail": f"{len(found)} identities", "path": path}

    return await perform("read_identities", order, act, target=f"part {part + 1}")


@bp.activity_trigger(input_name="order")
async def draw_identity_plan(order: RunOrder) -> Json:
    """Judge: what has to change, and whether this run may change it. `facts.identities` are the parts' paths."""

    async def act(work: Work) -> Json:
        plan = await _plan(work, order)
        path = await keep(work, order, "plan", plan)
        plan_hash = digest(canonical(plan))
        confirmations = reporting.confirmations_of(plan)
        refused = agreeing.why_not(order["run"], plan_hash, confirmations)
        if refused:
            return {"status": "refused", "detail": refused, "plan_hash": plan_hash}
        todo = [one for one in plan["identities"] if one["operations"] and not one["blocked"]]
        if order["run"]["mode"] == "plan" or not todo:
            shown = await conclude(work, order, reporting.planned(plan), plan_hash=plan_hash)
            return {**shown, "over": True}
        return {
            "status": "done",
            "detail": f"{len(todo)} identities change",
            "over": False,
            "path": path,
            "plan_hash": plan_hash,
            "enable": plan["enable"],
            "names": [one["name"] for one in todo],
        }

    return await perform("draw_identity_plan", order, act)


@bp.activity_trigger(input_name="order")
async def conclude_provisioning(order: RunOrder) -> Json:
    """Close: what was done about each identity. `facts.answers` are those of the identities that were begun."""
    facts = order["facts"]

    async def act(work: Work) -> Json:
        plan: Plan = await asyncio.to_thread(work.store.get_json, facts["path"])
        if facts["whole"]:
            await asyncio.to_thread(_note, work.store, facts["declared"])
        done = reporting.done(plan, facts["answers"], facts["enabled"])
        return await conclude(work, order, done, plan_hash=facts["plan_hash"])

    return await perform("conclude_provisioning", order, act)


async def _applied_last(work: Work) -> list[Identity]:
    """The documents of the last run that applied all of its own."""
    held = await asyncio.to_thread(work.store.claimed, naming.LAST_APPLIED)
    if held is None:
        raise RefusedError("declarations: none were given, and none were ever applied as a whole")
    kept = await asyncio.to_thread(work.store.get_json, json.loads(held)["declared"])
    return [Identity.model_validate(one) for one in kept["declared"]]


def _note(store: EvidenceStore, declared: str) -> None:
    """From now on this is what was applied last. One acting run at a time, so nobody races for it."""
    content = canonical({"declared": declared})
    held = store.claim(naming.LAST_APPLIED, content)
    if held is not None and held != content:
        store.replace_claim(naming.LAST_APPLIED, held, content)


async def _kept(work: Work, order: RunOrder) -> Sequence[Identity]:
    kept = await asyncio.to_thread(work.store.get_json, order["facts"]["path"])
    return [Identity.model_validate(one) for one in kept["declared"]]


async def _plan(work: Work, order: RunOrder) -> Plan:
    facts = order["facts"]
    kept = await asyncio.to_thread(work.store.get_json, facts["path"])
    parts = [await asyncio.to_thread(work.store.get_json, one) for one in facts["identities"]]
    actual: Actual = {
        "clusters": kept["clusters"],
        "unknown_clusters": kept["unknown_clusters"],
        "roles": kept["roles"],
        "unknown_roles": kept["unknown_roles"],
        "identities": {name: state for part in parts for name, state in part.items()},
    }
    settings = planning.Settings(
        remove_undeclared=facts["remove_undeclared"],
        enable_clusters=order["policy"]["provision"]["enable_clusters"],
        never_regrant=order["policy"]["recovery"]["never_regrant"],
        audience=work.cloud.endpoints.token_audience,
    )
    return planning.draw(await _kept(work, order), actual, settings)


async def plan_of(work: Work, order: RunOrder) -> IdentityPlan:
    """The plan of the identity that `facts.name` names."""
    plan: Plan = await asyncio.to_thread(work.store.get_json, order["facts"]["path"])
    name = order["facts"]["name"]
    return next(one for one in plan["identities"] if one["name"] == name)


async def clusters_of(work: Work, order: RunOrder) -> dict[str, Json]:
    """The clusters of the plan by ARM id."""
    plan: Plan = await asyncio.to_thread(work.store.get_json, order["facts"]["path"])
    return {key: dict(one) for key, one in plan["clusters"].items()}
