"""Seeds of identity bindings: what ties an identity to a cluster without a trust for each ServiceAccount."""

from datetime import datetime

from sandbox.arm import identity_bindings
from sandbox.control.wishes import WishError, text
from sandbox.seed import names
from sandbox.world import Json, World

_TRUST = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials"


def _binding(world: World, since: datetime, one: Json) -> Json:
    """{"cluster", "identityId", "name"?}: with the one credential that AKS writes on the identity."""
    cluster, identity_id = text(one, "cluster"), text(one, "identityId")
    if cluster not in world.clusters:
        raise WishError(f"identityBindings: no cluster {cluster}")
    identity = world.azure.resources.get(identity_id.lower())
    if identity is None:
        raise WishError(f"identityBindings: no identity {identity_id}")
    trust: Json = {
        "id": f"{identity['id']}/federatedIdentityCredentials/{identity_bindings.TRUST}",
        "name": identity_bindings.TRUST,
        "type": _TRUST,
        "properties": identity_bindings.new_trust(world, identity),
    }
    name = text(one, "name", str(identity["name"]))
    binding_id = f"{names.cluster(world, cluster)}/identityBindings/{name}"
    made = identity_bindings.new_binding(world, binding_id, identity)
    for each in (trust, made):
        world.azure.resources.put(str(each["id"]).lower(), each, since=since)
    return {"id": binding_id, **made["properties"]["oidcIssuer"]}


PARTS = {"identityBindings": _binding}
