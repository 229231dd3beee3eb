"""The verbs on stored objects, each a function from a request to an answer.

Source   https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sandbox.kubernetes import bodies, deletes, lists, patches, pod_warnings, requests, writes
from sandbox.kubernetes.field_problems import invalid_value
from sandbox.kubernetes.kind import Kind
from sandbox.kubernetes.requests import Request
from sandbox.kubernetes.statuses import (
    StatusError,
    bad_request,
    invalid,
    not_found,
    unsupported_media_type,
)
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request is answered with. `items` is a list's; otherwise `body` is one object."""

    code: int
    kind: Kind
    body: Json
    items: list[Json] | None = None
    warnings: list[str] = field(default_factory=list)


def get(cluster: "Cluster", kind: Kind, request: Request) -> Answer:
    """200, 404."""
    return Answer(200, kind, found(cluster, kind, request))


def list_all(cluster: "Cluster", kind: Kind, request: Request) -> Answer:
    """200; 400 for selectors and tokens, 410 for expired revisions, 504 for future ones."""
    items, about = lists.page(cluster, kind, request.namespace, request.call.query)
    return Answer(200, kind, about, items)


def create(cluster: "Cluster", kind: Kind, request: Request) -> Answer:
    """201; 400, 403, 404, 409, 415, 422, 500."""
    sent = requests.body(request)
    value, warnings = bodies.decoded(kind, sent, request)
    about = value.setdefault("metadata", {})
    if kind.namespaced:
        if not request.namespace:
            raise StatusError(
                405,
                "MethodNotAllowed",
                "the server does not allow this method on the requested resource",
                details={},
            )
        bodies.check_namespace(about, request.namespace)
    else:
        about.pop("namespace", None)
    made = writes.create(cluster, kind, value, request.writer)
    return Answer(201, kind, made, None, [*warnings, *pod_warnings.of(kind, None, made)])


def update(cluster: "Cluster", kind: Kind, request: Request) -> Answer:
    """200; 400, 404, 409, 415, 422."""
    sent = requests.body(request)
    value, warnings = bodies.decoded(kind, sent, request)
    about = value.setdefault("metadata", {})
    name = request.wanted.name
    if about.get("name", name) != name:
        raise bad_request(
            f"the name of the object ({about['name']}) does not match the name on the URL ({name})"
        )
    about["name"] = name
    if kind.namespaced:
        bodies.check_namespace(about, request.namespace)
    old = found(cluster, kind, request)
    if kind.definition is not None and not about.get("resourceVersion"):
        problem = invalid_value("metadata.resourceVersion", 0, "must be specified for an update")
        raise invalid(replace(kind, kind=kind.plural), name, [problem])
    changed = writes.update(cluster, kind, old, value, request.writer)
    return Answer(200, kind, changed, None, [*warnings, *pod_warnings.of(kind, old, changed)])


def patch(cluster: "Cluster", kind: Kind, request: Request) -> Answer:
    """200, 201 for an apply that creates; 400, 404, 409, 415, 422, 500."""
    type_ = requests.media_type(request.call)
    if type_ == patches.APPLY:
        return _apply(cluster, kind, request)
    if type_ not in patches.accepted(kind):
        raise unsupported_media_type(", ".join(patches.accepted(kind)))
    if "force" in request.call.query:
        _refuse_option("force", "Forbidden: may not be specified for non-apply patch")
    old = found(cluster, kind, request)
    typed = {"kind": kind.kind, "apiVersion": kind.api_version, **old}
    new, unknown = patches.patched(kind, typed, type_, requests.parsed(request.call.body))
    warnings = bodies.judge_unknown(kind, unknown, request)
    bodies.strip_type(kind, new)
    about = new.setdefault("metadata", {})
    _check_identity(kind, old["metadata"], about)
    changed = writes.update(cluster, kind, old, new, request.writer)
    return Answer(200, kind, changed, None, [*warnings, *pod_warnings.of(kind, old, changed)])


def _check_identity(kind: Kind, old: Json, patched: Json) -> None:
    """A patch may state which object it is for, and not that it be another one. Raises `StatusError` 400, 422."""
    name = old["name"]
    if patched.setdefault("name", name) != name:
        raise bad_request(
            f"the name of the object ({patched['name']}) does not match the name on the URL ({name})"
        )
    if kind.namespaced:
        bodies.check_namespace(patched, old["namespace"])
    if patched.get("uid", old["uid"]) != old["uid"]:
        problem = invalid_value("metadata.uid", patched["uid"], "field is immutable")
        raise invalid(kind, name, [problem])


def delete(cluster: "Cluster", kind: Kind, request: Request) -> Answer:
    """200; 404, 409."""
    wanted = _delete_options(request)
    warnings = []
    if kind.plural == "jobs" and not wanted.propagation:
        warnings.append(
            "child pods are preserved by default when jobs are deleted; set propagationPolicy="
            "Background to remove them or set propagationPolicy=Orphan to suppress this warning"
        )
    value = found(cluster, kind, request)
    return Answer(200, kind, deletes.delete(cluster, kind, value, wanted), None, warnings)


def delete_all(cluster: "Cluster", kind: Kind, request: Request) -> Answer:
    """200 with the list of what was there."""
    wanted = replace(_delete_options(request), uid="", resource_version="")
    items, about = lists.page(cluster, kind, request.namespace, request.call.query)
    for item in items:
        current = cluster.store.get(
            kind, item["metadata"].get("namespace", ""), item["metadata"]["name"]
        )
        if current is not None:
            deletes.delete(cluster, kind, current, wanted)
    return Answer(200, kind, about, items)


def found(cluster: "Cluster", kind: Kind, request: Request) -> Json:
    """The object that the request names. Raises `StatusError` 404."""
    value = cluster.store.get(kind, request.namespace, request.wanted.name)
    if value is None:
        raise not_found(kind, request.wanted.name)
    return value


def _apply(cluster: "Cluster", kind: Kind, request: Request) -> Answer:
    if not request.call.query.get("fieldManager"):
        _refuse_option("fieldManager", "Required value: is required for apply patch")
    sent = requests.parsed(request.call.body)
    value, warnings = bodies.decoded(kind, sent, request)
    about = value.setdefault("metadata", {})
    if about.get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    name = request.wanted.name
    if about.get("name", name) != name:
        raise bad_request(
            f"the name of the object ({about['name']}) does not match the name on the URL ({name})"
        )
    about["name"] = name
    if kind.namespaced:
        bodies.check_namespace(about, request.namespace)
    value.pop("status", None)
    live = cluster.store.get(kind, request.namespace, name)
    writer = replace(request.writer, operation="Apply")
    force = request.call.query.get("force") == "true"
    written = writes.server_side_apply(cluster, kind, live, value, writer, force=force)
    return Answer(201 if live is None else 200, kind, written, None, warnings)


def _delete_options(request: Request) -> deletes.DeleteOptions:
    raw = request.call.body
    stated = requests.parsed(raw) if raw.strip() else None
    dry_run = request.writer.dry_run
    return deletes.options(stated, dict(request.call.query), dry_run=dry_run)


def _refuse_option(name: str, text: str) -> None:
    message = f'PatchOptions.meta.k8s.io "" is invalid: {name}: {text}'
    reason = "FieldValueRequired" if text.startswith("Required") else "FieldValueForbidden"
    causes = [{"reason": reason, "message": text, "field": name}]
    details = {"group": "meta.k8s.io", "kind": "PatchOptions", "causes": causes}
    raise StatusError(422, "Invalid", message, details=details)
