"""Questions that a client POSTs: who am I, may I, is this token good.

Source   https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
"""

from typing import TYPE_CHECKING

from sandbox.kubernetes import rbac, service_account_tokens
from sandbox.kubernetes.field_problems import invalid_value, required
from sandbox.kubernetes.identity import User
from sandbox.kubernetes.kind import Kind
from sandbox.kubernetes.names import timestamp
from sandbox.kubernetes.rbac import Attributes
from sandbox.kubernetes.statuses import bad_request, invalid
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster


def answer(cluster: "Cluster", kind: Kind, user: User, asked: Json) -> Json:
    """The same object with its status. Raises `StatusError` 422."""
    spec = asked.get("spec") or {}
    match kind.plural:
        case "selfsubjectreviews":
            return {"metadata": _metadata(cluster), "status": {"userInfo": user.info()}}
        case "selfsubjectaccessreviews":
            status = _access(cluster, kind, user, spec)
        case "subjectaccessreviews":
            if not spec.get("user") and not spec.get("groups"):
                text = "at least one of user or group must be specified"
                raise invalid(kind, "", [required("spec.user", text)])
            other = User(spec.get("user", ""), groups=tuple(spec.get("groups", [])))
            status = _access(cluster, kind, other, spec)
        case "selfsubjectrulesreviews":
            if not spec.get("namespace"):
                raise bad_request("no namespace on request")
            status = _rules(cluster, user, spec["namespace"])
            spec = {}  # the server does not repeat it
        case _:
            status = _token(cluster, kind, spec)
    return {"metadata": asked.get("metadata") or {}, "spec": spec, "status": status}


def _metadata(cluster: "Cluster") -> Json:
    return {"creationTimestamp": timestamp(cluster.now())}


def _access(cluster: "Cluster", kind: Kind, user: User, spec: Json) -> Json:
    given = [
        spec[name]
        for name in ("resourceAttributes", "nonResourceAttributes")
        if spec.get(name) is not None
    ]
    if len(given) != 1:
        path = "spec.resourceAttributes"
        text = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        raise invalid(kind, "", [invalid_value(path, "null", text)])
    names = ("verb", "group", "resource", "subresource", "namespace", "name", "path")
    wanted = Attributes(**{name: given[0].get(name, "") for name in names})
    reason = rbac.decide(cluster, user, wanted)
    return {"allowed": False} if reason is None else {"allowed": True, "reason": reason}


def _rules(cluster: "Cluster", user: User, namespace: str) -> Json:
    of_resources: list[Json] = []
    of_paths: list[Json] = []
    for _, rules in rbac.grants(cluster, user, namespace):
        for rule in rules:
            if rule.get("resources"):
                of_resources.append(rule)
            if rule.get("nonResourceURLs"):
                of_paths.append(
                    {"verbs": rule["verbs"], "nonResourceURLs": rule["nonResourceURLs"]}
                )
    return {"resourceRules": of_resources, "nonResourceRules": of_paths, "incomplete": False}


def _token(cluster: "Cluster", kind: Kind, spec: Json) -> Json:
    if not spec.get("token"):
        raise bad_request("token is required for TokenReview in authentication")
    audiences = spec.get("audiences") or [cluster.issuer.url]
    try:
        verdict = service_account_tokens.review(cluster, spec["token"], audiences)
    except service_account_tokens.RefusedTokenError as refused:
        return {"user": {}, "error": str(refused)}
    return {"authenticated": True, "user": verdict.user, "audiences": verdict.audiences}
