"""Custom topics: whoever may publishes, and subscribers get what they get of a system topic.

Simulates   three topics: "signals" (Event Grid schema in), "events" and "incidents" (CloudEvents 1.0 in)
Faithful    keys, tokens and the role (see `publishers`), content types, required fields, one event or a batch, 1 MB;
            statuses as documented, Event Grid's words where they are known
Left out    custom input schemas, the binary mode of CloudEvents, partial batches, namespaces
Choice      a topic is a path here, in Azure it is a host
Source      https://learn.microsoft.com/azure/event-grid/post-to-custom-topic
            https://learn.microsoft.com/azure/event-grid/event-schema
            https://learn.microsoft.com/azure/event-grid/cloud-event-schema
            https://github.com/Azure/azure-sdk-for-python/issues/15941 (what a wrong schema is answered with)
"""

from datetime import datetime

from starlette.responses import JSONResponse, Response

from sandbox.eventgrid import publishers
from sandbox.eventgrid.topics import topic_of
from sandbox.web import Call, Route
from sandbox.world import Json, World, timestamp

TOPICS = {
    "signals": "EventGridSchema",
    "events": "CloudEventSchemaV1_0",
    "incidents": "CloudEventSchemaV1_0",
}
_CODES = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    413: "PayloadTooLarge",
}
_VERSION = "2018-01-01"  # the only one of publishing; who names none gets it
_MOST_BYTES = 1_048_576
# https://learn.microsoft.com/azure/event-grid/event-schema#event-properties
_EVENT_GRID = ("id", "subject", "data", "eventType", "eventTime", "dataVersion")
# https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#required-attributes
_CLOUD = ("id", "source", "specversion", "type")
# In small letters and digits alone are the names of what a CloudEvent may carry beside its data.
# https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#attribute-naming-convention
_BATCH = "application/cloudevents-batch+json"
_SINGLE = "application/cloudevents+json"


def described(world: World) -> Json:
    """Names -> endpoint and key, as `sandbox.json` shows them."""
    return {
        name: {
            "endpoint": f"{world.endpoints['eventgrid']}/topics/{name}/api/events",
            "resource_id": resource_id(world, name),
            **({} if name in publishers.WITHOUT_KEYS else {"key": publishers.key(name)}),
        }
        for name in TOPICS
    }


def resource_id(world: World, name: str) -> str:
    """The topic as a resource of Azure."""
    return (
        f"/subscriptions/{world.subscription_id}/resourceGroups/rg-security/providers/"
        f"Microsoft.EventGrid/topics/egt-firebreak-{name}"
    )


async def publish(world: World, call: Call) -> Response:
    """200 accepted; 400 for what is no event, 401, 403 without the role, 404 for no such topic, 413 too large."""
    name = call.params["name"]
    if name not in TOPICS:
        return _error(404, f"no topic {name}")
    if (refused := publishers.refusal(world, call, name, resource_id(world, name))) is not None:
        return _error(*refused)
    if call.query.get("api-version", _VERSION) != _VERSION:
        return _error(400, f"The api-version '{call.query['api-version']}' is not supported.")
    if len(call.body) > _MOST_BYTES:
        return _error(413, "The request is larger than 1048576 bytes.")
    try:
        messages = [_message(world, name, one) for one in _events(call, name)]
    except ValueError as wrong:
        return _error(400, str(wrong), detail="InputJsonInvalid")
    topic_of(world).publish_custom(name, messages)
    return Response(status_code=200)


async def show(world: World, call: Call) -> Response:
    """200 with everything that was published; 404."""
    name = call.params["name"]
    if name not in TOPICS:
        return _error(404, f"no topic {name}")
    return JSONResponse({"value": topic_of(world).published.get(name, [])})


def _events(call: Call, name: str) -> list[Json]:
    """Raises `ValueError` with a sentence."""
    try:
        body = call.json()
    except (ValueError, RecursionError):
        raise ValueError("The body is not JSON.") from None
    kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    cloud = TOPICS[name] == "CloudEventSchemaV1_0"
    if cloud and kind != _BATCH:
        body = _single(body, kind)
    if not isinstance(body, list) or not all(isinstance(one, dict) for one in body):
        raise ValueError("The body must be an array of events.")
    for one in body:
        _complete(one, cloud=cloud)
    return body


def _single(body: object, kind: str) -> list[object]:
    """Any other content type than a batch's stands for one event alone."""
    if isinstance(body, list):
        raise ValueError(
            "This resource is configured to receive event in 'CloudEventV10' schema. The JSON received does not "
            "conform to the expected schema. Token Expected: StartObject, Actual Token Received: StartArray."
        )
    if kind != _SINGLE:
        raise ValueError(f"The content type '{kind}' is none of CloudEvents in structured mode.")
    return [body]


def _complete(event: Json, *, cloud: bool) -> None:
    schema, required = ("CloudEventV10", _CLOUD) if cloud else ("EventGridEvent", _EVENT_GRID)
    for field in required:
        if not isinstance(event.get(field), str) and not (field == "data" and field in event):
            raise ValueError(
                f"This resource is configured for '{schema}' schema and requires '{field}' property to be set."
            )
    if cloud and event["specversion"] != "1.0":
        raise ValueError(f"specversion {event['specversion']!r:.20} is not '1.0'.")
    if cloud:
        _named_as_agreed(event)
    _moment(event.get("eventTime") or event.get("time"))


def _named_as_agreed(event: Json) -> None:
    known = {"data", "data_base64"}
    for field in event:
        if field not in known and not (field.isascii() and field.isalnum() and field.islower()):
            raise ValueError(
                "This resource is configured to receive event in 'CloudEventV10' schema. The JSON received has the "
                f"property '{field[:40]}', which is no name of an attribute."
            )


def _moment(text: object) -> None:
    if text is None:
        return
    try:
        datetime.fromisoformat(str(text))
    except ValueError:
        raise ValueError(f"{text!r:.40} is no time.") from None


def _message(world: World, name: str, event: Json) -> Json:
    """As the topic keeps it: in the Event Grid schema, from which both deliveries are made."""
    cloud = TOPICS[name] == "CloudEventSchemaV1_0"
    return {
        "id": str(event["id"]),
        "topic": event["source"] if cloud else resource_id(world, name),
        "subject": event.get("subject", ""),
        "eventType": event["type"] if cloud else event["eventType"],
        "eventTime": event.get("time") or event.get("eventTime") or timestamp(world.clock.now()),
        "dataVersion": event.get("dataVersion", ""),
        "metadataVersion": "1",
        "data": event.get("data"),
    }


def _error(status: int, message: str, *, detail: str = "") -> Response:
    code = _CODES[status]
    details = [{"code": detail or code, "message": message}]
    return JSONResponse({"error": {"code": code, "message": message, "details": details}}, status)


ROUTES = [
    Route("POST", "/topics/{name}/api/events", publish),
    Route("GET", "/sandbox/topics/{name}", show),
]
