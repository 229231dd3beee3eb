"""Who exists: the tenant's applications, Firebreak's own identity, and people."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sandbox.graph import shapes
from sandbox.graph.credentials import (
    new_federated_credential,
    new_key_credential,
    new_password_credential,
)
from sandbox.seed import firebreak_api, first_party, groups, names, own_identities
from sandbox.seed.certificates import certificate
from sandbox.seed.names import (
    BILLING_API,
    FIREBREAK_API,
    INCIDENT_BOT,
    ORDERS_API,
    Ids,
)
from sandbox.settings import pretend_secret
from sandbox.world import Json, World, stable_guid

_FEDERATED = (
    ("aks-weu", "orders-api"),
    ("aks-neu", "orders-api"),
    ("aks-frc", "orders-api"),
    ("aks-weu", "orders-worker"),
)


def plant(world: World) -> None:
    """Put everybody into the directory."""
    since = names.seeded_at(world)
    graph = plant_around(world, {})
    _orders_api(world, since)
    _billing_api(world, since)
    _kubelets(world, since)
    _graph_roles(world, ORDERS_API, graph, ("User.Read.All",), since)
    _consent(world, ORDERS_API, graph, "User.Read openid profile", since)
    groups.plant(world, since)


def plant_around(world: World, first_party_ids: Mapping[str, str]) -> Json:
    """What is in every tenant: Microsoft's APIs, people, Firebreak and its API. Returns Graph's service principal."""
    since = names.seeded_at(world)
    graph = first_party.plant(world, since, first_party_ids)
    _users(world, since)
    own_identities.plant_in_directory(world, graph, since)
    _firebreak_api(world, since)
    return graph


def _users(world: World, since: datetime) -> None:
    titles = {name: title for name, (title, _) in firebreak_api.PEOPLE.items()}
    for name, title in {"dana": "Developer", "vera": "Accountant", **titles}.items():
        user = shapes.new_user(name, created=since, object_id=names.user_id(name), jobTitle=title)
        world.directory.users.put(user["id"], user, since=since)


def _orders_api(world: World, since: datetime) -> None:
    """The application that gets attacked, with a secret and a certificate of its own."""
    secret = pretend_secret("orders-api ci-2024")[:40]
    password = new_password_credential(
        "ci-2024",
        secret=secret,
        start=since,
        end=since + timedelta(days=730),
        key_id=stable_guid("secret/orders-api/ci-2024"),
    )
    world.directory.secrets[password["keyId"]] = secret
    key = new_key_credential(
        "CN=orders-api",
        certificate=certificate("orders-api"),
        start=since,
        end=since + timedelta(days=730),
        key_id=stable_guid("certificate/orders-api"),
    )
    _application(world, ORDERS_API, since, passwordCredentials=[password], keyCredentials=[key])
    for cluster, account in _FEDERATED:
        if cluster in names.clusters(world):
            federate(world, ORDERS_API, cluster, account, since)
    dana = names.user_id("dana")
    world.directory.owners[ORDERS_API.application_object_id] = [dana]
    world.directory.owners[ORDERS_API.object_id] = [dana]


def _billing_api(world: World, since: datetime) -> None:
    """The bystander: nothing that happens to orders-api may touch it."""
    _application(world, BILLING_API, since)
    federate(world, BILLING_API, "aks-weu", "billing-api", since)


def _firebreak_api(world: World, since: datetime) -> None:
    """What responders sign in to. Its tokens are of version 2."""
    _application(world, FIREBREAK_API, since, **firebreak_api.registration())
    _application(world, INCIDENT_BOT, since)
    firebreak_api.plant(world, since)


def _kubelets(world: World, since: datetime) -> None:
    """The identity that each cluster's nodes use."""
    for name in names.clusters(world):
        ids = names.kubelet(name)
        principal = shapes.new_managed_identity(
            ids.name,
            created=since,
            resource_id=names.kubelet_identity(world, name),
            object_id=ids.object_id,
            app_id=ids.app_id,
        )
        world.directory.service_principals.put(principal["id"], principal, since=since)


def _application(world: World, ids: Ids, since: datetime, **properties: object) -> Json:
    """An application with its service principal; returns the latter."""
    application = shapes.new_application(
        ids.name,
        created=since,
        object_id=ids.application_object_id,
        app_id=ids.app_id,
        signInAudience="AzureADMyOrg",
        **properties,
    )
    if ids == FIREBREAK_API:
        application["api"]["requestedAccessTokenVersion"] = 2
    principal = shapes.new_service_principal(
        application,
        created=since,
        tenant_id=world.tenant_id,
        object_id=ids.object_id,
        tags=[shapes.ENTERPRISE_APP_TAG],
    )
    world.directory.applications.put(application["id"], application, since=since)
    world.directory.service_principals.put(principal["id"], principal, since=since)
    return principal


def federate(world: World, ids: Ids, cluster: str, account: str, since: datetime) -> None:
    """Trust a ServiceAccount of the shop."""
    name = f"{cluster}-shop-{account}"
    credential = new_federated_credential(
        name,
        application_id=ids.application_object_id,
        issuer=names.issuer(world, cluster),
        subject=f"system:serviceaccount:shop:{account}",
        credential_id=stable_guid(f"federated-credential/{ids.name}/{name}"),
    )
    world.directory.federated_credentials.put(credential["id"], credential, since=since)


def _graph_roles(
    world: World, ids: Ids, graph: Json, roles: Sequence[str], since: datetime
) -> None:
    principal = world.directory.service_principals.get(ids.object_id)
    for role in roles if principal else ():
        _grant(world, principal or {}, graph, first_party.GRAPH_ROLES[role], since)


def _consent(world: World, ids: Ids, graph: Json, scope: str, since: datetime) -> None:
    """An administrator's, for everybody."""
    grant = shapes.new_permission_grant(
        client_id=ids.object_id,
        resource_id=graph["id"],
        scope=scope,
        grant_id=stable_guid(f"grant/{ids.name}").replace("-", ""),
    )
    world.directory.oauth2_permission_grants.put(grant["id"], grant, since=since)


def _grant(
    world: World, principal: Json, resource: Json, app_role_id: str, since: datetime
) -> None:
    grant = shapes.new_app_role_assignment(principal, resource, app_role_id, created=since)
    world.directory.app_role_assignments.put(grant["id"], grant, since=since)
