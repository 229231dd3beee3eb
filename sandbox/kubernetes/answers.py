"""Answers as bytes: JSON as Go writes it, Tables, watch streams, and the headers of every answer.

Source   https://kubernetes.io/docs/reference/using-api/api-concepts/#alternate-representations-of-resources
"""

import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from starlette.responses import Response, StreamingResponse

from sandbox.kubernetes import requests, tables
from sandbox.kubernetes.kind import Kind
from sandbox.kubernetes.objects import Answer
from sandbox.kubernetes.statuses import StatusError
from sandbox.kubernetes.watches import Event, Watch
from sandbox.web import Call
from sandbox.world import Json

_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})
# Of the flow schema and priority level that judged the request; here there is one of each.
_FLOW = {
    "X-Kubernetes-Pf-Flowschema-Uid": "6b7f2a5c-6f0e-4d2c-9a43-0b7a3f1e5d10",
    "X-Kubernetes-Pf-Prioritylevel-Uid": "f2a1c7de-3c58-4c39-8a9d-5f1f6b2c7e21",
}


def headers(audit_id: str) -> dict[str, str]:
    """What every answer carries."""
    return {"Audit-Id": audit_id, "Cache-Control": "no-cache, private", **_FLOW}


def encoded(value: Any, *, pretty: bool = False) -> bytes:
    """JSON as Go's encoder writes it: no spaces, <>& escaped, a newline at the end."""
    if pretty:
        text = json.dumps(value, indent=2, ensure_ascii=False)
    else:
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text.translate(_ESCAPES).encode() + b"\n"


def refusal(error: StatusError, call: Call, audit_id: str) -> Response:
    """A Status."""
    response = plain(error.body(), call, audit_id, code=error.code)
    response.headers.update(error.headers)
    return response


def plain(value: Json, call: Call, audit_id: str, *, code: int = 200) -> Response:
    """Any JSON."""
    pretty = call.query.get("pretty", "false") in ("true", "1")
    return Response(
        encoded(value, pretty=pretty),
        status_code=code,
        headers=headers(audit_id),
        media_type="application/json",
    )


def rendered(answer: Answer, call: Call, audit_id: str, now: datetime) -> Response:
    """An object or a list, in the representation that the client accepts."""
    shape = requests.shape(call)
    response = plain(_body(answer, shape, call, now), call, audit_id, code=answer.code)
    for warning in answer.warnings:
        quoted = warning.replace("\\", "\\\\").replace('"', '\\"')
        response.headers.append("Warning", f'299 - "{quoted}"')
    return response


def streamed(watch: Watch, kind: Kind, call: Call, audit_id: str, now: datetime) -> Response:
    """A watch: chunked, one event per line."""
    shape = requests.shape(call)

    async def lines() -> AsyncIterator[bytes]:
        first = True
        async for event in watch.events():
            yield encoded(_event(event, kind, shape, call, now, first=first))
            first = False

    return StreamingResponse(lines(), headers=headers(audit_id), media_type="application/json")


def typed(kind: Kind, value: Json) -> Json:
    """The object with kind and apiVersion in front; of custom resources all keys are in order."""
    whole = {"kind": kind.kind, "apiVersion": kind.api_version, **value}
    return whole if kind.definition is None else _in_order(whole)


def _in_order(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _in_order(value[name]) for name in sorted(value)}
    return [_in_order(each) for each in value] if isinstance(value, list) else value


def _body(answer: Answer, shape: str, call: Call, now: datetime) -> Json:
    kind, items = answer.kind, answer.items
    if answer.body.get("kind") == "Status":
        return answer.body
    if shape == "Table":
        about = (
            answer.body
            if items is not None
            else {"resourceVersion": answer.body["metadata"].get("resourceVersion", "")}
        )
        rows = items if items is not None else [answer.body]
        return tables.table(kind, rows, about, now, _include(call))
    if shape == "PartialObjectMetadata":
        if items is None:
            return tables.partial(answer.body)
        return {
            "kind": "PartialObjectMetadataList",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": answer.body,
            "items": [tables.partial(item) for item in items],
        }
    if items is None:
        return typed(kind, answer.body)
    if kind.definition is not None:
        items = [typed(kind, item) for item in items]  # here, items say what they are
    return {
        "kind": f"{kind.kind}List",
        "apiVersion": kind.api_version,
        "metadata": answer.body,
        "items": items,
    }


def _event(event: Event, kind: Kind, shape: str, call: Call, now: datetime, *, first: bool) -> Json:
    type_, value = event
    if type_ == "ERROR":
        return {"type": type_, "object": value}
    if shape == "Table":
        table = tables.table(
            kind,
            [value] if "metadata" in value and type_ != "BOOKMARK" else [],
            {"resourceVersion": value["metadata"]["resourceVersion"]},
            now,
            _include(call),
        )
        if not first:
            table["columnDefinitions"] = None  # only the first event repeats the headings
        return {"type": type_, "object": table}
    if shape == "PartialObjectMetadata":
        return {"type": type_, "object": tables.partial(value)}
    return {"type": type_, "object": typed(kind, value)}


def _include(call: Call) -> str:
    return call.query.get("includeObject") or "Metadata"
