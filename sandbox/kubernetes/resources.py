"""Which function answers which verb on which resource."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse, Response

from sandbox.kubernetes import (
    answers,
    bodies,
    evictions,
    execs,
    objects,
    patches,
    pod_logs,
    pod_metrics,
    requests,
    reviews,
    scales,
    token_requests,
    writes,
)
from sandbox.kubernetes.identity import User
from sandbox.kubernetes.kind import Kind
from sandbox.kubernetes.kinds import POD_METRICS
from sandbox.kubernetes.objects import Answer
from sandbox.kubernetes.requests import Request
from sandbox.kubernetes.statuses import (
    method_not_allowed,
    no_such_resource,
    not_found,
    unsupported_media_type,
)
from sandbox.kubernetes.watches import Watch

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

Verb = Callable[["Cluster", Kind, Request], Answer]


def answer(cluster: "Cluster", kind: Kind, request: Request, user: User, audit_id: str) -> Response:
    """The response to an authorized request on a known resource. Raises `StatusError`."""
    call, wanted = request.call, request.wanted
    if wanted.subresource and wanted.subresource not in kind.subresources:
        raise no_such_resource() if kind.definition is None else not_found(kind, wanted.name)
    if kind is POD_METRICS:
        return answers.rendered(pod_metrics.answer(cluster, request), call, audit_id, cluster.now())
    if not kind.is_stored:
        if wanted.verb != "create":
            raise method_not_allowed()
        asked, _ = bodies.decoded(kind, requests.body(request), request)
        body = reviews.answer(cluster, kind, user, asked)
        return answers.rendered(Answer(201, kind, body), call, audit_id, cluster.now())
    if wanted.verb == "watch":
        watch = Watch(cluster, kind, request.namespace, call.query)
        return answers.streamed(watch, kind, call, audit_id, cluster.now())
    if wanted.subresource == "log":
        text = pod_logs.read(cluster, objects.found(cluster, kind, request), call.query)
        return PlainTextResponse(text, 200, answers.headers(audit_id))
    if wanted.subresource == "exec":
        if wanted.verb not in ("create", "get"):
            raise method_not_allowed()
        pod = objects.found(cluster, kind, request)
        return execs.answer(cluster, pod, call, answers.headers(audit_id))
    verb = _verb(wanted.verb, wanted.subresource, has_name=bool(wanted.name))
    return answers.rendered(verb(cluster, kind, request), call, audit_id, cluster.now())


def _verb(name: str, subresource: str, *, has_name: bool) -> Verb:
    if subresource in ("eviction", "token"):
        table: dict[str, Verb] = {"create": _evict if subresource == "eviction" else _token}
    elif subresource == "scale":
        table = {"get": _get_scale, "patch": _patch_scale, "update": _put_scale}
    elif subresource:
        table = {"get": objects.get, "patch": objects.patch, "update": objects.update}
    else:
        table = _VERBS
    found = table.get(name)
    # PUT and PATCH name an object in the URL; POST of an object doesn't.
    if not subresource and name in ("update", "patch", "create") and has_name == (name == "create"):
        found = None
    if found is None:
        raise method_not_allowed()
    return found


_VERBS: dict[str, Verb] = {
    "create": objects.create,
    "delete": objects.delete,
    "deletecollection": objects.delete_all,
    "get": objects.get,
    "list": objects.list_all,
    "patch": objects.patch,
    "update": objects.update,
}


def _token(cluster: "Cluster", kind: Kind, request: Request) -> Answer:
    """201; 400, 404, 409, 422."""
    asked, warnings = bodies.decoded(token_requests.KIND, requests.body(request), request)
    namespace, name = request.namespace, request.wanted.name
    body, more = token_requests.answer(cluster, namespace, name, asked)
    return Answer(201, token_requests.KIND, body, None, [*warnings, *more])


def _evict(cluster: "Cluster", kind: Kind, request: Request) -> Answer:
    """201; 400, 404, 429, 500."""
    asked, warnings = bodies.decoded(evictions.KIND, requests.body(request), request)
    options = evictions.delete_options(asked, dry_run=request.writer.dry_run)
    namespace, name = request.namespace, request.wanted.name
    body = evictions.evict(cluster, namespace, name, asked, options)
    return Answer(201, evictions.KIND, body, None, warnings)


def _get_scale(cluster: "Cluster", kind: Kind, request: Request) -> Answer:
    """200, 404."""
    return Answer(200, scales.KIND, scales.of(objects.found(cluster, kind, request)))


def _put_scale(cluster: "Cluster", kind: Kind, request: Request) -> Answer:
    """200; 404, 409, 422."""
    asked, warnings = bodies.decoded(scales.KIND, requests.body(request), request)
    return _scaled(cluster, kind, request, asked, warnings)


def _patch_scale(cluster: "Cluster", kind: Kind, request: Request) -> Answer:
    """200; 404, 409, 415, 422."""
    type_ = requests.media_type(request.call)
    if type_ not in patches.accepted(scales.KIND):
        raise unsupported_media_type(", ".join(patches.accepted(scales.KIND)))
    current = answers.typed(scales.KIND, scales.of(objects.found(cluster, kind, request)))
    asked, unknown = patches.patched(
        scales.KIND, current, type_, requests.parsed(request.call.body)
    )
    return _scaled(cluster, kind, request, asked, [f'unknown field "{each}"' for each in unknown])


def _scaled(
    cluster: "Cluster", kind: Kind, request: Request, asked: dict[str, object], warnings: list[str]
) -> Answer:
    old = objects.found(cluster, kind, request)
    scales.check(request.wanted.name, asked)
    changed = writes.update(cluster, kind, old, scales.onto(old, asked), request.writer)
    return Answer(200, scales.KIND, scales.of(changed), None, warnings)
