"""Activity-log alerts: from an operation and its scope to the identity; Defender's own events to a security alert.

https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-payload-samples#sample-activity-log-alerts
https://learn.microsoft.com/azure/defender-for-cloud/alerts-schemas
"""

from typing import Any

from pydantic import BaseModel, ValidationError

from responders.model import Signal
from triggers.formats import defender_alerts, operations
from triggers.formats.operations import Operation
from triggers.formats.reading import NobodyError, embedded, said

_DEFENDER = "microsoft.security/locations/alerts/activate/action"
_UNDER_WAY = {"started", "accepted"}


class Authorization(BaseModel):
    """What was asked for, and where."""

    action: str | None = None
    scope: str | None = None


class Context(BaseModel):
    """The event. `claims` is JSON inside a string."""

    authorization: Authorization | None = None
    caller: str | None = None
    claims: Any = None
    correlationId: str | None = None  # noqa: N815 - as on the wire
    eventDataId: str | None = None  # noqa: N815 - as on the wire
    operationName: str | None = None  # noqa: N815 - as on the wire
    properties: dict[str, Any] | None = None
    status: str | None = None


def complete(signal: Signal, context: dict[str, Any]) -> Signal:
    """The signal with the identity that the operation is about. Raises `NobodyError`."""
    try:
        event = Context.model_validate(context)
    except ValidationError as problem:
        raise NobodyError("NotAnActivityLogAlert", said(problem)) from None
    if (event.operationName or "").lower() == _DEFENDER:
        return defender_alerts.of_event(signal, event.eventDataId, event.properties or {})
    # Some alerts have the id of their rule, the same each time.
    named: Signal = {
        **signal,
        "signal_id": f"{signal['signal_id']}/{event.eventDataId or ''}"[:2048],
    }
    done = _operation(event)
    if (by := operations.actor(done)) is not None:
        named["actor"] = by
    status = (event.status or "").lower()
    if status in _UNDER_WAY:
        return {**named, "inert": f"the operation has only {status}: the event of its end decides"}
    if status == "failed":
        return {**named, "inert": "the operation was refused or failed: nothing was changed"}
    return {**named, "hint": operations.hint(done)}


def _operation(event: Context) -> Operation:
    claims = embedded(event.claims)
    asked = event.authorization or Authorization()
    return Operation(
        name=event.operationName or asked.action or "",
        scope=asked.scope or "",
        claims=claims if isinstance(claims, dict) else {},
        caller=event.caller,
        properties=event.properties,
    )
