"""Log alerts: result rows are not embedded, so the identity is in the columns that the rule is split by.

https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-types#monitor-the-same-condition-on-multiple-resources-using-splitting-by-dimensions
"""

from typing import Any

from pydantic import BaseModel, Field, ValidationError

from responders.model import Signal
from triggers.formats import labels
from triggers.formats.reading import NobodyError, said


class Dimension(BaseModel):
    """One column that the alert rule is split by, with its value."""

    name: str
    value: str


class Criterion(BaseModel):
    """One condition of a log alert."""

    dimensions: list[Dimension] = Field(default_factory=list)


class Condition(BaseModel):
    """All conditions of a log alert."""

    allOf: list[Criterion] = Field(default_factory=list)  # noqa: N815 - as on the wire


class Context(BaseModel):
    """The part of the alert that is about its condition."""

    condition: Condition | None = None


class LabelContext(BaseModel):
    """The same of a rule of managed Prometheus."""

    labels: dict[str, str] = Field(default_factory=dict)


def complete(signal: Signal, context: dict[str, Any]) -> Signal:
    """The signal with the identity that its dimensions name. Raises `NobodyError`."""
    try:
        condition = Context.model_validate(context).condition
    except ValidationError as problem:
        raise NobodyError("NotALogAlert", said(problem)) from None
    pairs = [
        (one.name, one.value)
        for criterion in (condition.allOf if condition else [])
        for one in criterion.dimensions
    ]
    return _with(signal, pairs, "dimension")


def complete_labels(signal: Signal, context: dict[str, Any]) -> Signal:
    """The signal with the identity that its labels name. Raises `NobodyError`."""
    try:
        found = LabelContext.model_validate(context).labels
    except ValidationError as problem:
        raise NobodyError("NotAPrometheusAlert", said(problem)) from None
    return _with(signal, list(found.items()), "label")


def _with(signal: Signal, pairs: list[labels.Pair], where: str) -> Signal:
    complete: Signal = {**signal, "hint": labels.hint(pairs, where)}
    if (by := labels.actor(pairs)) is not None:
        complete["actor"] = by
    return complete
