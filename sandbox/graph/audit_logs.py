"""The logs as Graph shows them, a view on the tables that Log Analytics has.

Simulates   /auditLogs/directoryAudits, /auditLogs/signIns
Faithful    v1.0 shows interactive sign-ins only; beta shows those of principals when the filter asks for
            signInEventTypes servicePrincipal or managedIdentity, with the credential that was used
Left out    provisioning logs; locations, devices, risk
Source      https://learn.microsoft.com/graph/api/resources/directoryaudit
            https://learn.microsoft.com/graph/api/signin-list (beta: signInEventTypes)
"""

from typing import Any

from sandbox.graph import permissions, queries
from sandbox.graph.errors import not_found
from sandbox.graph.exchange import Reply, Request, Route
from sandbox.graph.log_schema import DIRECTORY_AUDIT, SIGN_IN, SIGN_IN_BETA
from sandbox.world import Json

_TABLES = {
    "interactiveUser": "SigninLogs",
    "servicePrincipal": "AADServicePrincipalSignInLogs",
    "managedIdentity": "AADManagedIdentitySignInLogs",
}


def list_audits(request: Request) -> Reply:
    """200 a page, newest first; 400; 403."""
    permissions.read_audits(request)
    return queries.listed(request, DIRECTORY_AUDIT, lambda _: _audits(request))


def get_audit(request: Request) -> Reply:
    """200 it; 403; 404."""
    permissions.read_audits(request)
    return queries.one(request, DIRECTORY_AUDIT, _by_id(request, _audits(request)))


def list_sign_ins(request: Request) -> Reply:
    """200 a page, newest first; 400; 403."""
    permissions.read_logs(request)
    resource = SIGN_IN_BETA if request.version == "beta" else SIGN_IN
    return queries.listed(request, resource, lambda _: _sign_ins(request))


def get_sign_in(request: Request) -> Reply:
    """200 it; 403; 404."""
    permissions.read_logs(request)
    resource = SIGN_IN_BETA if request.version == "beta" else SIGN_IN
    return queries.one(request, resource, _by_id(request, _sign_ins(request, everything=True)))


def _audits(request: Request) -> list[Json]:
    rows = request.world.logs.rows("AuditLogs")
    return [_audit(row) for row in reversed(rows)]


def _audit(row: Json) -> Json:
    initiators = {kind: _without(value, {"roles"}) for kind, value in row["InitiatedBy"].items()}
    return {
        "id": row["Id"],
        "category": row["Category"],
        "correlationId": row["CorrelationId"],
        "result": row["Result"],
        "resultReason": row["ResultReason"],
        "activityDisplayName": row["ActivityDisplayName"],
        "activityDateTime": row["ActivityDateTime"],
        "loggedByService": row["LoggedByService"],
        "operationType": row["AADOperationType"],
        "initiatedBy": {"app": None, "user": None, **initiators},
        "targetResources": [
            {**_without(each, {"administrativeUnits"}), "groupType": None}
            for each in row["TargetResources"]
        ],
        "additionalDetails": row["AdditionalDetails"],
    }


def _without(value: Json, names: set[str]) -> Json:
    return {name: inner for name, inner in value.items() if name not in names}


def _sign_ins(request: Request, *, everything: bool = False) -> list[Json]:
    asked = request.query.get("$filter", "") if request.version == "beta" else ""
    kinds = [kind for kind in _TABLES if everything or f"'{kind}'" in asked] or ["interactiveUser"]
    found = [
        _sign_in(kind, row) for kind in kinds for row in request.world.logs.rows(_TABLES[kind])
    ]
    return sorted(found, key=lambda each: str(each["createdDateTime"]), reverse=True)


def _sign_in(kind: str, row: Json) -> Json:
    def text(column: str) -> Any:
        return row.get(column) or None

    return {
        "id": row["Id"],
        "createdDateTime": row.get("CreatedDateTime") or row["TimeGenerated"],
        "appId": text("AppId"),
        "appDisplayName": text("AppDisplayName") or text("ServicePrincipalName"),
        "clientAppUsed": text("ClientAppUsed"),
        "conditionalAccessStatus": text("ConditionalAccessStatus") or "notApplied",
        "correlationId": text("CorrelationId"),
        "ipAddress": text("IPAddress"),
        "isInteractive": kind == "interactiveUser",
        "resourceDisplayName": text("ResourceDisplayName"),
        "resourceId": text("ResourceIdentity"),
        "servicePrincipalId": row.get("ServicePrincipalId") or "",
        "servicePrincipalName": text("ServicePrincipalName"),
        "status": {
            "errorCode": int(row.get("ResultType") or 0),
            "failureReason": row.get("ResultDescription") or "Other.",
            "additionalDetails": None,
        },
        "userAgent": text("UserAgent"),
        "userDisplayName": text("UserDisplayName"),
        "userId": row.get("UserId") or "",
        "userPrincipalName": text("UserPrincipalName"),
        "signInEventTypes": [kind],
        "uniqueTokenIdentifier": text("UniqueTokenIdentifier"),
        "servicePrincipalCredentialKeyId": text("ServicePrincipalCredentialKeyId"),
        "servicePrincipalCredentialThumbprint": text("ServicePrincipalCredentialThumbprint"),
        "federatedCredentialId": text("FederatedCredentialId"),
        "clientCredentialType": text("ClientCredentialType"),
    }


def _by_id(request: Request, items: list[Json]) -> Json:
    for each in items:
        if each["id"] == request.params["key"]:
            return each
    raise not_found(request.params["key"])


ROUTES = [
    Route("GET", "/auditLogs/directoryAudits", list_audits),
    Route("GET", "/auditLogs/directoryAudits/{key}", get_audit),
    Route("GET", "/auditLogs/signIns", list_sign_ins),
    Route("GET", "/auditLogs/signIns/{key}", get_sign_in),
]
