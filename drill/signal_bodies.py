"""What the other senders put on the wire about one identity, as their documentation has it.

Simulates   an activity-log alert, Alertmanager's webhook v4, Sentinel's incident trigger, the alert of a workflow
            automation of Defender for Cloud, and an event of a detection of one's own
Faithful    property names and types; whose identity it is stands where the real one has it, by an id
Left out    links to the portal that open
Source      https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-payload-samples
            https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
            https://learn.microsoft.com/azure/sentinel/playbook-triggers-actions
            https://learn.microsoft.com/connectors/ascalert/
            https://learn.microsoft.com/azure/event-grid/event-schema
"""

import json
import uuid
from datetime import UTC, datetime

from drill.options import Json
from drill.scene import Victim

_OBJECT_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
_ROLE_WRITE = "Microsoft.Authorization/roleAssignments/write"


def activity_log_alert(described: Json, victim: Victim) -> Json:
    """A role was given to the identity; the log keeps whom it was given to in the request's body."""
    subscription = f"/subscriptions/{described['subscription_id']}"
    scope = f"{subscription}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
    dana = described["seed"]["users"]["dana"]
    wished = {"PrincipalId": victim.object_id, "RoleDefinitionId": "x", "Scope": subscription}
    event_id = str(uuid.uuid4())
    essentials = {
        "alertId": f"{subscription}/providers/Microsoft.AlertsManagement/alerts/{uuid.uuid4()}",
        "alertRule": "a-role-was-given-to-a-workload-identity",
        "severity": "Sev4",  # whatever happened: an activity-log alert has no other one
        "signalType": "Activity Log",
        "monitorCondition": "Fired",
        "monitoringService": "Activity Log - Administrative",
        "alertTargetIDs": [subscription],
        "configurationItems": [scope.rpartition("/")[2]],
        "originAlertId": event_id,
        "firedDateTime": _now(),
        "description": "",
        "essentialsVersion": "1.0",
        "alertContextVersion": "1.0",
    }
    context = {
        "authorization": {"action": _ROLE_WRITE, "scope": scope},
        "channels": "Operation",
        "claims": json.dumps({_OBJECT_ID: dana["object_id"], "name": "dana"}),
        "caller": dana["upn"],
        "correlationId": str(uuid.uuid4()),
        "eventSource": "Administrative",
        "eventTimestamp": _now(),
        "eventDataId": event_id,
        "level": "Informational",
        "operationName": _ROLE_WRITE,
        "operationId": str(uuid.uuid4()),
        "properties": {"requestbody": json.dumps({"Id": scope, "Properties": wished})},
        "status": "Succeeded",
        "subStatus": "Created",
        "submissionTimestamp": _now(),
    }
    data = {"essentials": essentials, "alertContext": context, "customProperties": None}
    return {"schemaId": "azureMonitorCommonAlertSchema", "data": data}


def alertmanager_webhook(victim: Victim) -> Json:
    """Two alerts of one group: one about the identity, one that is about none."""
    about = {"alertname": "HighIdentityAuthenticationFailures", "client_id": victim.app_id}
    other = {"alertname": "HighIdentityAuthenticationFailures", "node": "aks-system-0"}
    return {
        "version": "4",
        "groupKey": '{}:{alertname="HighIdentityAuthenticationFailures"}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "firebreak",
        "groupLabels": {"alertname": "HighIdentityAuthenticationFailures"},
        "commonLabels": {"severity": "critical"},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.monitoring:9093",
        "alerts": [_prometheus_alert(about), _prometheus_alert(other)],
    }


def _prometheus_alert(labels: dict[str, str]) -> Json:
    return {
        "status": "firing",
        "labels": {"severity": "critical", **labels},
        "annotations": {"summary": "token requests of an identity are refused in numbers"},
        "startsAt": _now(),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.monitoring:9090/graph",
        "fingerprint": uuid.uuid4().hex[:16],
    }


def sentinel_incident(described: Json, victim: Victim) -> Json:
    """An incident about an application, in which a person's account is an entity as well."""
    name = str(uuid.uuid4())
    subscription = described["subscription_id"]
    workspace = (
        f"/subscriptions/{subscription}/resourceGroups/rg-security/providers/"
        "Microsoft.OperationalInsights/workspaces/log-security"
    )
    dana = described["seed"]["users"]["dana"]["object_id"]
    entities = [
        _entity(workspace, "CloudApplication", {"appId": victim.app_id, "appName": "an app"}),
        _entity(workspace, "Account", {"aadUserId": dana, "accountName": "dana"}),
        _entity(workspace, "Ip", {"address": "203.0.113.7"}),
    ]
    properties = {
        "title": "Suspicious sign-ins of a service principal",
        "severity": "High",
        "status": "New",
        "createdTimeUtc": _now(),
        "lastModifiedTimeUtc": _now(),
        "incidentNumber": 1,
        "relatedEntities": entities,
        "alerts": [],
    }
    return {
        "eventUniqueId": str(uuid.uuid4()),
        "objectSchemaType": "Incident",
        "objectEventType": "Create",
        "workspaceInfo": {
            "SubscriptionId": subscription,
            "ResourceGroupName": "rg-security",
            "WorkspaceName": "log-security",
        },
        "workspaceId": described["environment"]["FIREBREAK_LOG_WORKSPACE_ID"],
        "object": {
            "id": f"{workspace}/providers/Microsoft.SecurityInsights/Incidents/{name}",
            "name": name,
            "etag": '"1"',
            "type": "Microsoft.SecurityInsights/Incidents",
            "properties": properties,
        },
    }


def _entity(workspace: str, kind: str, properties: Json) -> Json:
    name = str(uuid.uuid4())
    return {
        "id": f"{workspace}/providers/Microsoft.SecurityInsights/Entities/{name}",
        "name": name,
        "type": "Microsoft.SecurityInsights/Entities",
        "kind": kind,
        "properties": properties,
    }


def defender_alert(victim: Victim) -> Json:
    """Flat and in PascalCase, as the trigger of a Logic App has it; entities are JSON inside a string."""
    entities = [{"$id": "2", "AadUserId": victim.object_id, "Type": "account"}]
    return {
        "VendorName": "Microsoft",
        "AlertType": "ARM_AnomalousServiceOperation.CredentialAccess",
        "StartTimeUtc": _now(),
        "EndTimeUtc": _now(),
        "ProcessingEndTime": _now(),
        "TimeGenerated": _now(),
        "IsIncident": False,
        "Severity": "High",
        "Status": "New",
        "ProductName": "Microsoft Defender for Cloud",
        "SystemAlertId": f"2518298467986649999_{uuid.uuid4()}",
        "CompromisedEntity": "a service principal",
        "Intent": "CredentialAccess",
        "AlertDisplayName": "Suspicious invocation of a high-risk 'Credential Access' operation",
        "Description": "A service principal invoked an operation that it never did before.",
        "RemediationSteps": [],
        "ExtendedProperties": {},
        "ResourceIdentifiers": [],
        "Entities": json.dumps(entities),
    }


def custom_event(victim: Victim) -> Json:
    """What a detection of one's own publishes. An identity of Azure's is named by its resource id."""
    hint = (
        {"resource_id": victim.resource_id}
        if victim.resource_id
        else {"object_id": victim.object_id}
    )
    return {
        "id": str(uuid.uuid4()),
        "subject": "detections/odd-token-requests",
        "eventType": "Firebreak.Signal",
        "eventTime": _now(),
        "dataVersion": "1",
        "data": {"hint": hint, "title": "odd token requests", "severity": "High"},
    }


def _now() -> str:
    return datetime.now(UTC).isoformat()
