"""Roles of the tenant's own: what no built-in role gives without giving much more.

Source      https://learn.microsoft.com/azure/role-based-access-control/custom-roles
"""

from datetime import datetime

from sandbox.arm.definitions import new_role_definition
from sandbox.seed import names
from sandbox.world import World, stable_guid

KEY_ROTATOR = "Firebreak Signing Key Rotator"
KEY_ROTATOR_GUID = stable_guid(f"role-definition/{KEY_ROTATOR}")
ENABLER = "Firebreak Cluster Enabler"
ENABLER_GUID = stable_guid(f"role-definition/{ENABLER}")
_AKS = "Microsoft.ContainerService"


def plant(world: World, since: datetime) -> None:
    """Put them up, assignable in the subscription.

    The smallest built-in role with these actions is that of an AKS contributor, who may do anything to a cluster.
    """
    for name, guid, description, action in (
        (
            KEY_ROTATOR,
            KEY_ROTATOR_GUID,
            "Rotate the keys that sign ServiceAccount tokens, and see how far that is.",
            "rotateServiceAccountSigningKeys/action",
        ),
        (
            ENABLER,
            ENABLER_GUID,
            "Switch on the OIDC issuer and workload identity of a cluster.",
            "write",
        ),
    ):
        role = new_role_definition(
            name,
            guid=guid,
            description=description,
            actions=[
                f"{_AKS}/managedClusters/{action}",
                f"{_AKS}/locations/operations/read",
                f"{_AKS}/locations/operationresults/read",
            ],
            assignable_scopes=[names.subscription(world)],
            created=since,
        )
        world.azure.role_definitions.put(role["id"].lower(), role, since=since)
