"""Subscribing to the sandbox's topics, the system one and custom ones. These paths are ours: Azure has ARM resources.

Left out    Microsoft.EventGrid as a resource provider
Source      https://learn.microsoft.com/azure/event-grid/system-topics
"""

import json

from starlette.responses import JSONResponse, Response

from sandbox.eventgrid import custom_topics
from sandbox.eventgrid.messages import EVENT_TYPES
from sandbox.eventgrid.topics import SYSTEM, Subscription, topic_of
from sandbox.web import Call, Route, Router
from sandbox.world import World

_SCHEMAS = ("EventGridSchema", "CloudEventSchemaV1_0")
_KNOWN = {"endpoint", "eventTypes", "schema", "name", "maxEventsPerBatch", "topic"}
_TOPICS = (SYSTEM, *custom_topics.TOPICS)


async def serve(world: World, call: Call) -> Response:
    """404 and 405 where nothing is."""
    found = _ROUTER.find(call)
    if found is None:
        allowed = bool(_ROUTER.methods(call.path))
        return _error(405 if allowed else 404, "NotFound", f"{call.method} {call.path}")
    handler, routed = found
    return await handler(world, routed)


async def subscribe(world: World, call: Call) -> Response:
    """201 when the endpoint has proven that it wants events, 400 otherwise."""
    topic = topic_of(world)
    try:
        subscription = _parse(call, default=f"subscription-{len(topic.subscriptions) + 1}")
    except ValueError as wrong:
        return _error(400, "InvalidRequest", str(wrong))
    if failure := await topic.subscribe(subscription):
        return _error(
            400,
            "Url validation",
            f"Webhook validation handshake failed for {subscription.endpoint}: {failure}. "
            "For troubleshooting, visit https://aka.ms/esvalidation.",
        )
    return JSONResponse(subscription.shown(), 201)


async def list_all(world: World, call: Call) -> Response:
    """200 with every subscription and its deliveries."""
    return JSONResponse(
        {"value": [each.shown() for each in topic_of(world).subscriptions.values()]}
    )


async def get(world: World, call: Call) -> Response:
    """200, 404."""
    found = topic_of(world).subscriptions.get(call.params["name"])
    if found is None:
        return _error(404, "NotFound", call.params["name"])
    return JSONResponse(found.shown())


async def delete(world: World, call: Call) -> Response:
    """200 deleted, what is under way included; 204 was not there."""
    gone = topic_of(world).subscriptions.pop(call.params["name"], None)
    return Response(status_code=200 if gone else 204)


def _parse(call: Call, *, default: str) -> Subscription:
    """Raises `ValueError` with a sentence."""
    try:
        body = call.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise ValueError("the body is not JSON") from None
    if not isinstance(body, dict) or body.keys() - _KNOWN:
        raise ValueError(f"the body takes {', '.join(sorted(_KNOWN))}")
    endpoint, schema = body.get("endpoint"), body.get("schema", "EventGridSchema")
    topic, largest = body.get("topic", SYSTEM), body.get("maxEventsPerBatch", 1)
    if topic not in _TOPICS:
        raise ValueError(f"'topic' must be one of {', '.join(_TOPICS)}")
    system = topic == SYSTEM
    wanted = body.get("eventTypes", list(EVENT_TYPES) if system else [])
    if not isinstance(endpoint, str) or not endpoint.startswith(("http://", "https://")):
        raise ValueError("'endpoint' must be an http or https URL")
    if schema not in _SCHEMAS:
        raise ValueError(f"'schema' must be one of {', '.join(_SCHEMAS)}")
    if not isinstance(wanted, list) or not all(isinstance(one, str) for one in wanted):
        raise ValueError("'eventTypes' must be a list of names")
    if system and (not wanted or set(wanted) - set(EVENT_TYPES)):
        raise ValueError(f"'eventTypes' must be some of {', '.join(EVENT_TYPES)}")
    # https://learn.microsoft.com/azure/event-grid/delivery-and-retry#output-batching
    if not isinstance(largest, int) or not 1 <= largest <= 5000:
        raise ValueError("'maxEventsPerBatch' must be between 1 and 5000")
    name = str(body.get("name", default))
    return Subscription(name, endpoint, schema, frozenset(wanted), largest, topic)


def _error(status: int, code: str, message: str) -> Response:
    return JSONResponse({"error": {"code": code, "message": message}}, status)


ROUTES = [
    Route("POST", "/sandbox/subscriptions", subscribe),
    Route("GET", "/sandbox/subscriptions", list_all),
    Route("GET", "/sandbox/subscriptions/{name}", get),
    Route("DELETE", "/sandbox/subscriptions/{name}", delete),
    *custom_topics.ROUTES,
]
_ROUTER = Router(ROUTES)
