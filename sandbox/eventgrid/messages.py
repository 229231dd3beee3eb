"""What Event Grid puts on the wire.

Source      https://learn.microsoft.com/azure/event-grid/event-schema
            https://learn.microsoft.com/azure/event-grid/cloud-event-schema
            https://learn.microsoft.com/azure/event-grid/end-point-validation-event-grid-events-schema
            https://learn.microsoft.com/azure/event-grid/end-point-validation-cloud-events-schema
"""

import json
import uuid
from datetime import UTC, datetime
from typing import Literal

import httpx

from sandbox.world import Json, timestamp

Schema = Literal["EventGridSchema", "CloudEventSchemaV1_0"]
EVENT_TYPES = tuple(
    f"Microsoft.Resources.Resource{what}Success" for what in ("Write", "Delete", "Action")
)
_ORIGIN = "eventgrid.azure.net"
_KINDS = {"write": "Write", "delete": "Delete", "action": "Action"}


def from_activity(event: Json) -> Json:
    """An activity log event as the subscription's topic tells it, in the Event Grid schema."""
    verb = event["operationName"]["value"].rpartition("/")[2].lower()
    request = event["httpRequest"]
    return {
        "id": event["eventDataId"],
        "topic": f"/subscriptions/{event['subscriptionId']}",
        "subject": event["resourceId"],
        "eventType": f"Microsoft.Resources.Resource{_KINDS[verb]}Success",
        "eventTime": event["eventTimestamp"],
        "dataVersion": "2",
        "metadataVersion": "1",
        "data": {
            "authorization": event["authorization"],
            "claims": event["claims"],
            "correlationId": event["correlationId"],
            "httpRequest": {
                "clientRequestId": request["clientRequestId"],
                "clientIpAddress": request["clientIpAddress"],
                "method": request["method"],
                "url": request["uri"],
            },
            "resourceProvider": event["resourceProviderName"]["value"],
            "resourceUri": event["resourceId"],
            "operationName": event["operationName"]["value"],
            "status": event["status"]["value"],
            "subscriptionId": event["subscriptionId"],
            "tenantId": event["tenantId"],
        },
    }


def notification(
    batch: list[Json], schema: Schema, name: str, attempt: int
) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a delivery."""
    headers = _headers("Notification", name, attempt)
    if schema == "EventGridSchema":
        headers["content-type"] = "application/json; charset=utf-8"
        return json.dumps(batch).encode(), headers
    events = [_cloud_event(message) for message in batch]
    single = len(events) == 1
    kind = "cloudevents" if single else "cloudevents-batch"
    headers["content-type"] = f"application/{kind}+json; charset=utf-8"
    return json.dumps(events[0] if single else events).encode(), headers


async def handshake(client: httpx.AsyncClient, endpoint: str, schema: Schema, name: str) -> str:
    """Prove that the endpoint wants events. Nothing if it does, otherwise why it didn't work."""
    if schema == "CloudEventSchemaV1_0":
        answer = await client.options(endpoint, headers={"WebHook-Request-Origin": _ORIGIN})
        allowed = answer.headers.get("WebHook-Allowed-Origin", "")
        if answer.status_code == 200 and allowed in ("*", _ORIGIN):
            return ""
        return f"status {answer.status_code}, WebHook-Allowed-Origin: {allowed or 'absent'}"
    code = str(uuid.uuid4()).upper()
    answer = await client.post(
        endpoint,
        json=[_validation(code)],
        headers=_headers("SubscriptionValidation", name, 1),
    )
    if answer.status_code != 200:  # 202 included: the response must carry the code at once
        return f"status {answer.status_code}"
    try:
        given = answer.json()
    except ValueError:
        return "the answer is not JSON"
    if isinstance(given, dict) and given.get("validationResponse") == code:
        return ""
    return "the answer does not carry the validation code"


def _validation(code: str) -> Json:
    return {
        "id": str(uuid.uuid4()),
        "topic": "",
        "subject": "",
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "eventTime": timestamp(datetime.now(UTC)),
        "dataVersion": "1",
        "metadataVersion": "1",
        "data": {"validationCode": code, "validationUrl": f"https://{_ORIGIN}/validate?id={code}"},
    }


def _cloud_event(message: Json) -> Json:
    return {
        "id": message["id"],
        "source": message["topic"],
        "specversion": "1.0",
        "type": message["eventType"],
        "subject": message["subject"],
        "time": message["eventTime"],
        "data": message["data"],
    }


def _headers(kind: str, name: str, attempt: int) -> dict[str, str]:
    return {
        "aeg-event-type": kind,
        "aeg-subscription-name": name.upper(),
        "aeg-delivery-count": str(attempt - 1),
        "aeg-data-version": "2",
        "aeg-metadata-version": "1",
    }
