"""What a new AKS cluster holds before anybody has used it.

Left out    aggregation of the user-facing roles, most of the system roles
Source      https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings
"""

import base64
from typing import TYPE_CHECKING

from sandbox.kubernetes import workload_identity
from sandbox.kubernetes.identity import AUTHENTICATED
from sandbox.kubernetes.kinds import stored
from sandbox.kubernetes.rbac import MASTERS
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

VERSION = "v1.34.9"
_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")
_READ = ["get", "list", "watch"]
_WRITE = ["create", "delete", "deletecollection", "patch", "update"]
_WORKLOADS = ["daemonsets", "deployments", "deployments/scale", "replicasets", "statefulsets",
              "replicasets/scale", "statefulsets/scale"]  # fmt: skip
_PLAIN = ["configmaps", "events", "pods", "pods/log", "pods/status", "serviceaccounts", "services"]
_DISCOVERY = ["/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*", "/healthz", "/livez",
              "/readyz", "/version", "/version/"]  # fmt: skip
_PUBLIC = ["/healthz", "/livez", "/readyz", "/version", "/version/"]
_ISSUER = ["/.well-known/openid-configuration", "/.well-known/openid-configuration/",
           "/openid/v1/jwks", "/openid/v1/jwks/"]  # fmt: skip


def fill(cluster: "Cluster") -> None:
    """Node, namespaces, default roles, and the workload identity webhook in kube-system."""
    _seed_node(cluster)
    for name in _NAMESPACES:
        cluster.seed_namespace(name)
    _seed_roles(cluster)
    _seed_webhook(cluster)


def _seed_node(cluster: "Cluster") -> None:
    name = "aks-nodepool1-28164351-vmss000000"
    cluster.seed("nodes", {"metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}}})
    node = cluster.store.get(stored("nodes"), "", name)
    assert node is not None  # noqa: S101 - written one line above
    node["status"] = {
        "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}],
        "addresses": [{"type": "InternalIP", "address": "10.224.0.4"}],
        "nodeInfo": {
            "architecture": "amd64",
            "bootID": "b5f1f1c2-6a4e-4c1f-8f0e-2f7f7a1f0c11",
            "containerRuntimeVersion": "containerd://2.1.4",
            "kernelVersion": "6.6.104-azl3",
            "kubeProxyVersion": "",
            "kubeletVersion": VERSION,
            "machineID": "5c2e0b1fd7ab4d7c9b4a0c8d2f6e3a10",
            "operatingSystem": "linux",
            "osImage": "Microsoft Azure Linux 3.0",
            "systemUUID": "0d6c6b8e-52f0-4f0b-a0b4-8a2d9f5c7e21",
        },
    }
    cluster.store.write(stored("nodes"), node)


def _rule(groups: list[str], resources: list[str], verbs: list[str]) -> Json:
    return {"apiGroups": groups, "resources": resources, "verbs": verbs}


def _urls(urls: list[str]) -> Json:
    return {"nonResourceURLs": urls, "verbs": ["get"]}


def _seed_roles(cluster: "Cluster") -> None:
    every = _rule(["*"], ["*"], ["*"])
    view = [
        _rule([""], [*_PLAIN, "namespaces", "persistentvolumeclaims"], _READ),
        _rule(["autoscaling"], ["horizontalpodautoscalers"], _READ),
        _rule(["policy"], ["poddisruptionbudgets"], _READ),
        _rule(["apps"], _WORKLOADS, _READ),
        _rule(["batch"], ["cronjobs", "jobs"], _READ),
        _rule(["networking.k8s.io"], ["networkpolicies"], _READ),
    ]
    edit = [
        *view,
        _rule([""], [*_PLAIN, "persistentvolumeclaims", "secrets"], _WRITE),
        _rule([""], ["pods/eviction", "pods/exec"], ["create"]),
        _rule(["autoscaling"], ["horizontalpodautoscalers"], _WRITE),
        _rule(["policy"], ["poddisruptionbudgets"], _WRITE),
        _rule([""], ["secrets"], _READ),
        _rule([""], ["serviceaccounts/token"], ["create"]),
        _rule([""], ["serviceaccounts"], ["impersonate"]),
        _rule(["apps"], _WORKLOADS, _WRITE),
        _rule(["batch"], ["cronjobs", "jobs"], _WRITE),
        _rule(["networking.k8s.io"], ["networkpolicies"], _WRITE),
    ]
    roles = _rule(["rbac.authorization.k8s.io"], ["rolebindings", "roles"], [*_READ, *_WRITE])
    ask = _rule(["authorization.k8s.io"],
                ["selfsubjectaccessreviews", "selfsubjectrulesreviews"], ["create"])  # fmt: skip
    whoami = _rule(["authentication.k8s.io"], ["selfsubjectreviews"], ["create"])
    everybody = ["system:authenticated", "system:unauthenticated"]
    for name, rules, groups in (
        ("cluster-admin", [every, {"nonResourceURLs": ["*"], "verbs": ["*"]}], [MASTERS]),
        ("admin", [*edit, roles], []),
        ("edit", edit, []),
        ("view", view, []),
        ("system:basic-user", [ask, whoami], [AUTHENTICATED]),
        ("system:discovery", [_urls(_DISCOVERY)], [AUTHENTICATED]),
        ("system:public-info-viewer", [_urls(_PUBLIC)], everybody),
        (
            "system:service-account-issuer-discovery",
            [_urls(_ISSUER)],
            ["system:serviceaccounts"],
        ),
    ):
        cluster.seed_cluster_role(name, rules)
        if groups:
            subjects = [
                {"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": group}
                for group in groups
            ]
            cluster.seed_cluster_role_binding(name, role=name, subjects=subjects)


def _seed_webhook(cluster: "Cluster") -> None:
    """The add-on behind `--enable-workload-identity`."""
    namespace, labels = workload_identity.NAMESPACE, workload_identity.LABELS
    config = {"AZURE_ENVIRONMENT": "AzurePublicCloud", "AZURE_TENANT_ID": cluster.world.tenant_id}
    metadata = {"name": "azure-wi-webhook-config", "namespace": namespace, "labels": labels}
    cluster.seed("configmaps", {"metadata": metadata, "data": config})
    cluster.seed_service_account(namespace, "azure-wi-webhook-admin", labels=labels)
    container = {
        "name": "manager",
        "image": "mcr.microsoft.com/oss/v2/azure/workload-identity/webhook:v1.6.0",
        # As the Helm chart has them; the add-on's own are not documented.
        "resources": {
            "limits": {"cpu": "100m", "memory": "30Mi"},
            "requests": {"cpu": "100m", "memory": "20Mi"},
        },
    }
    _serve_webhook(cluster)
    register_webhook(cluster)
    pod = {"serviceAccountName": "azure-wi-webhook-admin", "containers": [container]}
    metadata = {"name": workload_identity.DEPLOYMENT, "namespace": namespace, "labels": labels}
    cluster.seed(
        "deployments",
        {
            "metadata": metadata,
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": pod},
            },
        },
    )


def _serve_webhook(cluster: "Cluster") -> None:
    namespace, labels = workload_identity.NAMESPACE, workload_identity.LABELS
    metadata = {"name": workload_identity.SERVICE, "namespace": namespace, "labels": labels}
    ports = [{"port": 443, "targetPort": 9443}]
    cluster.seed("services", {"metadata": metadata, "spec": {"selector": labels, "ports": ports}})


def register_webhook(cluster: "Cluster") -> None:
    """What tells the API server to ask it about every labelled pod.

    https://github.com/Azure/azure-workload-identity/tree/main/manifest_staging/charts/workload-identity-webhook
    """
    namespace, labels = workload_identity.NAMESPACE, workload_identity.LABELS
    service = {"name": workload_identity.SERVICE, "namespace": namespace, "path": "/mutate-v1-pod"}
    bundle = base64.b64encode(b"of the webhook's own certificate rotation").decode()
    webhook = {
        "name": workload_identity.WEBHOOK,
        "admissionReviewVersions": ["v1", "v1beta1"],
        "clientConfig": {"service": service, "caBundle": bundle},
        "failurePolicy": "Fail",
        "matchPolicy": "Equivalent",
        "objectSelector": {"matchLabels": {"azure.workload.identity/use": "true"}},
        "reinvocationPolicy": "IfNeeded",
        "rules": [
            {
                "apiGroups": [""],
                "apiVersions": ["v1"],
                "operations": ["CREATE"],
                "resources": ["pods"],
            }
        ],
        "sideEffects": "None",
    }
    metadata = {"name": "azure-wi-webhook-mutating-webhook-configuration", "labels": labels}
    cluster.seed("mutatingwebhookconfigurations", {"metadata": metadata, "webhooks": [webhook]})
