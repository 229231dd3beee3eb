"""What the API answers, as its published description says it. More may be added: who reads lets unknown fields be."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from responders.model import Json


class Document(BaseModel):
    """Whatever the API answers with: what it does not name may be there as well."""

    model_config = ConfigDict(extra="allow", defer_build=True)  # for the description alone


class Problem(Document):
    """A refusal (RFC 9457). `next` says what the caller can do."""

    type: str = Field(pattern=r"^urn:firebreak:error:[A-Za-z]+$")
    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    code: str
    next: str


class Accepted(Document):
    """An incident that was opened or joined; or a call that is kept and waits, which no incident is known of yet."""

    status: Literal["accepted", "queued"]
    incident_id: str | None
    joined: bool
    mode: str
    why: str
    status_url: str


class StepDocument(Document):
    """One step of the journal; `unknown` has been begun and has no outcome yet."""

    step: str
    target: str
    status: str
    runs: int
    started: str
    duration_ms: int | None
    detail: str


class UntoldDocument(Document):
    """A notice that a channel has not taken, and its last answer."""

    notice: str
    status: str
    detail: str


class ChannelDocument(Document):
    """What a channel has taken, and what it has not."""

    told: int
    not_told: list[UntoldDocument]


class ChangeDocument(Document):
    """One object, before and after."""

    object: str
    before: str
    after: str


class IncidentDocument(Document):
    """How an incident stands. docs/reference/api.md says what each field holds."""

    incident_id: str
    phase: str
    mode: str
    principal: Json
    signal: Json
    opened_at: str
    disabled_at: str | None
    contained_at: str | None
    recovered_at: str | None
    residual_until: str | None
    trusted_after: str | None
    risk_until: str | None
    exposures: list[Json]
    remaining: list[str]
    unasked: list[str]
    by_hand: list[str]
    reversals: list[str]
    sweeps: list[str]
    changes: list[ChangeDocument]
    consent: Json | None
    identity: Json | None
    clusters: dict[str, Any]
    deepened: list[Json]
    requesters: list[Json]
    resumable: bool
    resume: Json | None
    outcome: str | None
    cancelled: Json | None
    report: str | None
    manifest: Json | None
    restores: list[Json]
    restore_asked: Json | None
    channels: dict[str, ChannelDocument]
    steps: list[StepDocument]


class PrincipalDocument(Document):
    """Whom an incident is about."""

    kind: str
    object_id: str
    app_id: str
    display_name: str


class OpenedByDocument(Document):
    """The signal that opened it."""

    source: str
    kind: str
    title: str
    severity: str


class ListedDocument(Document):
    """One line of the list."""

    incident_id: str
    opened_at: str
    mode: str
    phase: str
    outcome: str | None
    principal: PrincipalDocument
    signal: OpenedByDocument
    status_url: str


class PageDocument(Document):
    """A page of incidents, the newest first. It may hold fewer than asked for; the last one alone has no next."""

    incidents: list[ListedDocument]
    next_cursor: str | None


class StepsDocument(Document):
    """A page of steps, in the order in which they were begun."""

    incident_id: str
    steps: list[StepDocument]
    next_cursor: str | None


class PlanDocument(Document):
    """The plan, and who breaks."""

    plan_hash: str | None
    plan: Json | None
    graph: Json


class UndoDocument(Document):
    """The undo book."""

    incident_id: str
    undo: list[Json]


class AnswerDocument(Document):
    """An answer to a plan that was handed over."""

    incident_id: str
    decision: Literal["grant", "deny"]
    approvals: int
    needs: int


class ResumedDocument(Document):
    """A recovery that goes on."""

    incident_id: str
    resumed: bool


class CancellingDocument(Document):
    """An incident that comes to its end."""

    incident_id: str
    cancelling: bool
    phase: str


class RestorePlanDocument(Document):
    """What a restore would do."""

    plan_hash: str
    choices: list[str]
    plan: Json


class RestoreBegunDocument(Document):
    """A restore that was begun, or waits for more people to order it."""

    incident_id: str
    restore_id: str
    begun: bool
    approvals: int
    needs: int
    expires_at: str
    status_url: str


class SignalDocument(Document):
    """A signal, and what became of it so far."""

    signal: Json
    status: str
    why: str
    incident_id: str | None
    joined: bool
    mode: str
    code: str | None
    candidates: list[str]
    received_at: str
    changed_at: str
    attempts: int


class SignalsDocument(Document):
    """A page of signals, the newest first."""

    signals: list[SignalDocument]
    next_cursor: str | None
