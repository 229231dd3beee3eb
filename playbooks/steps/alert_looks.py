"""Steps of the alerts' playbooks that look, and the one that says what came of it."""

import asyncio

import azure.durable_functions as df

from playbooks.alerts import repairs, stale_pods
from playbooks.journaled import Work
from playbooks.orders import Json
from playbooks.running import conclude, keep, perform
from playbooks.runs.model import Document, Finding, Parts, RunOrder, RunStatus, document
from playbooks.troubleshooting import judging, looking
from playbooks.troubleshooting.model import Facts
from playbooks.troubleshooting.targets import asked_about
from responders import principals

bp = df.Blueprint()


@bp.activity_trigger(input_name="order")
async def look_at_alert(order: RunOrder) -> Json:
    """Read: everything about whom the alert names; which trusts could be mended, which pods go by something old."""

    async def act(work: Work) -> Json:
        asked = await _asked(work, order["run"]["parameters"])
        targets, unread = await asked_about(work, asked)
        named: RunOrder = {**order, "run": {**order["run"], "parameters": asked}}
        seen = await looking.look(work, named, targets)
        path = await keep(work, order, "facts", {"seen": seen, "unread": unread})
        broken = [one for one in seen if judging.verdict(judging.checked(one)) == "broken"]
        return {
            "status": "done",
            "detail": f"{len(seen)} ServiceAccounts, {len(broken)} broken",
            "path": path,
            "well": not broken,
            "repairs": sum(len(repairs.possible(one)) for one in seen),
            "stale": sum(len(stale_pods.of(one)) for one in seen),
        }

    return await perform("look_at_alert", order, act)


@bp.activity_trigger(input_name="order")
async def conclude_alert(order: RunOrder) -> Json:
    """Judge: what was wrong, what was done about it, what is left to a person."""

    async def act(work: Work) -> Json:
        facts, kept = order["facts"], {"seen": [], "unread": order["facts"].get("unread", [])}
        if facts["path"]:
            kept = await asyncio.to_thread(work.store.get_json, facts["path"])
        return await conclude(work, order, _concluded(facts, kept["seen"], kept["unread"]))

    return await perform("conclude_alert", order, act)


def _concluded(facts: Json, seen: list[Facts], unread: list[str]) -> Document:
    """The checks as they stand now, and what this run did or would do."""
    found = judging.judged(seen, unread)
    stale = [one for each in seen for one in stale_pods.findings(each, stale_pods.of(each))]
    own: list[Finding] = facts.get("findings", [])
    failed = [str(one) for one in facts.get("failed", [])]
    fixes = [*found["by_hand"], *(one["fix"] for one in [*own, *stale] if one["fix"])]
    more: Parts = {
        "findings": [*own, *found["findings"], *stale],
        "tables": [*facts.get("tables", []), *found["tables"]],
        "changes": facts.get("changes", []),
        "unread": found["unread"],
        "by_hand": list(dict.fromkeys([*failed, *fixes])),
        "data": {**found["data"], **facts.get("data", {})},
    }
    said = [facts.get("said", ""), found["summary"] if seen else ""]
    status: RunStatus = "done" if more["findings"] or more["changes"] else "nothing_to_do"
    if failed or found["unread"]:
        status = "partly"
    return document(facts["title"], ". ".join(filter(None, said)), status, **more)


async def _asked(work: Work, parameters: Json) -> Json:
    """As troubleshooting is asked: an identity by its client id. Raises `UnresolvedError`."""
    asked = {"cluster": "", "namespace": "", "service_account": "", "pod": "", "client_id": ""}
    asked |= {name: parameters[name] for name in asked if name in parameters}
    if parameters.get("object_id"):
        principal = await principals.resolve(work.cloud, {"object_id": parameters["object_id"]})
        asked["client_id"] = principal["app_id"]
    return asked
