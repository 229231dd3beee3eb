"""Authorization by the stored Role, ClusterRole, RoleBinding and ClusterRoleBinding objects.

Faithful    wildcards, subresources, resourceNames, nonResourceURLs, groups of ServiceAccounts
Left out    aggregated ClusterRoles, the check against privilege escalation when a role is written
Source      https://kubernetes.io/docs/reference/access-authn-authz/rbac/
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.kubernetes.identity import User
from sandbox.kubernetes.kind import Kind
from sandbox.kubernetes.kinds import stored
from sandbox.kubernetes.statuses import StatusError, forbidden
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

MASTERS = "system:masters"


@dataclass(frozen=True, slots=True)
class Attributes:
    """What somebody wants to do: a verb on a resource, or on a path where `resource` is empty."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def full_resource(self) -> str:
        """`pods` or `pods/log`."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


def decide(cluster: "Cluster", user: User, wanted: Attributes) -> str | None:
    """Why this is allowed, or None where no rule allows it."""
    if MASTERS in user.groups:
        return "system:masters"
    for reason, rules in grants(cluster, user, wanted.namespace):
        if any(_allows(rule, wanted) for rule in rules):
            return reason
    return None


def check(cluster: "Cluster", user: User, wanted: Attributes) -> None:
    """Raise the 403 that this user earns. It comes before existence: absent names get it as well."""
    if decide(cluster, user, wanted) is not None:
        return
    raise refusal(user, wanted)


def refusal(user: User, wanted: Attributes) -> StatusError:
    """The 403, worded as upstream."""
    if not wanted.resource:
        message = f'forbidden: User "{user.name}" cannot {wanted.verb} path "{wanted.path}"'
        return StatusError(403, "Forbidden", message, details={}, headers=_NO_SNIFF)
    where = f'in the namespace "{wanted.namespace}"' if wanted.namespace else "at the cluster scope"
    why = (
        f'User "{user.name}" cannot {wanted.verb} resource "{wanted.full_resource}" in API group '
        f'"{wanted.group}" {where}'
    )
    kind = Kind(wanted.group, wanted.resource, wanted.resource)
    error = forbidden(kind, wanted.name, why)
    error.headers.update(_NO_SNIFF)
    return error


_NO_SNIFF = {"X-Content-Type-Options": "nosniff"}


def grants(cluster: "Cluster", user: User, namespace: str) -> Iterator[tuple[str, list[Json]]]:
    """The rules that bind this user cluster-wide and in this namespace, each with its reason."""
    for binding in cluster.store.peek(stored("clusterrolebindings")):
        if (subject := _subject(binding, user)) is not None:
            yield _reason("ClusterRoleBinding", binding, subject), _rules(cluster, binding)
    if not namespace:
        return
    for binding in cluster.store.peek(stored("rolebindings"), namespace):
        if (subject := _subject(binding, user)) is not None:
            yield _reason("RoleBinding", binding, subject), _rules(cluster, binding)


def _subject(binding: Json, user: User) -> str | None:
    for subject in binding.get("subjects", []):
        name = subject["name"]
        match subject["kind"]:
            case "User" if name == user.name:
                return f'User "{name}"'
            case "Group" if name in user.groups:
                return f'Group "{name}"'
            case "ServiceAccount":
                namespace = subject.get("namespace", "")
                if user.name == f"system:serviceaccount:{namespace}:{name}":
                    return f'ServiceAccount "{name}/{namespace}"'
    return None


def _reason(kind: str, binding: Json, subject: str) -> str:
    about, role = binding["metadata"], binding["roleRef"]
    name = f"{about['name']}/{about['namespace']}" if kind == "RoleBinding" else about["name"]
    return f'RBAC: allowed by {kind} "{name}" of {role["kind"]} "{role["name"]}" to {subject}'


def _rules(cluster: "Cluster", binding: Json) -> list[Json]:
    role = binding["roleRef"]
    if role["kind"] == "ClusterRole":
        found = cluster.store.get(stored("clusterroles"), "", role["name"])
    else:
        namespace = binding["metadata"]["namespace"]
        found = cluster.store.get(stored("roles"), namespace, role["name"])
    return list((found or {}).get("rules") or [])


def _allows(rule: Json, wanted: Attributes) -> bool:
    if not _has(rule.get("verbs", []), wanted.verb):
        return False
    if not wanted.resource:
        return any(_covers(url, wanted.path) for url in rule.get("nonResourceURLs", []))
    names = rule.get("resourceNames", [])
    return (
        _has(rule.get("apiGroups", []), wanted.group)
        and _has_resource(rule.get("resources", []), wanted)
        and (not names or wanted.name in names)
    )


def _has(values: list[str], wanted: str) -> bool:
    return "*" in values or wanted in values


def _has_resource(values: list[str], wanted: Attributes) -> bool:
    if "*" in values or wanted.full_resource in values:
        return True
    return bool(wanted.subresource) and f"*/{wanted.subresource}" in values


def _covers(url: str, path: str) -> bool:
    return url == path or (url.endswith("*") and path.startswith(url.removesuffix("*")))
