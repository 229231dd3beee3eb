"""Findings about ServiceAccounts and workloads: who asks for an identity, and who still has a secret. Pure, no I/O.

Source   https://azure.github.io/azure-workload-identity/docs/topics/service-account-labels-and-annotations.html
         https://learn.microsoft.com/azure/aks/workload-identity-overview
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from playbooks.auditing.model import Holder, Tenant
from playbooks.auditing.rules import found
from playbooks.runs.model import Finding
from responders.audit_model import AccountFacts, ClusterFacts, LegacySecret, RunnerFacts
from responders.inventory_cuts import CLIENT_ID

Trusted = Mapping[tuple[str, str], set[str]]  # issuer and subject -> client ids that trust them
_BINDING = "api://AKSIdentityBinding"
# What a pod or an annotation says reaches a command only where it is one: anybody may write anything there.
_CLIENT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def trusted(holders: list[Holder]) -> Trusted:
    """Which client ids an issuer's subject can be signed in as."""
    known: dict[tuple[str, str], set[str]] = defaultdict(set)
    for holder in holders:
        for trust in holder.trusts:
            if trust["subject"] is not None:
                known[(trust["issuer"], trust["subject"])].add(holder.app_id)
    return known


def judge(tenant: Tenant, cluster: ClusterFacts, known: Trusted) -> Iterator[Finding]:
    """About everything in one cluster."""
    accounts = {f"{one['namespace']}/{one['name']}": one for one in cluster["accounts"]}
    for account in cluster["accounts"]:
        yield from _of_account(tenant, cluster, account)
    for runner in cluster["runners"]:
        account_name = f"{runner['namespace']}/{runner['service_account']}"
        if runner["labelled"]:
            yield from _of_label(tenant, cluster, runner, accounts.get(account_name), known)
        if runner["legacy"]:
            yield _of_secrets(cluster, runner)


def _of_account(tenant: Tenant, cluster: ClusterFacts, account: AccountFacts) -> Iterator[Finding]:
    client_id = (account["client_id"] or "").strip().lower()
    command = f"kubectl --context {cluster['cluster']} -n {account['namespace']}"
    if client_id not in tenant.app_ids:
        said = (
            f"it names the client id {client_id}, which no application or identity of the tenant has"
            if _CLIENT_ID.fullmatch(client_id)
            else f"what it names is no client id: {client_id!r:.80}"
        )
        fix = f"{command} annotate sa {account['name']} --overwrite {CLIENT_ID}=<client id>"
        yield _account("account-unknown-client", cluster, account, said, fix)
    if not account["runners"] and not account["pods"]:
        said = f"nothing runs as it, and whoever may create pods there can sign in as {client_id}"
        yield _account(
            "account-without-pods", cluster, account, said, f"{command} delete sa {account['name']}"
        )


def _of_label(
    tenant: Tenant,
    cluster: ClusterFacts,
    runner: RunnerFacts,
    account: AccountFacts | None,
    known: Trusted,
) -> Iterator[Finding]:
    name = f"{runner['namespace']}/{runner['service_account']}"
    if account is None:
        said = f"its pods are labelled for workload identity, and the ServiceAccount {name} names no client id"
        command = f"kubectl --context {cluster['cluster']} -n {runner['namespace']}"
        fix = f"{command} annotate sa {runner['service_account']} {CLIENT_ID}=<client id>"
        yield _runner("label-without-identity", cluster, runner, said, fix)
        return
    client_id = (account["client_id"] or "").strip().lower()
    if client_id not in tenant.app_ids or cluster["issuer_url"] is None:
        return  # the first is a finding of the ServiceAccount, the second one of the cluster
    subject = f"system:serviceaccount:{runner['namespace']}:{runner['service_account']}"
    if client_id in known.get((cluster["issuer_url"], subject), ()) or _is_opaque(
        tenant, client_id
    ):
        return
    said = f"{client_id} has no trust with the issuer {cluster['issuer_url']} and the subject {subject}"
    fix = f"{_new_trust(tenant, client_id, cluster, subject)}"
    yield _runner("label-without-trust", cluster, runner, said, fix)


def _is_opaque(tenant: Tenant, client_id: str) -> bool:
    """Whether it may have a trust that was not seen: one of a binding, a flexible one, or all unread."""
    if client_id in tenant.opaque:
        return True
    holder = tenant.by_app_id.get(client_id)
    if holder is None:
        return False
    return holder.trusts_unread or any(
        one["subject"] is None or _BINDING in one["audiences"] for one in holder.trusts
    )


def _new_trust(tenant: Tenant, client_id: str, cluster: ClusterFacts, subject: str) -> str:
    holder = tenant.by_app_id.get(client_id)
    name = f"{cluster['cluster']}-{subject.split(':', maxsplit=2)[2].replace(':', '-')}"
    if holder is not None and holder.resource_id is not None:
        parts = holder.resource_id.split("/")
        return (
            f"az identity federated-credential create --subscription {parts[2]} --resource-group {parts[4]} "
            f"--identity-name {holder.name} --name {name} --issuer {cluster['issuer_url']} --subject {subject} "
            "--audiences api://AzureADTokenExchange"
        )
    body = (
        f'{{"name": "{name}", "issuer": "{cluster["issuer_url"]}", "subject": "{subject}", '
        '"audiences": ["api://AzureADTokenExchange"]}'
    )
    return f"az ad app federated-credential create --id {client_id} --parameters '{body}'"


def _of_secrets(cluster: ClusterFacts, runner: RunnerFacts) -> Finding:
    certain = [one for one in runner["legacy"] if one["certain"]]
    told = certain or runner["legacy"]
    said = "; ".join(f"container {one['container']}: {one['how']}" for one in told)
    rule = "secret-mounted" if certain else "secret-mounted-maybe"
    return _runner(rule, cluster, runner, said, _migration(cluster, runner, told))


def _migration(cluster: ClusterFacts, runner: RunnerFacts, told: list[LegacySecret]) -> str:
    """The steps to federation, in the order in which nothing breaks.

    https://learn.microsoft.com/azure/aks/workload-identity-migrate-from-pod-identity
    """
    kubectl = f"kubectl --context {cluster['cluster']} -n {runner['namespace']}"
    said = [one["client_id"] or "" for one in told]
    client = next((one for one in said if _CLIENT_ID.fullmatch(one)), "<client id>")
    secrets = sorted({one["secret"] for one in told if one["secret"]})
    subject = f"system:serviceaccount:{runner['namespace']}:{runner['service_account']}"
    path = "spec.jobTemplate.spec.template" if runner["kind"] == "CronJob" else "spec.template"
    steps = [
        f"trust {subject} of {cluster['issuer_url'] or '<issuer>'} on {client} (firebreak run provision_identity)",
        f"{kubectl} annotate sa {runner['service_account']} --overwrite {CLIENT_ID}={client}",
        f'label the pods, in {path}.metadata.labels: azure.workload.identity/use: "true"; use a credential that '
        "takes it (DefaultAzureCredential or WorkloadIdentityCredential)",
        "take AZURE_CLIENT_SECRET and its like out of the template, roll out, and see sign-ins by the trust",
        *(f"{kubectl} delete secret {name}" for name in secrets),
        f"az ad app credential list --id {client}, and delete the one that was in it",
    ]
    return "; ".join(f"{number}. {step}" for number, step in enumerate(steps, start=1))


def _account(
    rule: str, cluster: ClusterFacts, account: AccountFacts, said: str, fix: str
) -> Finding:
    place = f"namespaces/{account['namespace']}/serviceaccounts/{account['name']}"
    return found(
        rule,
        f"{cluster['resource_id']}/{place}",
        f"{cluster['cluster']} {account['namespace']}/{account['name']}",
        f"ServiceAccount {account['namespace']}/{account['name']} of {cluster['cluster']}: {said}",
        fix=fix,
        evidence=[f"made {account['created'] or 'nobody knows when'}", *_owner(account)],
    )


def _owner(account: AccountFacts) -> list[str]:
    owner = account["owner"]
    return [f"{owner['controller']} writes it: {owner['mark']}"] if owner else []


def _runner(rule: str, cluster: ClusterFacts, runner: RunnerFacts, said: str, fix: str) -> Finding:
    place = f"namespaces/{runner['namespace']}/{runner['kind'].lower()}s/{runner['name']}"
    name = f"{runner['namespace']} {runner['kind']}/{runner['name']}"
    return found(
        rule,
        f"{cluster['resource_id']}/{place}",
        f"{cluster['cluster']} {name}",
        f"{name} of {cluster['cluster']}: {said}",
        fix=fix,
    )
