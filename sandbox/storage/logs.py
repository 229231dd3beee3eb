"""Rows of StorageBlobLogs.

Source      https://learn.microsoft.com/azure/azure-monitor/reference/tables/storagebloblogs
"""

from sandbox.entra.bearer import Caller
from sandbox.web import Call
from sandbox.world import Json, World, timestamp


def record(  # noqa: PLR0913 - a row says all of this
    world: World,
    call: Call,
    *,
    request_id: str,
    caller: Caller | None,
    assignment: Json | None,
    status: int,
    status_text: str,
    body_size: int,
) -> None:
    """Write down one request. It can be queried after the ingestion delay."""
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
        "Category": "StorageRead",
        "OperationName": "GetBlob" if call.method == "GET" else "GetBlobProperties",
        "OperationVersion": call.headers.get("x-ms-version", ""),
        "OperationCount": 0,
        "SchemaVersion": "1.0",
        "ServiceType": "blob",
        "Protocol": "HTTPS",
        "TlsVersion": "TLS 1.3",
        "StatusCode": str(status),
        "StatusText": status_text,
        "DurationMs": 1.0,
        "ServerLatencyMs": 1.0,
        "Uri": call.origin + call.path,
        "ObjectKey": f'"{call.path}"',
        "CallerIpAddress": f"{call.client_ip}:443",
        "UserAgentHeader": call.headers.get("user-agent", ""),
        "ClientRequestId": call.headers.get("x-ms-client-request-id", ""),
        "CorrelationId": request_id,
        "RequestBodySize": 0,
        "ResponseBodySize": body_size,
        "AuthenticationType": "OAuth" if "authorization" in call.headers else "Anonymous",
        "AuthorizationDetails": [_authorization(caller, assignment)] if caller else [],
        "RequesterObjectId": caller.object_id if caller else "",
        "RequesterAppId": caller.app_id if caller else "",
        "RequesterTenantId": caller.tenant_id if caller else "",
        "RequesterAudience": claims.get("aud", ""),
        "RequesterTokenIssuer": claims.get("iss", ""),
        "RequesterUpn": claims.get("upn", ""),
    }
    world.logs.add("StorageBlobLogs", row, delay_s=world.delays.ingestion)


def _authorization(caller: Caller, assignment: Json | None) -> Json:
    """Which role assignment opened the blob, as resource logs name it."""
    kind = "User" if caller.kind == "user" else "ServicePrincipal"
    properties = assignment["properties"] if assignment else {}
    return {
        "action": "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",
        "roleAssignmentId": assignment["name"] if assignment else "",
        "roleDefinitionId": properties.get("roleDefinitionId", "").rpartition("/")[2],
        "principals": [{"id": caller.object_id, "type": kind}],
        "denyAssignmentId": "",
        "result": "Granted" if assignment else "Denied",
    }


def _resource_id(world: World, account: str) -> str:
    for resource in world.azure.resources.values():
        if resource["type"] == "Microsoft.Storage/storageAccounts" and resource["name"] == account:
            return str(resource["id"])
    return ""
