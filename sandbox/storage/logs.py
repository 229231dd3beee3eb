"""Rows of StorageBlobLogs.

Source      https://learn.microsoft.com/azure/azure-monitor/reference/tables/storagebloblogs
"""

from dataclasses import dataclass

from starlette.responses import Response

from sandbox.entra.bearer import Caller
from sandbox.storage.operations import Operation
from sandbox.web import Call
from sandbox.world import Json, World, timestamp

_CONDITIONS = (
    "if-match",
    "if-none-match",
    "x-ms-blob-condition-appendpos",
    "x-ms-blob-condition-maxsize",
)


@dataclass
class Served:
    """What became of a request, as far as it came."""

    request_id: str
    caller: Caller | None = None
    operation: Operation | None = None
    assignment: Json | None = None
    failure: str = ""  # an error code


def record(world: World, call: Call, served: Served, response: Response) -> None:
    """Write down one request. It can be queried after the ingestion delay."""
    caller, operation = served.caller, served.operation
    conditions = [f"{name}={call.headers[name]}" for name in _CONDITIONS if name in call.headers]
    body_size = 0 if call.method == "HEAD" else len(response.body)
    claims = caller.claims if caller else {}
    account = call.path.strip("/").partition("/")[0]
    row: Json = {
        "TimeGenerated": timestamp(world.clock.now()),
        "TenantId": world.workspace_id,
        "Type": "StorageBlobLogs",
        "SourceSystem": "Azure",
        "_ResourceId": _resource_id(world, account).lower(),
        "_SubscriptionId": world.subscription_id,
        "AccountName": account,
        "Category": operation.category if operation else "StorageRead",
        "OperationName": operation.name if operation else "Unknown",
        "OperationVersion": call.headers.get("x-ms-version", ""),
        "OperationCount": 0,
        "SchemaVersion": "1.0",
        "ServiceType": "blob",
        "Protocol": "HTTPS",
        "TlsVersion": "TLS 1.3",
        "StatusCode": str(response.status_code),
        "StatusText": served.failure or "Success",
        "DurationMs": 1.0,
        "ServerLatencyMs": 1.0,
        "Uri": call.origin + call.path,
        "ObjectKey": f'"{call.path}"',
        "CallerIpAddress": f"{call.client_ip}:443",
        "UserAgentHeader": call.headers.get("user-agent", ""),
        "ClientRequestId": call.headers.get("x-ms-client-request-id", ""),
        "CorrelationId": served.request_id,
        "RequestBodySize": len(call.body),
        "ResponseBodySize": body_size,
        "ConditionsUsed": ";".join(conditions),
        "AuthenticationType": "OAuth" if "authorization" in call.headers else "Anonymous",
        "AuthorizationDetails": [_authorization(served)] if caller else [],
        "RequesterObjectId": caller.object_id if caller else "",
        "RequesterAppId": caller.app_id if caller else "",
        "RequesterTenantId": caller.tenant_id if caller else "",
        "RequesterAudience": claims.get("aud", ""),
        "RequesterTokenIssuer": claims.get("iss", ""),
        "RequesterUpn": claims.get("upn", ""),
    }
    world.logs.add("StorageBlobLogs", row, delay_s=world.delays.ingestion)


def _authorization(served: Served) -> Json:
    """Which role assignment opened it, as resource logs name it."""
    caller, operation, assignment = served.caller, served.operation, served.assignment
    kind = "User" if caller and caller.kind == "user" else "ServicePrincipal"
    properties = assignment["properties"] if assignment else {}
    return {
        "action": operation.actions[0] if operation else "",
        "roleAssignmentId": assignment["name"] if assignment else "",
        "roleDefinitionId": properties.get("roleDefinitionId", "").rpartition("/")[2],
        "principals": [{"id": caller.object_id, "type": kind}] if caller else [],
        "denyAssignmentId": "",
        "result": "Granted" if assignment else "Denied",
    }


def _resource_id(world: World, account: str) -> str:
    for resource in world.azure.resources.values():
        if resource["type"] == "Microsoft.Storage/storageAccounts" and resource["name"] == account:
            return str(resource["id"])
    return ""
