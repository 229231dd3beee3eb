"""What is known-good and comes back, and why the rest does not. Pure: no I/O, no clock.

Never the current state: a federated credential comes back only where one of our clusters has a
ServiceAccount that named the old client id before the compromise window; a grant only if it is older
than the window and not owner-level.
https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
"""

from datetime import datetime

from playbooks.plan_model import ClusterPlan, LeftOut
from responders.model import FederatedCredential, Grant, Incident
from responders.snapshots import Snapshot

AUDIENCE = "api://AzureADTokenExchange"
_NAME_LIMIT = 120  # of a federated credential


def newcomers(cluster: ClusterPlan) -> list[LeftOut]:
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


def bindings(cluster: ClusterPlan, start: str) -> list[LeftOut]:
    """Rights inside the cluster that name the old ServiceAccount: the new name does not have them.

    A binding to a group of all ServiceAccounts covers the successor too, so it is none of these.
    """
    name = cluster["survey"]["cluster"]["name"]
    return [
        {
            "what": one["kind"],
            "name": f"{name} {one['namespace'] or ''}/{one['name']} ({one['role']})",
            "reason": "names the old ServiceAccount: a person gives the new one what it needs",
            "suspicious": not is_old(one["created"], start),
        }
        for one in cluster["survey"]["bindings"]
        if not str(one["via"]).startswith("group ")
    ]


def is_old(created: str | None, start: str) -> bool:
    """Whether it was there before the compromise window. What has no age is not old."""
    return created is not None and not _after(created, start)


def trusts(
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


def credentials(snapshot: Snapshot, incident: Incident) -> list[LeftOut]:
    """No secret and no key ever comes back; which of them look planted."""
    left: list[LeftOut] = []
    for credential in snapshot["credentials"]:
        started = credential["started"]
        recent = started is not None and _after(started, incident["window_start"])
        reason = "made inside the compromise window" if recent else "may be exposed; not re-issued"
        name = f"{credential['display_name'] or 'unnamed'} ({credential['key_id']})"
        what = f"{credential['kind']} on the {credential['holder'].replace('_', ' ')}"
        left.append({"what": what, "name": name, "reason": reason, "suspicious": recent})
    return left


def outside_rbac(snapshot: Snapshot) -> list[LeftOut]:
    """What it could do beyond its role assignments: a person looks at each before the new identity gets it.

    None of these says in the snapshot when it was given, so none is known-good.
    """
    said = [
        (
            "application permission",
            f"{one['role_name'] or one['app_role_id']} on {one['resource_name']}",
        )
        for one in snapshot["app_roles"]
    ]
    said += [
        ("delegated permission", f"{one['scope']} ({one['consent_type']})")
        for one in snapshot["oauth_grants"]
    ]
    said += [
        ("group membership", f"{one['display_name']} ({one['id']})")
        for one in snapshot["memberships"]
        if one["direct"]
    ]
    said += [
        ("Key Vault access policy", str(one["vault_id"])) for one in snapshot["key_vault_policies"]
    ]
    said += [("directory role", str(one["role_name"])) for one in snapshot["directory_roles"]]
    reason = "not carried over: a person gives the new identity what it needs"
    return [
        {"what": what, "name": name, "reason": reason, "suspicious": False} for what, name in said
    ]


def grants(
    snapshot: Snapshot, incident: Incident, never: list[str]
) -> tuple[list[Grant], list[LeftOut]]:
    """Roles from before the window that are not owner-level, and reasons for the others."""
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
