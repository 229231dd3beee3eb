"""Trigger: the Azure Monitor common alert schema, from an action group's webhook or Functions action.

The principal is read from the alert's dimensions: log alerts carry no result rows. Split the alert
rule by a column with the service principal's object id (`ServicePrincipalId`) or its client id (`AppId`).
https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-common-schema
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import azure.durable_functions as df
import azure.functions as func
import structlog
from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from responders.errors import ResponderError, TransientError, UnresolvedError
from responders.model import Hint, Signal
from responders.settings import is_guid
from triggers import intake
from triggers.answers import answer, error
from triggers.deciding import decide

bp = df.Blueprint()
_log = structlog.get_logger("firebreak.azure_monitor")
# Column the rule is split by -> what it holds. Names of the documented log tables.
_DIMENSIONS: dict[str, Literal["object_id", "app_id"]] = {
    "serviceprincipalid": "object_id",
    "serviceprincipalobjectid": "object_id",
    "appid": "app_id",
    "clientid": "app_id",
}
# Column that names who did it: an alert about our own restore must not undo it.
_ACTORS = {"caller", "callerobjectid", "actorobjectid", "initiatedby", "initiatedbyid"}
_FIX = "see docs/how-to/azure-monitor-alert.md for a rule that works"


Severity = Literal["Sev0", "Sev1", "Sev2", "Sev3", "Sev4"]


class Dimension(BaseModel):
    """One column that the alert rule is split by, with its value."""

    name: str
    value: str


class Criterion(BaseModel):
    """One condition of a log alert."""

    dimensions: list[Dimension] = Field(default_factory=list)


class Condition(BaseModel):
    """All conditions of a log alert."""

    allOf: Annotated[list[Criterion], Field(min_length=1)]  # noqa: N815 - as on the wire


class AlertContext(BaseModel):
    """The part of the alert that depends on its kind."""

    condition: Condition | None = None


class Essentials(BaseModel):
    """What every alert says."""

    alertId: Annotated[str, Field(min_length=1, max_length=2048)]  # noqa: N815 - as on the wire
    alertRule: str  # noqa: N815 - as on the wire
    severity: Severity
    monitorCondition: Literal["Fired", "Resolved"]  # noqa: N815 - as on the wire
    firedDateTime: AwareDatetime  # noqa: N815 - as on the wire


class AlertData(BaseModel):
    """Essentials and context."""

    essentials: Essentials
    alertContext: AlertContext = Field(default_factory=AlertContext)  # noqa: N815 - as on the wire


class CommonAlert(BaseModel):
    """The envelope. Fields that we don't read may come and go: the schema grows."""

    schemaId: Literal["azureMonitorCommonAlertSchema"]  # noqa: N815 - as on the wire
    data: AlertData


class NotUsableError(Exception):
    """The alert is well-formed, but does not say which principal, or not by an immutable id."""


@bp.route(route="api/alerts/azure-monitor", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
@bp.durable_client_input(client_name="client")
async def on_azure_monitor_alert(
    req: func.HttpRequest, client: df.DurableOrchestrationClient
) -> func.HttpResponse:
    """202 with the incident id; 200 where nothing is to be done; 4xx where the sender must change."""
    structlog.contextvars.clear_contextvars()
    try:
        alert = CommonAlert.model_validate_json(req.get_body())
    except ValidationError as problem:
        return _refuse(400, "NotACommonAlert", said(problem), "enable the common alert schema")
    if alert.data.essentials.monitorCondition == "Resolved":
        _log.info("resolved alert recorded", alert_id=alert.data.essentials.alertId)
        return answer(200, {"acted": False, "reason": "resolved alerts never start anything"})
    return await _fired(alert, client)


async def _fired(alert: CommonAlert, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    if _is_replay(alert.data.essentials.firedDateTime):
        hours = intake.policy().windows.replay_hours
        todo = "send live alerts only, or widen policy.toml [windows] replay_hours"
        return _refuse(422, "TooOld", f"fired more than {hours} hours ago, or in the future", todo)
    try:
        return await _start(alert, client)
    except (NotUsableError, UnresolvedError) as problem:
        code = "UnknownPrincipal" if isinstance(problem, UnresolvedError) else "NoPrincipal"
        return _refuse(422, code, str(problem), _FIX)
    except TransientError as problem:
        # 503 is one of the codes that an action group tries again.
        return _refuse(503, "TryAgain", str(problem), "nothing was started; send it again")
    except ResponderError as problem:
        return _refuse(500, "CannotResolve", str(problem), "see the log; nothing was started")


async def _start(alert: CommonAlert, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    essentials = alert.data.essentials
    signal: Signal = {
        "source": "azure-monitor",
        "kind": "log-alert",
        "signal_id": essentials.alertId,
        "fired_at": essentials.firedDateTime.astimezone(UTC).isoformat(timespec="seconds"),
        "title": essentials.alertRule[:200],
        "severity": essentials.severity,
        "confidence": "medium",
        "authenticated": "key",
        "hint": hint(alert),
    }
    if (by := actor(alert)) is not None:
        signal["actor"] = by
    decided = decide(signal, intake.policy())
    if decided.wanted == "record":
        return answer(200, {"acted": False, "reason": decided.why})
    accepted = await intake.accept(signal, decided.wanted, client)
    return answer(
        202,
        {"incident_id": accepted.incident_id, "joined": accepted.joined, "mode": accepted.mode},
    )


def hint(alert: CommonAlert) -> Hint:
    """The one principal that the dimensions name. Raises `NotUsableError` for none, several, or a name."""
    condition = alert.data.alertContext.condition
    found: set[tuple[Literal["object_id", "app_id"], str]] = set()
    for criterion in condition.allOf if condition else []:
        for dimension in criterion.dimensions:
            kind = _DIMENSIONS.get(dimension.name.lower())
            if kind is None:
                continue
            if not is_guid(dimension.value):
                raise NotUsableError(
                    f"dimension {dimension.name} holds {dimension.value[:80]!r}, which is no object id "
                    "or client id; names are never looked up"
                )
            found.add((kind, dimension.value.lower()))
    by_object = {value for kind, value in found if kind == "object_id"}
    chosen = by_object or {value for _, value in found}
    if len(chosen) != 1:
        said = ", ".join(sorted(chosen)) or "none"
        raise NotUsableError(f"one principal must be in the dimensions; found {said}")
    (value,) = chosen
    return {"object_id": value} if by_object else {"app_id": value}


def actor(alert: CommonAlert) -> str | None:
    """The one object id that the dimensions name as who did it; None for none, several, or a name."""
    condition = alert.data.alertContext.condition
    found = {
        dimension.value.lower()
        for criterion in (condition.allOf if condition else [])
        for dimension in criterion.dimensions
        if dimension.name.lower() in _ACTORS
    }
    named = found.pop() if len(found) == 1 else ""
    return named if is_guid(named) else None


def _is_replay(fired: datetime) -> bool:
    age = datetime.now(UTC) - fired
    # Five minutes ahead is what clocks differ by; more is forged or broken.
    return not timedelta(minutes=-5) <= age <= timedelta(hours=intake.policy().windows.replay_hours)


def said(problem: ValidationError) -> str:
    """What is wrong with a body, without repeating the body."""
    parts = (
        f"{'.'.join(str(one) for one in issue['loc']) or 'body'}: {issue['msg']}"
        for issue in problem.errors(include_input=False, include_url=False)[:5]
    )
    return "; ".join(parts)


def _refuse(status: int, code: str, message: str, todo: str) -> func.HttpResponse:
    _log.warning("alert refused", status=status, code=code, reason=message)
    return error(status, code, message, todo)
