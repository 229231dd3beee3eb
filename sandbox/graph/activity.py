"""MicrosoftGraphActivityLogs: one row for every call with a good token, reads and refusals too.

Faithful    the columns that tie a call to its token (UniqueTokenId, SignInActivityId) and to its client
Left out    locations, devices, durations
Source      https://learn.microsoft.com/azure/azure-monitor/reference/tables/microsoftgraphactivitylogs
"""

from datetime import UTC, datetime

from sandbox.graph.exchange import Request
from sandbox.world import Json, timestamp


def record(request: Request, *, uri: str, operation_id: str, status: int, size: int) -> None:
    """Write the row; it is visible after ingestion. `operation_id` is the batch's where there is one."""
    world, caller = request.world, request.caller
    user = caller.kind == "user"
    issued = datetime.fromtimestamp(int(caller.claims.get("iat", 0)), UTC)
    row: Json = {
        "TimeGenerated": timestamp(world.clock.now()),
        "AadTenantId": world.tenant_id,
        "TenantId": world.workspace_id,
        "ApiVersion": request.version,
        "AppId": caller.app_id,
        "ClientAuthMethod": int(caller.claims.get("appidacr", "0")),
        "ClientRequestId": request.correlation_id,
        "DeviceId": "",
        "DurationMs": 0,
        "IdentityProvider": str(caller.claims.get("idp", "")),
        "IPAddress": request.client_ip,
        "Location": "West Europe",
        "OperationId": operation_id,
        "RequestId": request.request_id,
        "RequestMethod": request.method,
        "RequestUri": uri,
        "ResponseSizeBytes": size,
        "ResponseStatusCode": status,
        "Roles": " ".join(sorted(caller.roles)),
        "Scopes": " ".join(sorted(caller.scopes)),
        "ServicePrincipalId": "" if user else caller.object_id,
        "SessionId": "",
        "SignInActivityId": caller.token_id,
        "SourceSystem": "Azure AD",
        "TokenIssuedAt": timestamp(issued),
        "Type": "MicrosoftGraphActivityLogs",
        "UniqueTokenId": caller.token_id,
        "UserAgent": request.headers.get("user-agent", ""),
        "UserId": caller.object_id if user else "",
        "Wids": " ".join(caller.claims.get("wids", [])),
    }
    world.logs.add("MicrosoftGraphActivityLogs", row, delay_s=world.delays.ingestion)
