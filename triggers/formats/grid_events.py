"""Events of Event Grid: those of a subscription, and those that anybody's detection publishes to a topic of ours.

https://learn.microsoft.com/azure/event-grid/event-schema-subscriptions
https://learn.microsoft.com/azure/event-grid/cloud-event-schema
"""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from responders.model import Confidence, Signal
from triggers.formats import operations
from triggers.formats.operations import Operation
from triggers.formats.reading import Model, Moment, NobodyError, UnreadableError, said, stamp, title
from triggers.hint_bodies import HintBody

SIGNAL = "Firebreak.Signal"
# What Firebreak itself publishes: never a signal.
OWN = ("firebreak.incident.", "firebreak.operations.")
_SUBSCRIPTION = {
    f"microsoft.resources.resource{one}success" for one in ("write", "delete", "action")
}
_CODE = "NotAnEvent"
_TODO = "docs/how-to/event-grid.md shows an event that works"


class Envelope(BaseModel):
    """The same of both schemas."""

    id: Annotated[str, Field(min_length=1, max_length=2048)]
    topic: Annotated[str, Field(max_length=2048)]
    subject: Annotated[str, Field(max_length=4096)] = ""
    type: Annotated[str, Field(min_length=1, max_length=500)]
    time: Moment
    data: Any = None


class Authorization(BaseModel):
    """What was asked for, and where."""

    action: str | None = None
    scope: str | None = None


class SubscriptionData(BaseModel):
    """Of an event of Resource Manager. It has no request body and no `caller`; the token's claims say who."""

    operationName: Annotated[str, Field(min_length=1)]  # noqa: N815 - as on the wire
    resourceUri: str | None = None  # noqa: N815 - as on the wire
    authorization: Authorization | None = None
    claims: dict[str, Any] | None = None


class CustomData(BaseModel):
    """Of an event that somebody's own detection publishes."""

    model_config = ConfigDict(extra="forbid")

    hint: HintBody
    title: Annotated[str, Field(min_length=1, max_length=200)]
    severity: Annotated[str, Field(max_length=40)] = ""
    confidence: Confidence = "medium"


@dataclass(frozen=True, slots=True)
class PassedBy:
    """An event that is none of ours: a subscription may deliver everything."""

    why: str


def parse(event: dict[str, Any]) -> Signal | PassedBy:
    """One event, one signal. Raises `UnreadableError` for one that is of no schema."""
    envelope = _read(Envelope, event, "")
    kind = envelope.type.lower()
    if kind.startswith(OWN):
        return PassedBy("Firebreak's own")
    if kind == SIGNAL.lower():
        return _custom(envelope)
    if kind in _SUBSCRIPTION:
        return _of_subscription(envelope)
    return PassedBy(f"events of type {envelope.type[:100]} say nothing about an identity")


def _of_subscription(event: Envelope) -> Signal | PassedBy:
    data = _read(SubscriptionData, event.data, "data.")
    kind = operations.kind_of(data.operationName)
    if kind is None:
        return PassedBy(f"{data.operationName[:200]} says nothing about an identity")
    asked = data.authorization or Authorization()
    done = Operation(
        name=data.operationName,
        scope=data.resourceUri or asked.scope or event.subject,
        claims=data.claims or {},
    )
    signal = _signal(event, kind, data.operationName)
    if (by := operations.actor(done)) is not None:
        signal["actor"] = by
    try:
        signal["hint"] = operations.hint(done)
    except NobodyError as problem:
        signal["inert"] = str(problem)
    return signal


def _custom(event: Envelope) -> Signal:
    data = _read(CustomData, event.data, "data.")
    signal = _signal(event, "custom", data.title)
    signal["severity"] = data.severity
    signal["confidence"] = data.confidence
    signal["hint"] = data.hint.hint()
    return signal


def _signal(event: Envelope, kind: str, about: str) -> Signal:
    return {
        "source": "event-grid",
        "kind": kind,
        # Ids are unique within a topic: https://learn.microsoft.com/azure/event-grid/delivery-and-retry
        "signal_id": f"{event.topic}/{event.id}",
        "fired_at": stamp(event.time),
        "title": title(about, kind),
        "severity": "",
        "confidence": "medium",
        "authenticated": "system",
        "hint": {},
    }


def _read(form: type[Model], value: Any, where: str) -> Model:
    try:
        return form.model_validate(value)
    except ValidationError as problem:
        raise UnreadableError(_CODE, f"{where}{said(problem)}", _TODO) from None
