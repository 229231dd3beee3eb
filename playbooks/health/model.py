"""What the health check sees, and what a part of its judgement is made of."""

from typing import Literal, NamedTuple, TypedDict

from playbooks.runs.model import Finding, Severity, Table
from responders.model import ClusterRef
from responders.webhook_pods import PodSeen

Light = Literal["green", "yellow", "red"]


class ClusterSeen(TypedDict):
    """What was seen of one cluster; "" is "nothing wrong", and what could not be asked stands in `unread`."""

    cluster: ClusterRef
    webhook: str
    pods: list[PodSeen]
    metrics: str  # why nobody knows what the pods use; "" where that is known
    issuer: str
    keys: str
    denied: list[str]  # "verb resource" that an incident needs
    wanted: list[str]  # and those that make it better
    unread: list[str]


class WrongRight(TypedDict):
    """A permission that is missing or too much, or a way for others to act as Firebreak."""

    rule: str
    about: str  # which identity
    said: str
    fix: str
    grave: bool


class OwnRights(TypedDict):
    """What our own identities hold, against what they need."""

    wrong: list[WrongRight]
    unread: list[str]


class Check(TypedDict):
    """One thing that Firebreak itself hangs on."""

    name: str
    said: str
    well: bool
    fix: str


class PoisonedSeen(TypedDict):
    """A signal that nobody could handle."""

    where: str  # of the API
    title: str
    received_at: str
    told: str


class ScheduleSeen(TypedDict):
    """When a playbook is due, and when it last ran well."""

    playbook: str
    schedule: str
    due_at: str | None  # the last moment at which it should have run; None: never
    last_at: str | None
    last_run: str
    last_status: str  # of the newest run, whatever came of it; "" where there is none
    known_since: (
        str | None
    )  # the oldest run of any playbook: what was due before that, nobody can say


class UntoldSeen(TypedDict):
    """A notice that a channel has not taken."""

    about: str  # incident, run or signal
    notice: str
    channel: str
    detail: str


class OwnSeen(TypedDict):
    """What was seen of Firebreak itself."""

    checks: list[Check]
    rights: OwnRights
    waiting: int
    oldest_at: str | None
    poisoned: list[PoisonedSeen]
    schedules: list[ScheduleSeen]
    untold: list[UntoldSeen]
    unread: list[str]


class Part(NamedTuple):
    """One light of the traffic light."""

    name: str
    said: str
    findings: list[Finding]
    unread: list[str]
    tables: list[Table]


class About(NamedTuple):
    """Whom a finding is about: an immutable id, and a name for people."""

    subject: str
    name: str


def finding(
    rule: str,
    severity: Severity,
    about: About,
    detail: str,
    fix: str,
    evidence: list[str] | None = None,
) -> Finding:
    """A finding, from its parts."""
    return {
        "rule": rule,
        "severity": severity,
        "subject": about.subject,
        "subject_name": about.name,
        "detail": detail,
        "fix": fix,
        "evidence": evidence or [],
    }


def light(findings: list[Finding], unread: list[str]) -> Light:
    """Red: workloads or incidents fail by it. Yellow: somebody should look, or nobody could."""
    graves = {one["severity"] for one in findings}
    if graves & {"critical", "high"}:
        return "red"
    return "yellow" if unread or "medium" in graves else "green"
