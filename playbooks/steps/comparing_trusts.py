"""Steps of rotate_federation that read: the identity, each cluster, and the plan that comes of both."""

import asyncio
import json
from datetime import UTC, datetime

import azure.durable_functions as df

from playbooks.federation import planning, reading, reporting
from playbooks.federation.model import RotationPlan, Seen
from playbooks.journaled import Work
from playbooks.orders import Json
from playbooks.running import conclude, incident_open, keep, perform
from playbooks.runs import agreeing
from playbooks.runs.model import RunOrder
from responders import clusters
from responders.errors import RefusedError
from responders.evidence import EvidenceStore, canonical, digest
from responders.model import ClusterRef, Hint

bp = df.Blueprint()


@bp.activity_trigger(input_name="order")
async def read_rotated_identity(order: RunOrder) -> Json:
    """Read: the identity, whom it trusts, its credentials and their use, and which clusters have to do with it."""
    asked = order["run"]["parameters"]

    async def act(work: Work) -> Json:
        now = datetime.now(UTC)  # noqa: TID251 - an activity: it runs once, it is not replayed
        hint: Hint = {
            key: asked[key] for key in ("object_id", "app_id", "resource_id") if asked[key]
        }  # type: ignore[assignment]
        seen = await reading.of_identity(work.cloud, hint, order["policy"]["guards"], now)
        incident = await incident_open(work, seen["identity"]["object_id"])
        if incident is not None:
            seen["stop"].append(f"incident {incident} is open about it")
        path = await keep(work, order, "identity", seen)
        refs = _asked_about(
            await clusters.list_all(work.cloud),
            seen,
            asked["clusters"],
            keys=asked["method"] == "signing_keys",
        )
        detail = f"{seen['identity']['app_id']}: {len(seen['trusts'])} trusts, {len(refs)} clusters"
        app_id = seen["identity"]["app_id"]
        found = {"path": path, "app_id": app_id, "clusters": refs}
        return {"status": "done", "detail": detail, **found}

    return await perform("read_rotated_identity", order, act)


def _asked_about(
    known: list[ClusterRef], seen: Seen, named: list[str], *, keys: bool
) -> list[ClusterRef]:
    """Those that federate into it; all where a secret of it may be in any pod. A name of none is refused."""
    ids = {one["name"].lower() for one in known} | {one["resource_id"].lower() for one in known}
    if strange := [one for one in named if one.lower() not in ids]:
        raise RefusedError(f"clusters: Firebreak sees no cluster {strange[0]}")
    issuers = {one["issuer"] for one in seen["trusts"]}
    if keys:
        wanted = {one.lower() for one in named}
        return [
            one
            for one in known
            if one["issuer_url"] in issuers
            and (not wanted or wanted & {one["name"].lower(), one["resource_id"].lower()})
        ]
    return [one for one in known if seen["credentials"] or one["issuer_url"] in issuers]


@bp.activity_trigger(input_name="order")
async def read_rotated_cluster(order: RunOrder) -> Json:
    """Read: one cluster, as far as it has to do with the identity."""
    ref = order["facts"]["cluster"]

    async def act(work: Work) -> Json:
        seen: Seen = await asyncio.to_thread(work.store.get_json, order["facts"]["path"])
        found = await reading.of_cluster(work.cloud, ref, seen["principal"])
        key = digest(ref["resource_id"].lower().encode())[:8]
        path = await keep(work, order, f"clusters/{ref['name']}-{key}", found)
        return {"status": "done", "detail": ref["name"], "path": path}

    return await perform("read_rotated_cluster", order, act, target=ref["name"])


@bp.activity_trigger(input_name="order")
async def draw_rotation_plan(order: RunOrder) -> Json:
    """Judge: what is replaced by what, and whether this run may do it. `facts.clusters` are the paths of all."""

    async def act(work: Work) -> Json:
        marker = await asyncio.to_thread(_marker, work.store, order)
        plan, unread = await _plan(work, order, marker)
        plan_hash = planning.plan_hash(plan)
        path = await keep(work, order, "plan", plan)
        shown = reporting.planned(plan, unread)
        if plan["blocked"] and order["run"]["mode"] == "apply":
            detail = f"{'; '.join(plan['blocked'])}. Nothing was changed"
            return {"status": "refused", "detail": detail, "by_hand": plan["by_hand"]}
        if refused := agreeing.why_not(order["run"], plan_hash, plan["confirmations"]):
            return {"status": "refused", "detail": refused}
        if order["run"]["mode"] == "plan" or not shown["changes"]:
            told = await conclude(work, order, shown, plan_hash=plan_hash)
            return {**told, "over": True}
        return {
            "status": "done",
            "detail": shown["summary"],
            "over": False,
            "path": path,
            "plan_hash": plan_hash,
            "marker": marker,
            "clusters": [one["ref"] for one in plan["clusters"]],
            "unread": unread,
        }

    return await perform("draw_rotation_plan", order, act)


@bp.activity_trigger(input_name="order")
async def conclude_rotation(order: RunOrder) -> Json:
    """Close: what was replaced, cluster by cluster. `facts.answers` in the plan's order."""
    facts = order["facts"]

    async def act(work: Work) -> Json:
        plan: RotationPlan = await asyncio.to_thread(work.store.get_json, facts["path"])
        done = reporting.done(plan, facts["answers"], facts["rest"], facts["unread"])
        return await conclude(work, order, done, plan_hash=facts["plan_hash"])

    return await perform("conclude_rotation", order, act)


def _marker(store: EvidenceStore, order: RunOrder) -> str:
    """The first run of this rotation: what it made bears its id; a later one with the same label goes on from there."""
    run, facts = order["run"], order["facts"]
    path = f"claims/rotations/{facts['app_id']}-{run['parameters']['label']}.json"
    mine = canonical({"run_id": run["run_id"]})
    held = store.claimed(path) if run["mode"] == "plan" else store.claim(path, mine)
    return str(json.loads(held or mine)["run_id"])


async def _plan(work: Work, order: RunOrder, marker: str) -> tuple[RotationPlan, list[str]]:
    asked, policy = order["run"]["parameters"], order["policy"]
    seen: Seen = await asyncio.to_thread(work.store.get_json, order["facts"]["path"])
    seen["clusters"] = [
        await asyncio.to_thread(work.store.get_json, one) for one in order["facts"]["clusters"]
    ]
    if not policy["verification"]["token_exchange"]:
        seen["stop"].append(
            "policy.toml [verification] token_exchange is off: no old trust goes before a token of the new one was got"
        )
    wanted = planning.Wanted(
        label=asked["label"],
        marker=marker,
        clusters=asked["clusters"],
        remove_unused=asked["remove_unused"],
        migrate_secrets=asked["migrate_secrets"],
        remove_credentials=asked["remove_credentials"],
        canary=policy["recovery"]["canary_cluster"],
        audience=work.cloud.endpoints.token_audience,
    )
    unread = [said for one in seen["clusters"] for said in one["survey"].get("unread", [])]
    return planning.draw(seen, wanted), [*seen["unread"], *unread]
