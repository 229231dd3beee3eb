"""The numbers and choices a CISO may ask about, from policy.toml. Unknown keys are errors."""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from playbooks.plan_model import Method
from playbooks.signal_rules import Rule
from responders.model import Mode

Guid = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]


class PolicyError(Exception):
    """policy.toml cannot be used; the message names the key and what it should be."""

    def __init__(self, where: str, problems: list[dict[str, str]]) -> None:
        said = "; ".join(": ".join(filter(None, one.values())) for one in problems)
        super().__init__(f"{where}: {said}")
        self.problems = problems  # of each the key, "" where it is the whole, and a message


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


class Guards(_Section):
    """Who is never acted on, whether anybody is, and how much at once."""

    acting: bool
    observe_only: bool
    protected: list[Guid]
    break_glass: list[Guid]
    most_shared_clusters: Annotated[int, Field(ge=1, le=1000)]
    most_shared_namespaces: Annotated[int, Field(ge=1, le=1000)]
    most_removals_per_run: Annotated[int, Field(ge=1, le=10_000)]
    most_principals_per_hour: Annotated[int, Field(ge=1, le=1000)]


class Containment(_Section):
    """Levers that are a choice: what they take away may belong to somebody who needs it."""

    owners: Literal["remove", "report"]
    memberships: Literal["remove", "report"]
    confirm_compromised: bool
    revoke_tokens: bool


class Watch(_Section):
    """What happens between containment and the moment when the last issued token has expired."""

    second_sweep_minutes: Annotated[int, Field(ge=1, le=24 * 60)]
    check_every_minutes: Annotated[int, Field(ge=1, le=24 * 60)]
    on_reversal: Literal["contain", "alert"]


class Notices(_Section):
    """Where people are told beyond the channels of the settings."""

    sentinel_comments: bool


class Windows(_Section):
    """Spans of time."""

    compromise_hours: Annotated[int, Field(ge=1, le=24 * 90)]
    evidence_hours: Annotated[int, Field(ge=1, le=24 * 90)]
    residual_hours: Annotated[int, Field(ge=1, le=72)]
    replay_hours: Annotated[int, Field(ge=1, le=24 * 30)]
    refused_minutes: Annotated[int, Field(ge=1, le=24 * 60)]


class Consent(_Section):
    """How long people have to say yes, who may, and how many have to."""

    expires_minutes: Annotated[int, Field(ge=1, le=24 * 60)]
    requester_may_approve: bool
    people_for_irreversible: Annotated[int, Field(ge=1, le=5)]
    people_for_restore: Annotated[int, Field(ge=1, le=5)]


class Retries(_Section):
    """Bounds of every retry."""

    attempts: Annotated[int, Field(ge=1, le=10)]
    first_wait_seconds: Annotated[int, Field(ge=1, le=60)]


class Verification(_Section):
    """How proof is looked for."""

    token_exchange: bool
    attempts: Annotated[int, Field(ge=1, le=100)]
    wait_seconds: Annotated[int, Field(ge=1, le=60)]
    max_wait_seconds: Annotated[int, Field(ge=1, le=300)]


class Refederation(_Section):
    """How stolen ServiceAccount tokens are kept from the new identity, by how the attacker got in."""

    credential: Method
    cluster: Method
    unknown: Method


class Recovery(_Section):
    """What comes back, and how."""

    never_regrant: list[str]
    canary_cluster: str
    wave_size: Annotated[int, Field(ge=1, le=50)]
    most_failed_clusters: Annotated[int, Field(ge=0, le=1000)]
    healthy_within_seconds: Annotated[int, Field(ge=10, le=3600)]
    quarantine: bool
    gitops: Literal["report", "suspend"]
    recheck_minutes: Annotated[int, Field(ge=0, le=60)]
    resumable_days: Annotated[int, Field(ge=1, le=90)]
    refederation: Refederation


def _schedule(text: str) -> str:
    """Six fields of NCRONTAB, or nothing at all; what they mean is the platform's to say.

    https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer#ncrontab-expressions
    """
    fields = text.split()
    if text and (len(fields) != _NCRONTAB_FIELDS or not set(text) <= _NCRONTAB):
        raise ValueError('six fields, as "0 0 6 * * 1" (Mondays at six, UTC), or "" for never')
    return text


_NCRONTAB_FIELDS = 6
_NCRONTAB = frozenset("0123456789*/,- ")
Schedule = Annotated[str, AfterValidator(_schedule)]


class Schedules(_Section):
    """When quiet-day playbooks run by themselves."""

    audit_identities: Schedule
    health_check: Schedule
    provision_identity: Schedule
    security_review: Schedule


class Scheduled(_Section):
    """One more run by the clock, with parameters of its own. Which playbooks there are, `triggers.schedules` checks."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    playbook: str
    schedule: Annotated[Schedule, Field(min_length=1)]
    mode: Literal["plan", "apply"]
    parameters: dict[str, Any] = {}


class Provisioning(_Section):
    """What provision_identity may do beyond identities."""

    enable_clusters: bool


class Audit(_Section):
    """What an audit calls old, soon, and unused; and whom identities may trust outside of our clusters."""

    unused_days: Annotated[int, Field(ge=7, le=730)]
    expiring_days: Annotated[int, Field(ge=1, le=365)]
    oldest_credential_days: Annotated[int, Field(ge=1, le=3650)]
    known_issuers: list[str]
    trusted_namespaces: list[str]


class Troubleshooting(_Section):
    """What may be asked and mended on quiet days."""

    ask_token_endpoint: bool
    sign_in_hours: Annotated[int, Field(ge=1, le=24 * 30)]
    fix_trusts: Literal["slips", "report"]
    restart_stale_pods: bool
    most_restarts_per_run: Annotated[int, Field(ge=1, le=1000)]
    on_taken: Mode
    on_attempts: Mode
    window_minutes: Annotated[int, Field(ge=5, le=24 * 60)]
    one_run_in_minutes: Annotated[int, Field(ge=1, le=24 * 60)]
    most_runs_per_hour: Annotated[int, Field(ge=1, le=1000)]


class Health(_Section):
    """From when on the health check tells of something."""

    look_back_hours: Annotated[int, Field(ge=1, le=7 * 24)]
    failures: Annotated[int, Field(ge=1, le=1_000_000)]
    failures_growth: Annotated[int, Field(ge=1, le=1000)]
    webhook_errors: Annotated[int, Field(ge=1, le=1_000_000)]
    webhook_memory_percent: Annotated[int, Field(ge=1, le=100)]
    waiting_minutes: Annotated[int, Field(ge=1, le=24 * 60)]


class Metrics(_Section):
    """What is measured beyond Firebreak's own work."""

    count_sign_ins: bool


class Policy(_Section):
    """The whole of policy.toml."""

    guards: Guards
    containment: Containment
    watch: Watch
    signals: list[Rule]
    notices: Notices
    windows: Windows
    consent: Consent
    retries: Retries
    verification: Verification
    recovery: Recovery
    provision: Provisioning
    schedules: Schedules
    scheduled: list[Scheduled] = []
    audit: Audit
    troubleshooting: Troubleshooting
    health: Health
    metrics: Metrics

    def frozen(self) -> dict[str, Any]:
        """Plain JSON: an incident keeps the policy it began with, however the file changes.

        Without the signals' rules and the schedules, which have done their part when something begins.
        """
        return self.model_dump(
            mode="json", exclude={"signals", "schedules", "scheduled", "metrics"}
        )


def load(path: Path) -> Policy:
    """Read and check policy.toml. Raises `PolicyError`, which keeps the app from starting."""
    try:
        text = path.read_text()
    except OSError as error:
        said = f"can't be read: {error.strerror}. Set FIREBREAK_POLICY."
        raise PolicyError(str(path), [{"key": "", "message": said}]) from error
    except UnicodeDecodeError as error:
        raise PolicyError(str(path), [{"key": "", "message": "is not UTF-8"}]) from error
    return parse(text, str(path))


def parse(text: str, where: str = "policy.toml") -> Policy:
    """A policy from its text. Raises `PolicyError` with everything that is wrong."""
    try:
        return Policy.model_validate(tomllib.loads(text))
    except ValidationError as error:
        problems = [
            {"key": ".".join(str(part) for part in one["loc"]), "message": one["msg"]}
            for one in error.errors(include_input=False, include_url=False)
        ]
        raise PolicyError(where, problems) from error
    # ValueError also for a number of thousands of digits; nested deeper than Python goes, it is no policy.
    except (ValueError, RecursionError) as error:
        said = f"is not TOML: {str(error)[:300]}"
        raise PolicyError(where, [{"key": "", "message": said}]) from error
