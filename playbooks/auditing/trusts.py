"""Findings about trusts: whom an identity believes, and whether it should. Pure, no I/O.

Source   https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
         https://learn.microsoft.com/entra/workload-id/workload-identities-flexible-federated-identity-credentials
"""

import shlex
from collections.abc import Iterator

from playbooks.auditing import issuers
from playbooks.auditing.model import Holder, Tenant
from playbooks.auditing.rules import found
from playbooks.runs.model import Finding
from responders.audit_model import ClusterFacts
from responders.model import FederatedCredential
from responders.wanted_trusts import MOST
from responders.workload_facts import is_for_entra

_HEADROOM = 2  # a rotation cluster by cluster needs one beside the old one


def judge(tenant: Tenant, holder: Holder, clusters: dict[str, ClusterFacts]) -> Iterator[Finding]:
    """About each trust of one identity."""
    for trust in holder.trusts:
        yield from _of_issuer(tenant, holder, trust, clusters)
        yield from _of_expression(holder, trust)
        if audiences := [one for one in trust["audiences"] if not is_for_entra(one)]:
            yield _found(
                "trust-odd-audience",
                holder,
                trust,
                f"it takes tokens for {', '.join(audiences)}, which others may ask for, too",
            )
    if len(holder.trusts) > MOST - _HEADROOM:
        yield found(
            "trust-headroom",
            holder.object_id,
            holder.name,
            f"the {holder.kind} has {len(holder.trusts)} trusts of the {MOST} that Entra allows: no rotation fits",
            fix="Take away the trusts that this audit names, or bind the identity in the clusters "
            "(https://learn.microsoft.com/azure/aks/identity-bindings-concepts)",
        )
    if holder.trusts and not holder.enabled:
        yield found(
            "trust-of-disabled",
            holder.object_id,
            holder.name,
            f"the {holder.kind} is disabled and has {len(holder.trusts)} trusts, which work again when it is enabled",
            fix="; ".join(removal(holder, one) for one in holder.trusts[:3]),
            evidence=[evidence(one) for one in holder.trusts],
        )


def removal(holder: Holder, trust: FederatedCredential) -> str:
    """The command that takes this trust away."""
    if holder.resource_id is None:
        return (
            f"az ad app federated-credential delete --id {holder.app_id} "
            f"--federated-credential-id {shlex.quote(trust['id'])}"
        )
    parts = holder.resource_id.split("/")
    return (
        f"az identity federated-credential delete --subscription {parts[2]} --resource-group {shlex.quote(parts[4])} "
        f"--identity-name {shlex.quote(holder.name)} --name {shlex.quote(trust['name'])}"
    )


def subject(holder: Holder, trust: FederatedCredential) -> str:
    """What names this trust for good. Those of managed identities have paths, which do."""
    if trust["id"].startswith("/"):
        return trust["id"]
    return f"{holder.object_id}/federatedIdentityCredentials/{trust['id']}"


def evidence(trust: FederatedCredential) -> str:
    """Whom it believes, in a line."""
    expression = (trust.get("claims_matching_expression") or {}).get("value")
    return f"{trust['name']}: issuer {trust['issuer']}, subject {trust['subject'] or expression or 'not read'}"


def _of_issuer(
    tenant: Tenant,
    holder: Holder,
    trust: FederatedCredential,
    clusters: dict[str, ClusterFacts],
) -> Iterator[Finding]:
    match issuers.of(tenant, trust["issuer"], clusters):
        case "foreign":
            said = "it believes an issuer of another tenant: whoever runs that signs in here"
            yield _found("trust-foreign-tenant", holder, trust, said)
        case "unknown":
            said = "its issuer is no cluster in sight, and audit.known_issuers does not name it"
            yield _found("trust-unknown-issuer", holder, trust, said)
        case "gone":
            said = "its issuer is that of an AKS cluster of this tenant which is gone, or out of Firebreak's sight"
            yield _found("trust-gone-cluster", holder, trust, said)
        case "near":
            meant = issuers.near(trust["issuer"], clusters)
            said = f"Entra compares to the letter, and the cluster's issuer is {meant}: it never matches"
            yield _found(
                "trust-near-miss", holder, trust, said, fix=_issuer_fix(holder, trust, meant or "")
            )
        case "cluster":
            yield from _of_account(holder, trust, clusters[trust["issuer"]])


def _of_account(
    holder: Holder, trust: FederatedCredential, cluster: ClusterFacts
) -> Iterator[Finding]:
    account = issuers.account_of(trust["subject"])
    if account is None or cluster["unread"] is not None:
        return  # a trust of a cluster that can't be read is neither right nor wrong
    if account not in cluster["account_names"]:
        said = (
            f"{cluster['cluster']} has no ServiceAccount {account}: whoever may create it there signs in as this "
            f"{holder.kind}"
        )
        yield _found("trust-no-account", holder, trust, said)
    elif account.endswith("/default"):
        said = f"every pod of the namespace that names no other runs as {account} of {cluster['cluster']}"
        yield _found("trust-default-account", holder, trust, said)


def _of_expression(holder: Holder, trust: FederatedCredential) -> Iterator[Finding]:
    if trust["subject"] is not None:
        return
    expression = str((trust.get("claims_matching_expression") or {}).get("value") or "")
    if not expression:
        why = trust.get("expression_unread") or "it was not shown"
        said = f"what it matches could not be read: {why}"
        yield _found("trust-expression-unread", holder, trust, said)
    elif "*" in expression or "?" in expression:
        said = f"it matches by a wildcard: {expression}"
        yield _found("trust-wildcard", holder, trust, said)
    else:
        yield _found("trust-flexible", holder, trust, f"it matches by an expression: {expression}")


def _issuer_fix(holder: Holder, trust: FederatedCredential, meant: str) -> str:
    if holder.resource_id is None:
        body = shlex.quote(f'{{"issuer": "{meant}"}}')
        return (
            f"az ad app federated-credential update --id {holder.app_id} "
            f"--federated-credential-id {shlex.quote(trust['id'])} --parameters {body}"
        )
    parts = holder.resource_id.split("/")
    return (
        f"az identity federated-credential update --subscription {parts[2]} --resource-group {shlex.quote(parts[4])} "
        f"--identity-name {shlex.quote(holder.name)} --name {shlex.quote(trust['name'])} --issuer {shlex.quote(meant)}"
    )


def _found(
    rule: str, holder: Holder, trust: FederatedCredential, said: str, *, fix: str = ""
) -> Finding:
    return found(
        rule,
        subject(holder, trust),
        f"{holder.name}: {trust['name']}",
        f"a trust of the {holder.kind} {holder.app_id}: {said}",
        fix=fix or removal(holder, trust),
        evidence=[evidence(trust)],
    )
