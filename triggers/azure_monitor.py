"""Trigger: alerts of Azure Monitor, from an action group's webhook, secure webhook or Functions action.

The way with a token is for the secure webhook: action groups sign in with Entra there, and no secret is stored.
https://learn.microsoft.com/azure/azure-monitor/alerts/action-groups#configure-authentication-for-secure-webhook
"""

import azure.durable_functions as df
import azure.functions as func

from triggers.alert_senders import Sender
from triggers.formats import common_alerts
from triggers.receiving import CONNECTION, QUEUE, Later

bp = df.Blueprint()
_SENDER = Sender(
    common_alerts.parse,
    "docs/how-to/azure-monitor-alert.md shows a rule that works",
    action_groups=True,
)


@bp.route(route="api/alerts/azure-monitor", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
@bp.queue_output(arg_name="later", queue_name=QUEUE, connection=CONNECTION)
@bp.durable_client_input(client_name="client")
async def on_azure_monitor_alert(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, later: Later
) -> func.HttpResponse:
    """202 with the incident id; 200 where it is only kept; 4xx where the sender must change; 503 again."""
    return await _SENDER.take(req, client, later, by_key=True)


@bp.route(
    route="api/secure/alerts/azure-monitor", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS
)
@bp.queue_output(arg_name="later", queue_name=QUEUE, connection=CONNECTION)
@bp.durable_client_input(client_name="client")
async def on_azure_monitor_secure_alert(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, later: Later
) -> func.HttpResponse:
    """The same, with an Entra token instead of a key."""
    return await _SENDER.take(req, client, later, by_key=False)
