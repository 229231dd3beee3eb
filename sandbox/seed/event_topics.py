"""The custom topics: one for signals, one for anybody, and one on which Firebreak alone publishes, without a key.

Source      https://learn.microsoft.com/azure/event-grid/custom-topics
"""

from sandbox.eventgrid import custom_topics, publishers
from sandbox.seed import names
from sandbox.world import Json, World

OF_INCIDENTS = "incidents"


def plant(world: World) -> Json:
    """Deploy them. Firebreak may publish what happens to incidents, by its permission file."""
    since = names.seeded_at(world)
    for name in custom_topics.TOPICS:
        topic = _topic(world, name)
        world.azure.resources.put(topic["id"].lower(), topic, since=since)
    return custom_topics.described(world)


def _topic(world: World, name: str) -> Json:
    topic_id = custom_topics.resource_id(world, name)
    return {
        "id": topic_id,
        "name": topic_id.rpartition("/")[2],
        "type": "Microsoft.EventGrid/topics",
        "location": "westeurope",
        "kind": "Azure",
        "sku": {"name": "Basic"},
        "tags": {},
        "properties": {
            "provisioningState": "Succeeded",
            "endpoint": f"{world.endpoints['eventgrid']}/topics/{name}/api/events",
            "inputSchema": custom_topics.TOPICS[name],
            "disableLocalAuth": name in publishers.WITHOUT_KEYS,
        },
    }
