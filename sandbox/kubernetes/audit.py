"""The cluster's audit log: a row per request in AKSAudit, and again in AKSAuditAdmin where it was no read.

Left out    the stages before ResponseComplete, the rows of the control plane itself
Source      https://learn.microsoft.com/azure/azure-monitor/reference/tables/aksauditadmin
"""

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from sandbox.kubernetes.identity import User
from sandbox.kubernetes.requests import Request
from sandbox.world import Json, timestamp

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

_READS = {"get", "list", "watch"}
_NOISE = ("/healthz", "/livez", "/readyz")
_MOST_BYTES = 100_000
# Bodies of these carry secrets, so that audit policies keep them at Metadata.
_SECRETIVE = {"secrets", "configmaps", "pods/exec", "tokenreviews", "serviceaccounts/token"}


def record(  # noqa: PLR0913 - an audit event has this many sources
    cluster: "Cluster",
    request: Request,
    user: User,
    response: Response,
    *,
    audit_id: str,
    began: datetime,
    reason: str | None,
) -> None:
    """Write the rows of one request that has been answered."""
    call, wanted = request.call, request.wanted
    if call.path.startswith(_NOISE):
        return
    is_write = wanted.verb not in _READS
    level = "Metadata"
    if is_write and wanted.full_resource not in _SECRETIVE:
        level = "RequestResponse"
    ended = timestamp(cluster.world.clock.now())
    row: Json = {
        "TimeGenerated": ended,
        "Annotations": {
            "authorization.k8s.io/decision": "forbid" if reason is None else "allow",
            "authorization.k8s.io/reason": reason or "",
        },
        "AuditId": audit_id,
        "Level": level,
        "ObjectRef": _object(request),
        "PodName": "kube-apiserver-6c4f9d7b5c-w2x8k",
        "RequestReceivedTime": timestamp(began),
        "RequestUri": _uri(request),
        "ResponseStatus": _status(response),
        "SourceIps": [call.client_ip],
        "SourceSystem": "Azure",
        "Stage": "ResponseComplete",
        "StageReceivedTime": ended,
        "TenantId": cluster.world.workspace_id,
        "User": user.info(),
        "UserAgent": call.headers.get("user-agent", ""),
        "Verb": wanted.verb,
        "_ResourceId": cluster.resource_id.lower(),
        "_SubscriptionId": cluster.world.subscription_id,
    }
    if level == "RequestResponse":
        row["RequestObject"] = _json(call.body)
        row["ResponseObject"] = _json(bytes(response.body))
    tables = ("AKSAudit", "AKSAuditAdmin") if is_write else ("AKSAudit",)
    for table in tables:
        named = {**row, "Type": table}
        cluster.world.logs.add(table, named, delay_s=cluster.world.delays.ingestion)


def _object(request: Request) -> Json | None:
    wanted = request.wanted
    if not wanted.resource:
        return None
    reference: Json = {"resource": wanted.resource, "apiVersion": _version(request)}
    optional = {
        "namespace": wanted.namespace,
        "name": wanted.name,
        "apiGroup": wanted.group,
        "subresource": wanted.subresource,
    }
    return {**reference, **{key: value for key, value in optional.items() if value}}


def _version(request: Request) -> str:
    segments = request.call.path.strip("/").split("/")
    return segments[2] if segments[0] == "apis" else segments[1]


def _uri(request: Request) -> str:
    query = request.call.raw_query
    return f"{request.call.path}?{query}" if query else request.call.path


def _status(response: Response) -> Json:
    status: Json = {"metadata": {}, "code": response.status_code}
    if response.status_code >= 400:
        body = _json(bytes(response.body))
        if isinstance(body, dict):
            for name in ("status", "message", "reason"):
                if name in body:
                    status[name] = body[name]
    return status


def _json(raw: bytes) -> Any:
    if len(raw) > _MOST_BYTES:
        return "skipped-too-big-size-object"
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return None
