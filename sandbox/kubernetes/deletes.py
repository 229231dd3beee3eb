"""Deleting: preconditions, grace, finalizers, and what becomes of dependents.

Faithful    which kinds answer with the object and which with a Status; grace of scheduled pods; propagation policies
Source      https://kubernetes.io/docs/concepts/architecture/garbage-collection/
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sandbox.kubernetes import dependents
from sandbox.kubernetes.field_problems import not_supported
from sandbox.kubernetes.kind import Kind
from sandbox.kubernetes.names import timestamp
from sandbox.kubernetes.statuses import bad_request, invalid, precondition_failed, success
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

FOREGROUND = "foregroundDeletion"


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """`metav1.DeleteOptions`, from the body or else from the query."""

    grace_s: int | None = None
    propagation: str = ""  # Background, Foreground, Orphan; "": the kind's default
    uid: str = ""
    resource_version: str = ""
    dry_run: bool = False


def options(body: Any, query: dict[str, str], *, dry_run: bool) -> DeleteOptions:
    """Read the options of a delete, from its body or, where it has none, from its query. Raises `StatusError` 400."""
    has_body = isinstance(body, dict)
    stated: Json = body if has_body else dict(query)
    _check_options(stated, has_body=has_body)
    grace = stated.get("gracePeriodSeconds")
    if grace is not None and not str(grace).lstrip("-").isdigit():
        raise bad_request(f'strconv.ParseInt: parsing "{grace}": invalid syntax')
    preconditions = stated.get("preconditions") or {}
    orphan = stated.get("orphanDependents")
    older = {"true": "Orphan", "false": "Background"}.get(str(orphan).lower(), "")
    return DeleteOptions(
        grace_s=None if grace is None else max(int(grace), 0),
        propagation=stated.get("propagationPolicy") or older,
        uid=preconditions.get("uid") or "",
        resource_version=preconditions.get("resourceVersion") or "",
        dry_run="All" in (stated.get("dryRun") or []) if has_body else dry_run,
    )


def _check_options(stated: Json, *, has_body: bool) -> None:
    """Raises `StatusError` 422."""
    policy = stated.get("propagationPolicy")
    found = []
    if policy and policy not in _POLICIES:
        found.append(not_supported("propagationPolicy", policy, _POLICIES))
    dry_run = stated.get("dryRun") if has_body else None  # in a query, it is the writer's to judge
    if dry_run and dry_run != ["All"]:
        found.append(not_supported("dryRun", str(dry_run), ("All",)))
    if found:
        raise invalid(_OPTIONS, "", found)


_POLICIES = ("Background", "Foreground", "Orphan")
_OPTIONS = Kind("meta.k8s.io", "deleteoptions", "DeleteOptions")


def delete(cluster: "Cluster", kind: Kind, value: Json, wanted: DeleteOptions) -> Json:
    """Delete one object and return the answer's body. Raises `StatusError` 409."""
    about = value["metadata"]
    _check(kind, about, wanted)
    gone = _success_or_object(kind, value)
    if wanted.dry_run:
        return gone
    if wanted.propagation == "Orphan" or (kind.plural == "jobs" and not wanted.propagation):
        dependents.orphan(cluster, about["uid"])
    if kind.plural == "namespaces":
        return _terminate(cluster, kind, value)
    if wanted.propagation == "Foreground" and dependents.of(cluster, about["uid"]):
        about["finalizers"] = [*about.get("finalizers", []), FOREGROUND]
        return _mark(cluster, kind, value, 0)
    if about.get("finalizers"):
        return _mark(cluster, kind, value, 0)
    grace = _grace(kind, value, wanted)
    if grace:
        return _mark(cluster, kind, value, grace)
    removed = cluster.store.remove(kind, about.get("namespace", ""), about["name"])
    return removed if removed is not None and kind.answers_delete_with_object else gone


def _check(kind: Kind, about: Json, wanted: DeleteOptions) -> None:
    name = about["name"]
    if wanted.uid and wanted.uid != about["uid"]:
        raise precondition_failed(kind, name, "uid", wanted.uid, about["uid"])
    if wanted.resource_version and wanted.resource_version != about["resourceVersion"]:
        found = about["resourceVersion"]
        raise precondition_failed(kind, name, "resourceVersion", wanted.resource_version, found)


def _grace(kind: Kind, value: Json, wanted: DeleteOptions) -> int:
    """Seconds that a pod has to end: none for one that never got a node, or has ended."""
    if kind.plural != "pods" or not value["spec"].get("nodeName"):
        return 0
    if value["status"].get("phase") in ("Succeeded", "Failed"):
        return 0
    default: int = value["spec"].get("terminationGracePeriodSeconds", 30)
    return default if wanted.grace_s is None else wanted.grace_s


def _mark(cluster: "Cluster", kind: Kind, value: Json, grace_s: int) -> Json:
    """Set deletionTimestamp; a second delete may only shorten the grace."""
    about = value["metadata"]
    before = about.get("deletionGracePeriodSeconds")
    if about.get("deletionTimestamp") and (before is None or before <= grace_s):
        return value
    about["deletionTimestamp"] = timestamp(cluster.now() + timedelta(seconds=grace_s))
    about["deletionGracePeriodSeconds"] = grace_s
    if kind.counts_generation:
        about["generation"] = about.get("generation", 0) + 1
    return cluster.store.write(kind, value)


def _terminate(cluster: "Cluster", kind: Kind, value: Json) -> Json:
    if value["metadata"].get("deletionTimestamp"):
        return value
    value["metadata"]["deletionTimestamp"] = timestamp(cluster.now())
    value["status"]["phase"] = "Terminating"
    return cluster.store.write(kind, value)


def _success_or_object(kind: Kind, value: Json) -> Json:
    if kind.answers_delete_with_object:
        return value
    return success(kind, value["metadata"]["name"], value["metadata"]["uid"])
