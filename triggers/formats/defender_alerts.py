"""Alerts of Defender for Cloud: workflow automation, continuous export, and its events in the activity log.

The alerts API writes {"id", "name", "properties": {camelCase}}, the Logic Apps trigger the same flat in PascalCase.
https://learn.microsoft.com/azure/defender-for-cloud/alerts-schemas
https://learn.microsoft.com/rest/api/defenderforcloud-composite/stable/alerts
"""

from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from responders.model import Authenticated, Confidence, Hint, Signal
from triggers.formats import entities
from triggers.formats.reading import Moment, UnreadableError, read, said, stamp, title

_TODO = "send the alert as Defender for Cloud hands it over; docs/how-to/defender-alert.md"
_CODE = "NotADefenderAlert"
_SEVERITIES = ("High", "Medium", "Low", "Informational")
_OVER = {"dismissed", "resolved"}
_CONFIDENCES: dict[str, Confidence] = {"high": "high", "medium": "medium", "low": "low"}
_UNNAMED = "an alert without a name"


class Alert(BaseModel):
    """The fields that we read, in lower case; the rest may come and go."""

    systemalertid: Annotated[str, Field(min_length=1, max_length=500)]
    severity: Annotated[str, Field(max_length=40)]
    status: str | None = None
    alertdisplayname: str | None = None
    starttimeutc: Moment | None = None
    timegeneratedutc: Moment | None = None
    timegenerated: Moment | None = None
    entities: Any = None
    resourceidentifiers: Any = None
    confidencelevel: str | None = None


class _Anything(BaseModel):
    model_config = {"extra": "allow"}


def parse(body: bytes, authenticated: Authenticated) -> Signal:
    """One alert, one signal. Raises `UnreadableError`."""
    sent = read(_Anything, body, code=_CODE, todo=_TODO).model_extra or {}
    inner = sent.get("properties")
    alert = _alert(inner if isinstance(inner, dict) else sent)
    moment = alert.timegeneratedutc or alert.timegenerated or alert.starttimeutc
    if moment is None:
        raise UnreadableError(_CODE, "the alert does not say when it was generated", _TODO)
    signal: Signal = {
        "source": "defender",
        "kind": "security-alert",
        "signal_id": alert.systemalertid.lower(),
        "fired_at": stamp(moment),
        "title": title(alert.alertdisplayname, _UNNAMED),
        "severity": severity(alert.severity),
        "confidence": confidence(alert.confidencelevel),
        "authenticated": authenticated,
        "hint": _hint(alert),
    }
    if (alert.status or "").lower() in _OVER:
        return {
            **signal,
            "inert": f"the alert is {(alert.status or '').lower()} in Defender for Cloud",
        }
    return _with_late(signal, alert.systemalertid)


def of_event(signal: Signal, alert_id: str | None, properties: dict[str, Any]) -> Signal:
    """The same from its event in the activity log, which has no entities: they are asked for later."""
    known = (alert_id or signal["signal_id"])[:500]
    alert: Signal = {
        **signal,
        "source": "defender",
        "kind": "security-alert",
        "signal_id": known.lower(),
        "severity": severity(str(properties.get("severity") or "")),
    }
    return _with_late(alert, known)


def severity(text: str) -> str:
    """As the policy spells it; another word stays what it is and matches no rule that names one."""
    return next((one for one in _SEVERITIES if one.lower() == text.lower()), text[:40])


def confidence(text: str | None) -> Confidence:
    """Medium where Defender says nothing."""
    return _CONFIDENCES.get((text or "").lower(), "medium")


def _alert(fields: dict[str, Any]) -> Alert:
    try:
        return Alert.model_validate({str(key).lower(): one for key, one in fields.items()})
    except ValidationError as problem:
        raise UnreadableError(_CODE, said(problem), _TODO) from None


def _hint(alert: Alert) -> Hint:
    named = entities.hint(alert.entities)
    if named:
        return named
    listed = alert.resourceidentifiers if isinstance(alert.resourceidentifiers, list) else []
    resources = [
        {
            "type": "azureresource",
            "resourceId": one.get("azureResourceId") or one.get("AzureResourceId"),
        }
        for one in listed
        if isinstance(one, dict)
    ]
    return entities.hint(resources)


def _with_late(signal: Signal, alert_id: str) -> Signal:
    """Where entities that are not there yet, or are people's alone, are asked for."""
    return {**signal, "late": {"table": "SecurityAlert", "key": alert_id}}
