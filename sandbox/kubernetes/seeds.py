"""Filling a cluster with what was there before the story begins."""

from abc import ABC, abstractmethod
from typing import Any

from sandbox.world import Json

CLIENT_ID = "azure.workload.identity/client-id"
USE = "azure.workload.identity/use"


class Seeds(ABC):
    """The `seed_...` half of a `Cluster`."""

    @abstractmethod
    def seed(self, plural: str, value: Json) -> Json:
        """Any object as an administrator would create it, settled at once: its pods are Ready."""

    def seed_namespace(self, name: str, *, labels: dict[str, str] | None = None) -> Json:
        """A namespace, with its default ServiceAccount and kube-root-ca.crt."""
        return self.seed("namespaces", {"metadata": {"name": name, "labels": labels or {}}})

    def seed_service_account(
        self,
        namespace: str,
        name: str,
        *,
        client_id: str | None = None,
        annotations: dict[str, str] | None = None,
        labels: dict[str, str] | None = None,
    ) -> Json:
        """A ServiceAccount; `client_id` becomes the workload identity annotation."""
        notes = {**({CLIENT_ID: client_id} if client_id else {}), **(annotations or {})}
        metadata = {"name": name, "namespace": namespace}
        return self.seed("serviceaccounts", {"metadata": _described(metadata, labels or {}, notes)})

    def seed_deployment(  # noqa: PLR0913 - all but the name have a default
        self,
        namespace: str,
        name: str,
        *,
        service_account: str = "default",
        replicas: int = 1,
        image: str | None = None,
        env: dict[str, str] | None = None,
        workload_identity: bool = True,
        labels: dict[str, str] | None = None,
        annotations: dict[str, str] | None = None,
    ) -> Json:
        """A Deployment of one container, rolled out. `workload_identity` labels its pods."""
        selector = {"app": name}
        pod_labels = {**selector, **({USE: "true"} if workload_identity else {})}
        container: Json = {"name": name, "image": image or f"contoso.azurecr.io/{name}:1.4.2"}
        if env:
            container["env"] = [{"name": key, "value": value} for key, value in env.items()]
        metadata = {"name": name, "namespace": namespace}
        return self.seed(
            "deployments",
            {
                "metadata": _described(metadata, {**selector, **(labels or {})}, annotations or {}),
                "spec": {
                    "replicas": replicas,
                    "selector": {"matchLabels": selector},
                    "template": {
                        "metadata": {"labels": pod_labels},
                        "spec": {"serviceAccountName": service_account, "containers": [container]},
                    },
                },
            },
        )

    def seed_cluster_role(self, name: str, rules: list[Json]) -> Json:
        """A ClusterRole. A rule is {"apiGroups": [...], "resources": [...], "verbs": [...]}."""
        return self.seed("clusterroles", {"metadata": {"name": name}, "rules": rules})

    def seed_cluster_role_binding(self, name: str, *, role: str, subjects: list[Json]) -> Json:
        """Bind a ClusterRole everywhere to what `user`, `group`, `service_account` return."""
        reference = _role_reference("ClusterRole", role)
        return self.seed(
            "clusterrolebindings",
            {"metadata": {"name": name}, "roleRef": reference, "subjects": subjects},
        )

    def seed_role(self, namespace: str, name: str, rules: list[Json]) -> Json:
        """A Role."""
        metadata = {"name": name, "namespace": namespace}
        return self.seed("roles", {"metadata": metadata, "rules": rules})

    def seed_role_binding(
        self, namespace: str, name: str, *, role: str, kind: str = "Role", subjects: list[Json]
    ) -> Json:
        """Bind a Role, or with `kind` a ClusterRole, inside one namespace."""
        metadata = {"name": name, "namespace": namespace}
        reference = _role_reference(kind, role)
        return self.seed(
            "rolebindings", {"metadata": metadata, "roleRef": reference, "subjects": subjects}
        )


def _described(metadata: Json, labels: dict[str, str], annotations: dict[str, str]) -> Json:
    described: Json = dict(metadata)
    if labels:
        described["labels"] = labels
    if annotations:
        described["annotations"] = annotations
    return described


def _role_reference(kind: str, name: str) -> dict[str, Any]:
    return {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}
