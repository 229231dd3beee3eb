"""The resources that the cluster serves: one line each, as discovery prints them.

Source   https://kubernetes.io/docs/reference/kubernetes-api/
"""

from dataclasses import dataclass

_ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True)
class Kind:
    """A resource: its names, its scope, and where its wire behaviour differs from the others'."""

    group: str
    plural: str
    kind: str
    short_names: tuple[str, ...] = ()
    namespaced: bool = True
    subresources: tuple[str, ...] = ()
    verbs: tuple[str, ...] = _ALL_VERBS
    answers_delete_with_object: bool = False  # the others answer with a Status
    counts_generation: bool = False
    in_all: bool = False  # `kubectl get all`

    @property
    def api_version(self) -> str:
        """`v1` or `apps/v1`: every kind served here is at v1."""
        return f"{self.group}/v1" if self.group else "v1"

    @property
    def singular(self) -> str:
        """The name that discovery gives for one of them."""
        return self.kind.lower()

    @property
    def group_resource(self) -> str:
        """`deployments.apps`, as messages name it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def is_stored(self) -> bool:
        """False for reviews, which are questions and not objects."""
        return "get" in self.verbs


_RBAC = "rbac.authorization.k8s.io"
_ASK = ("create",)
_SCALED = ("scale", "status")

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
        subresources=("log", "status"),
        answers_delete_with_object=True,
        counts_generation=True,
        in_all=True,
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
        "apps",
        "daemonsets",
        "DaemonSet",
        ("ds",),
        True,
        ("status",),
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
    Kind("batch", "cronjobs", "CronJob", ("cj",), counts_generation=True, in_all=True),
    Kind(
        "batch",
        "jobs",
        "Job",
        answers_delete_with_object=True,
        counts_generation=True,
        in_all=True,
    ),
    Kind(
        "networking.k8s.io",
        "networkpolicies",
        "NetworkPolicy",
        ("netpol",),
        counts_generation=True,
    ),
    Kind(_RBAC, "clusterrolebindings", "ClusterRoleBinding", namespaced=False),
    Kind(_RBAC, "clusterroles", "ClusterRole", namespaced=False),
    Kind(_RBAC, "rolebindings", "RoleBinding"),
    Kind(_RBAC, "roles", "Role"),
)
GROUPS = tuple(dict.fromkeys(kind.group for kind in KINDS))
_BY_RESOURCE = {(kind.group, kind.plural): kind for kind in KINDS}
_BY_KIND = {(kind.api_version, kind.kind): kind for kind in KINDS}


def by_resource(group: str, plural: str) -> Kind | None:
    """The resource with this plural, or None where the group has no such resource."""
    return _BY_RESOURCE.get((group, plural))


def by_kind(api_version: str, kind: str) -> Kind | None:
    """The resource of objects with this apiVersion and kind."""
    return _BY_KIND.get((api_version, kind))


def stored(plural: str) -> Kind:
    """A resource by its plural alone, for our own code: plurals are unique among those served."""
    return next(kind for kind in KINDS if kind.plural == plural)
