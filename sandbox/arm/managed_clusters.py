"""AKS clusters, and the way into one.

Simulates   Microsoft.ContainerService/managedClusters: list, get, listClusterUserCredential,
            listClusterAdminCredential (2026-08-01)
Faithful    a user credential of an Entra-integrated cluster holds no secret, only kubelogin's
            call; an admin credential is refused where local accounts are disabled
Left out    rotating certificates, agent pools; what is done to a whole one: `cluster_actions.py`, `cluster_updates.py`
Source      https://learn.microsoft.com/rest/api/aks/managed-clusters
            https://learn.microsoft.com/azure/aks/kubelogin-authentication
            https://learn.microsoft.com/azure/aks/manage-local-accounts-managed-azure-ad
"""

import base64
import ssl

from starlette.responses import JSONResponse, Response

from sandbox.arm import cluster_actions, locks, paths, resources
from sandbox.arm.cluster_updates import etag_of
from sandbox.arm.errors import ArmError
from sandbox.arm.gate import authorize
from sandbox.web import Call, Route
from sandbox.world import Json, World

_TYPE = "Microsoft.ContainerService/managedClusters"
_SERVER = "6dae42f8-4368-4678-94ff-3960e28e3630"  # the Entra application of every AKS API server
_KUBELOGIN = "80faf920-1908-4b52-b5ef-a8e7bedfc67a"  # the Entra application of kubelogin itself
_SUBSCRIPTION = "/subscriptions/{subscription}"
_GROUP = f"{_SUBSCRIPTION}/resourceGroups/{{group}}"
_CLUSTER = f"{_GROUP}/providers/{_TYPE}/{{name}}"


async def list_all(world: World, call: Call) -> Response:
    """200 with the clusters that the caller may read; 404 for a scope that is not there."""
    return resources.visible(world, call, _TYPE)


async def get(world: World, call: Call) -> Response:
    """200 with its eTag, 403, 404."""
    authorize(world, call, f"{_TYPE}/read", call.path)
    found = resources.require(world, call.path)
    return JSONResponse({**found, "eTag": etag_of(found)})


async def list_user_credential(world: World, call: Call) -> Response:
    """200 with a kubeconfig, 400 for an unknown format, 403, 404, 409 locked read-only."""
    cluster = _cluster_for(world, call, "listClusterUserCredential")
    shape = call.query.get("format", "exec")  # the default since Kubernetes 1.24
    if shape not in ("exec", "azure"):
        raise ArmError(
            400, "BadRequest", f"The credential format '{shape}' is not one of: azure, exec."
        )
    user = _exec(world) if shape == "exec" else _auth_provider(world)
    return _kubeconfig(world, cluster, "clusterUser", user)


async def list_admin_credential(world: World, call: Call) -> Response:
    """400 as of a cluster with local accounts disabled: none here has any; 403; 404."""
    _cluster_for(world, call, "listClusterAdminCredential")
    raise ArmError(
        400,
        "BadRequest",
        "Getting static credential is not allowed because this cluster is set to disable local "
        "accounts.",
    )


def _cluster_for(world: World, call: Call, action: str) -> Json:
    resource_id = call.path.rsplit("/", 1)[0]
    authorize(world, call, f"{_TYPE}/{action}/action", resource_id)
    cluster = resources.require(world, resource_id)
    locks.refuse_if_locked(world, resource_id, verb="write")
    return cluster


def _kubeconfig(world: World, cluster: Json, role: str, user: str) -> Response:
    name = cluster["name"]
    login = f"{role}_{paths.resource_group_of(cluster['id'])}_{name}"
    text = f"""apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: {_authority(world)}
    server: {world.endpoints[f"kube-{cluster_actions.inside_of(world, cluster).name}"]}
  name: {name}
contexts:
- context:
    cluster: {name}
    user: {login}
  name: {name}
current-context: {name}
kind: Config
preferences: {{}}
users:
- name: {login}
  user:
{user}"""
    value = base64.b64encode(text.encode()).decode()
    return JSONResponse({"kubeconfigs": [{"name": role, "value": value}]})


def _exec(world: World) -> str:
    return f"""    exec:
      apiVersion: client.authentication.k8s.io/v1beta1
      args:
      - get-token
      - --environment
      - AzurePublicCloud
      - --server-id
      - {_SERVER}
      - --client-id
      - {_KUBELOGIN}
      - --tenant-id
      - {world.tenant_id}
      - --login
      - devicecode
      command: kubelogin
      env: null
      provideClusterInfo: false
"""


def _auth_provider(world: World) -> str:
    return f"""    auth-provider:
      config:
        apiserver-id: {_SERVER}
        client-id: {_KUBELOGIN}
        config-mode: "1"
        environment: AzurePublicCloud
        tenant-id: {world.tenant_id}
      name: azure
"""


def _authority(world: World) -> str:
    """The CA of the sandbox, PEM in base64, as a cluster's own CA."""
    known = world.trust.get_ca_certs(binary_form=True) if world.trust else []
    pem = "".join(ssl.DER_cert_to_PEM_cert(each) for each in known)
    return base64.b64encode(pem.encode()).decode()


ROUTES = [
    Route("GET", f"{_SUBSCRIPTION}/providers/{_TYPE}", list_all),
    Route("GET", f"{_GROUP}/providers/{_TYPE}", list_all),
    Route("GET", _CLUSTER, get),
    Route("POST", f"{_CLUSTER}/listClusterUserCredential", list_user_credential),
    Route("POST", f"{_CLUSTER}/listClusterAdminCredential", list_admin_credential),
]
