"""Which trusts are replaced by which, in what order, and what stands in the way. Pure: no I/O, no clock.

Issuer and subject are unique for an identity, so a trust can't be made anew beside itself: what changes is the subject,
which is the ServiceAccount's name. A token of the old one, whoever has it, opens nothing then.
https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
"""

from dataclasses import dataclass

from playbooks.federation import migrating, remaining
from playbooks.federation.model import (
    AccountRotation,
    ClusterRotation,
    ClusterSeen,
    RotationPlan,
    Seen,
)
from playbooks.provisioning import naming
from playbooks.provisioning.compared import Compared
from responders.evidence import canonical, digest
from responders.model import FederatedCredential, ServiceAccountRef, WorkloadRef
from responders.surveys import Survey
from responders.wanted_trusts import MOST

_LONGEST = 253  # of a ServiceAccount's name
_NOT_MOVED = {
    "Pod": "is a bare pod, which can't be changed",
    "Job": "is a Job, whose template can't be changed",
    "ReplicaSet": "is a ReplicaSet of its own, which replaces no pods",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the run asks for."""

    label: str
    marker: str  # of the first run with this label: what it made is not rotated again
    clusters: list[str]
    remove_unused: bool
    migrate_secrets: bool
    remove_credentials: list[str]
    canary: str
    audience: str  # of this cloud


def draw(seen: Seen, wanted: Wanted) -> RotationPlan:
    """The plan for one identity."""
    found = Compared()
    clusters: list[ClusterRotation] = []
    for cluster in sorted(seen["clusters"], key=lambda one: _first(one, wanted.canary)):
        if _is_asked(cluster, wanted.clusters):
            clusters.append(_cluster(found, seen, cluster, wanted))
    gone = remaining.trusts(found, seen, removed=wanted.remove_unused)
    doomed = remaining.credentials(found, seen, wanted.remove_credentials)
    _headroom(found, seen, clusters)
    return {
        "principal": seen["principal"],
        "identity": seen["identity"],
        "label": wanted.label,
        "blocked": [*seen["stop"], *found.blocked],
        "clusters": [one for one in clusters if one["accounts"] or one["migrations"]],
        "remove_trusts": gone,
        "remove_credentials": doomed,
        "confirmations": found.confirmations,
        "findings": found.findings,
        "by_hand": list(
            dict.fromkeys(one["fix"] for one in found.findings if one["rule"] == "not-rotated")
        ),
    }


def plan_hash(plan: RotationPlan) -> str:
    """What a person agrees to: what is done, and the keys of what they take upon themselves.

    Not the sentences: when something was last used changes by itself. Whether it is used is in the key.
    """
    keys = sorted(one["key"] for one in plan["confirmations"])
    done = {
        name: value for name, value in plan.items() if name not in ("findings", "confirmations")
    }
    return digest(canonical({**done, "confirmations": keys}))


def _first(seen: ClusterSeen, canary: str) -> tuple[bool, str]:
    name = seen["survey"]["cluster"]["name"]
    return name != canary, name


def _is_asked(seen: ClusterSeen, named: list[str]) -> bool:
    ref = seen["survey"]["cluster"]
    ids = {ref["name"].lower(), ref["resource_id"].lower()}
    return not named or bool(ids & {one.lower() for one in named})


def new_name(root: str, label: str) -> str:
    """The root's name and the rotation's, however often it was rotated before."""
    return f"{root[: _LONGEST - len(label) - 1].rstrip('-.')}-{label}"


def _cluster(found: Compared, seen: Seen, cluster: ClusterSeen, wanted: Wanted) -> ClusterRotation:
    survey = cluster["survey"]
    ref = survey["cluster"]
    if not survey["reachable"] or survey["preflight"]["status"] not in ("done", "nothing_to_do"):
        why = survey["reason"] or survey["preflight"].get("detail", "")
        found.blocked.append(f"{ref['name']} can't be worked in: {why}")
        return {"ref": ref, "accounts": [], "migrations": []}
    accounts = []
    for trust in seen["trusts"]:
        if trust["issuer"] != ref["issuer_url"]:
            continue
        account = _named(survey["service_accounts"], trust)
        if account is not None and (one := _account(found, cluster, (trust, account), wanted)):
            accounts.append(one)
    _ask_about_rights(found, survey, accounts)
    migrations = []
    if wanted.migrate_secrets:
        migrations = migrating.of(found, seen, cluster, accounts, wanted.audience)
    return {"ref": ref, "accounts": accounts, "migrations": migrations}


def _named(
    accounts: list[ServiceAccountRef], trust: FederatedCredential
) -> ServiceAccountRef | None:
    return next((one for one in accounts if one["subject"] == trust["subject"]), None)


def _account(
    found: Compared,
    cluster: ClusterSeen,
    pair: tuple[FederatedCredential, ServiceAccountRef],
    wanted: Wanted,
) -> AccountRotation | None:
    trust, old = pair
    survey, place = cluster["survey"], f"{old['namespace']}/{old['name']}"
    ref = survey["cluster"]
    if cluster["marks"].get(place) == wanted.marker:
        return None  # this rotation made it
    root = cluster["roots"].get(place, old["name"])
    name = new_name(root, wanted.label)
    running = [
        one
        for one in survey["workloads"]
        if (one["namespace"], one["service_account"]) == (old["namespace"], old["name"])
    ]
    if why := _not_movable(old, running):
        _left(found, ref["name"], (trust, old), why)
        return None
    _ask_about_stops(found, ref["name"], running)
    wanted_trust: FederatedCredential = {
        **trust,
        "id": "",
        "name": naming.trust_name(ref["resource_id"], old["namespace"], name),
        "subject": naming.subject(old["namespace"], name),
    }
    return {
        "old": old,
        "root": root,
        "new_name": name,
        "trust": trust,
        "new_trust": wanted_trust,
        "workloads": running,
    }


def _not_movable(old: ServiceAccountRef, running: list[WorkloadRef]) -> str:
    """Why the pods of this ServiceAccount can't be moved while they run; "" where they can."""
    if owner := old.get("owner"):
        return f"the ServiceAccount belongs to a {owner['controller']} ({owner['mark']})"
    for one in running:
        name = f"{one['kind']}/{one['name']}"
        if one["kind"] in _NOT_MOVED:
            return f"{name} {_NOT_MOVED[one['kind']]}"
        if one["paused"] and one["kind"] != "CronJob":
            return f"{name} is paused"
        if one.get("update_strategy") == "OnDelete":
            return f"{name} replaces pods only when somebody deletes them"
        if owner := one.get("owner"):
            return f"{name} belongs to a {owner['controller']} ({owner['mark']})"
    return ""


def _left(
    found: Compared, cluster: str, pair: tuple[FederatedCredential, ServiceAccountRef], why: str
) -> None:
    trust, old = pair
    where = f"{cluster} {old['namespace']}/{old['name']}"
    found.find(
        "not-rotated",
        "medium",
        (f"{trust['issuer']} {trust['subject']}", where),
        f"{where} keeps its trust {trust['name']}: {why}",
        f"change its source to a ServiceAccount of another name, trust that, then remove {trust['name']}",
    )


def _ask_about_rights(found: Compared, survey: Survey, accounts: list[AccountRotation]) -> None:
    """Rights inside the cluster name the old ServiceAccounts: pods under the new ones would be without."""
    named = [one for one in survey["bindings"] if not str(one["via"]).startswith("group ")]
    if not named or not accounts:
        return
    cluster = survey["cluster"]["name"]
    which = ", ".join(
        f"{one['kind']} {one['namespace'] or ''}/{one['name']} ({one['role']})" for one in named
    )
    new = ", ".join(f"{one['old']['namespace']}/{one['new_name']}" for one in accounts)
    found.confirmations.append(
        {
            "key": f"rights:{cluster}",
            "text": f"in {cluster} {which} names ServiceAccounts that are replaced: give {new} the same before, or "
            "their pods lose what it allows them",
        }
    )


def _ask_about_stops(found: Compared, cluster: str, running: list[WorkloadRef]) -> None:
    """What stops its old pods before it starts new ones is down for as long."""
    for one in running:
        if one.get("update_strategy") == "Recreate" and one["replicas"]:
            where = f"{cluster}/{one['namespace']}/{one['kind']}/{one['name']}"
            found.confirmations.append(
                {
                    "key": f"stops:{where}",
                    "text": f"{where} has the strategy Recreate: it is down while its pods are replaced",
                }
            )


def _headroom(found: Compared, seen: Seen, clusters: list[ClusterRotation]) -> None:
    """Old and new trusts of a cluster are there side by side; those of the clusters before are gone by then."""
    count = len(seen["trusts"])
    for cluster in clusters:
        migrated = sum(one["new_trust"] is not None for one in cluster["migrations"])
        needed = len(cluster["accounts"]) + migrated
        if count + needed > MOST:
            found.blocked.append(
                f"{cluster['ref']['name']} needs room for {needed} trusts beside {count}; Entra allows {MOST}: remove "
                "what is unused first, or rotate with fewer ServiceAccounts in one identity"
            )
            return
        count += migrated
