"""Custom topics: whoever has the key of one publishes, and subscribers get what they get of a system topic.

Simulates   two topics, "signals" (Event Grid schema in) and "events" (CloudEvents 1.0 in)
Faithful    the key, required fields, one event or a batch, 1 MB; statuses as documented
Left out    custom input schemas, partial batches, tokens instead of keys, namespaces
Choice      a topic is a path here, in Azure it is a host
Source      https://learn.microsoft.com/azure/event-grid/post-to-custom-topic
            https://learn.microsoft.com/azure/event-grid/event-schema
            https://learn.microsoft.com/azure/event-grid/cloud-event-schema
"""

import hmac
from datetime import datetime

from starlette.responses import JSONResponse, Response

from sandbox.eventgrid.topics import topic_of
from sandbox.settings import pretend_secret
from sandbox.web import Call, Route
from sandbox.world import Json, World, timestamp

_TOPICS = {"signals": "EventGridSchema", "events": "CloudEventSchemaV1_0"}
_MOST_BYTES = 1_048_576
# https://learn.microsoft.com/azure/event-grid/event-schema#event-properties
_EVENT_GRID = ("id", "subject", "data", "eventType", "eventTime", "dataVersion")
# https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#required-attributes
_CLOUD = ("id", "source", "specversion", "type")


def described(world: World) -> Json:
    """Names -> endpoint and key, as `sandbox.json` shows them."""
    return {
        name: {
            "endpoint": f"{world.endpoints['eventgrid']}/topics/{name}/api/events",
            "key": _key(name),
        }
        for name in _TOPICS
    }


async def publish(world: World, call: Call) -> Response:
    """200 accepted; 400 for what is no event, 401 without the key, 404 for no such topic, 413 too large."""
    name = call.params["name"]
    if name not in _TOPICS:
        return _error(404, f"no topic {name}")
    if not hmac.compare_digest(call.headers.get("aeg-sas-key", "").encode(), _key(name).encode()):
        return _error(401, "The request did not contain a valid key.")
    if len(call.body) > _MOST_BYTES:
        return _error(413, "The request is larger than 1048576 bytes.")
    try:
        messages = [_message(world, name, one) for one in _events(call, name)]
    except ValueError as wrong:
        return _error(400, str(wrong))
    topic_of(world).publish_custom(name, messages)
    return Response(status_code=200)


async def show(world: World, call: Call) -> Response:
    """200 with everything that was published; 404."""
    name = call.params["name"]
    if name not in _TOPICS:
        return _error(404, f"no topic {name}")
    return JSONResponse({"value": topic_of(world).published.get(name, [])})


def _events(call: Call, name: str) -> list[Json]:
    """Raises `ValueError` with a sentence."""
    try:
        body = call.json()
    except (ValueError, RecursionError):
        raise ValueError("The body is not JSON.") from None
    kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if _TOPICS[name] == "CloudEventSchemaV1_0" and kind == "application/cloudevents+json":
        body = [body]
    if not isinstance(body, list) or not all(isinstance(one, dict) for one in body):
        raise ValueError("The body must be an array of events.")
    required = _EVENT_GRID if _TOPICS[name] == "EventGridSchema" else _CLOUD
    for one in body:
        if missing := [field for field in required if field not in one]:
            raise ValueError(f"An event lacks {', '.join(missing)}.")
        _moment(one.get("eventTime") or one.get("time"))
    return body


def _moment(text: object) -> None:
    if text is None:
        return
    try:
        datetime.fromisoformat(str(text))
    except ValueError:
        raise ValueError(f"{text!r:.40} is no time.") from None


def _message(world: World, name: str, event: Json) -> Json:
    """As the topic keeps it: in the Event Grid schema, from which both deliveries are made."""
    resource = (
        f"/subscriptions/{world.subscription_id}/resourceGroups/rg-security/providers/"
        f"Microsoft.EventGrid/topics/egt-firebreak-{name}"
    )
    cloud = _TOPICS[name] == "CloudEventSchemaV1_0"
    return {
        "id": str(event["id"]),
        "topic": event["source"] if cloud else resource,
        "subject": event.get("subject", ""),
        "eventType": event["type"] if cloud else event["eventType"],
        "eventTime": event.get("time") or event.get("eventTime") or timestamp(world.clock.now()),
        "dataVersion": event.get("dataVersion", ""),
        "metadataVersion": "1",
        "data": event.get("data"),
    }


def _key(name: str) -> str:
    return pretend_secret(f"event grid topic {name}")


def _error(status: int, message: str) -> Response:
    body = {"error": {"code": str(status), "message": message, "details": [{"message": message}]}}
    return JSONResponse(body, status)


ROUTES = [
    Route("POST", "/topics/{name}/api/events", publish),
    Route("GET", "/sandbox/topics/{name}", show),
]
