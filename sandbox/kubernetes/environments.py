"""The environment that a pod's code runs in: resolved when its first container starts, and not again.

Faithful    literals, ConfigMaps and Secrets, whole (`envFrom`) or by key; `env` wins over `envFrom`; a change of a
            ConfigMap reaches only pods that start after it
Left out    fields of the pod, files, every container but the first
Source      https://kubernetes.io/docs/tasks/configure-pod-container/configure-pod-configmap/
"""

import base64
from typing import TYPE_CHECKING

from sandbox.kubernetes.kinds import stored
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

_MAPS, _SECRETS = stored("configmaps"), stored("secrets")


class Environments:
    """By pod uid."""

    def __init__(self, cluster: "Cluster") -> None:
        self._cluster = cluster
        self._resolved: dict[str, dict[str, str]] = {}

    def start(self, pod: Json) -> None:
        """The pod's containers start."""
        self._resolved[pod["metadata"]["uid"]] = _resolve(self._cluster, pod)

    def of(self, pod: Json) -> dict[str, str]:
        """What the first container sees; what it would see, where the pod has not started."""
        found = self._resolved.get(pod["metadata"]["uid"])
        return found if found is not None else _resolve(self._cluster, pod)

    def snapshot(self) -> dict[str, dict[str, str]]:
        """All of it, for an equal cluster."""
        return dict(self._resolved)

    def restore(self, past: dict[str, dict[str, str]]) -> None:
        """Begin from there."""
        self._resolved = dict(past)


def _resolve(cluster: "Cluster", pod: Json) -> dict[str, str]:
    namespace, container = pod["metadata"]["namespace"], pod["spec"]["containers"][0]
    found: dict[str, str] = {}
    for source in container.get("envFrom", []):
        prefix = source.get("prefix", "")
        data = _config(cluster, namespace, source.get("configMapRef"))
        data |= _secret(cluster, namespace, source.get("secretRef"))
        found |= {prefix + name: value for name, value in data.items()}
    for variable in container.get("env", []):
        value = variable.get("value", "")
        by_key = variable.get("valueFrom", {})
        if reference := by_key.get("configMapKeyRef"):
            value = _config(cluster, namespace, reference).get(reference["key"], "")
        elif reference := by_key.get("secretKeyRef"):
            value = _secret(cluster, namespace, reference).get(reference["key"], "")
        found[variable["name"]] = value
    return found


def _config(cluster: "Cluster", namespace: str, reference: Json | None) -> dict[str, str]:
    found = cluster.store.get(_MAPS, namespace, reference["name"]) if reference else None
    return dict((found or {}).get("data", {}))


def _secret(cluster: "Cluster", namespace: str, reference: Json | None) -> dict[str, str]:
    found = cluster.store.get(_SECRETS, namespace, reference["name"]) if reference else None
    data = (found or {}).get("data", {})
    return {name: base64.b64decode(value).decode() for name, value in data.items()}
