"""What the API server decides between authorization and storage: plugins, then the identity webhook.

Simulates   NamespaceLifecycle, ServiceAccount, DefaultTolerationSeconds, Priority, and the mutating webhook of
            azure-workload-identity
Left out    quotas, limit ranges, pod security, other webhooks
Source      https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/
"""

from typing import TYPE_CHECKING

from sandbox.kubernetes import storage_defaults, workload_identity
from sandbox.kubernetes.kind import Kind
from sandbox.kubernetes.kinds import stored
from sandbox.kubernetes.names import suffix
from sandbox.kubernetes.statuses import forbidden, not_found
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

_TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - a path
# Not 3600, so that the API server knows a token that a kubelet asked for by itself.
# https://github.com/kubernetes/kubernetes/blob/master/plugin/pkg/admission/serviceaccount/admission.go
_BOUND_TOKEN_S = 3607
_TOLERATED_SECONDS = 300


def admit(cluster: "Cluster", kind: Kind, value: Json) -> None:
    """Change a new object in place, or refuse it with `StatusError`."""
    if kind.namespaced:
        _check_namespace(cluster, kind, value)
    if kind.plural == "persistentvolumes":
        storage_defaults.protect(value, storage_defaults.PV_PROTECTION)
    elif kind.plural == "persistentvolumeclaims":
        storage_defaults.protect(value, storage_defaults.PVC_PROTECTION)
    elif kind.plural == "pods":
        account = _check_account(cluster, kind, value)
        _mount_token(value, account)
        _add_tolerations(value["spec"])
        value["spec"].setdefault("priority", 0)
        value["spec"].setdefault("preemptionPolicy", "PreemptLowerPriority")
        workload_identity.mutate(cluster, value, account)


def _check_namespace(cluster: "Cluster", kind: Kind, value: Json) -> None:
    name = value["metadata"].get("namespace", "")
    namespaces = stored("namespaces")
    namespace = cluster.store.get(namespaces, "", name)
    if namespace is None:
        raise not_found(namespaces, name)
    if namespace["metadata"].get("deletionTimestamp"):
        cause = {
            "reason": "NamespaceTerminating",
            "message": f"namespace {name} is being terminated",
            "field": "metadata.namespace",
        }
        why = f"unable to create new content in namespace {name} because it is being terminated"
        raise forbidden(kind, value["metadata"].get("name", ""), why, [cause])


def _check_account(cluster: "Cluster", kind: Kind, pod: Json) -> Json:
    spec = pod["spec"]
    name = spec.setdefault("serviceAccountName", "default")
    spec["serviceAccount"] = name
    namespace = pod["metadata"]["namespace"]
    account = cluster.store.get(stored("serviceaccounts"), namespace, name)
    if account is None:
        why = (
            f"error looking up service account {namespace}/{name}: "
            f'serviceaccount "{name}" not found'
        )
        raise forbidden(kind, _called(pod), why)
    if account.get("imagePullSecrets") and not spec.get("imagePullSecrets"):
        spec["imagePullSecrets"] = account["imagePullSecrets"]
    return account


def _called(pod: Json) -> str:
    return str(pod["metadata"].get("name") or pod["metadata"].get("generateName", ""))


def _mount_token(pod: Json, account: Json) -> None:
    """Add the kube-api-access volume, unless the pod or else its account says no."""
    spec = pod["spec"]
    wanted = spec.get(
        "automountServiceAccountToken", account.get("automountServiceAccountToken", True)
    )
    containers = [*spec.get("initContainers", []), *spec.get("containers", [])]
    without = [
        container
        for container in containers
        if all(mount.get("mountPath") != _TOKEN_PATH for mount in container.get("volumeMounts", []))
    ]
    if not wanted or not without:
        return
    name = f"kube-api-access-{suffix()}"
    for container in without:
        mounts = container.setdefault("volumeMounts", [])
        mounts.append({"name": name, "readOnly": True, "mountPath": _TOKEN_PATH})
    field = {"apiVersion": "v1", "fieldPath": "metadata.namespace"}
    sources = [
        {"serviceAccountToken": {"expirationSeconds": _BOUND_TOKEN_S, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": field}]}},
    ]
    spec.setdefault("volumes", []).append(
        {"name": name, "projected": {"sources": sources, "defaultMode": 420}}
    )


def _add_tolerations(spec: Json) -> None:
    tolerations = spec.setdefault("tolerations", [])
    for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"):
        if all(each.get("key") != key for each in tolerations):
            tolerations.append(
                {
                    "key": key,
                    "operator": "Exists",
                    "effect": "NoExecute",
                    "tolerationSeconds": _TOLERATED_SECONDS,
                }
            )
