"""Workloads that hold a secret of the identity, and the trust that they get instead. Pure.

Source   https://learn.microsoft.com/azure/aks/workload-identity-migrate-from-pod-identity
         https://learn.microsoft.com/dotnet/api/azure.identity.defaultazurecredential (the order in which it looks)
"""

from typing import NamedTuple

from playbooks.federation.model import AccountRotation, ClusterSeen, Migration, Seen
from playbooks.provisioning import naming
from playbooks.provisioning.compared import Compared
from responders.audit_model import RunnerFacts
from responders.model import FederatedCredential

_MOVED = ("Deployment", "StatefulSet", "DaemonSet", "CronJob")
_LONGEST = 253


def of(
    found: Compared,
    seen: Seen,
    cluster: ClusterSeen,
    accounts: list[AccountRotation],
    audience: str,
) -> list[Migration]:
    """Each that can be moved without a person; the others are findings."""
    moved = []
    for one in cluster["runners"]:
        if why := _not_movable(one, cluster, seen):
            _left(found, cluster, one, why)
        else:
            moved.append(_migration(found, seen, cluster, one, _Into(accounts, audience)))
    return moved


def _not_movable(one: RunnerFacts, cluster: ClusterSeen, seen: Seen) -> str:
    if one["kind"] not in _MOVED:
        return f"a {one['kind']} can't be changed"
    if not all(secret["certain"] for secret in one["legacy"]):
        return "it takes a whole Secret as variables, and Secrets are never read"
    if any(secret["secret"] is None for secret in one["legacy"]):
        return "the secret stands in its template, or in a ConfigMap: it is no secret any more"
    named = cluster["named"].get(f"{one['namespace']}/{one['service_account']}", "")
    if named and named.lower() != seen["identity"]["app_id"]:
        return f"its ServiceAccount {one['service_account']} names another identity, {named}"
    return ""


def _left(found: Compared, cluster: ClusterSeen, one: RunnerFacts, why: str) -> None:
    ref = cluster["survey"]["cluster"]
    where = f"{ref['name']} {one['namespace']} {one['kind']}/{one['name']}"
    found.find(
        "secret-not-migrated",
        "medium",
        (f"{ref['resource_id']} {one['namespace']}/{one['kind']}/{one['name']}", where),
        f"{where} keeps its secret: {why}",
        "give it a ServiceAccount that names the client id, the label on its pods, and no AZURE_CLIENT_SECRET",
    )


class _Into(NamedTuple):
    """What the same run does to ServiceAccounts there."""

    rotated: list[AccountRotation]
    audience: str


def _migration(
    found: Compared, seen: Seen, cluster: ClusterSeen, one: RunnerFacts, into: _Into
) -> Migration:
    rotated = into.rotated
    ref = cluster["survey"]["cluster"]
    account = _account(one)
    taken = {(each["old"]["namespace"], each["old"]["name"]): each["new_name"] for each in rotated}
    account = taken.get((one["namespace"], account), account)
    subject = naming.subject(one["namespace"], account)
    trusted = {(each["issuer"], each["subject"]) for each in seen["trusts"]}
    trusted |= {(each["new_trust"]["issuer"], each["new_trust"]["subject"]) for each in rotated}
    new: FederatedCredential | None = None
    if (ref["issuer_url"], subject) not in trusted:
        new = {
            "id": "",
            "name": naming.trust_name(ref["resource_id"], one["namespace"], account),
            "issuer": ref["issuer_url"] or "",
            "subject": subject,
            "audiences": [into.audience],
        }
    where = f"{ref['name']}/{one['namespace']}/{one['kind']}/{one['name']}"
    found.confirmations.append(
        {
            "key": f"migrates:{where}",
            "text": f"{where} no longer gets {', '.join(sorted(_variables(one)))}, but a token of {account}: its "
            "program has to ask by DefaultAzureCredential or WorkloadIdentityCredential",
        }
    )
    return {
        "namespace": one["namespace"],
        "kind": one["kind"],
        "name": one["name"],
        "before": one["service_account"],
        "account": account,
        "variables": cluster["variables"].get(
            f"{one['namespace']}/{one['kind']}/{one['name']}", {}
        ),
        "new_trust": new,
    }


def _account(one: RunnerFacts) -> str:
    """Its own; one of its name instead of the namespace's default, which every other pod has too."""
    if one["service_account"] != "default":
        return one["service_account"]
    return f"{one['name'][: _LONGEST - 3]}-id"


def _variables(one: RunnerFacts) -> set[str]:
    return {secret["how"].partition(" ")[0] for secret in one["legacy"]}
