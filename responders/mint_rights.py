"""Responder: who may request tokens of ServiceAccounts: each can sign in as what these federate into.

Stops    nothing: it reports
Leaves   rights that come from outside Kubernetes RBAC: Azure RBAC for Kubernetes, a node's own for the pods that it
         runs, and whoever may create pods in the namespace and so run as any of its ServiceAccounts
Undo     none needed
Needs    roles.rbac.authorization.k8s.io: list; clusterroles.rbac.authorization.k8s.io: list;
         rolebindings.rbac.authorization.k8s.io: list; clusterrolebindings.rbac.authorization.k8s.io: list
Source   https://kubernetes.io/docs/concepts/security/rbac-good-practices/#token-request
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from responders.inventories import Inventory
from responders.kube import Kube
from responders.kube_requests import path_of
from responders.model import Json, ServiceAccountRef

# Whoever has one of these has the cluster; every cluster has them.
# https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings
_EVERYBODY = ("system:authenticated", "system:unauthenticated", "system:serviceaccounts")

_PLURALS = ("roles", "clusterroles", "rolebindings", "clusterrolebindings")


@dataclass(frozen=True, slots=True)
class Rbac:
    """What RBAC says in one cluster, as listed."""

    roles: Sequence[Json]
    cluster_roles: Sequence[Json]
    bindings: Sequence[Json]
    cluster_bindings: Sequence[Json]


def find(
    inventory: Inventory, accounts: Sequence[ServiceAccountRef], *, ours: str
) -> list[Json] | None:
    """`holders` of this cluster. A cluster that does not say is one where anybody may: None.

    `ours` is Firebreak's object id, which requests tokens as its proof.
    """
    if not accounts:
        return []
    if not {"roles", "clusterroles"} <= inventory.objects.keys():
        return None
    rbac = Rbac(*(inventory.of(plural) for plural in _PLURALS))
    return holders(rbac, accounts, ours=ours)


async def ask(kube: Kube, accounts: Sequence[ServiceAccountRef], *, ours: str) -> list[Json]:
    """`holders` as they are at this moment. Raises where the cluster does not say."""
    lists = await asyncio.gather(*(kube.list_all(path_of(one)) for one in _PLURALS))
    return holders(Rbac(*lists), accounts, ours=ours)


def holders(rbac: Rbac, accounts: Sequence[ServiceAccountRef], *, ours: str) -> list[Json]:
    """Each subject that may request a token of one of the accounts, with the binding that lets it. Pure.

    Kubernetes' own components and Firebreak are left out.
    """
    rules = {("ClusterRole", None, one["metadata"]["name"]): one for one in rbac.cluster_roles}
    rules |= {
        ("Role", one["metadata"]["namespace"], one["metadata"]["name"]): one for one in rbac.roles
    }
    found: dict[tuple[str, str], Json] = {}
    for kind, bindings in (
        ("RoleBinding", rbac.bindings),
        ("ClusterRoleBinding", rbac.cluster_bindings),
    ):
        for binding in bindings:
            where = binding["metadata"].get("namespace") if kind == "RoleBinding" else None
            named = binding["roleRef"]
            role = rules.get(
                (named["kind"], where if named["kind"] == "Role" else None, named["name"])
            )
            if role is None or not _reaches(role, where, accounts):
                continue
            for subject in binding.get("subjects") or []:
                if _counts(subject, ours):
                    one = _holder(kind, binding, subject)
                    found.setdefault((one["who"], one["binding"]), one)
    return sorted(found.values(), key=lambda one: (one["who"], one["binding"]))


def _reaches(role: Json, where: str | None, accounts: Iterable[ServiceAccountRef]) -> bool:
    """Whether a rule lets its holder create the token subresource of one of the accounts."""
    names = {one["name"] for one in accounts if where in (None, one["namespace"])}
    return any(
        _has(rule, "apiGroups", "")
        and _has(rule, "verbs", "create")
        and _is_token(rule.get("resources") or [])
        # A rule for certain names lets nobody create, but for subresources: there the object's name is known.
        and (not rule.get("resourceNames") or names.intersection(rule["resourceNames"]))
        for rule in role.get("rules") or []
        if names
    )


def _has(rule: Json, part: str, wanted: str) -> bool:
    return any(one in ("*", wanted) for one in rule.get(part) or [])


def _is_token(resources: Iterable[str]) -> bool:
    # https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources
    return any(one in ("*", "serviceaccounts/token", "*/token") for one in resources)


def _counts(subject: Json, ours: str) -> bool:
    name = str(subject.get("name"))
    match subject.get("kind"):
        case "ServiceAccount":
            # Whoever runs as one of these owns the cluster by other ways, and every cluster has them.
            return subject.get("namespace") != "kube-system"
        case "Group":
            return not name.startswith("system:") or name.startswith(_EVERYBODY)
        case _:
            return not name.startswith("system:") and name.lower() != ours.lower()


def _holder(kind: str, binding: Json, subject: Json) -> Json:
    namespace = binding["metadata"].get("namespace")
    name = binding["metadata"]["name"]
    who = f"{subject['kind']} {subject.get('namespace', '')}/{subject['name']}".replace(" /", " ")
    scope = f" -n {namespace}" if namespace else ""
    account = f"system:serviceaccount:{subject.get('namespace')}:{subject['name']}"
    return {
        "who": who,
        # As the audit log would name it; a group signs nothing.
        "user": {"ServiceAccount": account, "User": subject["name"]}.get(subject["kind"], ""),
        "binding": f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}",
        "created": binding["metadata"].get("creationTimestamp"),
        "by_hand": f"kubectl{scope} delete {kind.lower()} {name}",
    }
