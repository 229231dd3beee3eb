"""What the API answers about the app itself, as its published description says it."""

from typing import Literal

from pydantic import Field

from responders.model import Json
from triggers.documents import ChangeDocument, Document


class SwitchDocument(Document):
    """The kill switch: whether anything acts, and what says so."""

    acting: bool
    switch: Json
    setting: bool
    policy: bool | None


class PolicyErrorDocument(Document):
    """One thing that is wrong with a policy."""

    key: str
    message: str


class PolicyDocument(Document):
    """Whether a policy would be taken, what it changes, and what becomes of signals."""

    valid: bool
    errors: list[PolicyErrorDocument]
    changes: list[ChangeDocument]
    signals: list[Json]
    looked_at: int


class CheckDocument(Document):
    """One thing that the app depends on."""

    name: str = Field(
        description="Of the check: one that looks at several things has several rows."
    )
    about: str = Field(description="Which of several: a service, an identity, a cluster, a table.")
    status: Literal["ok", "note", "failed", "unknown"]
    grave: bool = Field(description="Incidents fail by it, or somebody else may act as Firebreak.")
    duration_ms: int
    detail: str
    fix: str


class HealthDocument(Document):
    """Whether the app can work."""

    status: Literal["ok", "unhealthy", "unknown"]
    version: str | None = None
    at: str | None = Field(default=None, description="The app's own clock.")
    checks: list[CheckDocument] | None = None


class TestCardDocument(Document):
    """What the workflow behind the webhook said to a card."""

    status: Literal["done", "refused", "failed"]
    detail: str
