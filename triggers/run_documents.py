"""What the API answers about quiet-day playbooks and their runs, as its published description says it."""

from pydantic import Field

from responders.model import Json
from triggers.documents import Document, StepDocument


class PlaybookDocument(Document):
    """A quiet-day playbook."""

    playbook: str
    summary: str
    acts: bool
    tells: str
    schedule: str = Field(description="NCRONTAB, UTC; empty: never by itself.")
    parameters: Json = Field(description="A JSON schema.")
    runbook: str


class PlaybooksDocument(Document):
    """All of them."""

    playbooks: list[PlaybookDocument]


class RunBegunDocument(Document):
    """A run that was begun."""

    run_id: str
    mode: str
    status_url: str
    report_url: str


class ListedRunDocument(Document):
    """One line of the list. What `status` and `summary` say is known once `phase` is ended."""

    run_id: str
    playbook: str
    mode: str
    phase: str
    status: str | None
    summary: str
    by: Json
    started_by: str
    reason: str
    opened_at: str
    parameters: Json
    accepted: list[str]
    status_url: str


class RunDocument(ListedRunDocument):
    """A run with its steps; `manifest` is null until its evidence is sealed."""

    manifest: Json | None
    steps: list[StepDocument]


class RunsDocument(Document):
    """A page of runs, the newest first. It may hold fewer than asked for; the last one alone has no next."""

    runs: list[ListedRunDocument]
    next_cursor: str | None
