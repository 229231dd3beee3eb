"""Microsoft's APIs, which have a service principal in every tenant.

Source      https://learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in
"""

from collections.abc import Mapping
from datetime import datetime

from sandbox.entra.resources import FIRST_PARTY, GRAPH
from sandbox.graph import shapes
from sandbox.world import Json, World, stable_guid

# Owner of first-party applications: "Microsoft Services".
MICROSOFT_TENANT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
# https://learn.microsoft.com/graph/permissions-reference
GRAPH_ROLES = {
    "Application.Read.All": "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30",
    "Application.ReadUpdate.All": "fc023787-fd04-4e44-9bc7-d454f00c0f0a",
    "Application.ReadWrite.All": "1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9",
    "Application.ReadWrite.OwnedBy": "18a4783c-866b-4cc7-a460-3d5e5662c884",
    "AppRoleAssignment.ReadWrite.All": "06b708a9-e830-4db3-a914-8e69da51d44f",
    "AuditLog.Read.All": "b0afded3-3588-46d8-8b3d-9842eff778da",
    "DelegatedPermissionGrant.ReadWrite.All": "8e8e4742-1d95-4f68-9d56-6ee75648c72a",
    "Directory.Read.All": "7ab1d382-f21e-4acd-a863-ba3e13f7da61",
    "Directory.ReadWrite.All": "19dbc75e-c2e2-444c-a770-ec69d8559fc7",
    "Group.Read.All": "5b567255-7703-4780-807c-7be8301ae99b",
    "Group.ReadWrite.All": "62a82d76-70ea-41e2-9197-370581804d09",
    "GroupMember.Read.All": "98830695-27a2-44f7-8c18-0c3ebc9698f6",
    "GroupMember.ReadWrite.All": "dbaae8cf-10b5-4b86-a4a1-f871c94c6695",
    "IdentityRiskEvent.Read.All": "6e472fd1-ad78-48da-a0f0-97ab2c6b769e",
    "IdentityRiskyServicePrincipal.Read.All": "607c7344-0eed-41e5-823a-9695ebe1b7b0",
    "IdentityRiskyServicePrincipal.ReadWrite.All": "cb8d6980-6bcb-4507-afec-ed6de3a2d798",
    "RoleManagement.Read.Directory": "483bed4a-2ad3-4361-a73b-c83ccdbdc53c",
    "RoleManagement.ReadWrite.Directory": "9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8",
    "User.Read.All": "df021288-bdef-4463-88db-98f22de89214",
}


def plant(world: World, since: datetime, ids: Mapping[str, str]) -> Json:
    """Put their service principals into the directory; returns that of Graph. `ids`: app id -> object id to have."""
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
            object_id=ids.get(app_id) or stable_guid(f"service-principal/{app_id}"),
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
