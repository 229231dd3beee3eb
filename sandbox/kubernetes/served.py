"""What one cluster serves: the built-in resources, and those of its CustomResourceDefinitions."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sandbox.kubernetes import definitions
from sandbox.kubernetes.kind import Kind
from sandbox.kubernetes.kinds import KINDS, POD_METRICS, stored

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

_BUILT_IN = {(kind.group, kind.plural): kind for kind in KINDS}
_BUILT_IN_BY_KIND = {(kind.api_version, kind.kind): kind for kind in KINDS}
BUILT_IN_GROUPS = frozenset(kind.group for kind in KINDS)
_DEFINITIONS = stored("customresourcedefinitions")


def custom(cluster: "Cluster") -> Iterator[Kind]:
    """The resources of its definitions."""
    for definition in cluster.store.peek(_DEFINITIONS):
        if not definition["metadata"].get("deletionTimestamp"):
            yield definitions.kind_of(definition)


def kinds(cluster: "Cluster") -> list[Kind]:
    """Everything that the cluster serves."""
    measured = [] if cluster.metrics == "absent" else [POD_METRICS]
    return [*KINDS, *measured, *custom(cluster)]


def group_versions(cluster: "Cluster") -> list[tuple[str, str]]:
    """Each group with its version, the core group first."""
    return list(dict.fromkeys((kind.group, kind.version) for kind in kinds(cluster)))


def by_resource(cluster: "Cluster", group: str, plural: str) -> Kind | None:
    """The resource with this plural, or None where the group has no such resource here."""
    found = _BUILT_IN.get((group, plural))
    if found is not None or group in BUILT_IN_GROUPS:
        return found
    if group == POD_METRICS.group:
        return POD_METRICS if plural == "pods" and cluster.metrics != "absent" else None
    return next(
        (each for each in custom(cluster) if (each.group, each.plural) == (group, plural)), None
    )


def by_kind(cluster: "Cluster", api_version: str, kind: str) -> Kind | None:
    """The resource of objects with this apiVersion and kind."""
    found = _BUILT_IN_BY_KIND.get((api_version, kind))
    if found is not None:
        return found
    return next(
        (each for each in custom(cluster) if (each.api_version, each.kind) == (api_version, kind)),
        None,
    )


def by_plural(cluster: "Cluster", plural: str) -> Kind | None:
    """A resource by its plural alone, for seeds."""
    return next((each for each in kinds(cluster) if each.plural == plural), None)
