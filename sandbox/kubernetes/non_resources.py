"""Paths that are no resource: discovery, health, version, OpenAPI, OIDC discovery."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse, Response

from sandbox.kubernetes import answers, discovery, served
from sandbox.kubernetes.statuses import method_not_allowed, not_acceptable
from sandbox.web import Call
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

_HEALTH = {"/healthz", "/livez", "/readyz"}
_JWKS = "application/jwk-set+json"
_PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
_CACHED = {"Cache-Control": "public, max-age=3600"}


def answer(cluster: "Cluster", call: Call, audit_id: str) -> Response:
    """200, 404 as text. Raises `StatusError` 405, 406."""
    path = call.path.rstrip("/") or "/"
    if path in _HEALTH:
        return PlainTextResponse("ok", 200, answers.headers(audit_id))
    if path == "/openapi/v2":
        return Response(discovery.openapi_v2(), 200, answers.headers(audit_id), _PROTOBUF)
    if path == "/openid/v1/jwks":
        return _jwks(cluster, call, audit_id)
    found = _document(cluster, call, path)
    if found is None:
        return PlainTextResponse("404 page not found\n", 404, answers.headers(audit_id))
    if call.method not in ("GET", "HEAD"):
        raise method_not_allowed()
    response = answers.plain(found, call, audit_id)
    if path.startswith("/.well-known"):
        response.headers.update(_CACHED)
    return response


def _document(cluster: "Cluster", call: Call, path: str) -> Json | None:
    """The JSON at this path."""
    fixed: dict[str, Callable[[], Json]] = {
        "/": lambda: {"paths": ["/api", "/apis", "/healthz", "/openapi/v3", "/version"]},
        "/.well-known/openid-configuration": lambda: cluster.issuer.discovery(
            f"{cluster.issuer.url}openid/v1/jwks"
        ),
        "/api": lambda: discovery.versions(call.origin.partition("://")[2]),
        "/api/v1": lambda: discovery.resources(cluster, ("", "v1")),
        "/apis": lambda: discovery.groups(cluster),
        "/openapi/v3": lambda: discovery.openapi_index(cluster),
        "/openapi/v3/api/v1": lambda: discovery.openapi(cluster, "/api/v1"),
        "/version": discovery.version,
    }
    if path in fixed:
        return fixed[path]()
    for name, version in served.group_versions(cluster):
        base = f"/apis/{name}/{version}"
        if path == f"/apis/{name}":
            return discovery.group(name, version)
        if path == base:
            return discovery.resources(cluster, (name, version))
        if path == f"/openapi/v3{base}":
            return discovery.openapi(cluster, base)
    return None


def _jwks(cluster: "Cluster", call: Call, audit_id: str) -> Response:
    accept = call.headers.get("accept", "*/*") or "*/*"
    if not any(part.split(";")[0].strip() in ("*/*", _JWKS) for part in accept.split(",")):
        raise not_acceptable(_JWKS)
    body = answers.encoded(cluster.issuer.jwks()).rstrip(b"\n")
    return Response(body, 200, {**answers.headers(audit_id), **_CACHED}, _JWKS)
