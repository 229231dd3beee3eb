"""Step of failing_sign_ins: an identity's sign-ins, weighed by where they came from, what they used, what they got."""

from datetime import datetime, timedelta

import azure.durable_functions as df

from playbooks.alerts import sign_in_judging
from playbooks.alerts.sign_in_judging import Seen
from playbooks.journaled import Work
from playbooks.orders import Json
from playbooks.running import incident_open, keep, perform
from playbooks.runs.model import RunOrder, Table
from playbooks.troubleshooting.looking import sign_in_rows
from playbooks.troubleshooting.signing_in import summed
from responders import clusters, credentials, principals, trusts
from responders.errors import RefusedError, ResponderError
from responders.model import MANAGED, ClusterRef, FederatedCredential, Hint, Principal

bp = df.Blueprint()
_SHOWN = 20


@bp.activity_trigger(input_name="order")
async def weigh_sign_ins(order: RunOrder) -> Json:
    """Read and judge: an attack that got something, attempts, breakage, or nobody can say."""

    async def act(work: Work) -> Json:
        principal = await principals.resolve(work.cloud, _hint(order["run"]["parameters"]))
        hours = order["policy"]["troubleshooting"]["sign_in_hours"]
        rows, why = await sign_in_rows(work.cloud, principal, hours)
        unread = [f"sign-ins: {why}"] if why else []
        seen = await _seen(work, order, principal, rows or [], unread)
        judged = sign_in_judging.judge(seen)
        path = await keep(work, order, "sign-ins", {"judgement": judged, "rows": rows or []})
        return {
            "status": "done",
            "detail": f"{judged['kind']}: {'; '.join(judged['because'])}",
            "judgement": judged,
            "principal": principal,
            "incident": await incident_open(work, principal["object_id"]),
            "table": _table(rows or []),
            "unread": unread,
            "path": path,
        }

    return await perform("weigh_sign_ins", order, act)


async def _seen(
    work: Work, order: RunOrder, principal: Principal, rows: list[Json], unread: list[str]
) -> Seen:
    """What is known of its own credentials; what can't be read keeps a stranger's from being told."""
    trusted: list[FederatedCredential] = []
    keys: list[str] = []
    refs: list[ClusterRef] = []
    try:
        refs = await clusters.list_all(work.cloud)
        if principal["kind"] in {"application", "user_assigned_identity"}:
            trusted = await trusts.read(work.cloud, trusts.holder_of(principal))
        if principal["kind"] not in MANAGED:
            keys = [one["key_id"] for one in await credentials.read_all(work.cloud, principal)]
    except ResponderError as problem:
        unread.append(f"its own credentials: {problem}")
    window = timedelta(minutes=order["policy"]["troubleshooting"]["window_minutes"])
    since = datetime.fromisoformat(order["run"]["opened_at"]) - window
    return Seen(
        rows=rows,
        since=f"{since:%Y-%m-%dT%H:%M:%S}",
        held=_held(principal, keys, trusted, {one["issuer_url"] for one in refs}),
        secrets=bool(keys),
        unread=tuple(unread),
    )


def _held(
    principal: Principal,
    keys: list[str],
    trusted: list[FederatedCredential],
    issuers: set[str | None],
) -> list[str] | None:
    """Of a managed identity Resource Manager tells no id of a trust that a log row could name."""
    if principal["kind"] not in MANAGED:
        return [*keys, *(one["id"] for one in trusted)]
    return None if all(one["issuer"] in issuers for one in trusted) else []


def _hint(parameters: Json) -> Hint:
    if parameters["object_id"]:
        return {"object_id": parameters["object_id"]}
    if parameters["client_id"]:
        return {"app_id": parameters["client_id"]}
    if not parameters["service_account"]:
        raise RefusedError("nobody is named")
    account = {name: parameters[name] for name in ("cluster", "namespace")}
    return {"service_account": {**account, "name": parameters["service_account"]}}  # type: ignore[typeddict-item]


def _table(rows: list[Json]) -> Table:
    answers = summed(rows)[:_SHOWN]
    return {
        "title": "Answers of the token endpoint",
        "columns": ["answer", "times", "last", "from"],
        "rows": [
            [
                f"AADSTS{one['code']}" if one["code"] else "a token",
                str(one["count"]),
                one["last"],
                ", ".join(one["addresses"][:5]),
            ]
            for one in answers
        ],
    }
