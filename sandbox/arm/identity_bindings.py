"""AKS identity bindings: one identity for many clusters by a single federated credential.

Simulates   Microsoft.ContainerService/managedClusters/identityBindings
Faithful    the caller needs the right to write the identity's federated credentials too; AKS writes one credential,
            `aks-identity-binding`, which all bindings of the identity share and which stays when the last one is gone;
            `managedIdentity` is set once
Choice      the subject of that credential is documented nowhere: here it is the identity's own client id
Left out    operations that take their time; what a binding is good for is in `sandbox/entra/token_proxy.py`
Source      https://learn.microsoft.com/azure/aks/identity-bindings-concepts
            https://learn.microsoft.com/azure/aks/identity-bindings
            https://learn.microsoft.com/rest/api/aks/identity-bindings
"""

import uuid
from datetime import datetime

from starlette.responses import JSONResponse, Response

from sandbox.arm import bodies, locks, operations, resources
from sandbox.arm import federated_identity_credentials as trusts
from sandbox.arm.errors import ArmError
from sandbox.arm.gate import authorize
from sandbox.web import Call, Route
from sandbox.world import Json, World

_CLUSTERS = "Microsoft.ContainerService/managedClusters"
_TYPE = f"{_CLUSTERS}/identityBindings"
_IDENTITIES = "Microsoft.ManagedIdentity/userAssignedIdentities"
_TRUSTS = f"{_IDENTITIES}/federatedIdentityCredentials"
_CLUSTER = (
    f"/subscriptions/{{subscription}}/resourceGroups/{{group}}/providers/{_CLUSTERS}/{{cluster}}"
)
_SHAPE: bodies.Shape = {
    "id": None,
    "name": None,
    "type": None,
    "eTag": None,
    "systemData": None,
    "properties": {
        "managedIdentity": {
            "resourceId": None,
            "objectId": None,
            "clientId": None,
            "tenantId": None,
        },
        "oidcIssuer": {"oidcIssuerUrl": None},
        "provisioningState": None,
    },
}
ISSUER = "https://ib.oic.prod-aks.azure.com"
AUDIENCE = "api://AKSIdentityBinding"
TRUST = "aks-identity-binding"


async def list_all(world: World, call: Call) -> Response:
    """200, 403, 404 no such cluster."""
    cluster_id = call.path.rpartition("/")[0]
    authorize(world, call, f"{_TYPE}/read", cluster_id)
    resources.require(world, cluster_id)
    return bodies.page(call, resources.under(world, cluster_id, _TYPE), size=100)


async def get(world: World, call: Call) -> Response:
    """200, 403, 404."""
    authorize(world, call, f"{_TYPE}/read", call.path)
    resources.require(world, _cluster_id(call))
    return JSONResponse(resources.require(world, call.path))


async def put(world: World, call: Call) -> Response:
    """201 created, 200 the same again, 400, 403, 404 no such cluster or identity, 409 locked or busy."""
    authorize(world, call, f"{_TYPE}/write", call.path)
    cluster = resources.require(world, _cluster_id(call))
    properties = bodies.read(call, _SHAPE, "IdentityBinding").get("properties", {})
    locks.refuse_if_locked(world, call.path, verb="write")
    operations.refuse_if_busy(cluster)
    identity = _identity(world, properties.get("managedIdentity", {}).get("resourceId"))
    found = world.azure.resources.get(call.path.lower())
    _refuse_another(found, identity)
    authorize(world, call, f"{_TRUSTS}/write", identity["id"])
    await trusts.write_for_service(world, identity["id"], TRUST, new_trust(world, identity))
    binding = new_binding(world, call.path, identity)
    world.azure.resources.put(call.path.lower(), binding)
    return JSONResponse(binding, 200 if found else 201)


async def delete(world: World, call: Call) -> Response:
    """202 deleted, 204 was not there, 403, 404 no such cluster, 409 locked or busy."""
    authorize(world, call, f"{_TYPE}/delete", call.path)
    cluster = resources.require(world, _cluster_id(call))
    locks.refuse_if_locked(world, call.path, verb="delete")
    if call.path.lower() not in world.azure.resources:
        return Response(status_code=204)
    path = call.path.lower()

    def gone() -> None:
        world.azure.resources.remove(path)

    return operations.begin(world, call, cluster, "Updating", gone)


def of_cluster(world: World, cluster_id: str, client_id: str) -> Json | None:
    """The binding of this client in this cluster, or None."""
    for each in resources.under(world, cluster_id, _TYPE):
        if each["properties"]["managedIdentity"]["clientId"] == client_id:
            return each
    return None


def issuer_of(world: World, client_id: str) -> str:
    """The issuer that AKS keeps for one identity, the same in all clusters."""
    return f"{ISSUER}/{world.tenant_id}/{client_id}"


def _identity(world: World, resource_id: object) -> Json:
    kind = f"/providers/{_IDENTITIES}/".lower()
    if not isinstance(resource_id, str) or kind not in resource_id.lower():
        raise ArmError(
            400,
            "InvalidParameter",
            "properties.managedIdentity.resourceId names no managed identity.",
        )
    return resources.require(world, resource_id)


def _refuse_another(found: Json | None, identity: Json) -> None:
    if found is None:
        return
    bound = found["properties"]["managedIdentity"]["resourceId"]
    if bound.lower() != identity["id"].lower():
        raise ArmError(
            400,
            "PropertyChangeNotAllowed",
            "Changing property 'properties.managedIdentity.resourceId' is not allowed.",
        )


def new_binding(world: World, resource_id: str, identity: Json) -> Json:
    """A binding as ARM returns it; keep it under its lower-cased id."""
    ids = identity["properties"]
    return {
        "id": resource_id,
        "name": resource_id.rpartition("/")[2],
        "type": _TYPE,
        "eTag": str(uuid.uuid4()),
        "properties": {
            "managedIdentity": {
                "resourceId": identity["id"],
                "objectId": ids["principalId"],
                "clientId": ids["clientId"],
                "tenantId": world.tenant_id,
            },
            "oidcIssuer": {"oidcIssuerUrl": issuer_of(world, ids["clientId"])},
            "provisioningState": "Succeeded",
        },
    }


def plant(world: World, cluster_id: str, identity: Json, since: datetime, name: str = "") -> Json:
    """A binding that was there all along, with the one credential that AKS writes on the identity."""
    trust: Json = {
        "id": f"{identity['id']}/federatedIdentityCredentials/{TRUST}",
        "name": TRUST,
        "type": _TRUSTS,
        "properties": new_trust(world, identity),
    }
    made = new_binding(world, f"{cluster_id}/identityBindings/{name or identity['name']}", identity)
    for each in (trust, made):
        world.azure.resources.put(str(each["id"]).lower(), each, since=since)
    return made


def new_trust(world: World, identity: Json) -> Json:
    """The properties of the federated credential that AKS writes on the identity."""
    client_id = identity["properties"]["clientId"]
    return {
        "issuer": issuer_of(world, client_id),
        "subject": client_id,
        "audiences": [AUDIENCE],
    }


def _cluster_id(call: Call) -> str:
    return call.path.rsplit("/", 2)[0]


ROUTES = [
    Route("GET", f"{_CLUSTER}/identityBindings", list_all),
    Route("GET", f"{_CLUSTER}/identityBindings/{{binding}}", get),
    Route("PUT", f"{_CLUSTER}/identityBindings/{{binding}}", put),
    Route("DELETE", f"{_CLUSTER}/identityBindings/{{binding}}", delete),
]
