"""A detection: what Defender for Cloud and Sentinel write into the workspace when they raise an alert.

Simulates   rows of SecurityAlert, and of SecurityIncident where the alert is in an incident, which ARM then has too
Faithful    columns as documented; the entities come later than the alert: its row is then written again
Left out    analytics rules
Source      https://learn.microsoft.com/azure/azure-monitor/reference/tables/securityalert
            https://learn.microsoft.com/azure/azure-monitor/reference/tables/securityincident
            https://github.com/Azure/Azure-Sentinel/issues/4661 (six to ten minutes without entities)
"""

import json
import uuid
from datetime import timedelta

from starlette.responses import JSONResponse, Response

from sandbox.arm import sentinel_incidents
from sandbox.control.wishes import WishError, a_list, number, wish
from sandbox.web import Call
from sandbox.world import Json, World, timestamp

_OPTIONAL = ("incident_name", "entities_after_s", "severity", "confidence", "product")


async def detect(world: World, call: Call) -> Response:
    """200 with the ids; 400 where a part makes no sense.

    {"title", "entities": [...], "incident_name"?: GUID, "entities_after_s"?, "severity"?, "confidence"?, "product"?}
    """
    wanted = wish(call, "title", "entities", optional=_OPTIONAL)
    entities = a_list("entities", wanted["entities"])
    late = number("entities_after_s", wanted.get("entities_after_s", 0))
    alert_id = str(uuid.uuid4())
    row = _alert(world, alert_id, wanted)
    delay = world.delays.ingestion
    if late:
        world.logs.add("SecurityAlert", {**row, "Entities": ""}, delay_s=delay)
    known = timestamp(world.clock.now() + timedelta(seconds=late))
    told = {**row, "TimeGenerated": known, "Entities": json.dumps(entities)}
    world.logs.add("SecurityAlert", told, delay_s=delay + late)
    if name := wanted.get("incident_name"):
        row = _incident(world, str(name), alert_id, wanted)
        world.logs.add("SecurityIncident", row, delay_s=delay)
        sentinel_incidents.make(world, str(name), _as_resource(row))
    return JSONResponse({"alert_id": alert_id, "incident_name": wanted.get("incident_name")})


def _alert(world: World, alert_id: str, wanted: Json) -> Json:
    now, product = timestamp(world.clock.now()), str(wanted.get("product", "Azure Sentinel"))
    return {
        "TimeGenerated": now,
        "Type": "SecurityAlert",
        "SystemAlertId": alert_id,
        "AlertName": str(wanted["title"]),
        "DisplayName": str(wanted["title"]),
        "AlertSeverity": str(wanted.get("severity", "High")),
        "ConfidenceLevel": str(wanted.get("confidence", "")),
        "ProductName": product,
        "ProviderName": "ASI Scheduled Alerts" if product == "Azure Sentinel" else product,
        "VendorName": "Microsoft",
        "Status": "New",
        "StartTime": now,
        "EndTime": now,
        "ProcessingEndTime": now,
        "IsIncident": False,
    }


def _as_resource(row: Json) -> Json:
    return {
        "title": row["Title"],
        "severity": row["Severity"],
        "status": row["Status"],
        "incidentNumber": row["IncidentNumber"],
        "createdTimeUtc": row["CreatedTime"],
        "lastModifiedTimeUtc": row["LastModifiedTime"],
    }


def _incident(world: World, name: str, alert_id: str, wanted: Json) -> Json:
    try:
        uuid.UUID(name)
    except ValueError:
        raise WishError(f"incident_name: {name} is no GUID") from None
    now = timestamp(world.clock.now())
    return {
        "TimeGenerated": now,
        "Type": "SecurityIncident",
        "TenantId": world.workspace_id,
        "IncidentName": name,
        "IncidentNumber": 1 + len(world.logs.tables.get("SecurityIncident", [])),
        "Title": str(wanted["title"]),
        "Severity": str(wanted.get("severity", "High")),
        "Status": "New",
        "CreatedTime": now,
        "FirstModifiedTime": now,
        "LastModifiedTime": now,
        "AlertIds": [alert_id],
        "ProviderName": "Azure Sentinel",
        "SourceSystem": "Azure",
    }
