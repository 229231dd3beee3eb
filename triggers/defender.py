"""Trigger: alerts of Defender for Cloud, from a workflow automation or whoever reads its continuous export."""

import azure.durable_functions as df
import azure.functions as func

from triggers.alert_senders import Sender
from triggers.formats import defender_alerts
from triggers.receiving import CONNECTION, QUEUE, Later

bp = df.Blueprint()
_SENDER = Sender(defender_alerts.parse, "docs/how-to/defender-alert.md shows what works")


@bp.route(route="api/alerts/defender", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
@bp.queue_output(arg_name="later", queue_name=QUEUE, connection=CONNECTION)
@bp.durable_client_input(client_name="client")
async def on_defender_alert(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, later: Later
) -> func.HttpResponse:
    """202 with the incident id, or that entities are waited for; 200 kept; 4xx change it; 503 again."""
    return await _SENDER.take(req, client, later, by_key=True)


@bp.route(route="api/secure/alerts/defender", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@bp.queue_output(arg_name="later", queue_name=QUEUE, connection=CONNECTION)
@bp.durable_client_input(client_name="client")
async def on_defender_secure_alert(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, later: Later
) -> func.HttpResponse:
    """The same, with an Entra token instead of a key."""
    return await _SENDER.take(req, client, later, by_key=False)
