"""AuditLogs: one row for every change of the directory.

Simulates   the AuditLogs table of the diagnostic settings of Entra ID
Faithful    operation names, who (with the token's app or user), target, modifiedProperties with old and new JSON
Left out    rows of failed attempts; the second row that Entra writes for some updates
Source      https://learn.microsoft.com/azure/azure-monitor/reference/tables/auditlogs
            https://learn.microsoft.com/entra/identity/monitoring-health/reference-audit-activities
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.graph.exchange import Request
from sandbox.world import Json, timestamp

CREDENTIALS_OF_APPLICATION = "Update application \u2013 Certificates and secrets management "
_IDENTITY_PROTECTION = ("ConfirmServicePrincipalCompromised", "DismissServicePrincipal")
_VERBS = {"Add": "Add", "Remove": "Delete", "Delete": "Delete", "Hard": "Delete"}


def modified(name: str, old: Any, new: Any) -> Json:
    """One entry of modifiedProperties: both values are JSON inside a string."""
    return {"displayName": name, "oldValue": json.dumps(old), "newValue": json.dumps(new)}


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Json]:
    """The properties that differ, in Pascal case as the audit log names them."""
    return [
        modified(name[0].upper() + name[1:], [old.get(name)], [new.get(name)])
        for name in new
        if old.get(name) != new.get(name)
    ]


def record(
    request: Request, operation: str, target: Json, changes: Sequence[Json] = (), *others: Json
) -> None:
    """Write the row. `target` and `others` are directory objects; it is visible after ingestion."""
    world = request.world
    now = timestamp(world.clock.now())
    if changes:
        names = ", ".join(change["displayName"] for change in changes)
        changes = [*changes, modified("Included Updated Properties", None, names)]
    initiator = _initiator(request)
    row: Json = {
        "TimeGenerated": now,
        "ActivityDateTime": now,
        "ActivityDisplayName": operation,
        "OperationName": operation,
        "OperationVersion": "1.0",
        "AADOperationType": _VERBS.get(operation.split(" ", maxsplit=1)[0], "Update"),
        "AADTenantId": world.tenant_id,
        "TenantId": world.workspace_id,
        "AdditionalDetails": _details(request, target),
        "Category": _category(operation),
        "CorrelationId": request.correlation_id,
        "DurationMs": 0,
        "Id": f"Directory_{request.request_id}_{uuid.uuid4().hex[:5].upper()}",
        "Identity": next(iter(initiator.values()))["displayName"],
        "InitiatedBy": initiator,
        "Level": "4",
        "Location": "",
        "LoggedByService": _service(operation),
        "Resource": "Microsoft.aadiam",
        "ResourceGroup": "Microsoft.aadiam",
        "ResourceId": f"/tenants/{world.tenant_id}/providers/Microsoft.aadiam",
        "Result": "success",
        "ResultDescription": "",
        "ResultReason": "",
        "ResultSignature": "None",
        "ResultType": "",
        "SourceSystem": "Azure AD",
        "TargetResources": [_target(target, changes), *(_target(each, ()) for each in others)],
        "Type": "AuditLogs",
    }
    world.logs.add("AuditLogs", row, delay_s=world.delays.ingestion)


def _service(operation: str) -> str:
    return "Identity Protection" if operation in _IDENTITY_PROTECTION else "Core Directory"


def _category(operation: str) -> str:
    if operation in _IDENTITY_PROTECTION:
        return "Other"
    last = operation.rsplit(" ", maxsplit=1)[-1]
    return {"group": "GroupManagement", "role": "RoleManagement"}.get(last, "ApplicationManagement")


def _initiator(request: Request) -> Json:
    caller = request.caller
    if caller.kind == "user":
        user = request.world.directory.users.get(caller.object_id) or {}
        return {
            "user": {
                "id": caller.object_id,
                "displayName": user.get("displayName"),
                "userPrincipalName": user.get("userPrincipalName"),
                "ipAddress": request.client_ip,
                "roles": [],
            }
        }
    principal = request.world.directory.service_principals.get(caller.object_id) or {}
    return {
        "app": {
            "appId": caller.app_id,
            "displayName": principal.get("displayName"),
            "servicePrincipalId": caller.object_id,
            "servicePrincipalName": None,
        }
    }


def _details(request: Request, target: Json) -> list[Json]:
    details = [{"key": "User-Agent", "value": request.headers.get("user-agent", "")}]
    if "appId" in target:
        details.append({"key": "AppId", "value": target["appId"]})
    return details


def _target(target: Json, changes: Sequence[Json]) -> Json:
    return {
        "id": target["id"],
        "displayName": target.get("displayName"),
        "type": kind_of(target),
        "userPrincipalName": target.get("userPrincipalName"),
        "modifiedProperties": list(changes),
        "administrativeUnits": [],
    }


def kind_of(target: Json) -> str:
    """What the audit log calls the type of a directory object."""
    if "servicePrincipalType" in target:
        return "ServicePrincipal"
    if "groupTypes" in target:
        return "Group"
    if "roleTemplateId" in target:
        return "Role"
    return "Application" if "appId" in target else "User"
