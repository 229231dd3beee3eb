"""Sign-in log rows of people, wherever they signed in.

Source      https://learn.microsoft.com/azure/azure-monitor/reference/tables/signinlogs
"""

import uuid

from sandbox.entra import tokens
from sandbox.entra.resources import Resource
from sandbox.web import Call
from sandbox.world import Json, World, timestamp


def record(world: World, call: Call, user: Json, resource: Resource, issued: tokens.Issued) -> None:
    """Write the row. It can be queried after the ingestion delay."""
    now = timestamp(world.clock.now())
    row: Json = {
        "TimeGenerated": now,
        "CreatedDateTime": now,
        "Type": "SigninLogs",
        "TenantId": world.workspace_id,
        "AADTenantId": world.tenant_id,
        "SourceSystem": "Azure AD",
        "Category": "SignInLogs",
        "OperationName": "Sign-in activity",
        "ResultType": "0",
        "ResultSignature": "SUCCESS",
        "Id": str(uuid.uuid4()),
        "CorrelationId": str(uuid.uuid4()),
        "Identity": user["displayName"],
        "UserId": user["id"],
        "UserPrincipalName": user["userPrincipalName"],
        "UserDisplayName": user["displayName"],
        "UserType": "Member",
        "AppId": tokens.AZURE_CLI,
        "AppDisplayName": "Microsoft Azure CLI",
        "IPAddress": call.client_ip,
        "UserAgent": call.headers.get("user-agent", ""),
        "ResourceDisplayName": resource.display_name,
        "ResourceIdentity": resource.app_id,
        "UniqueTokenIdentifier": issued.token_id,
        "ConditionalAccessStatus": "notApplied",
    }
    world.logs.add("SigninLogs", row, delay_s=world.delays.ingestion)
