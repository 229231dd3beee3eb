"""The JSON form of an incident's report. `python -m triggers.report_document` writes its published schema.

The schema is closed: a field that it does not name is a mistake of ours, or needs a new `format`. Only what carries the
shape of somebody else's evidence is left open, and says so. One table, long because the document is.

Source   https://json-schema.org/draft/2020-12
"""

import json
import sys
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
# As our clocks write it, and with the Z that the timeline and log rows end in.
Moment = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9:]{5})$")]
Sentences = list[str]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Open(BaseModel):
    """Has more fields than are promised here."""

    model_config = ConfigDict(extra="allow")


class PrincipalPart(_Open):
    """Whom the incident is about."""

    kind: str
    object_id: str
    app_id: str
    display_name: str = Field(description="For people only: an attacker may have chosen it.")
    tenant_id: str
    resource_id: str | None


class SignalPart(_Open):
    """What opened it."""

    source: str
    signal_id: str
    fired_at: str
    title: str
    severity: str


class IncidentPart(_Closed):
    """The incident as it was opened."""

    incident_id: Annotated[str, Field(pattern=r"^inc-[0-9]{8}-[0-9a-f]{12}$")]
    mode: Literal["plan", "contain", "respond"]
    principal: PrincipalPart
    signal: SignalPart
    opened_at: Moment
    window_start: Moment


class DeepenedPart(_Open):
    """Who asked the incident to do more than it was opened for."""

    mode: Literal["contain", "respond"]
    at: Moment
    source: str
    title: str


class SummaryPart(_Closed):
    """In plain sentences."""

    headline: str
    happened: Annotated[Sentences, Field(min_length=2)]
    done: Sentences
    not_done: Sentences
    safe: Literal["no", "not_yet", "as_far_as_proven", "nothing_was_done"]
    safe_because: Sentences
    todo: Sentences


class MomentPart(_Closed):
    """One line of the timeline, in UTC."""

    at: Annotated[
        str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$")
    ]
    kind: Literal["seen", "signal", "done", "told", "person", "clock", "deadline"]
    what: Annotated[str, Field(min_length=1)]
    who: str


class TechniquePart(_Closed):
    """A technique of MITRE ATT&CK, and the evidence that it is named for."""

    id: Annotated[str, Field(pattern=r"^T[0-9]{4}(\.[0-9]{3})?$")]
    name: str
    attack_version: str
    url: Annotated[
        str, Field(pattern=r"^https://attack\.mitre\.org/versions/v[0-9]+/techniques/T[0-9/]+/$")
    ]
    evidence: Annotated[Sentences, Field(min_length=1)]
    more: Annotated[int, Field(ge=0)]


class ExposurePart(_Closed):
    """A kind of resource that a token issued before containment may open for so long."""

    resource: str
    until: Moment
    why: str


class ChangePart(_Closed):
    """One object, before and after."""

    object: str
    before: str
    after: str


class StepPart(_Closed):
    """A step of the journal."""

    step: str
    target: str
    status: Literal["done", "nothing_to_do", "planned", "refused", "failed", "unknown"]
    runs: Annotated[int, Field(ge=1)]
    started: Moment
    duration_ms: int | None
    detail: str


class UndoPart(_Closed):
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


class ClusterPart(_Open):
    """How a cluster stands."""

    status: str
    detail: str


class LeftOutPart(_Closed):
    """Something of the old identity that does not come back."""

    what: str
    name: str
    reason: str
    suspicious: bool


class ActPart(_Closed):
    """Something that was asked of Azure in the identity's name; like ones once."""

    when: str
    until: str
    count: Annotated[int, Field(ge=1)]
    table: str
    operation: str
    target: str
    ok: bool
    address: str
    token_id: str


class CredentialPart(_Closed):
    """What a token was asked for with."""

    kind: str
    id: str
    name: str


class UsePart(_Closed):
    """A credential, over all its sign-ins."""

    credential: CredentialPart
    succeeded: int
    failed: int
    addresses: list[str]
    first: str
    last: str


class ChainPart(_Closed):
    """One token: with what it was asked for, and what it was used for."""

    token_id: str
    credential: CredentialPart
    signed_in: str
    address: str
    resource: str
    addresses: list[str]
    acts: list[ActPart]


class SuspectPart(_Closed):
    """Somebody to look at next."""

    kind: str
    id: str
    name: str
    why: str
    when: str


class RotationPart(_Closed):
    """Something to rotate: order 1 first."""

    order: Literal[1, 2, 3]
    what: str
    where: str
    why: str


class FootprintPart(_Closed):
    """What the logs tell of the identity."""

    addresses: list[str]
    credentials_used: list[str]
    changed: Sentences
    keys_listed: Sentences
    credentials: list[UsePart]
    chains: list[ChainPart]
    unattributed: list[ActPart]
    artefacts: list[ActPart]
    suspects: list[SuspectPart]
    secrets_read: list[ActPart]
    rotation: list[RotationPart]
    after_containment: Sentences
    minted: list[ActPart]
    entered: list[ActPart]
    cluster_secrets_read: list[ActPart]
    left_out: int


class FindingPart(_Closed):
    """A heading and its sentences."""

    title: str
    lines: Sentences


class GraphPart(_Closed):
    """Who breaks. Nodes and edges as docs/reference/plan.md says."""

    nodes: list[dict[str, Any]]
    edges: list[dict[str, Any]]
    counts: dict[str, int]
    unknown: list[Any]
    unread: list[Any]


class ConsentPart(_Open):
    """The answer to the plan in force. `approvals` names everybody whose yes counted."""

    decision: Literal["grant", "deny", "none"]
    plan_hash: Sha256
    reason: str
    granted: bool


class NobodyAsked(_Closed):
    """Empty: this part was never reached."""


class FilePart(_Closed):
    """A file of the evidence."""

    path: str
    sha256: Sha256
    size: Annotated[int, Field(ge=0)]


class JournalPart(_Closed):
    """How far the journal had come."""

    path: str
    entries: Annotated[int, Field(ge=0)]
    head: Sha256


class PatchPart(_Closed):
    """Something to put into Git."""

    path: str
    text: str


class CallPart(_Open):
    """Who ended the incident, and why."""

    by: dict[str, Any]
    reason: str
    at: Moment
    phase: str


class RestoredPart(_Open):
    """How a restore ended."""

    restore_id: str
    outcome: str
    detail: str
    ended_at: Moment
    missing: Sentences
    never: Sentences


class ReportDocument(_Closed):
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
