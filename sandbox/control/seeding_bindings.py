"""Seeds of identity bindings: what ties an identity to a cluster without a trust for each ServiceAccount."""

from datetime import datetime

from sandbox.arm import identity_bindings
from sandbox.control.wishes import WishError, text
from sandbox.seed import names
from sandbox.world import Json, World


def _binding(world: World, since: datetime, one: Json) -> Json:
    """{"cluster", "identityId", "name"?}: with the one credential that AKS writes on the identity."""
    cluster, identity_id = text(one, "cluster"), text(one, "identityId")
    if cluster not in world.clusters:
        raise WishError(f"identityBindings: no cluster {cluster}")
    identity = world.azure.resources.get(identity_id.lower())
    if identity is None:
        raise WishError(f"identityBindings: no identity {identity_id}")
    made = identity_bindings.plant(
        world, names.cluster(world, cluster), identity, since, text(one, "name", identity["name"])
    )
    return {"id": made["id"], **made["properties"]["oidcIssuer"]}


PARTS = {"identityBindings": _binding}
