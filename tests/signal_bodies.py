"""What each sender puts on the wire, as its documentation has it: for tests that change it.

Sources  https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-payload-samples
         https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
         https://learn.microsoft.com/azure/sentinel/playbook-triggers-actions
         https://learn.microsoft.com/rest/api/defenderforcloud-composite/stable/alerts
"""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]
OBJECT_ID = "11111111-1111-1111-1111-11111111aaaa"
APP_ID = "22222222-2222-2222-2222-22222222bbbb"
CALLER = "33333333-3333-3333-3333-33333333cccc"
SUBSCRIPTION = f"/subscriptions/{uuid.UUID(int=0x51)}"
GROUP = f"{SUBSCRIPTION}/resourceGroups/rg-orders/providers"
IDENTITY = f"{GROUP}/Microsoft.ManagedIdentity/userAssignedIdentities/id-payments"
CLUSTER = f"{GROUP}/Microsoft.ContainerService/managedClusters/aks-weu"
ASSIGNMENT = f"{GROUP}/Microsoft.Authorization/roleAssignments/{uuid.UUID(int=0x52)}"
ALERT_ID = "2518298467986649999_4d25bfef-2d77-4a08-adc0-3e35715cc92a"
_OBJECT_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"


def now() -> str:
    return datetime.now(UTC).isoformat()


def common(service: str, signal_type: str, context: Json, **essentials: Any) -> Json:
    return {
        "schemaId": "azureMonitorCommonAlertSchema",
        "data": {
            "essentials": {
                "alertId": f"{SUBSCRIPTION}/providers/Microsoft.AlertsManagement/alerts/1",
                "alertRule": "a rule",
                "severity": "Sev1",
                "signalType": signal_type,
                "monitorCondition": "Fired",
                "monitoringService": service,
                "alertTargetIDs": [CLUSTER],
                "configurationItems": ["aks-weu"],
                "originAlertId": "1",
                "firedDateTime": now(),
                "description": "",
                "essentialsVersion": "1.0",
                "alertContextVersion": "1.0",
                **essentials,
            },
            "alertContext": context,
            "customProperties": {"confidence": "high"},
        },
    }


def log_alert(dimensions: dict[str, str] | None = None, **essentials: Any) -> Json:
    named = {"ServicePrincipalId": OBJECT_ID} if dimensions is None else dimensions
    criterion = {
        "searchQuery": "x",
        "dimensions": [{"name": name, "value": value} for name, value in named.items()],
        "metricValue": 3.0,
    }
    context = {
        "properties": None,
        "conditionType": "LogQueryCriteria",
        "condition": {"windowSize": "PT10M", "allOf": [criterion]},
    }
    return common("Log Alerts V2", "Log", context, **essentials)


def prometheus_alert(**labels: str) -> Json:
    context = {"interval": "PT1M", "expression": "x > 0", "labels": labels, "annotations": {}}
    return common("Prometheus", "Metric", context)


def activity_alert(operation: str, scope: str, **event: Any) -> Json:
    context = {
        "authorization": {"action": operation, "scope": scope},
        "channels": "Operation",
        "claims": json.dumps({_OBJECT_ID: CALLER, "appid": APP_ID, "appidacr": "2"}),
        "caller": CALLER,
        "correlationId": "c",
        "eventSource": "Administrative",
        "eventTimestamp": now(),
        "eventDataId": "e1",
        "level": "Informational",
        "operationName": operation,
        "operationId": "o",
        "properties": {},
        "status": "Succeeded",
        "subStatus": "",
        **event,
    }
    return common("Activity Log - Administrative", "Activity Log", context, severity="Sev4")


def role_request(principal_id: str) -> str:
    properties = {"PrincipalId": principal_id, "RoleDefinitionId": "r", "Scope": SUBSCRIPTION}
    return json.dumps({"Id": "x", "Properties": properties})


def security_event() -> Json:
    context = {
        "channels": "Operation",
        "correlationId": ALERT_ID,
        "eventSource": "Security",
        "eventTimestamp": now(),
        "eventDataId": ALERT_ID,
        "level": "Informational",
        "operationName": "Microsoft.Security/locations/alerts/activate/action",
        "operationId": ALERT_ID,
        "properties": {"severity": "High", "compromisedEntity": "orders-api", "intent": "[]"},
        "status": "Active",
    }
    return common("Activity Log - Security", "Activity Log", context, severity="Sev4")


def alertmanager(*alerts: Json, **more: Any) -> Json:
    return {
        "version": "4",
        "groupKey": '{}:{alertname="x"}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "firebreak",
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager:9093",
        "alerts": list(alerts),
        **more,
    }


def prometheus(fingerprint: str = "f1", status: str = "firing", **labels: str) -> Json:
    return {
        "status": status,
        "labels": {"alertname": "HighIdentityAuthenticationFailures", "severity": "critical"}
        | labels,
        "annotations": {"summary": "many tokens are refused"},
        "startsAt": now(),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus:9090/graph",
        "fingerprint": fingerprint,
    }


def sentinel(*entities: Json, **properties: Any) -> Json:
    name = str(uuid.UUID(int=0x77))
    workspace = f"{GROUP}/Microsoft.OperationalInsights/workspaces/law"
    return {
        "eventUniqueId": str(uuid.UUID(int=0x78)),
        "objectSchemaType": "Incident",
        "objectEventType": "Create",
        "workspaceInfo": {"SubscriptionId": "s", "ResourceGroupName": "g", "WorkspaceName": "law"},
        "workspaceId": str(uuid.UUID(int=0x79)),
        "object": {
            "id": f"{workspace}/providers/Microsoft.SecurityInsights/Incidents/{name}",
            "name": name,
            "etag": '"1"',
            "type": "Microsoft.SecurityInsights/Incidents",
            "properties": {
                "title": "Suspicious service principal",
                "severity": "High",
                "status": "New",
                "createdTimeUtc": now(),
                "lastModifiedTimeUtc": now(),
                "incidentNumber": 7,
                "relatedEntities": list(entities),
                "alerts": [],
                **properties,
            },
        },
    }


def defender(*entities: Json, **properties: Any) -> Json:
    """As the alerts API and continuous export have it."""
    return {
        "id": f"{GROUP}/Microsoft.Security/locations/westeurope/alerts/{ALERT_ID}",
        "name": ALERT_ID,
        "type": "Microsoft.Security/Locations/alerts",
        "properties": {
            "version": "2022-01-01",
            "alertType": "ARM_AnomalousServiceOperation",
            "systemAlertId": ALERT_ID,
            "alertDisplayName": "Anomalous service operation",
            "severity": "High",
            "status": "Active",
            "startTimeUtc": now(),
            "timeGeneratedUtc": now(),
            "resourceIdentifiers": [{"azureResourceId": CLUSTER, "type": "AzureResource"}],
            "entities": list(entities),
            "compromisedEntity": "orders-api",
            **properties,
        },
    }


def defender_flat(*entities: Json) -> Json:
    """As the trigger of a Logic App has it."""
    return {
        "VendorName": "Microsoft",
        "AlertType": "K8S_Something",
        "StartTimeUtc": now(),
        "TimeGenerated": now(),
        "SystemAlertId": ALERT_ID,
        "Severity": "Medium",
        "Status": "New",
        "AlertDisplayName": "Something in a cluster",
        "Entities": json.dumps(list(entities)),
        "CompromisedEntity": "aks-weu",
    }


def account_in_cluster() -> list[Json]:
    """A ServiceAccount, whose namespace refers to its cluster, which refers to a resource."""
    return [
        {"$id": "4", "ResourceId": CLUSTER, "Type": "azure-resource"},
        {"$id": "5", "CloudResource": {"$ref": "4"}, "Type": "K8s-cluster", "Name": "aks-weu"},
        {"$id": "6", "Name": "shop", "Cluster": {"$ref": "5"}, "Type": "K8s-namespace"},
        {
            "$id": "7",
            "Name": "orders-api",
            "Namespace": {"$ref": "6"},
            "Type": "K8s-service-account",
        },
    ]


def event(kind: str, data: Any, **more: Any) -> Json:
    return {
        "id": "1",
        "topic": SUBSCRIPTION,
        "subject": IDENTITY,
        "type": kind,
        "time": now(),
        "data": data,
        **more,
    }


def subscription_event(operation: str, scope: str) -> Json:
    data = {
        "authorization": {"action": operation, "scope": scope, "evidence": {"role": "Owner"}},
        "claims": {_OBJECT_ID: CALLER, "appid": APP_ID},
        "correlationId": "c",
        "operationName": operation,
        "resourceProvider": "x",
        "resourceUri": scope,
        "status": "Succeeded",
        "subscriptionId": "s",
        "tenantId": "t",
    }
    return event("Microsoft.Resources.ResourceWriteSuccess", data)


def custom_event(**data: Any) -> Json:
    body = {"hint": {"object_id": OBJECT_ID}, "title": "seen", "severity": "High", **data}
    return event("Firebreak.Signal", body)
