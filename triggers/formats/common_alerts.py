"""The common alert schema: the envelope that every alert of Azure Monitor comes in.

https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-common-schema
https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-payload-samples
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from playbooks.signal_rules import SHIPPED
from responders.model import Authenticated, Confidence, Signal
from triggers.formats import activity_alerts, log_alerts
from triggers.formats.reading import Moment, NobodyError, read, stamp, title

_TODO = "enable the common alert schema on the action; docs/how-to/azure-monitor-alert.md"
_CONFIDENCES: dict[str, Confidence] = {"high": "high", "medium": "medium", "low": "low"}
# What is an alert and never says whose identity it is about: the kind, the code, and why.
_NEVER = {
    "metric": (
        "metric-alert",
        "MetricAlert",
        "a metric alert measures a resource and names no identity",
    ),
    "old-log": (
        "old-log-alert",
        "OldLogAlert",
        "a log alert of the old API carries no dimensions of ours; make the rule again as a log search alert "
        "(api-version 2021-08-01 or later), split by the service principal's id",
    ),
    "servicehealth": (
        "service-health",
        "ServiceHealthAlert",
        "Azure's own health is no signal about an identity",
    ),
    "resourcehealth": (
        "resource-health",
        "ResourceHealthAlert",
        "a resource's health is no signal about an identity",
    ),
    "smartdetector": (
        "smart-detection",
        "SmartDetectionAlert",
        "smart detection watches an application's behaviour",
    ),
    "costalerts": ("cost-alert", "CostAlert", "a budget is no signal about an identity"),
}


_SHIPPED = {name.lower(): name for name in SHIPPED}


class Essentials(BaseModel):
    """What every alert says. A budget's alert leaves most of it null."""

    alertId: Annotated[str, Field(min_length=1, max_length=2048)]  # noqa: N815 - as on the wire
    alertRule: str | None = None  # noqa: N815 - as on the wire
    severity: Literal["Sev0", "Sev1", "Sev2", "Sev3", "Sev4"] | None = None
    signalType: str | None = None  # noqa: N815 - as on the wire
    monitorCondition: Literal["Fired", "Resolved"]  # noqa: N815 - as on the wire
    monitoringService: Annotated[str, Field(max_length=200)]  # noqa: N815 - as on the wire
    firedDateTime: Moment  # noqa: N815 - as on the wire


class AlertData(BaseModel):
    """Essentials, the context that depends on the kind, and what whoever made the rule added."""

    essentials: Essentials
    alertContext: dict[str, Any] | None = None  # noqa: N815 - as on the wire
    customProperties: dict[str, Any] | None = None  # noqa: N815 - as on the wire


class CommonAlert(BaseModel):
    """The envelope. Fields that we don't read may come and go: the schema grows."""

    schemaId: Literal["azureMonitorCommonAlertSchema"]  # noqa: N815 - as on the wire
    data: AlertData


def parse(body: bytes, authenticated: Authenticated) -> Signal:
    """One alert, one signal. Raises `UnreadableError` for anything else."""
    alert = read(CommonAlert, body, code="NotACommonAlert", todo=_TODO).data
    essentials = alert.essentials
    service = _service(essentials)
    signal: Signal = {
        "source": "azure-monitor",
        "kind": _shipped(essentials, service, alert.alertContext or {}) or _kind(service),
        "signal_id": essentials.alertId,
        "fired_at": stamp(essentials.firedDateTime),
        "title": title(essentials.alertRule, "an alert without a rule"),
        "severity": essentials.severity or "",
        "confidence": _confidence(alert.customProperties),
        "authenticated": authenticated,
        "hint": {},
    }
    if essentials.monitorCondition == "Resolved":
        # Its alert has the same id: the two must not pass for one sent twice.
        resolved = "a resolved alert starts nothing"
        return {**signal, "signal_id": f"{essentials.alertId}/resolved", "inert": resolved}
    try:
        return _of_kind(signal, service, alert.alertContext or {})
    except NobodyError as problem:
        return nobody(signal, problem)


def nobody(signal: Signal, problem: NobodyError) -> Signal:
    """The signal as it is kept when it names nobody: with what its sender has to change."""
    kept: Signal = {**signal, "hint": {}, "inert": str(problem), "fault": problem.code}
    if problem.candidates:
        kept["candidates"] = problem.candidates
    return kept


def _of_kind(signal: Signal, service: str, context: dict[str, Any]) -> Signal:
    if service == "logalertsv2":
        return log_alerts.complete(signal, context)
    if service == "prometheus":
        return log_alerts.complete_labels(signal, context)
    if service in {"activitylogadministrative", "activitylogsecurity"}:
        return activity_alerts.complete(signal, context)
    if service in _NEVER:
        _, code, why = _NEVER[service]
        raise NobodyError(code, why)
    raise NobodyError(
        "UnknownMonitoringService", f"no alert of {service!r} names an identity that we can read"
    )


def _service(essentials: Essentials) -> str:
    """`monitoringService` in one spelling; "Platform" alone does not tell a metric from a log."""
    service = "".join(one for one in essentials.monitoringService.lower() if one.isalnum())
    if service in {"loganalytics", "applicationinsights"}:
        return "old-log"
    if service == "platform":
        return "old-log" if (essentials.signalType or "").lower() == "log" else "metric"
    return service


def _shipped(essentials: Essentials, service: str, context: dict[str, Any]) -> str | None:
    """A rule of infra/alerts is told apart by its name, as the same alert of Alertmanager is by its label."""
    named: object = None
    if service == "logalertsv2":
        named = essentials.alertRule
    elif service == "prometheus":
        labels = context.get("labels")
        named = labels.get("alertname") if isinstance(labels, dict) else None
    return _SHIPPED.get(named.lower()) if isinstance(named, str) else None


def _kind(service: str) -> str:
    named = {
        "logalertsv2": "log-alert",
        "prometheus": "prometheus-alert",
        "activitylogadministrative": "activity-log-alert",
        "activitylogsecurity": "activity-log-alert",
    }
    if service in named:
        return named[service]
    return _NEVER[service][0] if service in _NEVER else f"other: {service[:40]}"


def _confidence(properties: dict[str, Any] | None) -> Confidence:
    """Azure Monitor has no such field: whoever made the rule may say it in a custom property."""
    said = str((properties or {}).get("confidence", "")).lower()
    return _CONFIDENCES.get(said, "medium")
