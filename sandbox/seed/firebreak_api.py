"""The app registration that responders sign in to: its app roles, who holds them, and which applications call it.

Source      https://learn.microsoft.com/entra/identity-platform/howto-add-app-roles-in-apps
            https://learn.microsoft.com/azure/azure-monitor/alerts/action-groups#configure-authentication-for-secure-webhook
"""

from datetime import datetime

from sandbox.entra.resources import FIREBREAK
from sandbox.graph import shapes
from sandbox.seed import names
from sandbox.seed.first_party import MICROSOFT_TENANT, new_app_role
from sandbox.seed.names import FIREBREAK_API, INCIDENT_BOT, WEBHOOK_APP_ID
from sandbox.world import Json, World, stable_guid

READ, RESPOND, APPROVE, ADMIN = (
    "Incident.Read",
    "Incident.Respond",
    "Incident.Approve",
    "Incident.Admin",
)
SECURE_WEBHOOK = "ActionGroupsSecureWebhook"
# Where App Service takes a sign-in's answer; on loopback at any port.
# https://learn.microsoft.com/azure/app-service/configure-authentication-provider-aad
_CALLBACK = "/.auth/login/aad/callback"
# Whose tokens may carry a role. Nobody can give an application the approver's.
_MEMBERS = {
    READ: ["User", "Application"],
    RESPOND: ["User", "Application"],
    APPROVE: ["User"],
    ADMIN: ["User"],
    SECURE_WEBHOOK: ["Application"],
}
PEOPLE = {
    "rosa": ("Incident responder", (RESPOND, APPROVE)),
    "ravi": ("Auditor", (READ,)),
    "nora": ("Incident responder", (RESPOND,)),
    "ines": ("Service owner", (APPROVE,)),
    "yuri": ("Head of operations", (APPROVE,)),
    "zoe": ("Platform administrator", (ADMIN,)),
}


def registration() -> Json:
    """What the application has beyond its name."""
    roles = [
        new_app_role(stable_guid(f"app-role/{value}"), value, members=members)
        for value, members in _MEMBERS.items()
    ]
    web = {
        "homePageUrl": None,
        "logoutUrl": None,
        "redirectUris": [f"http://{host}{_CALLBACK}" for host in ("localhost", "127.0.0.1")],
        "implicitGrantSettings": {
            "enableAccessTokenIssuance": False,
            "enableIdTokenIssuance": True,
        },
        "redirectUriSettings": [],
    }
    return {"appRoles": roles, "identifierUris": [FIREBREAK], "web": web}


def plant(world: World, since: datetime) -> None:
    """Give the roles. The registration itself is planted with the other applications."""
    for name, (_, roles) in PEOPLE.items():
        user = world.directory.users.get(names.user_id(name))
        for role in roles if user is not None else ():
            _give(world, user or {}, role, since)
    bot = world.directory.service_principals.get(INCIDENT_BOT.object_id)
    for role in (READ, RESPOND) if bot is not None else ():
        _give(world, bot or {}, role, since)
    _give(world, _webhook(world, since), SECURE_WEBHOOK, since)


def _webhook(world: World, since: datetime) -> Json:
    """Who sends the alerts of an action group with a secure webhook: an application of Microsoft's."""
    principal = shapes.new_service_principal(
        {"appId": WEBHOOK_APP_ID, "displayName": "AzNS AAD Webhook", "identifierUris": []},
        created=since,
        tenant_id=MICROSOFT_TENANT,
        object_id=stable_guid(f"service-principal/{WEBHOOK_APP_ID}"),
    )
    world.directory.service_principals.put(principal["id"], principal, since=since)
    return principal


def _give(world: World, principal: Json, role: str, since: datetime) -> None:
    resource = world.directory.service_principals.get(FIREBREAK_API.object_id) or {}
    role_id = stable_guid(f"app-role/{role}")
    grant = shapes.new_app_role_assignment(principal, resource, role_id, created=since)
    world.directory.app_role_assignments.put(grant["id"], grant, since=since)
