"""The resources that every cluster serves: one entry each, as discovery prints them.

What a cluster serves on top, by CustomResourceDefinitions, is in `served.py`.

Source   https://kubernetes.io/docs/reference/kubernetes-api/
"""

from sandbox.kubernetes.kind import Kind

_RBAC = "rbac.authorization.k8s.io"
_ASK = ("create",)
_SCALED = ("scale", "status")
_STATUS = ("status",)

KINDS = (
    Kind("", "configmaps", "ConfigMap", ("cm",)),
    Kind("", "events", "Event", ("ev",)),
    Kind("", "namespaces", "Namespace", ("ns",), namespaced=False, answers_delete_with_object=True),
    Kind("", "nodes", "Node", ("no",), namespaced=False),
    Kind(
        "",
        "pods",
        "Pod",
        ("po",),
        subresources=("eviction", "exec", "log", "status"),
        answers_delete_with_object=True,
        counts_generation=True,
        in_all=True,
    ),
    Kind(
        "",
        "persistentvolumeclaims",
        "PersistentVolumeClaim",
        ("pvc",),
        True,
        _STATUS,
        answers_delete_with_object=True,
    ),
    Kind(
        "",
        "persistentvolumes",
        "PersistentVolume",
        ("pv",),
        False,
        _STATUS,
        answers_delete_with_object=True,
    ),
    Kind(
        "",
        "resourcequotas",
        "ResourceQuota",
        ("quota",),
        True,
        _STATUS,
        answers_delete_with_object=True,
    ),
    Kind("", "secrets", "Secret"),
    Kind(
        "",
        "serviceaccounts",
        "ServiceAccount",
        ("sa",),
        subresources=("token",),
        answers_delete_with_object=True,
    ),
    Kind("", "services", "Service", ("svc",), answers_delete_with_object=True, in_all=True),
    Kind(
        "admissionregistration.k8s.io",
        "mutatingwebhookconfigurations",
        "MutatingWebhookConfiguration",
        namespaced=False,
        counts_generation=True,
    ),
    Kind(
        "apiextensions.k8s.io",
        "customresourcedefinitions",
        "CustomResourceDefinition",
        ("crd", "crds"),
        False,
        _STATUS,
        counts_generation=True,
    ),
    Kind(
        "apps",
        "daemonsets",
        "DaemonSet",
        ("ds",),
        True,
        _STATUS,
        counts_generation=True,
        in_all=True,
    ),
    Kind(
        "apps",
        "deployments",
        "Deployment",
        ("deploy",),
        True,
        _SCALED,
        counts_generation=True,
        in_all=True,
    ),
    Kind(
        "apps",
        "replicasets",
        "ReplicaSet",
        ("rs",),
        True,
        _SCALED,
        counts_generation=True,
        in_all=True,
    ),
    Kind(
        "apps",
        "statefulsets",
        "StatefulSet",
        ("sts",),
        True,
        _SCALED,
        counts_generation=True,
        in_all=True,
    ),
    Kind("authentication.k8s.io", "selfsubjectreviews", "SelfSubjectReview", (), False, (), _ASK),
    Kind("authentication.k8s.io", "tokenreviews", "TokenReview", (), False, (), _ASK),
    Kind(
        "authorization.k8s.io",
        "selfsubjectaccessreviews",
        "SelfSubjectAccessReview",
        (),
        False,
        (),
        _ASK,
    ),
    Kind(
        "authorization.k8s.io",
        "selfsubjectrulesreviews",
        "SelfSubjectRulesReview",
        (),
        False,
        (),
        _ASK,
    ),
    Kind(
        "authorization.k8s.io", "subjectaccessreviews", "SubjectAccessReview", (), False, (), _ASK
    ),
    Kind(
        "autoscaling",
        "horizontalpodautoscalers",
        "HorizontalPodAutoscaler",
        ("hpa",),
        True,
        _STATUS,
        in_all=True,
        version="v2",
    ),
    Kind(
        "batch",
        "cronjobs",
        "CronJob",
        ("cj",),
        True,
        _STATUS,
        counts_generation=True,
        in_all=True,
    ),
    Kind(
        "batch",
        "jobs",
        "Job",
        subresources=_STATUS,
        answers_delete_with_object=True,
        counts_generation=True,
        in_all=True,
    ),
    Kind("discovery.k8s.io", "endpointslices", "EndpointSlice", counts_generation=True),
    Kind(
        "networking.k8s.io",
        "networkpolicies",
        "NetworkPolicy",
        ("netpol",),
        counts_generation=True,
    ),
    Kind(
        "policy",
        "poddisruptionbudgets",
        "PodDisruptionBudget",
        ("pdb",),
        True,
        _STATUS,
        counts_generation=True,
    ),
    Kind(_RBAC, "clusterrolebindings", "ClusterRoleBinding", namespaced=False),
    Kind(_RBAC, "clusterroles", "ClusterRole", namespaced=False),
    Kind(_RBAC, "rolebindings", "RoleBinding"),
    Kind(_RBAC, "roles", "Role"),
    Kind(
        "storage.k8s.io",
        "storageclasses",
        "StorageClass",
        ("sc",),
        False,
        answers_delete_with_object=True,
    ),
)
# Not stored: measured when asked for, where the cluster has a metrics-server.
POD_METRICS = Kind("metrics.k8s.io", "pods", "PodMetrics", verbs=("get", "list"), version="v1beta1")
_BY_PLURAL = {kind.plural: kind for kind in KINDS}


def stored(plural: str) -> Kind:
    """A built-in resource by its plural alone, for our own code: plurals are unique among them."""
    return _BY_PLURAL[plural]
