"""A world out of a file: one principal of some tenant, and everything that was exported with it, under the same ids.

The file is as `docs/reference/twin.schema.json` has it; nothing else is known of whoever wrote it. Issuers alone are
others: their hosts are played here. What can't be played is named in `left_out`.
"""

from sandbox.seed import azure as base_azure
from sandbox.seed import directory as base_directory
from sandbox.seed import event_topics, evidence_account, names, own_identities
from sandbox.seed.twins import azure, clusters, directory, issuers, logs
from sandbox.world import Json, World


def plant(world: World, export: Json) -> Json:
    """Fill a new world; returns what `sandbox.json` shows of it."""
    world.tenant_id = export["tenant_id"]
    subscriptions = export["azure"].get("subscriptions") or []
    if subscriptions:
        world.subscription_id = subscriptions[0]["subscriptionId"]
    since, left_out = names.seeded_at(world), list(export["gaps"])
    mapped = issuers.mapping(world, export)
    base_directory.plant_around(world, directory.ids_of_first_party(export))
    azure.plant_scopes(world, export["azure"], since)
    base_azure.plant_around(world)
    own_identities.plant_in_azure(world)
    directory.plant(world, export["directory"], mapped, since)
    azure.plant(world, export["azure"], mapped, since)
    clusters.plant(world, export["clusters"], mapped, left_out)
    logs.plant(world, export.get("logs") or {}, left_out)
    evidence = evidence_account.plant(world)
    event_grid = event_topics.plant(world)
    return {
        "twin": {**export["principal"], "exported_at": export["exported_at"]},
        "issuers": mapped,
        "left_out": left_out,
        "firebreak_api": names.FIREBREAK_API.as_json(),
        "firebreak": own_identities.described(world),
        "evidence": evidence,
        "event_grid": event_grid,
        "clusters": {
            name: {
                "resource_id": each.resource_id,
                "issuer": each.issuer.url,
                "server": world.endpoints[f"kube-{name}"],
            }
            for name, each in world.clusters.items()
        },
    }
