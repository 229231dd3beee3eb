"""Seeds of further subscriptions and management groups: a responder sees each in its own way."""

from datetime import datetime

from sandbox.arm.management_groups import new_management_group
from sandbox.control.wishes import WishError, text
from sandbox.graph.shapes import new_id
from sandbox.seed import names
from sandbox.seed.azure import new_subscription
from sandbox.world import Json, World


def _subscription(world: World, since: datetime, one: Json) -> Json:
    """{"displayName", "id"?, "managementGroup"?}: under that management group, or the tenant's root."""
    name, subscription_id = text(one, "displayName"), text(one, "id", new_id())
    above = names.management_group(text(one, "managementGroup", world.tenant_id))
    if above.lower() not in world.azure.management_groups:
        raise WishError(f"subscriptions: no management group {above}")
    if subscription_id in world.azure.subscriptions:
        raise WishError(f"subscriptions: {subscription_id} is there already")
    made = new_subscription(world, subscription_id, name)
    world.azure.subscriptions.put(subscription_id, made, since=since)
    world.azure.parents[made["id"].lower()] = above
    return {"id": subscription_id, "scope": made["id"]}


def _management_group(world: World, since: datetime, one: Json) -> Json:
    """{"name", "parent"?}: under that management group, or the tenant's root."""
    name, parent = text(one, "name"), text(one, "parent", world.tenant_id)
    above = names.management_group(parent)
    if above.lower() not in world.azure.management_groups:
        raise WishError(f"managementGroups: no management group {above}")
    made = new_management_group(world, name, name, above, created=since)
    return {"id": made["id"]}


PARTS = {"managementGroups": _management_group, "subscriptions": _subscription}
