"""The world before anything happened: one tenant, its clusters, applications and identities, Firebreak."""

from sandbox.entra.resources import AKS
from sandbox.kubernetes.cluster import Settled
from sandbox.seed import (
    azure,
    clusters,
    directory,
    event_topics,
    evidence_account,
    managed_identities,
    names,
    own_identities,
    unusual_principals,
)
from sandbox.seed.worlds import PLAIN
from sandbox.world import Json, World, stable_guid


def plant(world: World, settled: dict[str, Settled], wanted: str = PLAIN) -> Json:
    """Fill a new world and return names -> ids, as `sandbox.json` shows them.

    `wanted` is one of `worlds.WORLDS`; for `settled` see `clusters.plant`.
    """
    directory.plant(world)
    azure.plant(world)
    own_identities.plant_in_azure(world)
    managed_identities.plant(world)
    unusual_principals.plant(world)
    clusters.plant(world, settled, wanted)
    evidence = evidence_account.plant(world)
    event_grid = event_topics.plant(world)
    return {
        "orders_api": names.ORDERS_API.as_json(),
        "billing_api": names.BILLING_API.as_json(),
        "firebreak_api": names.FIREBREAK_API.as_json(),
        "incident_bot": names.INCIDENT_BOT.as_json(),
        "firebreak": own_identities.described(world),
        "users": {
            user["userPrincipalName"].partition("@")[0]: {
                "object_id": user["id"],
                "upn": user["userPrincipalName"],
            }
            for user in world.directory.users.values()
        },
        "groups": {
            group["displayName"]: {"object_id": group["id"]}
            for group in world.directory.groups.values()
        },
        "evidence": evidence,
        "event_grid": event_grid,
        "storage": {
            "account_id": names.storage_account(world),
            "blob_url": f"{world.endpoints['storage']}/stordersprod/orders/customers.csv",
        },
        "clusters": {
            name: {
                "resource_id": names.cluster(world, name),
                "issuer": names.issuer(world, name),
                "server": world.endpoints[f"kube-{name}"],
            }
            for name in names.clusters(world)
        },
        **_managed_identities(world),
        **_unusual_principals(),
    }


def _managed_identities(world: World) -> Json:
    return {
        "payments_identity": _identity(names.PAYMENTS_IDENTITY, names.payments_identity(world)),
        "batch_vm": _identity(names.BATCH_VM, names.batch_vm(world)),
        "kubelets": {
            name: _identity(names.kubelet(name), names.kubelet_identity(world, name))
            for name in names.clusters(world)
        },
        "node_pools": {
            name: {
                "resource_id": names.node_pool(world, name),
                "name": names.node_pool(world, name).rpartition("/")[2],
            }
            for name in names.clusters(world)
        },
        "control_planes": {
            name: _identity(names.control_plane(name), names.control_plane_identity(world, name))
            for name in names.clusters(world)
        },
    }


def _identity(ids: names.Ids, resource_id: str) -> Json:
    return {"object_id": ids.object_id, "app_id": ids.app_id, "resource_id": resource_id}


def _unusual_principals() -> Json:
    """The first-party one is that of every AKS API server."""
    partner, legacy = names.PARTNER_SYNC, names.LEGACY_JOB
    return {
        "partner_sync": {"object_id": partner.object_id, "app_id": partner.app_id},
        "legacy_job": {
            "app_id": legacy.app_id,
            "application_object_id": legacy.application_object_id,
        },
        "first_party": {"object_id": stable_guid(f"service-principal/{AKS}"), "app_id": AKS},
        "agent": {"object_id": names.INVOICE_AGENT.object_id},
    }
