"""The state behind identity protection of workloads: who is risky, since when, why; and its log rows.

Simulates   AADRiskyServicePrincipals and AADServicePrincipalRiskEvents, one row for every change
Source      https://learn.microsoft.com/azure/azure-monitor/reference/tables/aadriskyserviceprincipals
            https://learn.microsoft.com/azure/azure-monitor/reference/tables/aadserviceprincipalriskevents
            https://learn.microsoft.com/entra/id-protection/concept-workload-identity-risk
"""

import uuid
from dataclasses import dataclass

from sandbox.world import Json, World, timestamp


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a service principal's risk, and by whom."""

    level: str
    state: str
    detail: str
    initiated_by: str | None = None  # object id of the person or app
    event_type: str | None = None  # the detection that goes with it


CONFIRMED = Verdict(
    level="high",
    state="confirmedCompromised",
    detail="adminConfirmedServicePrincipalCompromised",
    event_type="adminConfirmedServicePrincipalCompromised",
)
DISMISSED = Verdict(
    level="none", state="dismissed", detail="adminDismissedAllRiskForServicePrincipal"
)


def judge(world: World, principal: Json, verdict: Verdict) -> None:
    """Keep the new state, its history and, where there is one, the detection."""
    now = timestamp(world.clock.now())
    risky: Json = {
        "id": principal["id"],
        "appId": principal["appId"],
        "displayName": principal["displayName"],
        "isEnabled": principal["accountEnabled"],
        "isProcessing": False,
        "riskDetail": verdict.detail,
        "riskLastUpdatedDateTime": now,
        "riskLevel": verdict.level,
        "riskState": verdict.state,
        "servicePrincipalType": principal["servicePrincipalType"],
    }
    world.directory.risky_service_principals.put(principal["id"], risky)
    events = [verdict.event_type] if verdict.event_type else []
    activity = {"detail": verdict.detail, "riskEventTypes": events}
    world.directory.risk_history.setdefault(principal["id"], []).append(
        {**risky, "initiatedBy": verdict.initiated_by, "activity": activity}
    )
    _log_state(world, risky)
    if verdict.event_type:
        _detect(world, principal, verdict, now)


def named_for(prefer: str, item: Json) -> Json:
    """Members of evolvable enumerations that came later are shown only to who asks for them.

    https://learn.microsoft.com/graph/best-practices-concept#handling-future-members-in-evolvable-enumerations
    """
    late = item.get("riskDetail") in (CONFIRMED.detail, DISMISSED.detail)
    if late and "include-unknown-enum-members" not in prefer.lower():
        return {**item, "riskDetail": "unknownFutureValue"}
    return item


def _detect(world: World, principal: Json, verdict: Verdict, now: str) -> None:
    detection: Json = {
        "id": uuid.uuid4().hex * 2,
        "requestId": None,
        "correlationId": None,
        "riskEventType": verdict.event_type,
        "riskState": verdict.state,
        "riskLevel": verdict.level,
        "riskDetail": verdict.detail,
        "source": "IdentityProtection",
        "detectionTimingType": "offline",
        "activity": "servicePrincipal",
        "tokenIssuerType": "AzureAD",
        "ipAddress": None,
        "location": None,
        "activityDateTime": now,
        "detectedDateTime": now,
        "lastUpdatedDateTime": now,
        "servicePrincipalId": principal["id"],
        "servicePrincipalDisplayName": principal["displayName"],
        "appId": principal["appId"],
        "keyIds": [],
        "additionalInfo": "[]",
    }
    world.directory.risk_detections.put(detection["id"], detection)
    named = {name[0].upper() + name[1:]: value for name, value in detection.items()}
    table = "AADServicePrincipalRiskEvents"
    _log(world, table, "Service Principal Risk Detection", {**named, "AdditionalInfo": []})


def _log_state(world: World, risky: Json) -> None:
    named = {name[0].upper() + name[1:]: value for name, value in risky.items()}
    named["AccountEnabled"] = named.pop("IsEnabled")
    named["CorrelationId"] = str(uuid.uuid4())
    _log(world, "AADRiskyServicePrincipals", "Risky Service Principal", named)


def _log(world: World, table: str, operation: str, columns: Json) -> None:
    row = {
        **columns,
        "OperationName": operation,
        "SourceSystem": "Azure AD",
        "TenantId": world.workspace_id,
        "TimeGenerated": timestamp(world.clock.now()),
        "Type": table,
    }
    world.logs.add(table, row, delay_s=world.delays.ingestion)
