"""What may be asked of an API server: the paths that Firebreak knows, and one request."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from responders.errors import RefusedError
from responders.model import Json

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")  # RFC 1123 subdomain
_API = {
    "serviceaccounts": "/api/v1",
    "pods": "/api/v1",
    "configmaps": "/api/v1",
    "persistentvolumes": "/api/v1",
    "namespaces": "/api/v1",
    "resourcequotas": "/api/v1",
    "persistentvolumeclaims": "/api/v1",
    "deployments": "/apis/apps/v1",
    "statefulsets": "/apis/apps/v1",
    "daemonsets": "/apis/apps/v1",
    "replicasets": "/apis/apps/v1",
    "jobs": "/apis/batch/v1",
    "cronjobs": "/apis/batch/v1",
    "roles": "/apis/rbac.authorization.k8s.io/v1",
    "clusterroles": "/apis/rbac.authorization.k8s.io/v1",
    "rolebindings": "/apis/rbac.authorization.k8s.io/v1",
    "clusterrolebindings": "/apis/rbac.authorization.k8s.io/v1",
    "poddisruptionbudgets": "/apis/policy/v1",
    "storageclasses": "/apis/storage.k8s.io/v1",
    "secretproviderclasses": "/apis/secrets-store.csi.x-k8s.io/v1",
    "triggerauthentications": "/apis/keda.sh/v1alpha1",
    "clustertriggerauthentications": "/apis/keda.sh/v1alpha1",
    "scaledobjects": "/apis/keda.sh/v1alpha1",
    "scaledjobs": "/apis/keda.sh/v1alpha1",
    "kustomizations": "/apis/kustomize.toolkit.fluxcd.io/v1",
    "helmreleases": "/apis/helm.toolkit.fluxcd.io/v2",
    "applications": "/apis/argoproj.io/v1alpha1",
    "rollouts": "/apis/argoproj.io/v1alpha1",
    "mutatingwebhookconfigurations": "/apis/admissionregistration.k8s.io/v1",
    "endpointslices": "/apis/discovery.k8s.io/v1",
    "networkpolicies": "/apis/networking.k8s.io/v1",
    "selfsubjectaccessreviews": "/apis/authorization.k8s.io/v1",
    "selfsubjectrulesreviews": "/apis/authorization.k8s.io/v1",
}


def path_of(
    plural: str, namespace: str | None = None, name: str | None = None, subresource: str = ""
) -> str:
    """The URL path of a collection or object.

    Raises `RefusedError` for what is no Kubernetes name: names reach us from federated credentials
    that an attacker may have written, and "../" in one of them would address something else.
    """
    for part in (namespace, name):
        if part is not None and not _NAME.fullmatch(part):
            raise RefusedError(f"not a Kubernetes name: {part[:80]!r}. Nothing was sent")
    segments = [_API[plural], *(["namespaces", namespace] if namespace else []), plural]
    return "/".join([*segments, *filter(None, (name, subresource))])


def group_version_of(plural: str) -> str:
    """The API group and version that we know a kind in: "apps/v1", "v1" for the core."""
    return _API[plural].removeprefix("/apis/").removeprefix("/api/")


@dataclass(frozen=True, slots=True)
class Request:
    """One request, before it has a server."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Json | None = None
    content_type: str = "application/json"

    def url(self, server: str) -> str:
        """The whole URL on this server."""
        return server + self.path + (f"?{urlencode(self.query)}" if self.query else "")
