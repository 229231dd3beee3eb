"""Responder: the entities of a security alert, once the workspace has them.

Stops    nothing
Leaves   everything as it is; an alert whose row has not been ingested yet has no entities here
Undo     none needed
Needs    what log_service.py needs, on the workspace that Sentinel and Defender for Cloud write to
Source   https://learn.microsoft.com/azure/azure-monitor/reference/tables/securityincident
         https://learn.microsoft.com/azure/azure-monitor/reference/tables/securityalert
"""

import json
from datetime import datetime, timedelta
from typing import Any

from responders import log_service, log_tables
from responders.cloud import Cloud
from responders.errors import ContractChangedError
from responders.log_service import Question
from responders.model import Json, Late

# A row's time is when it was ingested or last written, which may be well before or after the signal.
_BEFORE = timedelta(days=1)
_MOST_ALERTS = 50  # of one incident


async def of(cloud: Cloud, late: Late, fired: datetime, now: datetime) -> list[Any]:
    """Every entity that the alert, or any alert of the incident, has by now. None yet: an empty list.

    Raises `RefusedError` for an id that is none: a query takes nothing else.
    """
    window: dict[str, log_tables.Value] = {"window_start": fired - _BEFORE, "window_end": now}
    ids = [late["key"]]
    if late["table"] == "SecurityIncident":
        ids = await _alerts_of(cloud, late["key"], window)
    if not ids:
        return []
    rows = await _ask(cloud, "late/AlertEntities", {"alert_ids": ids[:_MOST_ALERTS], **window})
    newest: dict[str, Any] = {}
    for row in rows:
        newest.setdefault(str(row.get("SystemAlertId")).lower(), row.get("Entities"))
    return [one for found in newest.values() for one in _parsed(found)]


async def _alerts_of(
    cloud: Cloud, incident_name: str, window: dict[str, log_tables.Value]
) -> list[str]:
    rows = await _ask(cloud, "late/IncidentAlerts", {"incident_name": incident_name, **window})
    if not rows:
        return []
    return [str(one) for one in _parsed(rows[0].get("AlertIds"))]


async def _ask(cloud: Cloud, name: str, values: dict[str, log_tables.Value]) -> list[Json]:
    start, end = values["window_start"], values["window_end"]
    if not isinstance(start, datetime) or not isinstance(end, datetime):
        raise ContractChangedError(f"{name} has no window")
    text = log_tables.bind(log_tables.text_of(name), values)
    found = await log_service.ask(cloud, Question(name, text, log_service.timespan(start, end)))
    if found.partial:
        raise ContractChangedError(f"{name}: {found.partial}")
    return found.rows


def _parsed(found: Any) -> list[Any]:
    """A list, or the JSON text of one; the table has "" where there is nothing yet."""
    if isinstance(found, str):
        try:
            found = json.loads(found) if found.strip() else []
        except (ValueError, RecursionError):
            return []
    return found if isinstance(found, list) else []
