"""Sign-in log rows: who asked for which token, with which credential, from where, and what came of it.

Simulates   AADServicePrincipalSignInLogs and AADManagedIdentitySignInLogs
Faithful    the columns that tie a token to its credential: ServicePrincipalCredentialKeyId,
            FederatedCredentialId, UniqueTokenIdentifier (the token's `uti`)
Choice      a managed identity's sign-in is in its own table, also when it came by federation: the table follows
            the principal. Microsoft doesn't say so
Left out    locations, autonomous systems, conditional access
Source      https://learn.microsoft.com/azure/azure-monitor/reference/tables/aadserviceprincipalsigninlogs
"""

import json
import uuid
from dataclasses import dataclass

from sandbox.entra.answers import Correlation
from sandbox.entra.refusals import RefusalError
from sandbox.entra.resources import Resource
from sandbox.entra.tokens import Issued
from sandbox.web import Call
from sandbox.world import Json, World, timestamp


@dataclass
class SignIn:
    """What becomes known of a token request while it is judged."""

    app_id: str = ""
    principal: Json | None = None
    resource: Resource | None = None
    credential_type: str = "none"  # Graph's enumeration clientCredentialType
    key_id: str = ""
    thumbprint: str = ""
    federated_credential_id: str = ""


def record(
    world: World,
    call: Call,
    sign_in: SignIn,
    correlation: Correlation,
    outcome: Issued | RefusalError,
) -> None:
    """Write the row. It can be queried after the ingestion delay."""
    now = timestamp(world.clock.now())
    principal, resource = sign_in.principal or {}, sign_in.resource
    failed = isinstance(outcome, RefusalError)
    is_managed = principal.get("servicePrincipalType") == "ManagedIdentity"
    kind = "ManagedIdentity" if is_managed else "ServicePrincipal"
    table = f"AAD{kind}SignInLogs"
    row: Json = {
        "TimeGenerated": now,
        "CreatedDateTime": now,
        "AADTenantId": world.tenant_id,
        "TenantId": world.workspace_id,
        "Type": table,
        "SourceSystem": "Azure AD",
        "Category": f"{kind}SignInLogs",
        "OperationName": "Sign-in activity",
        "OperationVersion": "1.0",
        "Level": "4",
        "Id": correlation.trace_id,
        "CorrelationId": correlation.correlation_id,
        "SessionId": str(uuid.uuid4()),
        "ResultType": str(outcome.code) if isinstance(outcome, RefusalError) else "0",
        "ResultSignature": "FAILURE" if failed else "SUCCESS",
        "ResultDescription": str(outcome) if isinstance(outcome, RefusalError) else "",
        "DurationMs": 0,
        "IPAddress": call.client_ip,
        "LocationDetails": json.dumps({}),
        "UserAgent": call.headers.get("user-agent", ""),
        "AppId": sign_in.app_id,
        "ServicePrincipalId": principal.get("id", ""),
        "ServicePrincipalName": principal.get("displayName", ""),
        "AppOwnerTenantId": principal.get("appOwnerOrganizationId") or "",
        "ServicePrincipalCredentialKeyId": sign_in.key_id,
        "ServicePrincipalCredentialThumbprint": sign_in.thumbprint,
        "FederatedCredentialId": sign_in.federated_credential_id,
        "ClientCredentialType": sign_in.credential_type,
        "ConditionalAccessStatus": "notApplied",
        "ResourceDisplayName": resource.display_name if resource else "",
        "ResourceIdentity": resource.app_id if resource else "",
        "ResourceServicePrincipalId": (resource.principal or {}).get("id", "") if resource else "",
        "ResourceOwnerTenantId": world.tenant_id,
        "UniqueTokenIdentifier": outcome.token_id if isinstance(outcome, Issued) else "",
    }
    world.logs.add(table, row, delay_s=world.delays.ingestion)
