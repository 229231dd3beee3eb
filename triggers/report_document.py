"""The JSON form of an incident's report. `python -m triggers.report_document` writes its published schema.

The schema is closed: a field that it does not name is a mistake of ours, or needs a new `format`. Only what carries the
shape of somebody else's evidence is left open, and says so.

Source   https://json-schema.org/draft/2020-12
"""

import json
import sys
from typing import Annotated, Any, Literal

from pydantic import Field

from triggers.report_findings import FindingPart, FootprintPart, GraphPart, LeftOutPart
from triggers.report_shapes import Closed, Moment, Open, Sentences, Sha256


class PrincipalPart(Open):
    """Whom the incident is about."""

    kind: str
    object_id: str
    app_id: str
    display_name: str = Field(description="For people only: an attacker may have chosen it.")
    tenant_id: str
    resource_id: str | None


class SignalPart(Open):
    """What opened it."""

    source: str
    signal_id: str
    fired_at: str
    title: str
    severity: str


class IncidentPart(Closed):
    """The incident as it was opened."""

    incident_id: Annotated[str, Field(pattern=r"^inc-[0-9]{8}-[0-9a-f]{12}$")]
    mode: Literal["plan", "contain", "respond"]
    principal: PrincipalPart
    signal: SignalPart
    opened_at: Moment
    window_start: Moment


class DeepenedPart(Open):
    """Who asked the incident to do more than it was opened for."""

    mode: Literal["contain", "respond"]
    at: Moment
    source: str
    title: str


class SummaryPart(Closed):
    """In plain sentences."""

    headline: str
    happened: Annotated[Sentences, Field(min_length=2)]
    done: Sentences
    not_done: Sentences
    safe: Literal["no", "not_yet", "as_far_as_proven", "nothing_was_done"]
    safe_because: Sentences
    todo: Sentences


class MomentPart(Closed):
    """One line of the timeline, in UTC."""

    at: Annotated[
        str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$")
    ]
    kind: Literal["seen", "signal", "done", "told", "person", "clock", "deadline"]
    what: Annotated[str, Field(min_length=1)]
    who: str


class TechniquePart(Closed):
    """A technique of MITRE ATT&CK, and the evidence that it is named for."""

    id: Annotated[str, Field(pattern=r"^T[0-9]{4}(\.[0-9]{3})?$")]
    name: str
    attack_version: str
    url: Annotated[
        str, Field(pattern=r"^https://attack\.mitre\.org/versions/v[0-9]+/techniques/T[0-9/]+/$")
    ]
    evidence: Annotated[Sentences, Field(min_length=1)]
    more: Annotated[int, Field(ge=0)]


class ExposurePart(Closed):
    """A kind of resource that a token issued before containment may open for so long."""

    resource: str
    until: Moment
    why: str


class ChangePart(Closed):
    """One object, before and after."""

    object: str
    before: str
    after: str


class StepPart(Closed):
    """A step of the journal."""

    step: str
    target: str
    status: Literal["done", "nothing_to_do", "planned", "refused", "failed", "unknown"]
    runs: Annotated[int, Field(ge=1)]
    started: Moment
    duration_ms: int | None
    detail: str


class UndoPart(Closed):
    """A mutating step, and the commands in either direction."""

    step: str
    target: str
    state: Literal["not begun", "unknown", "done", "nothing to do", "open"]
    detail: str
    changed: list[ChangePart]
    undone_by: str
    why_not: str
    finish: Sentences
    take_back: Sentences


class ClusterPart(Open):
    """How a cluster stands."""

    status: str
    detail: str


class ConsentPart(Open):
    """The answer to the plan in force. `approvals` names everybody whose yes counted."""

    decision: Literal["grant", "deny", "none"]
    plan_hash: Sha256
    reason: str
    granted: bool


class NobodyAsked(Closed):
    """Empty: this part was never reached."""


class FilePart(Closed):
    """A file of the evidence."""

    path: str
    sha256: Sha256
    size: Annotated[int, Field(ge=0)]


class JournalPart(Closed):
    """How far the journal had come."""

    path: str
    entries: Annotated[int, Field(ge=0)]
    head: Sha256


class PatchPart(Closed):
    """Something to put into Git."""

    path: str
    text: str


class CallPart(Open):
    """Who ended the incident, and why."""

    by: dict[str, Any]
    reason: str
    at: Moment
    phase: str


class RestoredPart(Open):
    """How a restore ended."""

    restore_id: str
    outcome: str
    detail: str
    ended_at: Moment
    missing: Sentences
    never: Sentences


class ReportDocument(Closed):
    """One incident, as it stood when this was written."""

    format: Literal["firebreak.report/1"]
    incident: IncidentPart
    outcome: str
    written_at: Moment
    summary: SummaryPart
    timeline: Annotated[list[MomentPart], Field(min_length=1)]
    techniques: list[TechniquePart]
    clock: dict[str, Moment]
    consent: ConsentPart | NobodyAsked
    cancelled: CallPart | NobodyAsked
    remaining: Sentences
    unasked: Sentences
    by_hand: Sentences
    reversals: Sentences
    deepened: list[DeepenedPart]
    exposures: list[ExposurePart]
    clusters: dict[str, ClusterPart]
    changes: list[ChangePart]
    locks: Sentences
    graph: GraphPart | NobodyAsked
    steps: list[StepPart]
    footprint: FootprintPart | NobodyAsked
    findings: list[FindingPart]
    undo: list[UndoPart]
    restored: list[RestoredPart]
    gitops: list[PatchPart]
    left_out: list[LeftOutPart]
    choices: Sentences
    refederation: Sentences
    uncovered: Sentences
    gaps: Sentences
    evidence: list[FilePart]
    journal: JournalPart


def schema() -> dict[str, Any]:
    """As JSON Schema 2020-12."""
    named = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:firebreak:report:1",
    }
    return {**named, **ReportDocument.model_json_schema()}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(schema(), indent=2, ensure_ascii=False) + "\n")
