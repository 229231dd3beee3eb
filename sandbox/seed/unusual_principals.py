"""Principals that are no plain application of this tenant: a partner's, an unfinished one, an agent's.

`partner-sync` belongs to another tenant, whose application object nobody here can touch; `legacy-job` never got a
service principal; `invoice-agent` is an agent identity.
"""

from datetime import datetime, timedelta

from sandbox.arm.definitions import new_role_assignment
from sandbox.entra.resources import FIRST_PARTY, GRAPH
from sandbox.graph import shapes
from sandbox.graph.credentials import new_password_credential
from sandbox.seed import first_party, names
from sandbox.seed.names import INVOICE_AGENT, LEGACY_JOB, PARTNER_SYNC
from sandbox.settings import pretend_secret
from sandbox.world import Json, World, stable_guid

PARTNER_TENANT = stable_guid("tenant/fabrikam")
# https://learn.microsoft.com/graph/api/resources/agentidentity
_AGENT: Json = {
    "@odata.type": "#microsoft.graph.agentIdentity",
    "servicePrincipalType": "ServiceIdentity",
}


def plant(world: World) -> None:
    """Put them into the directory, after Graph's own service principal."""
    since = names.seeded_at(world)
    _partner_sync(world, since)
    _legacy_job(world, since)
    agent = shapes.new_service_principal(
        {"appId": INVOICE_AGENT.app_id, "displayName": INVOICE_AGENT.name},
        created=since,
        tenant_id=world.tenant_id,
        object_id=INVOICE_AGENT.object_id,
        **_AGENT,
    )
    world.directory.service_principals.put(agent["id"], agent, since=since)


def _partner_sync(world: World, since: datetime) -> None:
    """A service principal with a secret of its own, and every kind of permission."""
    principal = shapes.new_service_principal(
        {
            "appId": PARTNER_SYNC.app_id,
            "displayName": PARTNER_SYNC.name,
            "signInAudience": "AzureADMultipleOrgs",
        },
        created=since,
        tenant_id=PARTNER_TENANT,
        object_id=PARTNER_SYNC.object_id,
        passwordCredentials=[_secret(world, PARTNER_SYNC.name, since)],
        tags=[shapes.ENTERPRISE_APP_TAG],
    )
    world.directory.service_principals.put(principal["id"], principal, since=since)
    graph = _graph(world)
    app_role = shapes.new_app_role_assignment(
        principal, graph, first_party.GRAPH_ROLES["Directory.Read.All"], created=since
    )
    world.directory.app_role_assignments.put(app_role["id"], app_role, since=since)
    consent = shapes.new_permission_grant(
        client_id=PARTNER_SYNC.object_id,
        resource_id=graph["id"],
        scope="User.Read",
        grant_id=stable_guid("grant/partner-sync").replace("-", ""),
    )
    world.directory.oauth2_permission_grants.put(consent["id"], consent, since=since)
    reader = new_role_assignment(
        world,
        scope=names.resource_group(world, "rg-orders"),
        role="Reader",
        principal_id=PARTNER_SYNC.object_id,
        name=stable_guid(f"role-assignment/{PARTNER_SYNC.object_id}/Reader"),
        created=since,
    )
    world.azure.role_assignments.put(reader["id"].lower(), reader, since=since)


def _legacy_job(world: World, since: datetime) -> None:
    """An application that still has a secret, and whose service principal was never made here."""
    application = shapes.new_application(
        LEGACY_JOB.name,
        created=since,
        object_id=LEGACY_JOB.application_object_id,
        app_id=LEGACY_JOB.app_id,
        signInAudience="AzureADMyOrg",
        passwordCredentials=[_secret(world, LEGACY_JOB.name, since)],
    )
    world.directory.applications.put(application["id"], application, since=since)


def _secret(world: World, name: str, since: datetime) -> Json:
    """A secret that is valid today."""
    value = pretend_secret(f"{name} secret")[:40]
    password = new_password_credential(
        "seeded",
        secret=value,
        start=since,
        end=since + timedelta(days=730),
        key_id=stable_guid(f"secret/{name}"),
    )
    world.directory.secrets[password["keyId"]] = value
    return password


def _graph(world: World) -> Json:
    app_id = FIRST_PARTY[GRAPH][0]
    found = world.directory.service_principals.get(stable_guid(f"service-principal/{app_id}"))
    if found is None:
        raise LookupError("Microsoft Graph has to be planted first")
    return found
