"""What a run of a quiet-day playbook is made of. Plain JSON: it crosses the Durable boundary or lands in evidence."""

from typing import Any, Literal, NotRequired, TypedDict, Unpack

from responders.model import Change, Requester

Json = dict[str, Any]
RunMode = Literal["plan", "apply"]
StartedBy = Literal["person", "schedule", "signal"]
Severity = Literal["critical", "high", "medium", "low", "info"]
SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low", "info")
RunStatus = Literal["done", "nothing_to_do", "partly", "refused", "failed"]


class Run(TypedDict):
    """One execution of a playbook. `run_id` is the Durable instance id."""

    run_id: str
    playbook: str
    mode: RunMode
    parameters: Json  # as the playbook's own model understood them
    by: Requester  # object_id is "" where it was no person
    started_by: StartedBy
    reason: str
    opened_at: str
    plan_hash: NotRequired[str]  # apply: the plan that a person saw, and no other
    accepted: list[str]  # keys of the plan's confirmations that a person took upon themselves


class RunOrder(TypedDict):
    """The input of every step of a run. `policy` is the policy as it stood when the run was started."""

    run: Run
    policy: Json
    facts: Json


class Finding(TypedDict):
    """Something that a person should know. (rule, subject) tells it apart from run to run."""

    rule: str  # a stable word: fic-foreign-issuer
    severity: Severity
    subject: str  # an immutable id
    subject_name: str  # for people only
    detail: str  # one sentence
    fix: str  # a command, or what to do
    evidence: list[str]


class Table(TypedDict):
    """Rows that belong together, each as long as `columns`."""

    title: str
    columns: list[str]
    rows: list[list[str]]


class Confirmation(TypedDict):
    """What a plan needs a person's yes for, by name."""

    key: str
    text: str


class Document(TypedDict):
    """What a run found or did: the one thing that reports, pages, cards and the next run's diff are made from."""

    title: str
    summary: str
    status: RunStatus
    findings: list[Finding]
    tables: list[Table]
    changes: list[Change]  # plan: before and after; apply: what was done
    confirmations: list[Confirmation]
    unread: list[str]  # what could not be read, each with its reason: never taken for "none"
    by_hand: list[str]  # commands for a person
    data: Json  # the playbook's own result


class Difference(TypedDict):
    """What is new and what is gone since the last run that counted."""

    since: str | None  # its run id; None: there was none
    new: list[Finding]
    gone: list[Finding]
    known: int


class Parts(TypedDict, total=False):
    """What a document has beside its title, its summary and its status."""

    findings: list[Finding]
    tables: list[Table]
    changes: list[Change]
    confirmations: list[Confirmation]
    unread: list[str]
    by_hand: list[str]
    data: Json


def document(title: str, summary: str, status: RunStatus, **parts: Unpack[Parts]) -> Document:
    """A document; the gravest findings first, and what is left out is empty."""
    ordered = sorted(
        parts.get("findings", []),
        key=lambda one: (SEVERITIES.index(one["severity"]), one["rule"], one["subject"]),
    )
    return {
        "title": title,
        "summary": summary,
        "status": status,
        "tables": parts.get("tables", []),
        "changes": parts.get("changes", []),
        "confirmations": parts.get("confirmations", []),
        "unread": parts.get("unread", []),
        "by_hand": parts.get("by_hand", []),
        "data": parts.get("data", {}),
        "findings": ordered,
    }


def folder(run: Run) -> str:
    """Where a run's evidence lies."""
    return f"runs/{run['playbook']}/{run['run_id']}"


def counts(findings: list[Finding]) -> dict[str, int]:
    """How many findings of each severity there are."""
    return {
        severity: sum(1 for one in findings if one["severity"] == severity)
        for severity in SEVERITIES
    }
