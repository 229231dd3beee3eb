"""Responder: who comes by tokens of ServiceAccounts in a cluster: each can sign in as what these federate into.

Stops    nothing: it reports
Leaves   rights that come from outside Kubernetes RBAC: `cluster_access` has Azure's, a node's own are for the pods that
         it runs
Undo     none needed
Needs    NEEDS, below
Source   https://kubernetes.io/docs/concepts/security/rbac-good-practices/#privilege-escalation-risks
         https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources
"""

import asyncio
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from typing import Final, Literal

from responders.inventories import Inventory
from responders.kube import Kube
from responders.kube_requests import path_of
from responders.model import Json, ServiceAccountRef
from responders.needs import RBAC, Needs, on_each

# Whoever has one of these has the cluster; every cluster has them.
# https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings
_EVERYBODY = ("system:authenticated", "system:unauthenticated", "system:serviceaccounts")

_PLURALS = ("roles", "clusterroles", "rolebindings", "clusterrolebindings")
NEEDS: Final = Needs(
    cluster=(*on_each(RBAC, ("list",), "who may request tokens of ServiceAccounts", ("ask",)),),
)


@dataclass(frozen=True, slots=True)
class Rbac:
    """What RBAC says in one cluster, as listed."""

    roles: Sequence[Json]
    cluster_roles: Sequence[Json]
    bindings: Sequence[Json]
    cluster_bindings: Sequence[Json]


def find(
    inventory: Inventory, accounts: Sequence[ServiceAccountRef], *, ours: Set[str]
) -> list[Json] | None:
    """`holders` of this cluster. A cluster that does not say is one where anybody may: None.

    `ours` are Firebreak's object ids: it requests tokens as its proof.
    """
    if not accounts:
        return []
    if not {"roles", "clusterroles"} <= inventory.objects.keys():
        return None
    rbac = Rbac(*(inventory.of(plural) for plural in _PLURALS))
    return holders(rbac, accounts, ours=ours)


async def ask(kube: Kube, accounts: Sequence[ServiceAccountRef], *, ours: Set[str]) -> list[Json]:
    """`holders` as they are at this moment. Raises where the cluster does not say."""
    lists = await asyncio.gather(*(kube.list_all(path_of(one)) for one in _PLURALS))
    return holders(Rbac(*lists), accounts, ours=ours)


def holders(rbac: Rbac, accounts: Sequence[ServiceAccountRef], *, ours: Set[str]) -> list[Json]:
    """Each subject that comes by a token of one of the accounts: how, and by which binding. Pure.

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
            ways = _ways(role, where, accounts) if role is not None else []
            for subject in (binding.get("subjects") or []) if ways else []:
                if _counts(subject, ours):
                    one = _holder(kind, binding, subject, ways)
                    found.setdefault((one["who"], one["binding"]), one)
    return sorted(found.values(), key=lambda one: (one["who"], one["binding"]))


@dataclass(frozen=True, slots=True)
class _Way:
    """One right that comes by tokens. `named`: whether a rule for certain names gives it, and of which."""

    how: str
    group: str
    resources: frozenset[str]
    verbs: frozenset[str]
    named: Literal["no", "accounts", "any"] = "no"


_CHANGING = frozenset({"create", "update", "patch"})
_APPS = frozenset({"deployments", "statefulsets", "daemonsets", "replicasets"})
_WAYS = (
    # A rule for certain names lets nobody create, but for subresources: there the object's name is known.
    _Way(
        "requests tokens",
        "",
        frozenset({"serviceaccounts/token"}),
        frozenset({"create"}),
        "accounts",
    ),
    _Way(
        "acts as ServiceAccounts",
        "",
        frozenset({"serviceaccounts"}),
        frozenset({"impersonate"}),
        "accounts",
    ),
    _Way("acts as anybody", "", frozenset({"users", "groups"}), frozenset({"impersonate"})),
    _Way("runs pods", "", frozenset({"pods", "replicationcontrollers"}), frozenset({"create"})),
    _Way("runs pods", "apps", _APPS, _CHANGING),
    _Way("runs pods", "batch", frozenset({"jobs", "cronjobs"}), _CHANGING),
    _Way("runs pods", "argoproj.io", frozenset({"rollouts"}), _CHANGING),
    _Way("gets into pods", "", frozenset({"pods/exec", "pods/attach"}), _CHANGING | {"get"}, "any"),
    _Way("gets into pods", "", frozenset({"pods/ephemeralcontainers"}), _CHANGING, "any"),
    _Way(
        "gives itself any right",
        "rbac.authorization.k8s.io",
        frozenset({"roles", "clusterroles"}),
        frozenset({"bind", "escalate"}),
    ),
)


def _ways(role: Json, where: str | None, accounts: Iterable[ServiceAccountRef]) -> list[str]:
    """How the holder of this role comes by tokens of the accounts; each way once."""
    names = {one["name"] for one in accounts if where in (None, one["namespace"])}
    if not names:
        return []
    rules = role.get("rules") or []
    found = [way.how for way in _WAYS if any(_gives(rule, way, names) for rule in rules)]
    return list(dict.fromkeys(found))


def _gives(rule: Json, way: _Way, names: set[str]) -> bool:
    resources, verbs = set(rule.get("resources") or []), set(rule.get("verbs") or [])
    subresources = {f"*/{one.partition('/')[2]}" for one in way.resources if "/" in one}
    only = set(rule.get("resourceNames") or [])
    return (
        bool({"*", way.group} & set(rule.get("apiGroups") or []))
        and bool({"*", *way.verbs} & verbs)
        and bool({"*", *way.resources, *subresources} & resources)
        and (not only or way.named == "any" or (way.named == "accounts" and bool(names & only)))
    )


def _counts(subject: Json, ours: Set[str]) -> bool:
    name = str(subject.get("name"))
    match subject.get("kind"):
        case "ServiceAccount":
            # Whoever runs as one of these owns the cluster by other ways, and every cluster has them.
            return subject.get("namespace") != "kube-system"
        case "Group":
            return not name.startswith("system:") or name.startswith(_EVERYBODY)
        case _:
            return not name.startswith("system:") and name.lower() not in ours


def _holder(kind: str, binding: Json, subject: Json, ways: Sequence[str]) -> Json:
    namespace = binding["metadata"].get("namespace")
    name = binding["metadata"]["name"]
    who = f"{subject['kind']} {subject.get('namespace', '')}/{subject['name']}".replace(" /", " ")
    scope = f" -n {namespace}" if namespace else ""
    account = f"system:serviceaccount:{subject.get('namespace')}:{subject['name']}"
    return {
        "who": who,
        # As the audit log would name it; a group signs nothing.
        "user": {"ServiceAccount": account, "User": subject["name"]}.get(subject["kind"], ""),
        "how": ", ".join(ways),
        "binding": f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}",
        "created": binding["metadata"].get("creationTimestamp"),
        "by_hand": f"kubectl{scope} delete {kind.lower()} {name}",
    }
