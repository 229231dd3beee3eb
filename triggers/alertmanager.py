"""Trigger: Prometheus Alertmanager's webhook. A notification is a group of alerts, each with its own fate.

Alertmanager tries again whatever is answered with 5xx, and nothing else.
https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

import asyncio

import azure.durable_functions as df
import azure.functions as func

from responders import tracing
from responders.evidence import digest
from responders.model import Signal
from triggers import announcements, receiving
from triggers.answers import answer, error
from triggers.formats import alert_groups
from triggers.machine_callers import known_by
from triggers.received import Received
from triggers.receiving import CONNECTION, QUEUE, Later
from triggers.signal_answers import answered, shown

bp = df.Blueprint()
_FIX = "docs/how-to/alertmanager.md shows labels that work"
_BEGUN = {"accepted", "queued", "waiting"}


@bp.route(route="api/alerts/alertmanager", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
@bp.queue_output(arg_name="later", queue_name=QUEUE, connection=CONNECTION)
@bp.durable_client_input(client_name="client")
async def on_alertmanager_alerts(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, later: Later
) -> func.HttpResponse:
    """202 where an alert of the group began something, 200 where all are kept, 422 where none is of use, 503 again."""
    return await answered(lambda: _take(req, client, later, by_key=True))


@bp.route(
    route="api/secure/alerts/alertmanager", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS
)
@bp.queue_output(arg_name="later", queue_name=QUEUE, connection=CONNECTION)
@bp.durable_client_input(client_name="client")
async def on_alertmanager_secure_alerts(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, later: Later
) -> func.HttpResponse:
    """The same, with an Entra token instead of a key."""
    return await answered(lambda: _take(req, client, later, by_key=False))


async def _take(
    req: func.HttpRequest,
    client: df.DurableOrchestrationClient,
    later: Later,
    *,
    by_key: bool,
) -> func.HttpResponse:
    tracing.came_from(req.headers)
    known = await known_by(req, by_key=by_key, action_groups=False)
    group = alert_groups.parse(req.get_body(), known)
    fates = await _received(group.signals, client, later)
    if (cut := _cut_off(group)) is not None:
        fates.append(await receiving.receive(cut, client, later))
        await announcements.about_signal(
            client, cut, "Alerts were cut off: a person is needed", cut["inert"]
        )
    return _said(fates, group.truncated)


async def _received(
    signals: list[Signal], client: df.DurableOrchestrationClient, later: Later
) -> list[Received]:
    """What became of each. One that breaks does not stop the others, and has the whole group sent again."""
    came = await asyncio.gather(
        *(receiving.receive(one, client, later) for one in signals), return_exceptions=True
    )
    for one in came:
        if isinstance(one, BaseException):
            raise one
    return [one for one in came if isinstance(one, Received)]


def _cut_off(group: alert_groups.Group) -> Signal | None:
    """What Alertmanager left out because of `max_alerts` is nowhere else: it is kept that there was something."""
    if not group.truncated or not group.signals:
        return None
    first = group.signals[0]
    key = digest(group.key.encode())[:16]
    why = f"Alertmanager cut off {group.truncated} alerts of this group: set max_alerts of the receiver to 0"
    return {
        **first,
        "kind": "truncated",
        "signal_id": f"truncated/{key}/{first['fired_at']}/{group.truncated}",
        "title": "alerts were cut off",
        "hint": {},
        "inert": why,
        "fault": "TruncatedAlerts",
    }


def _said(fates: list[Received], truncated: int) -> func.HttpResponse:
    alerts = [shown(one) for one in fates]
    if fates and all(one.status == "refused" for one in fates):
        reasons = "; ".join(sorted({one.why for one in fates})[:5])
        return error(422, fates[0].code or "Refused", reasons, _FIX, more={"alerts": alerts})
    status = 202 if any(one.status in _BEGUN for one in fates) else 200
    return answer(status, {"alerts": alerts, "truncated": truncated})
