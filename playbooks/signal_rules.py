"""Which signal starts which playbook, and how deep: the rules of policy.toml, first match wins."""

from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from responders.model import Confidence, Mode, Signal

# What opens an incident, and what a run of a quiet-day playbook is started for.
Incidents = Literal["compromised_identity"]
Runs = Literal["misconfigured_federation", "failing_sign_ins", "stale_tokens"]
Playbook = Incidents | Runs
RUNS: tuple[Runs, ...] = get_args(Runs)
_Word = Annotated[str, Field(min_length=1, max_length=200)]
_AZURE_MONITOR = ("Sev0", "Sev1", "Sev2", "Sev3", "Sev4")
_DEFENDER = ("High", "Medium", "Low", "Informational")
# The words that a source uses. A rule with any other one would never match, and nobody would notice.
# https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-common-schema
# https://learn.microsoft.com/azure/sentinel/security-alert-schema
_SEVERITIES = {
    "azure-monitor": _AZURE_MONITOR,
    "sentinel": _DEFENDER,
    "defender": _DEFENDER,
}
# Rules that infra/alerts ships: told apart by their names, whoever evaluates them.
SHIPPED = (
    "HighIdentityAuthenticationFailures",
    "FederatedCredentialMisconfiguration",
    "TokenExpirationWarning",
)
_KINDS = {
    "azure-monitor": ("log-alert", "prometheus-alert", "activity-log-alert", *SHIPPED),
    "event-grid": (
        "federated-credential-write",
        "federated-credential-delete",
        "role-assignment-write",
        "role-assignment-delete",
        "list-keys",
        "custom",
    ),
    "sentinel": ("incident",),
    "defender": ("security-alert",),
}


class Rule(BaseModel):
    """One row of the table. What a rule leaves out matches everything."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)

    source: Literal["azure-monitor", "event-grid", "alertmanager", "sentinel", "defender"]
    kind: Annotated[list[_Word], Field(min_length=1)] | None = None
    severity: Annotated[list[_Word], Field(min_length=1)] | None = None
    confidence: Annotated[list[Confidence], Field(min_length=1)] | None = None
    playbook: Playbook | None = None  # None where mode is "record"
    mode: Mode | Literal["apply", "record"]  # of a run: plan or apply

    @model_validator(mode="after")
    def can_match(self) -> Self:
        """A word that its source never says is a typing error, and so is a depth without a playbook."""
        for name, known in (("severity", _SEVERITIES), ("kind", _KINDS)):
            allowed = known.get(self.source)
            strange = sorted(set(getattr(self, name) or ()) - set(allowed or ()))
            if allowed and strange:
                raise ValueError(
                    f"{name} {strange[0]!r} is none of {self.source}'s: {', '.join(allowed)}"
                )
        if (self.playbook is None) != (self.mode == "record"):
            raise ValueError('playbook is needed, except with mode "record", which starts none')
        modes = ("plan", "apply") if self.playbook in RUNS else ("plan", "contain", "respond")
        if self.playbook is not None and self.mode not in modes:
            raise ValueError(f"mode of {self.playbook} is one of {', '.join(modes)}")
        return self

    def covers(self, signal: Signal) -> bool:
        """Whether the rule is about this signal."""
        return (
            self.source == signal["source"]
            and (self.kind is None or signal["kind"] in self.kind)
            and (self.severity is None or signal["severity"] in self.severity)
            and (self.confidence is None or signal["confidence"] in self.confidence)
        )
