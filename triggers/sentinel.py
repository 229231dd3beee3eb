"""Trigger: incidents of Microsoft Sentinel, from an automation rule's playbook (Logic App)."""

import azure.durable_functions as df
import azure.functions as func

from triggers.alert_senders import Sender
from triggers.formats import sentinel_incidents
from triggers.receiving import CONNECTION, QUEUE, Later

bp = df.Blueprint()
_SENDER = Sender(sentinel_incidents.parse, "docs/how-to/sentinel-incident.md shows what works")


@bp.route(route="api/alerts/sentinel", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
@bp.queue_output(arg_name="later", queue_name=QUEUE, connection=CONNECTION)
@bp.durable_client_input(client_name="client")
async def on_sentinel_incident(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, later: Later
) -> func.HttpResponse:
    """202 with the incident id, or that entities are waited for; 200 kept; 4xx change it; 503 again."""
    return await _SENDER.take(req, client, later, by_key=True)


@bp.route(route="api/secure/alerts/sentinel", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@bp.queue_output(arg_name="later", queue_name=QUEUE, connection=CONNECTION)
@bp.durable_client_input(client_name="client")
async def on_sentinel_secure_incident(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, later: Later
) -> func.HttpResponse:
    """The same, with an Entra token instead of a key."""
    return await _SENDER.take(req, client, later, by_key=False)
