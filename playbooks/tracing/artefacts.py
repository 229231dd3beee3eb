"""What the principal left behind, who else is suspect now, and who changed the principal itself.

Source   https://learn.microsoft.com/entra/identity/monitoring-health/reference-audit-activities
         https://learn.microsoft.com/entra/architecture/security-operations-applications
"""

import re
from collections.abc import Iterable, Set
from typing import TypedDict

from playbooks.orders import Json
from playbooks.tracing.acts import Rows, initiated_by
from playbooks.tracing.rows import Act, items, tree
from responders.model import Principal

_IDENTITY = "microsoft.managedidentity/userassignedidentities"
_TRUST = f"{_IDENTITY}/federatedidentitycredentials/write"
_GRANT = "microsoft.authorization/roleassignments/write"
_ARM_CHANGES = ("/write", "/delete", "/action")
_GRANTEE = re.compile(r'\\*"principalId\\*"\s*:\s*\\*"([0-9a-f-]{36})', re.IGNORECASE)
# The target types of an audit row that can hold credentials of their own.
_IDENTITIES = {
    "application": "application",
    "serviceprincipal": "service_principal",
    "user": "user",
}


class Suspect(TypedDict):
    """Somebody to look at next."""

    kind: str  # application, service_principal, user, user_assigned_identity, principal
    id: str  # object id, or resource id
    name: str
    why: str
    when: str


def changes(acts: list[Act]) -> list[Act]:
    """What was created, changed or deleted: through ARM, in the directory, in a cluster."""
    return [
        one
        for one in acts
        if one["ok"]
        and (
            one["table"] == "AuditLogs"
            or (one["table"] == "AzureActivity" and one["operation"].lower().endswith(_ARM_CHANGES))
            or (
                one["table"] == "AKSAudit"
                and not one["operation"].startswith(("get", "list", "watch"))
            )
        )
    ]


def suspects(rows: Rows, acts: list[Act], principal: Principal, ours: Set[str]) -> list[Suspect]:
    """Identities that it made, armed or gave rights to; and those who did that to it. Each once."""
    ours_and_its = {*ours, *_ids_of(principal)}
    found = [*_armed(acts), *_granted(rows, acts), *_touched(rows, principal)]
    found += _touched_it(rows, principal)
    kept: dict[str, Suspect] = {}
    for one in found:
        if one["id"] and one["id"].lower() not in ours_and_its:
            kept.setdefault(one["id"].lower(), one)
    return list(kept.values())


def _ids_of(principal: Principal) -> set[str]:
    known = (
        principal["object_id"],
        principal["app_id"],
        principal["application_object_id"],
        principal["resource_id"],
    )
    return {one.lower() for one in known if one}


def _armed(acts: list[Act]) -> Iterable[Suspect]:
    """Managed identities that it created, or let somebody in to."""
    for one in changes(acts):
        operation, target = one["operation"].lower(), one["target"]
        if operation in {f"{_IDENTITY}/write", _TRUST}:
            identity = re.split("/federatedIdentityCredentials/", target, flags=re.IGNORECASE)[0]
            why = (
                "it added a federated credential"
                if operation == _TRUST
                else "it created or changed it"
            )
            yield {
                "kind": "user_assigned_identity",
                "id": identity,
                "name": identity.rpartition("/")[2],
                "why": why,
                "when": one["when"],
            }


def _granted(rows: Rows, acts: list[Act]) -> Iterable[Suspect]:
    """Principals that it gave a role: the event's properties hold the body of the request."""
    given = {
        one["target"].lower(): one
        for one in acts
        if one["ok"] and one["operation"].lower() == _GRANT
    }
    for row in [*rows.get("AzureActivity", []), *rows.get("activity_log", [])]:
        target = str(row.get("_ResourceId") or row.get("resourceId") or "").lower()
        if target not in given:
            continue
        for grantee in _GRANTEE.findall(str(row.get("Properties") or row.get("properties") or "")):
            yield {
                "kind": "principal",
                "id": grantee,
                "name": "",
                "why": f"it was given a role: {target}",
                "when": given[target]["when"],
            }


def _touched(rows: Rows, principal: Principal) -> Iterable[Suspect]:
    """Directory objects that it created or changed: next suspects, with what was done to each."""
    for row in rows.get("AuditLogs", []):
        if initiated_by(row, principal) and str(row.get("Result")).lower() == "success":
            for one in map(tree, items(row.get("TargetResources"))):
                kind = _IDENTITIES.get(str(one.get("type")).lower())
                if kind:
                    yield _suspect(
                        kind, one, f"its doing: {str(row.get('OperationName')).strip()}", row
                    )


def _touched_it(rows: Rows, principal: Principal) -> Iterable[Suspect]:
    """Who changed the principal or its application in the window: whoever planted a credential is in here."""
    its = _ids_of(principal)
    for row in rows.get("AuditLogs", []):
        targets = [tree(one) for one in items(row.get("TargetResources"))]
        if initiated_by(row, principal) or not any(
            str(one.get("id")).lower() in its for one in targets
        ):
            continue
        by = tree(row.get("InitiatedBy"))
        why = f"did to it: {str(row.get('OperationName')).strip()}"
        if user := tree(by.get("user")):
            name = {**user, "displayName": user.get("userPrincipalName") or user.get("displayName")}
            yield _suspect("user", name, why, row)
        elif app := tree(by.get("app")):
            yield _suspect(
                "service_principal", {**app, "id": app.get("servicePrincipalId")}, why, row
            )


def _suspect(kind: str, one: Json, why: str, row: Json) -> Suspect:
    return {
        "kind": kind,
        "id": str(one.get("id") or ""),
        "name": str(one.get("displayName") or ""),
        "why": why,
        "when": str(row.get("TimeGenerated") or ""),
    }
