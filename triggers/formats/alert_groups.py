"""Prometheus Alertmanager, webhook version 4: a group of alerts, each with its own identity and its own fate.

https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from responders.model import Authenticated, Signal
from triggers.formats import labels
from triggers.formats.common_alerts import nobody
from triggers.formats.reading import Moment, NobodyError, read, stamp, title

_TODO = "send Alertmanager's own webhook, version 4; docs/how-to/alertmanager.md"
_CODE = "NotAnAlertmanagerWebhook"
_Labels = dict[str, Annotated[str, Field(max_length=4096)]]


class Alert(BaseModel):
    """One alert of the group."""

    status: Literal["firing", "resolved"]
    labels: _Labels
    annotations: _Labels = Field(default_factory=dict)
    startsAt: Moment  # noqa: N815 - as on the wire
    fingerprint: Annotated[str, Field(min_length=1, max_length=200)]


class Webhook(BaseModel):
    """One notification."""

    version: Literal["4"]
    groupKey: str  # noqa: N815 - as on the wire
    truncatedAlerts: Annotated[int, Field(ge=0)] = 0  # noqa: N815 - as on the wire
    alerts: list[Alert]


@dataclass(frozen=True, slots=True)
class Group:
    """What a notification holds: a signal for each alert, and how many alerts were cut off."""

    signals: list[Signal]
    truncated: int
    key: str


def parse(body: bytes, authenticated: Authenticated) -> Group:
    """Every alert is a signal of its own. Raises `UnreadableError`."""
    sent = read(Webhook, body, code=_CODE, todo=_TODO)
    signals = [_signal(one, authenticated) for one in sent.alerts]
    return Group(signals, sent.truncatedAlerts, sent.groupKey[:500])


def _signal(alert: Alert, authenticated: Authenticated) -> Signal:
    name = alert.labels.get("alertname", "")[:200]
    started = stamp(alert.startsAt)
    signal: Signal = {
        "source": "alertmanager",
        "kind": name or "unnamed",
        # An alert keeps its fingerprint whenever it fires again; a notification is repeated as long as it fires.
        "signal_id": f"{alert.fingerprint}/{started}",
        "fired_at": started,
        "title": title(alert.annotations.get("summary") or name, "an alert without a name"),
        "severity": alert.labels.get("severity", "")[:40],
        "confidence": "medium",
        "authenticated": authenticated,
        "hint": {},
    }
    if alert.status == "resolved":
        resolved = "a resolved alert starts nothing"
        return {**signal, "signal_id": f"{signal['signal_id']}/resolved", "inert": resolved}
    try:
        return {**signal, "hint": labels.hint(alert.labels.items(), "label")}
    except NobodyError as problem:
        return nobody(signal, problem)
