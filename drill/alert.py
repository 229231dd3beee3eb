"""The alert, as Azure Monitor's action group would send it.

Simulates   common alert schema 1.0 of a log search alert (Log Alerts V2), split by ServicePrincipalId
Faithful    property names and types; result rows are not embedded, the principal is in the dimensions
Left out    links to the portal that open
Source      https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-common-schema
"""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Literal

from drill.options import Json

Severity = Literal["Sev0", "Sev1", "Sev2", "Sev3", "Sev4"]
_RULE = "workload-identity-new-credential-then-data-read"
_QUERY = (
    "AADServicePrincipalSignInLogs | where ServicePrincipalCredentialKeyId in (NewKeys) "
    "| summarize Count = count() by ServicePrincipalId"
)


def log_alert(described: Json, object_id: str, severity: Severity = "Sev0") -> Json:
    """An alert that names a service principal by object id. `described` is the content of sandbox.json."""
    now = datetime.now(UTC)
    subscription = f"/subscriptions/{described['subscription_id']}"
    workspace = (
        f"{subscription}/resourcegroups/rg-security/providers/"
        "microsoft.operationalinsights/workspaces/log-security"
    )
    alert = uuid.uuid4()
    essentials = {
        "alertId": f"{subscription}/providers/Microsoft.AlertsManagement/alerts/{alert}",
        "alertRule": _RULE,
        "severity": severity,
        "signalType": "Log",
        "monitorCondition": "Fired",
        "monitoringService": "Log Alerts V2",
        "alertTargetIDs": [workspace],
        "configurationItems": [workspace],
        "originAlertId": str(uuid.uuid4()),
        "firedDateTime": _timestamp(now),
        "description": "A credential that is a few minutes old was used to read data.",
        "essentialsVersion": "1.0",
        "alertContextVersion": "1.0",
    }
    context = {
        "properties": None,
        "conditionType": "LogQueryCriteria",
        "condition": {
            "windowSize": "PT10M",
            "allOf": [_criterion(object_id)],
            "windowStartTime": _timestamp(now - timedelta(minutes=10)),
            "windowEndTime": _timestamp(now),
        },
    }
    data = {"essentials": essentials, "alertContext": context, "customProperties": None}
    return {"schemaId": "azureMonitorCommonAlertSchema", "data": data}


def _criterion(object_id: str) -> Json:
    portal = "https://portal.azure.com/#blade/Microsoft_OperationsManagementSuite_Workspace"
    return {
        "searchQuery": _QUERY,
        "metricMeasureColumn": "Count",
        "targetResourceTypes": "['Microsoft.OperationalInsights/workspaces']",
        "operator": "GreaterThan",
        "threshold": "0",
        "timeAggregation": "Total",
        "dimensions": [{"name": "ServicePrincipalId", "value": object_id}],
        "metricValue": 3.0,
        "failingPeriods": {"numberOfEvaluationPeriods": 1, "minFailingPeriodsToAlert": 1},
        "linkToSearchResultsUI": portal,
        "linkToFilteredSearchResultsUI": portal,
        "linkToSearchResultsAPI": "https://api.loganalytics.io/v1/workspaces",
        "linkToFilteredSearchResultsAPI": "https://api.loganalytics.io/v1/workspaces",
    }


def _timestamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"
