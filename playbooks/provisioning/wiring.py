"""Namespaces, ServiceAccounts and pod labels that are missing in the clusters. Pure.

Source   https://learn.microsoft.com/azure/aks/workload-identity-overview#service-account-labels-and-annotations
"""

from playbooks.provisioning import naming
from playbooks.provisioning.compared import Compared
from playbooks.provisioning.declarations import Identity, ServiceAccount
from playbooks.provisioning.model import AccountState, ClusterState, IdentityState, WiredAccount
from responders.inventory_cuts import CLIENT_ID
from responders.namespaces import IDENTITY
from responders.workload_facts import EXPIRATION
from responders.workload_objects import USE_LABEL

_NEW = "the client id of the new identity"


def wanted(declared: Identity, clusters: dict[str, ClusterState]) -> list[WiredAccount]:
    """Every ServiceAccount in every cluster that it is declared for and that is there."""
    return [
        {
            "cluster": clusters[name]["ref"]["resource_id"],
            "namespace": account.namespace,
            "name": account.name,
            "expiration": _seconds(account),
        }
        for account in declared.service_accounts
        for name in declared.clusters_of(account)
        if name in clusters
    ]


def compare(
    declared: Identity,
    state: IdentityState,
    wired: list[WiredAccount],
    clusters: dict[str, ClusterState],
) -> Compared:
    """What each cluster lacks of what is declared there."""
    found = Compared()
    client_id = state["found"]["app_id"] if state["found"] else None
    by_id = {one["ref"]["resource_id"]: one for one in clusters.values()}
    for one in wired:
        cluster = by_id[one["cluster"]]
        if one["namespace"] not in cluster["namespaces"]:
            _namespace(found, cluster, one["namespace"])
        _account(found, declared.name, cluster, (one, client_id))
    for account in declared.service_accounts:
        for name in declared.clusters_of(account):
            for workload in account.workloads if name in clusters else []:
                _workload(found, clusters[name], account, workload)
    return found


def _seconds(account: ServiceAccount) -> str | None:
    return (
        None if account.token_expiration_seconds is None else str(account.token_expiration_seconds)
    )


def _namespace(found: Compared, cluster: ClusterState, name: str) -> None:
    at = cluster["ref"]["resource_id"]
    if any(
        one["kind"] == "namespace" and (one["cluster"], one["target"]) == (at, name)
        for one in found.operations
    ):
        return
    said = (f"{cluster['ref']['name']} namespace {name}", "does not exist", "created")
    found.change("namespace", name, None, {"name": name}, said, at)


def _account(
    found: Compared, name: str, cluster: ClusterState, asked: tuple[WiredAccount, str | None]
) -> None:
    account, client_id = asked
    place = f"{account['namespace']}/{account['name']}"
    where, at = f"{cluster['ref']['name']} {place}", cluster["ref"]["resource_id"]
    there = cluster["accounts"].get(place)
    notes = there["annotations"] if there else {}
    if there is not None:
        _remarks(found, where, at, there)
    if there is not None and there["replaced_by"] and not notes.get(CLIENT_ID):
        new = there["replaced_by"]
        found.blocked.append(
            f"{where} was replaced by {new}, in a rotation or an incident: name {new} in the document, or delete "
            f"{where} to have it again under its old name"
        )
        return
    same = notes.get(CLIENT_ID) == client_id and notes.get(IDENTITY) == name
    if there is not None and same and account["expiration"] in (None, notes.get(EXPIRATION)):
        return
    other = notes.get(CLIENT_ID)
    if other and other != client_id and notes.get(IDENTITY) != name:
        found.confirmations.append(
            {
                "key": f"takes-over:{name}:{cluster['ref']['name']}/{place}",
                "text": f"{where} names {other} now, another identity: whatever runs as it becomes {name}",
            }
        )
    now = "does not exist" if there is None else f"names {other or 'no identity'}"
    expires = f", tokens live {account['expiration']} s" if account["expiration"] else ""
    said = (f"{where} ServiceAccount", now, f"names {client_id or _NEW}{expires}")
    before = None if there is None else dict(notes)
    after = {
        "namespace": account["namespace"],
        "name": account["name"],
        "expiration": account["expiration"],
    }
    found.change("account", place, before, after, said, at)


def _remarks(found: Compared, where: str, at: str, there: AccountState) -> None:
    if there["labelled"]:
        found.find(
            "use-label-on-service-account",
            "info",
            (f"{at} {where}", where),
            f"{where} has the label {USE_LABEL}, which does nothing on a ServiceAccount: it belongs on pod templates",
            f"take it off, and declare the workloads of {where}",
        )
    if there["remark"]:
        found.find(
            "written-elsewhere", "low", (f"{at} {where}", where), there["remark"], there["remark"]
        )


def _workload(
    found: Compared, cluster: ClusterState, account: ServiceAccount, workload: str
) -> None:
    at, context = cluster["ref"]["resource_id"], cluster["ref"]["name"]
    key = f"{account.namespace}/{workload}"
    where = f"{context} {account.namespace} {workload}"
    there = cluster["workloads"].get(key)
    if there is None:
        found.find(
            "workload-missing",
            "info",
            (f"{at} {key}", where),
            f"{where} is not deployed yet; its pods need the label when it is",
            f'its template: labels {{"{USE_LABEL}": "true"}} and serviceAccountName {account.name}',
        )
        return
    if there["service_account"] != account.name:
        found.find(
            "workload-of-another-account",
            "medium",
            (f"{at} {key}", where),
            f"{where} runs as {there['service_account']}, not as {account.name}: it is left as it is",
            f"kubectl --context {context} -n {account.namespace} set serviceaccount {workload.lower()} {account.name}",
        )
        return
    if there["label"] == "true":
        return
    if there["stuck"]:
        found.find(
            "workload-does-not-roll-out",
            "medium",
            (f"{at} {key}", where),
            f"{where} {there['stuck']}, so the label would reach none of them: it is left as it is",
            f"put {USE_LABEL}: true on its pod template, and let it replace its pods",
        )
        return
    if there["remark"]:
        found.find(
            "written-elsewhere", "low", (f"{at} {key}", where), there["remark"], there["remark"]
        )
    said = (
        f"{where} pod template",
        f"label {USE_LABEL}: {there['label'] or 'none'}",
        "true, by a rollout",
    )
    found.change("label", key, {"value": there["label"]}, {"value": "true"}, said, at)


def subject_of(account: WiredAccount) -> str:
    """As its tokens say."""
    return naming.subject(account["namespace"], account["name"])
