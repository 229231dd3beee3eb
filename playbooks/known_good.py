"""What is known-good and comes back, and why the rest does not. Pure: no I/O, no clock.

Never the current state: a federated credential comes back only where one of our clusters has a
ServiceAccount that named the old client id before the compromise window; a grant only if it is older
than the window and not owner-level.
https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
"""

import re

from playbooks.known import Known, is_old, left
from playbooks.plan_model import ClusterPlan, Confirmation, LeftOut, Plan
from responders.evidence import digest
from responders.model import FederatedCredential, ServiceAccountRef
from responders.snapshots import Snapshot
from responders.wanted_trusts import MOST, of_a_binding

AUDIENCE = "api://AzureADTokenExchange"
# Of the public cloud, the US Government's, and the one that 21Vianet runs.
# https://learn.microsoft.com/entra/workload-id/workload-identity-federation-create-trust-user-assigned-managed-identity
AUDIENCES = (AUDIENCE, f"{AUDIENCE}USGov", f"{AUDIENCE}China")
UNUSED = (
    "no ServiceAccount"  # begins the reason of a cluster in which nothing names the old client id
)
NOTHING = Known()
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


def is_known_good(account: ServiceAccountRef, start: str) -> bool:
    """There before the window, and not made to name the client id inside it, as far as its fields tell."""
    named = account.get("named_since")
    return is_old(account.get("created"), start) and (named is None or is_old(named, start))


def trusts(
    snapshot: Snapshot, clusters: list[ClusterPlan], known: Known = NOTHING
) -> tuple[list[FederatedCredential], list[LeftOut]]:
    """The known-good trusts, for the subjects that their workloads have afterwards; reasons for the others."""
    wanted: list[FederatedCredential] = []
    gone: list[LeftOut] = []
    for old in snapshot["federated_credentials"]:
        reason, suspicious = _of_a_binding(old, snapshot) or _distrust(old, clusters, known)
        if not reason:
            wanted.append(_successor(old, clusters))
            continue
        trusted = old["subject"] or _expression(old)
        name = f"{old['name']} ({old['issuer']} {trusted})"
        gone.append(left("federated credential", name, reason, suspicious=suspicious))
    return wanted, gone


def made_late(snapshot: Snapshot, plan: Plan, known: Known) -> list[tuple[str, str]]:
    """Trusts that this plan brings back and that were made in the window, as is known by now: (old name, new name)."""
    back = {one["name"] for one in plan["federated_credentials"]}
    clusters = plan["clusters"]
    return [
        (old["name"], new)
        for old in snapshot["federated_credentials"]
        if _is_given(old, known) and _match(old, clusters) is not None
        for new in [_successor(old, clusters)["name"]]
        if new in back
    ]


def _is_given(old: FederatedCredential, known: Known) -> bool:
    return bool({old["name"], old["name"].lower()} & set(known.gifts["trusts"]))


def unproven_ages(
    wanted: list[FederatedCredential], clusters: list[ClusterPlan], known: Known
) -> list[Confirmation]:
    """What nobody can tell the age of: a person has to know it, or there is no consent."""
    named = ", ".join(f"{one['name']} ({one['subject']})" for one in wanted)
    said: list[Confirmation] = []
    if wanted and not known.gifts["known"]:
        said.append(
            {
                "key": "trusts-of-unknown-age",
                "sentence": "The log that says when trusts were made could not be read for the whole compromise "
                "window. Each of these was for a ServiceAccount of ours that is older than the window, but the trust "
                f"itself may have been planted: {named}",
            }
        )
    unsaid = [
        f"{one['cluster']} {one['namespace']}/{one['name']}"
        for part in clusters
        for one in part["service_accounts"]
        if part["acts"] and "named_since" in one and one["named_since"] is None
    ]
    if unsaid:
        said.append(
            {
                "key": "names-of-unknown-age",
                "sentence": "These ServiceAccounts are older than the compromise window, but the cluster does not say "
                f"since when they name the client id: {', '.join(unsaid)}",
            }
        )
    return said


def too_many(wanted: list[FederatedCredential]) -> str | None:
    """Why the new identity can't have them all, and what to do. Said before anybody is asked."""
    if len(wanted) <= MOST:
        return None
    return (
        f"the new identity would need {len(wanted)} federated credentials, and Entra allows {MOST}: split the "
        "workloads over two identities by hand, or retire ServiceAccounts that no longer run"
    )


def _expression(old: FederatedCredential) -> str:
    return str((old.get("claims_matching_expression") or {}).get("value") or "expression not read")


def _match(
    old: FederatedCredential, clusters: list[ClusterPlan]
) -> tuple[ClusterPlan, ServiceAccountRef] | None:
    """The known-good ServiceAccount that this trust is for, in a cluster that is moved. Every letter counts."""
    for cluster in clusters:
        for account in cluster["service_accounts"]:
            same = cluster["survey"]["cluster"]["issuer_url"] == old["issuer"]
            if same and account["subject"] == old["subject"] and cluster["acts"]:
                return cluster, account
    return None


def _successor(old: FederatedCredential, clusters: list[ClusterPlan]) -> FederatedCredential:
    found = _match(old, clusters)
    if found is None:
        raise ValueError(f"{old['name']} is no known-good trust")
    cluster, account = found
    new = cluster["new_names"][f"{account['namespace']}/{account['name']}"]
    subject = f"system:serviceaccount:{account['namespace']}:{new}"
    return {
        "id": "",
        "name": _name(cluster["survey"]["cluster"]["name"], account["namespace"], new, subject),
        "issuer": old["issuer"],
        "subject": subject,
        "audiences": old["audiences"],
    }


def _name(cluster: str, namespace: str, account: str, subject: str) -> str:
    """Letters, digits, hyphens and underscores, 120 at most; what had to be changed is told apart by a hash.

    https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules#microsoftmanagedidentity
    """
    plain = f"{cluster}-{namespace}-{account}"
    allowed = re.sub(r"[^a-zA-Z0-9_-]", "-", plain)
    if allowed == plain and len(plain) <= _NAME_LIMIT:
        return plain
    return f"{allowed[: _NAME_LIMIT - 9]}-{digest(f'{cluster} {subject}'.encode())[:8]}"


def _of_a_binding(old: FederatedCredential, snapshot: Snapshot) -> tuple[str, bool] | None:
    """AKS makes it anew with a new binding; it can't be copied. None: it is another kind of trust."""
    ids = (snapshot["identity"] or {}).get("properties") or {}
    if not ids or not of_a_binding(old, str(ids.get("tenantId")), str(ids.get("clientId"))):
        return None
    command = "az aks identity-binding create, and a ClusterRole for the new client id"
    return f"of AKS identity bindings: a person makes them anew in each cluster: {command}", False


def _distrust(
    old: FederatedCredential, clusters: list[ClusterPlan], known: Known
) -> tuple[str, bool]:
    """Why a trust does not come back, and whether it looks planted. Empty: it is known-good."""
    if _is_given(old, known):
        return "made or changed inside the compromise window", True
    if old["subject"] is None:
        reason = "flexible: whoever its expression matches gets in; a person who knows it makes it"
        return reason, not known.gifts["known"]
    if _match(old, clusters) is None:
        return _unmatched(old, clusters)
    if len(old["audiences"]) != 1 or old["audiences"][0] not in AUDIENCES:
        return f"its audience {', '.join(old['audiences'])} is none that workloads ask for", True
    return "", False


_UNNAMED = (
    "not moved: no ServiceAccount of {} with this subject named the client id before the compromise window. Is it "
    "yours (KEDA's operator, a client id in its own settings)? Look who runs as it, give the new identity a federated "
    "credential for it, and it the new client id"
)


def _unmatched(old: FederatedCredential, clusters: list[ClusterPlan]) -> tuple[str, bool]:
    """What is wrong with the cluster, or with the ServiceAccount, that it is for."""
    for cluster in clusters:
        if cluster["survey"]["cluster"]["issuer_url"] == old["issuer"]:
            name = cluster["survey"]["cluster"]["name"]
            if not cluster["acts"]:
                unused = cluster["reason"].startswith(UNUSED)
                return f"cluster {name}: {cluster['reason']}", unused
            return _UNNAMED.format(name), True
    return "its issuer is none of our clusters", True
