"""Microsoft's APIs, which have a service principal in every tenant.

Source      https://learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in
"""

from datetime import datetime

from sandbox.entra.resources import FIRST_PARTY, GRAPH
from sandbox.graph import shapes
from sandbox.world import Json, World, stable_guid

# Owner of first-party applications: "Microsoft Services".
MICROSOFT_TENANT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
# https://learn.microsoft.com/graph/permissions-reference
GRAPH_ROLES = {
    "Application.Read.All": "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30",
    "Application.ReadWrite.All": "1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9",
    "Application.ReadWrite.OwnedBy": "18a4783c-866b-4cc7-a460-3d5e5662c884",
    "AppRoleAssignment.ReadWrite.All": "06b708a9-e830-4db3-a914-8e69da51d44f",
    "AuditLog.Read.All": "b0afded3-3588-46d8-8b3d-9842eff778da",
    "Directory.Read.All": "7ab1d382-f21e-4acd-a863-ba3e13f7da61",
}


def plant(world: World, since: datetime) -> Json:
    """Put their service principals into the directory; returns that of Graph."""
    found: Json = {}
    for resource, (app_id, display_name) in FIRST_PARTY.items():
        roles = GRAPH_ROLES if resource == GRAPH else {}
        application = {
            "appId": app_id,
            "displayName": display_name,
            "identifierUris": [resource, f"{resource}/"] if "://" in resource else [],
            "appRoles": [
                new_app_role(role_id, value, members=["Application"])
                for value, role_id in roles.items()
            ],
        }
        principal = shapes.new_service_principal(
            application,
            created=since,
            tenant_id=MICROSOFT_TENANT,
            object_id=stable_guid(f"service-principal/{app_id}"),
        )
        world.directory.service_principals.put(principal["id"], principal, since=since)
        if resource == GRAPH:
            found = principal
    return found


def new_app_role(role_id: str, value: str, *, members: list[str] | None = None) -> Json:
    """An app role for these kinds of members; people and applications, where nothing is said."""
    return {
        "allowedMemberTypes": members or ["User", "Application"],
        "description": value,
        "displayName": value,
        "id": role_id,
        "isEnabled": True,
        "origin": "Application",
        "value": value,
    }
