"""What a rebuild would do, drawn up from the snapshot and the clusters' answers. Pure: no I/O, no clock.

Known-good, never current state: a federated credential comes back only where one of our clusters
has a ServiceAccount that names the old client id; a grant only if it is older than the compromise
window and not owner-level. The rest is listed, each with its reason.
https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
"""

from datetime import datetime
from typing import TypedDict

from playbooks.orders import Json
from responders.evidence import canonical, digest
from responders.model import (
    FederatedCredential,
    Grant,
    Incident,
    ServiceAccountRef,
    WorkloadRef,
)
from responders.snapshots import Snapshot
from responders.surveys import Survey

AUDIENCE = "api://AzureADTokenExchange"
_NAME_LIMIT = 120  # of a federated credential
_SA_LIMIT = 253  # of a ServiceAccount name


class LeftOut(TypedDict):
    """Something of the old identity that does not come back."""

    what: str
    name: str
    reason: str
    suspicious: bool  # most likely the attacker's


class ClusterPlan(TypedDict):
    """What happens in one cluster."""

    survey: Survey  # everybody who names the client id: all of them are evicted
    acts: bool
    reason: str  # why not, where nothing is done there
    service_accounts: list[ServiceAccountRef]  # known-good: these get a successor
    workloads: list[WorkloadRef]  # known-good: these come back
    new_names: dict[str, str]  # "namespace/old ServiceAccount" -> new ServiceAccount name


class Plan(TypedDict):
    """The exact thing that a person says yes to."""

    incident_id: str
    display_name: str
    federated_credentials: list[FederatedCredential]
    grants: list[Grant]
    left_out: list[LeftOut]
    clusters: list[ClusterPlan]  # in the order in which they are moved, canary first


def suffix(incident: Incident) -> str:
    """Ends every new name: the same incident makes the same names, however often a step runs."""
    return "r" + digest(incident["incident_id"].encode())[:6]


def plan_hash(plan: Plan) -> str:
    """What consent is bound to."""
    return digest(canonical(plan))


def draw(incident: Incident, snapshot: Snapshot, surveys: list[Survey], policy: Json) -> Plan:
    """The plan for this incident. The same input gives the same plan, and so the same hash."""
    ending = suffix(incident)
    start = incident["window_start"]
    clusters = [_cluster_plan(survey, ending, start) for survey in _ordered(surveys, policy)]
    trusts, untrusted = _trusts(snapshot, clusters)
    grants, refused = _grants(snapshot, incident, policy["recovery"]["never_regrant"])
    return {
        "incident_id": incident["incident_id"],
        "display_name": f"{incident['principal']['display_name']}-{ending}",
        "federated_credentials": trusts,
        "grants": grants,
        "left_out": [
            *untrusted,
            *_credentials(snapshot, incident),
            *refused,
            *(left for cluster in clusters for left in _newcomers(cluster)),
        ],
        "clusters": clusters,
    }


def _ordered(surveys: list[Survey], policy: Json) -> list[Survey]:
    canary = policy["recovery"]["canary_cluster"]
    return sorted(
        surveys, key=lambda one: (one["cluster"]["name"] != canary, one["cluster"]["name"])
    )


def _cluster_plan(survey: Survey, ending: str, start: str) -> ClusterPlan:
    if not survey["reachable"]:
        reason = f"unreachable: {survey['reason']}"
    elif survey["preflight"]["status"] != "done":
        reason = f"not ready: {survey['preflight'].get('detail', '')}"
    elif not survey["service_accounts"]:
        reason = "no ServiceAccount here names the old client id"
    else:
        reason = ""
    accounts = [one for one in survey["service_accounts"] if _is_old(one.get("created"), start)]
    names = {
        f"{account['namespace']}/{account['name']}": _new_name(account["name"], ending)
        for account in accounts
    }
    return {
        "survey": survey,
        "acts": not reason,
        "reason": reason,
        "service_accounts": accounts,
        "workloads": [
            one
            for one in survey["workloads"]
            if _is_old(one.get("created"), start)
            and f"{one['namespace']}/{one['service_account']}" in names
        ],
        "new_names": names,
    }


def _newcomers(cluster: ClusterPlan) -> list[LeftOut]:
    """ServiceAccounts and workloads that were made inside the window: evicted, and not brought back."""
    if not cluster["acts"]:
        return []
    survey, name = cluster["survey"], cluster["survey"]["cluster"]["name"]
    accounts = [one for one in survey["service_accounts"] if one not in cluster["service_accounts"]]
    running = [one for one in survey["workloads"] if one not in cluster["workloads"]]
    said = [("ServiceAccount", f"{name} {one['namespace']}/{one['name']}") for one in accounts]
    said += [(one["kind"], f"{name} {one['namespace']}/{one['name']}") for one in running]
    reason = "made inside the compromise window, or nobody knows when"
    return [{"what": what, "name": who, "reason": reason, "suspicious": True} for what, who in said]


def _is_old(created: str | None, start: str) -> bool:
    return created is not None and not _after(created, start)


def _new_name(old: str, ending: str) -> str:
    return f"{old[: _SA_LIMIT - len(ending) - 1]}-{ending}"


def _trusts(
    snapshot: Snapshot, clusters: list[ClusterPlan]
) -> tuple[list[FederatedCredential], list[LeftOut]]:
    """New subjects for the known-good trusts, reasons for the others."""
    wanted: list[FederatedCredential] = []
    left: list[LeftOut] = []
    for old in snapshot["federated_credentials"]:
        successor = _successor(old, clusters)
        if successor is not None:
            wanted.append(successor)
            continue
        reason, suspicious = _distrust(old, clusters)
        name = f"{old['name']} ({old['issuer']} {old['subject']})"
        left.append(
            {
                "what": "federated credential",
                "name": name,
                "reason": reason,
                "suspicious": suspicious,
            }
        )
    return wanted, left


def _successor(old: FederatedCredential, clusters: list[ClusterPlan]) -> FederatedCredential | None:
    """The same trust for a new subject, if it is known-good."""
    for cluster in clusters:
        ref = cluster["survey"]["cluster"]
        for account in cluster["service_accounts"]:
            known = ref["issuer_url"] == old["issuer"] and account["subject"] == old["subject"]
            if known and cluster["acts"]:
                new = cluster["new_names"][f"{account['namespace']}/{account['name']}"]
                return {
                    "id": "",
                    "name": f"{ref['name']}-{account['namespace']}-{new}"[:_NAME_LIMIT],
                    "issuer": old["issuer"],
                    "subject": f"system:serviceaccount:{account['namespace']}:{new}",
                    "audiences": [AUDIENCE],
                }
    return None


def _distrust(old: FederatedCredential, clusters: list[ClusterPlan]) -> tuple[str, bool]:
    """Why a trust does not come back, and whether it looks planted."""
    for cluster in clusters:
        ref = cluster["survey"]["cluster"]
        if ref["issuer_url"] == old["issuer"]:
            if not cluster["acts"]:
                return f"cluster {ref['name']}: {cluster['reason']}", False
            named = f"no ServiceAccount of {ref['name']} with this subject"
            return f"{named} named the client id before the compromise window", True
    return "its issuer is none of our clusters", True


def _credentials(snapshot: Snapshot, incident: Incident) -> list[LeftOut]:
    left: list[LeftOut] = []
    for credential in snapshot["credentials"]:
        started = credential["started"]
        recent = started is not None and _after(started, incident["window_start"])
        reason = "made inside the compromise window" if recent else "may be exposed; not re-issued"
        name = f"{credential['display_name'] or 'unnamed'} ({credential['key_id']})"
        what = f"{credential['kind']} on the {credential['holder'].replace('_', ' ')}"
        left.append({"what": what, "name": name, "reason": reason, "suspicious": recent})
    return left


def _grants(
    snapshot: Snapshot, incident: Incident, never: list[str]
) -> tuple[list[Grant], list[LeftOut]]:
    wanted: list[Grant] = []
    left: list[LeftOut] = []
    for grant in snapshot["grants"]:
        created = grant["created_on"]
        recent = created is None or _after(created, incident["window_start"])
        if recent:
            reason = "made inside the compromise window, or nobody knows when"
        elif grant["role_name"] in never:
            reason = "owner-level: policy.toml [recovery] never_regrant; a person grants it by hand"
        else:
            wanted.append(grant)
            continue
        name = f"{grant['role_name']} at {grant['scope']}"
        left.append({"what": "grant", "name": name, "reason": reason, "suspicious": recent})
    return wanted, left


def _after(moment: str, start: str) -> bool:
    return datetime.fromisoformat(moment) >= datetime.fromisoformat(start)
