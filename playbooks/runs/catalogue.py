"""Which quiet-day playbooks there are. A new one is a line here, an orchestrator and its steps."""

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from playbooks.alerts.parameters import FailingSignIns, MisconfiguredFederation, StaleTokens
from playbooks.auditing.parameters import AuditIdentities
from playbooks.federation.parameters import Rotate
from playbooks.health.parameters import HealthCheck
from playbooks.provisioning.parameters import Provision
from playbooks.reviewing.parameters import SecurityReview
from playbooks.runs.model import Json
from playbooks.troubleshooting.parameters import TroubleshootWorkload

Tells = Literal["always", "on_change", "never"]


@dataclass(frozen=True, slots=True)
class Playbook:
    """What may be started, with what, and who hears of it."""

    name: str  # of the orchestrator
    summary: str
    parameters: type[BaseModel]
    acts: bool  # an apply run changes something: one at a time, and never beside an incident about the same identity
    tells: Tells  # whether an apply run ends with a card
    runbook: str

    def understood(self, parameters: Any) -> Json:
        """The parameters as plain JSON, every default filled in. Raises pydantic's ValidationError."""
        return self.parameters.model_validate(parameters).model_dump(mode="json")


_ALL = (
    Playbook(
        "audit_identities",
        "Which workload identities there are, what they may do, and what is wrong with them",
        AuditIdentities,
        acts=False,
        tells="always",
        runbook="docs/runbooks/audit-identities.md",
    ),
    Playbook(
        "health_check",
        "Whether what incidents hang on works: webhooks, issuers, our own permissions",
        HealthCheck,
        acts=False,
        tells="on_change",
        runbook="docs/runbooks/health-check.md",
    ),
    Playbook(
        "provision_identity",
        "Identities, their trusts, roles and ServiceAccounts as a repository declares them",
        Provision,
        acts=True,
        tells="always",
        runbook="docs/runbooks/provision-identity.md",
    ),
    Playbook(
        "rotate_federation",
        "The trusts of an identity replaced, cluster by cluster, while its workloads run",
        Rotate,
        acts=True,
        tells="always",
        runbook="docs/runbooks/rotate-federation.md",
    ),
    Playbook(
        "troubleshoot_workload",
        "Why a workload gets no token, or can do nothing with it: cause, evidence, exact fix",
        TroubleshootWorkload,
        acts=False,
        tells="never",
        runbook="docs/runbooks/troubleshoot-workload.md",
    ),
    Playbook(
        "security_review",
        "How well workload identities and where they run are secured, against published controls",
        SecurityReview,
        acts=False,
        tells="always",
        runbook="docs/runbooks/security-review.md",
    ),
    Playbook(
        "misconfigured_federation",
        "An alert about a trust that does not fit: what is wrong with it, mended by policy where it is a slip",
        MisconfiguredFederation,
        acts=True,
        tells="always",
        runbook="docs/runbooks/misconfigured-federation.md",
    ),
    Playbook(
        "failing_sign_ins",
        "An alert about failing sign-ins: breakage or an attack, and an incident where it is one",
        FailingSignIns,
        acts=False,
        tells="always",
        runbook="docs/runbooks/failing-sign-ins.md",
    ),
    Playbook(
        "stale_tokens",
        "An alert about expiring tokens: pods that go by an old one, restarted by policy",
        StaleTokens,
        acts=True,
        tells="always",
        runbook="docs/runbooks/stale-tokens.md",
    ),
)
PLAYBOOKS: dict[str, Playbook] = {one.name: one for one in _ALL}
