"""Incidents of Microsoft Sentinel, as its trigger in a Logic App hands them over.

https://learn.microsoft.com/azure/sentinel/playbook-triggers-actions
https://learn.microsoft.com/rest/api/securityinsights/incidents/get
"""

import re
from typing import Annotated, Any

from pydantic import BaseModel, Field

from responders.model import Authenticated, Confidence, Hint, Signal
from triggers.formats import entities
from triggers.formats.defender_alerts import confidence, severity
from triggers.formats.reading import Moment, read, stamp, title

_TODO = "send the body of the incident trigger as it is; docs/how-to/sentinel-incident.md"
# Where comments are written to, with Firebreak's own token: nothing but an incident's id may be taken for one.
_INCIDENT_ID = re.compile(
    r"/subscriptions/[0-9a-f-]{36}/resourceGroups/[\w.()-]{1,90}/providers/Microsoft\.OperationalInsights"
    r"/workspaces/[a-z0-9-]{1,63}/providers/Microsoft\.SecurityInsights/incidents/[a-z0-9-]{1,64}",
    re.IGNORECASE | re.ASCII,
)
_LOWEST_FIRST: tuple[Confidence, ...] = ("low", "medium", "high")


class AlertProperties(BaseModel):
    """What an alert of the incident says."""

    confidenceLevel: str | None = None  # noqa: N815 - as on the wire
    entities: Any = None


class Alert(BaseModel):
    """An alert of the incident."""

    properties: AlertProperties = Field(default_factory=AlertProperties)


class Properties(BaseModel):
    """What the incident says. Entities may be missing: they arrive minutes later."""

    title: str | None = None
    severity: Annotated[str, Field(max_length=40)]
    status: str | None = None
    createdTimeUtc: Moment  # noqa: N815 - as on the wire
    relatedEntities: list[dict[str, Any]] | None = None  # noqa: N815 - as on the wire
    alerts: list[Alert] | None = None


class Incident(BaseModel):
    """The incident as a resource."""

    id: Annotated[str, Field(min_length=1, max_length=2048)]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    properties: Properties


class Envelope(BaseModel):
    """What the trigger wraps around it."""

    object: Incident


def parse(body: bytes, authenticated: Authenticated) -> Signal:
    """One incident, one signal. Raises `UnreadableError`."""
    incident = read(Envelope, body, code="NotASentinelIncident", todo=_TODO).object
    found = incident.properties
    named = _hint(found)
    signal: Signal = {
        "source": "sentinel",
        "kind": "incident",
        "signal_id": entities.signal_id(incident.id.lower(), named),
        "fired_at": stamp(found.createdTimeUtc),
        "title": title(found.title, "an incident without a title"),
        "severity": severity(found.severity),
        "confidence": _confidence(found.alerts or []),
        "authenticated": authenticated,
        "hint": named,
    }
    if _INCIDENT_ID.fullmatch(incident.id):
        signal["sentinel_incident"] = incident.id
    if (found.status or "").lower() == "closed":
        return {**signal, "inert": "the incident is closed in Sentinel"}
    return {**signal, "late": {"table": "SecurityIncident", "key": incident.name}}


def _hint(found: Properties) -> Hint:
    """What the incident's entities name, or those of its alerts."""
    own = entities.hint(found.relatedEntities or [])
    return own or entities.hint([one.properties.entities for one in found.alerts or []])


def _confidence(alerts: list[Alert]) -> Confidence:
    """Of the surest alert; medium where none says."""
    said = [
        confidence(one.properties.confidenceLevel)
        for one in alerts
        if (one.properties.confidenceLevel or "").lower() in _LOWEST_FIRST
    ]
    return max(said, key=_LOWEST_FIRST.index) if said else "medium"
