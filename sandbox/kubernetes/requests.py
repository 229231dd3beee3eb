"""A call, read as the API server reads one: verb, resource, body, and how the answer is to look.

Source   https://kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb
"""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.kubernetes import protobuf, selectors, served
from sandbox.kubernetes.kind import Kind
from sandbox.kubernetes.rbac import Attributes
from sandbox.kubernetes.statuses import (
    StatusError,
    bad_request,
    not_acceptable,
    unsupported_media_type,
)
from sandbox.kubernetes.writes import Writer
from sandbox.web import Call

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

_SERVED = "application/json"
_JSON = ("", "application/json", "*/*")
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete", "GET": "get"}


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for. `kind` is None for paths that are no resource, and for unknown ones."""

    call: Call
    wanted: Attributes
    kind: Kind | None = None

    @property
    def namespace(self) -> str:
        """The namespace of the object; a namespace itself lives in none."""
        return self.wanted.namespace if self.kind is not None and self.kind.namespaced else ""

    @property
    def writer(self) -> Writer:
        """In whose name this request writes. Raises `StatusError` 422."""
        stated = self.call.query.get("dryRun")
        if stated not in (None, "", "All"):
            message = (
                f'Options.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["{stated}"]: '
                'supported values: "All"'
            )
            raise StatusError(422, "Invalid", message, details={})
        agent = self.call.headers.get("user-agent", "").partition("/")[0]
        manager = self.call.query.get("fieldManager") or agent or "unknown"
        return Writer(manager, self.wanted.subresource, dry_run=stated == "All")


def read(cluster: "Cluster", call: Call) -> Request:
    """Take the path apart. Unknown resources are recognised too, because they are authorized first."""
    segments = call.path.strip("/").split("/")
    rest: list[str] = []
    group = ""
    if segments[:2] == ["api", "v1"]:
        rest = segments[2:]
    elif segments[0] == "apis" and len(segments) > 3:
        group, rest = segments[1], segments[3:]
    if not rest:
        return Request(call, Attributes(verb=call.method.lower(), path=call.path))
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        if len(rest) > 2 and rest[2] not in ("status", "finalize"):
            rest = rest[2:]
    resource, name, subresource = (*rest, "", "")[:3]
    wanted = Attributes(
        verb=_verb(call, name),
        group=group,
        resource=resource,
        subresource=subresource,
        namespace=namespace,
        name=name or _selected_name(call),
        path=call.path,
    )
    kind = served.by_resource(cluster, group, resource) if len(rest) <= 3 else None
    version = segments[2] if segments[0] == "apis" else segments[1]
    return Request(call, wanted, kind if kind is not None and kind.version == version else None)


def body(request: Request) -> Any:
    """The body as JSON. Raises `StatusError` 400 or 415."""
    if media_type(request.call) == protobuf.MEDIA_TYPE:
        return protobuf.decoded(request.call.body)
    if media_type(request.call) not in _JSON:
        raise unsupported_media_type(_SERVED)
    return parsed(request.call.body)


def parsed(raw: bytes) -> Any:
    """JSON, or the 400 of a body that is none."""
    try:
        return json.loads(raw)
    except ValueError as garbled:
        raise bad_request(
            "the object provided is unrecognized (must be of a registered type): couldn't get "
            f"version/kind; json parse error: {garbled}"
        ) from garbled


def media_type(call: Call) -> str:
    """The media type of the body, without parameters."""
    return call.headers.get("content-type", "").partition(";")[0].strip().lower()


def shape(call: Call) -> str:
    """How the answer is to look: "", "Table" or "PartialObjectMetadata". Raises `StatusError` 406."""
    accept = call.headers.get("accept", "*/*") or "*/*"
    for choice in accept.split(","):
        type_, *parameters = (part.strip() for part in choice.split(";"))
        if type_ not in ("application/json", "*/*", "application/*"):
            continue
        stated = dict(each.partition("=")[::2] for each in parameters)
        as_ = stated.get("as", "").removesuffix("List")
        if as_ in ("", "Table", "PartialObjectMetadata"):
            return as_
    raise not_acceptable(_SERVED)


def _verb(call: Call, name: str) -> str:
    verb = _VERBS.get(call.method, call.method.lower())
    if verb == "get" and not name:
        return "watch" if call.query.get("watch") in ("true", "1") else "list"
    if verb == "get" and call.query.get("watch") in ("true", "1"):
        return "watch"
    return "deletecollection" if verb == "delete" and not name else verb


def _selected_name(call: Call) -> str:
    """A list or watch of one name is authorized as if it named the object."""
    if call.method != "GET":
        return ""
    return selectors.field_value(call.query.get("fieldSelector", ""), "metadata.name") or ""
