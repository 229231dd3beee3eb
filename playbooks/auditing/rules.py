"""What an audit looks for: each rule with how bad it is, and what it says in general."""

from collections.abc import Sequence
from typing import NamedTuple

from playbooks.runs.model import Finding, Severity
from responders.untrusted import visible


class Rule(NamedTuple):
    """The severity that it begins with, and a sentence for the reference."""

    severity: Severity
    means: str


RULES: dict[str, Rule] = {
    "trust-foreign-tenant": Rule(
        "critical", "a trust believes a cluster or a directory of another tenant"
    ),
    "trust-unknown-issuer": Rule(
        "high",
        "a trust believes an issuer that is no cluster in sight and not in `audit.known_issuers`",
    ),
    "trust-wildcard": Rule(
        "high",
        "a flexible trust matches by a wildcard: whoever can make up a fitting subject is let in",
    ),
    "trust-gone-cluster": Rule(
        "medium", "a trust believes an AKS issuer of this tenant of which no cluster is in sight"
    ),
    "trust-near-miss": Rule(
        "medium",
        "a trust's issuer differs from a cluster's by a slash or by case, so it never matches",
    ),
    "trust-no-account": Rule(
        "medium",
        "a trust names a ServiceAccount that its cluster does not have: who may create it, gets in",
    ),
    "trust-default-account": Rule(
        "medium",
        "a trust names a namespace's default ServiceAccount, which every pod there runs as",
    ),
    "trust-expression-unread": Rule("medium", "what a flexible trust matches could not be read"),
    "trust-flexible": Rule("low", "a trust matches by an expression, without a wildcard"),
    "trust-odd-audience": Rule("low", "a trust takes another audience than Entra's own"),
    "trust-headroom": Rule(
        "low", "an identity has nearly as many trusts as Entra allows, which is 20"
    ),
    "trust-of-disabled": Rule("info", "an identity is disabled, and still has trusts"),
    "credential-on-principal": Rule(
        "high",
        "a secret or certificate lies on the service principal, where the portal does not show it",
    ),
    "credential-beside-trusts": Rule(
        "medium", "an application that is federated has a secret or certificate, too"
    ),
    "credential-expiring": Rule(
        "medium", "a secret or certificate ends within `audit.expiring_days`"
    ),
    "credential-old": Rule(
        "medium", "a secret or certificate is older than `audit.oldest_credential_days`"
    ),
    "credential-expired": Rule("low", "a secret or certificate has ended and is still there"),
    "owner-missing": Rule("low", "nobody owns an application: nobody answers for it"),
    "owner-is-workload": Rule(
        "medium", "a service principal owns an application: whoever has it can add credentials"
    ),
    "role-owner-level": Rule("high", "a role can give its holder everything"),
    "role-broad": Rule(
        "medium", "a role changes resources of a whole subscription or management group"
    ),
    "role-unused": Rule(
        "low", "a role that changes resources has changed none in `audit.unused_days`"
    ),
    "role-orphaned": Rule("low", "a role assignment is of a service principal that is gone"),
    "identity-unused": Rule("medium", "nobody has signed in as an identity in `audit.unused_days`"),
    "account-unknown-client": Rule(
        "high", "a ServiceAccount names a client id that the tenant does not have"
    ),
    "account-without-pods": Rule(
        "low", "a ServiceAccount names an identity, and nothing runs as it"
    ),
    "label-without-trust": Rule(
        "high",
        "pods ask for an identity that does not trust their ServiceAccount: their sign-ins fail",
    ),
    "label-without-identity": Rule(
        "medium", "pods ask for an identity, and their ServiceAccount names none"
    ),
    "secret-mounted": Rule(
        "high", "a workload signs in by a service principal's secret or certificate, the old way"
    ),
    "secret-mounted-maybe": Rule(
        "info", "a workload names a client id and takes a whole Secret that may hold its secret"
    ),
}
ORDER: tuple[Severity, ...] = ("critical", "high", "medium", "low", "info")


def found(  # noqa: PLR0913 - a finding has these parts
    rule: str,
    subject: str,
    name: str,
    detail: str,
    *,
    fix: str,
    evidence: Sequence[str] = (),
    severity: Severity | None = None,
) -> Finding:
    """A finding of this rule. Names were chosen by others: they are shown, and decide nothing."""
    return {
        "rule": rule,
        "severity": severity or RULES[rule].severity,
        "subject": subject.lower(),
        "subject_name": visible(name),
        "detail": visible(detail),
        "fix": visible(fix),
        "evidence": [visible(one) for one in evidence],
    }
