"""What machines call, for the description of the API: their bodies are their makers', and described there."""

from typing import NamedTuple


class MachineRoute(NamedTuple):
    """One way in for signals."""

    route: str
    summary: str
    schema: str  # where the body is described


_AZURE_MONITOR = "https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-common-schema"
_ALERTMANAGER = "https://prometheus.io/docs/alerting/latest/configuration/#webhook_config"
_SENTINEL = (
    "https://learn.microsoft.com/azure/sentinel/automate-incident-handling-with-automation-rules"
)
_DEFENDER = "https://learn.microsoft.com/azure/defender-for-cloud/workflow-automation"

MACHINE_ROUTES = {
    "on_azure_monitor_alert": MachineRoute(
        "api/alerts/azure-monitor", "An alert of Azure Monitor, by key", _AZURE_MONITOR
    ),
    "on_azure_monitor_secure_alert": MachineRoute(
        "api/secure/alerts/azure-monitor", "The same, by a token", _AZURE_MONITOR
    ),
    "on_alertmanager_alerts": MachineRoute(
        "api/alerts/alertmanager", "A group of alerts of Prometheus, by key", _ALERTMANAGER
    ),
    "on_alertmanager_secure_alerts": MachineRoute(
        "api/secure/alerts/alertmanager", "The same, by a token", _ALERTMANAGER
    ),
    "on_sentinel_incident": MachineRoute(
        "api/alerts/sentinel", "An incident of Microsoft Sentinel, by key", _SENTINEL
    ),
    "on_sentinel_secure_incident": MachineRoute(
        "api/secure/alerts/sentinel", "The same, by a token", _SENTINEL
    ),
    "on_defender_alert": MachineRoute(
        "api/alerts/defender", "An alert of Defender for Cloud, by key", _DEFENDER
    ),
    "on_defender_secure_alert": MachineRoute(
        "api/secure/alerts/defender", "The same, by a token", _DEFENDER
    ),
}
