"""What is done to a whole AKS cluster: new signing keys for its ServiceAccount tokens, and a command run inside.

Simulates   Microsoft.ContainerService/managedClusters: rotateServiceAccountSigningKeys, runCommand
Faithful    a rotation is accepted, and done some time later; the old key stays good until the next rotation, and for 24
            hours at most; a command is refused where the cluster's `apiServerAccessProfile.disableRunCommand` says so,
            as all here do
Choice      the words of that refusal, which are documented nowhere
Left out    commands that are run; certificates
Source      https://learn.microsoft.com/azure/aks/use-oidc-issuer
            https://learn.microsoft.com/rest/api/aks/managed-clusters/rotate-service-account-signing-keys
            https://learn.microsoft.com/azure/aks/access-private-cluster
"""

from starlette.responses import Response

from sandbox.arm import bodies, locks, operations, resources
from sandbox.arm.errors import ArmError
from sandbox.arm.gate import authorize
from sandbox.kubernetes.cluster import Cluster
from sandbox.web import Call, Route
from sandbox.world import Json, World

_TYPE = "Microsoft.ContainerService/managedClusters"
_CLUSTER = f"/subscriptions/{{subscription}}/resourceGroups/{{group}}/providers/{_TYPE}/{{name}}"
_OLD_KEY_S = 24 * 60 * 60.0  # "both old and new keys remain valid for 24 hours after rotation"
_COMMAND: bodies.Shape = {"command": None, "context": None, "clusterToken": None}


async def rotate_signing_keys(world: World, call: Call) -> Response:
    """202 accepted, 400 no OIDC issuer, 403, 404, 409 locked read-only or another operation is under way."""
    cluster = _cluster_for(world, call, "rotateServiceAccountSigningKeys")
    if not cluster["properties"].get("oidcIssuerProfile", {}).get("enabled"):
        raise ArmError(400, "BadRequest", "The OIDC issuer of this cluster is not enabled.")
    inside = inside_of(world, cluster)

    def finish() -> None:
        inside.rotate_signing_keys()
        newest = inside.issuer.jwks()["keys"][0]["kid"]
        world.agenda.after(_OLD_KEY_S, lambda: inside.issuer.retire_before(newest))

    return operations.begin(world, call, cluster, "RotatingServiceAccountSigningKeys", finish)


def inside_of(world: World, resource: Json) -> Cluster:
    """The cluster behind a resource. Two resource groups may each have one of the same name."""
    mine = resource["id"].lower()
    return next(one for one in world.clusters.values() if one.resource_id.lower() == mine)


async def run_command(world: World, call: Call) -> Response:
    """400 for a wrong body, and of a cluster that has it disabled; 403; 404; 409 locked read-only."""
    cluster = _cluster_for(world, call, "runcommand")
    body = bodies.read(call, _COMMAND, "RunCommandRequest")
    if not isinstance(body.get("command"), str) or not body["command"]:
        raise ArmError(400, "InvalidParameter", "The value of parameter command is invalid.")
    raise ArmError(
        400,
        "RunCommandDisabled",
        f"Run command is disabled for the managed cluster '{cluster['name']}'.",
    )


def _cluster_for(world: World, call: Call, action: str) -> Json:
    resource_id = call.path.rsplit("/", 1)[0]
    authorize(world, call, f"{_TYPE}/{action}/action", resource_id)
    cluster = resources.require(world, resource_id)
    locks.refuse_if_locked(world, resource_id, verb="write")
    return cluster


ROUTES = [
    Route("POST", f"{_CLUSTER}/rotateServiceAccountSigningKeys", rotate_signing_keys),
    Route("POST", f"{_CLUSTER}/runCommand", run_command),
]
