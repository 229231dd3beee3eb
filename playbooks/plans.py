"""What a rebuild would do, drawn up from the snapshot and the clusters' answers. Pure: no I/O, no clock.

Which parts of the old identity come back is decided in `known_good.py`, `known_grants.py` and
`known_permissions.py`; everything else is listed, each with its reason.
"""

from playbooks import (
    consent_rules,
    irreversible,
    known_good,
    known_grants,
    known_permissions,
    not_copied,
    refederation,
)
from playbooks.known import Known, is_old
from playbooks.known_good import AUDIENCE, NOTHING, UNUSED
from playbooks.orders import Json
from playbooks.plan_model import ClusterPlan, LeftOut, Plan
from playbooks.vectors import UNSEEN, Judgement
from responders.evidence import canonical, digest
from responders.model import Incident, PrincipalKind, RebuiltKind
from responders.snapshots import Snapshot
from responders.surveys import Survey

__all__ = [
    "AUDIENCE",
    "ClusterPlan",
    "LeftOut",
    "Plan",
    "draw",
    "not_rebuilt",
    "plan_hash",
    "suffix",
]
_SHOWN = 10  # of what a person has to look at, in one sentence
_SA_LIMIT = 253  # of a ServiceAccount name
_APPLICATION_LIMIT = 256  # of an application's display name
# https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules#microsoftmanagedidentity
_IDENTITY_LIMIT = 128


_NOT_REBUILT: dict[PrincipalKind, str] = {
    "foreign_application": "its application is another tenant's: its owner makes a new one, and this tenant consents",
    "application_without_principal": "nobody signs in as it: there is nothing to bring back",
    "system_assigned_identity": "it is one with its resource: give that a user-assigned identity, or "
    "switch its own off and on, which makes a new one",
    "unsupported": "Firebreak does not act on it",
}


def not_rebuilt(incident: Incident) -> str | None:
    """Why nothing takes the place of this kind of principal; None where Firebreak makes a successor."""
    reason = _NOT_REBUILT.get(incident["principal"]["kind"])
    return reason and f"not rebuilt: {reason}"


def suffix(incident: Incident) -> str:
    """Ends every new name: the same incident makes the same names, however often a step runs."""
    return "r" + digest(incident["incident_id"].encode())[:6]


def plan_hash(plan: Plan) -> str:
    """What consent is bound to."""
    return digest(canonical(plan))


def draw(
    incident: Incident,
    snapshot: Snapshot,
    surveys: list[Survey],
    policy: Json,
    judged: Judgement = UNSEEN,
    known: Known = NOTHING,
) -> Plan:
    """The plan for this incident. The same input gives the same plan, and so the same hash."""
    keeps = refederation.keeps_subject(refederation.method_of(policy, judged))
    kind: RebuiltKind = (
        "application"
        if incident["principal"]["kind"] == "application"
        else "user_assigned_identity"
    )
    ending = suffix(incident)
    start = incident["window_start"]
    clusters = [
        _cluster_plan(survey, "" if keeps else f"-{ending}", start)
        for survey in _ordered(surveys, policy)
    ]
    chosen = refederation.choose(policy, judged, clusters)
    trusts, untrusted = known_good.trusts(snapshot, clusters, known)
    roles = known_grants.grants(snapshot, incident, policy["recovery"]["never_regrant"], known)
    app_roles = known_permissions.app_roles(snapshot, incident)
    rest, gone = known_permissions.ageless(snapshot, known)
    name = _successor_name(incident, kind, ending)
    return {
        "incident_id": incident["incident_id"],
        "kind": kind,
        "display_name": name,
        "refederation": chosen,
        "confirmations": [
            *refederation.confirmations(chosen, clusters),
            *known_good.unproven_ages(trusts, clusters, known),
        ],
        "choices": [*roles[1], *app_roles[1], *rest],
        "federated_credentials": trusts,
        "grants": roles[0],
        "app_roles": app_roles[0],
        "left_out": [
            *untrusted,
            *not_copied.credentials(snapshot, incident),
            *roles[2],
            *app_roles[2],
            *gone,
            *not_copied.of_the_object(snapshot, incident, name),
            *(left for cluster in clusters for left in known_good.newcomers(cluster)),
            *(
                left
                for cluster in clusters
                for left in known_good.bindings(cluster, start)
                if not keeps  # with its name a ServiceAccount keeps its rights
            ),
        ],
        "clusters": clusters,
        "waves": waves(clusters, policy),
        "irreversible": irreversible.of(chosen, clusters),
        "on_expiry": consent_rules.ON_EXPIRY,
    }


def waves(clusters: list[ClusterPlan], policy: Json) -> list[list[str]]:
    """Who is moved beside whom: the canary alone, then so many at once as the policy says."""
    ids = [one["survey"]["cluster"]["resource_id"] for one in clusters if one["acts"]]
    size = policy["recovery"]["wave_size"]
    rest = [ids[at : at + size] for at in range(1, len(ids), size)]
    return [ids[:1], *rest] if ids else []


def _ordered(surveys: list[Survey], policy: Json) -> list[Survey]:
    canary = policy["recovery"]["canary_cluster"]
    return sorted(
        surveys, key=lambda one: (one["cluster"]["name"] != canary, one["cluster"]["name"])
    )


def _cluster_plan(survey: Survey, ending: str, start: str) -> ClusterPlan:
    if not survey["reachable"]:
        reason = f"unreachable: {survey['reason']}"
    elif not survey["service_accounts"]:
        reason = _unnamed(survey)
    elif survey["preflight"]["status"] != "done":
        reason = f"not ready: {survey['preflight'].get('detail', '')}"
    else:
        reason = ""
    accounts = [one for one in survey["service_accounts"] if known_good.is_known_good(one, start)]
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
            if is_old(one.get("created"), start)
            and f"{one['namespace']}/{one['service_account']}" in names
        ],
        "consumers": survey.get("consumers", []),
        "new_names": names,
    }


def _unnamed(survey: Survey) -> str:
    """Why nothing is done where no ServiceAccount names it: it is not used, or known by other ways alone."""
    found = survey.get("consumers", [])
    if not found:
        return f"{UNUSED} here names the old client id"
    named = [
        f"{one['kind']} {one['namespace'] or ''}/{one['name']}{one['by_hand'] and ': '}{one['by_hand']}"
        for one in found
    ]
    more = f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
    return (
        "nothing is moved here: the old client id is named by no ServiceAccount, but by "
        f"{'; '.join(named[:_SHOWN])}{more}"
    )


def _successor_name(incident: Incident, kind: RebuiltKind, ending: str) -> str:
    """What the new one is called: an application by its display name, an identity by its resource's name."""
    principal = incident["principal"]
    if kind == "application":
        name, limit = principal["display_name"], _APPLICATION_LIMIT
    else:
        name, limit = str(principal["resource_id"]).rpartition("/")[2], _IDENTITY_LIMIT
    return f"{name[: limit - len(ending) - 1]}-{ending}"


def _new_name(old: str, ending: str) -> str:
    """`ending` is empty where the ServiceAccount keeps its name."""
    return f"{old[: _SA_LIMIT - len(ending)]}{ending}"
