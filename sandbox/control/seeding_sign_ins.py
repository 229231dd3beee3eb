"""Seeds of what the sign-in logs have: tokens that workloads got before anything happened."""

import uuid
from datetime import datetime

from sandbox.control.wishes import WishError, text
from sandbox.world import Json, World, timestamp


def _sign_in(world: World, since: datetime, one: Json) -> Json:
    """{"principalId", "address", "federatedCredentialId"?, "keyId"?}: a token that it got, at the time of the seed."""
    principal = world.directory.service_principals.get(text(one, "principalId"))
    if principal is None:
        raise WishError("signIns: no such service principal")
    managed = principal["servicePrincipalType"] == "ManagedIdentity"
    kind = "ManagedIdentity" if managed else "ServicePrincipal"
    trust, key_id = one.pop("federatedCredentialId", ""), one.pop("keyId", "")
    row: Json = {
        "TimeGenerated": timestamp(since),
        "CreatedDateTime": timestamp(since),
        "AADTenantId": world.tenant_id,
        "TenantId": world.workspace_id,
        "Type": f"AAD{kind}SignInLogs",
        "Category": f"{kind}SignInLogs",
        "OperationName": "Sign-in activity",
        "Id": str(uuid.uuid4()),
        "CorrelationId": str(uuid.uuid4()),
        "ResultType": "0",
        "ResultSignature": "SUCCESS",
        "IPAddress": text(one, "address"),
        "AppId": principal["appId"],
        "ServicePrincipalId": principal["id"],
        "ServicePrincipalName": principal["displayName"],
        "FederatedCredentialId": trust,
        "ServicePrincipalCredentialKeyId": key_id,
        "ClientCredentialType": "federatedIdentityCredential" if trust else "clientSecret",
    }
    world.logs.add(str(row["Type"]), row, delay_s=0)
    return {"id": row["Id"]}


PARTS = {"signIns": _sign_in}
