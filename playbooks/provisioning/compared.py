"""What comparing one part of an identity comes to."""

from dataclasses import dataclass, field

from playbooks.orders import Json
from playbooks.provisioning.model import Operation, OperationKind
from playbooks.runs.model import Confirmation, Finding, Severity


@dataclass(frozen=True, slots=True)
class Compared:
    """Changes, what a person has to know or to agree to, and why nothing can be done."""

    operations: list[Operation] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    confirmations: list[Confirmation] = field(default_factory=list)
    blocked: list[str] = field(default_factory=list)

    def change(
        self,
        kind: OperationKind,
        target: str,
        before: Json | None,
        after: Json | None,
        said: tuple[str, str, str],  # the object, how it is, how it will be: for people
        cluster: str = "",
    ) -> None:
        """Note one operation."""
        words = {"object": said[0], "before": said[1], "after": said[2]}
        self.operations.append(
            {
                "kind": kind,
                "cluster": cluster,
                "target": target,
                "before": before,
                "after": after,
                "change": words,  # type: ignore[typeddict-item]
            }
        )

    def find(
        self, rule: str, severity: Severity, subject: tuple[str, str], detail: str, fix: str
    ) -> None:
        """Note one finding. `subject` is an immutable id, and a name for people."""
        self.findings.append(
            {
                "rule": rule,
                "severity": severity,
                "subject": subject[0],
                "subject_name": subject[1],
                "detail": detail,
                "fix": fix,
                "evidence": [],
            }
        )
