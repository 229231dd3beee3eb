"""The Event Grid webhook: the handshakes, and one invocation per event.

https://learn.microsoft.com/azure/event-grid/end-point-validation-event-grid-events-schema
https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md#4-abuse-protection
"""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse, Response

from host import log
from host.functions import Function
from host.protos import TypedData
from host.worker import Worker

PATH = "/runtime/webhooks/eventgrid"
_VALIDATION = "Microsoft.EventGrid.SubscriptionValidationEvent"


class EventGrid:
    """Delivers events to Event Grid functions."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def answer(  # noqa: PLR0911 - one return per documented status
        self, method: str, name: str | None, headers: Mapping[str, str], body: bytes
    ) -> Response:
        """One delivery or handshake. Statuses: 200, 202, 400, 404, 405, 500 (deliver again)."""
        function = self._worker.find("eventGridTrigger", name) if name else None
        if function is None:
            return JSONResponse({"error": f"no Event Grid function {name!r}"}, 404)
        if method == "OPTIONS":
            origin = headers.get("webhook-request-origin")
            if origin is None:
                return JSONResponse({"error": "WebHook-Request-Origin is missing"}, 400)
            return Response(headers={"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*"})
        if method != "POST":
            return Response(status_code=405, headers={"Allow": "POST, OPTIONS"})
        try:
            events = _events(body)
        except ValueError as malformed:
            return JSONResponse({"error": str(malformed)}, 400)
        match headers.get("aeg-event-type", "Notification").lower():
            case "subscriptionvalidation":
                return _handshake(events)
            case "notification":
                return await self._deliver(function, events, headers.get("traceparent"))
            case "unsubscribe" | "subscriptiondeletion":
                return Response(status_code=202)
            case other:
                return JSONResponse({"error": f"unknown aeg-event-type {other!r}"}, 400)

    async def _deliver(
        self, function: Function, events: list[dict[str, Any]], traceparent: str | None
    ) -> Response:
        """Every event side by side; one failure and Event Grid delivers the batch again."""
        outcomes = await asyncio.gather(
            *(
                self._worker.call(function, TypedData(json=json.dumps(event)), traceparent)
                for event in events
            )
        )
        failed = [outcome.error for outcome in outcomes if outcome.error is not None]
        for failure in failed:
            log.error("event grid function failed", function=function.name, error=failure)
        return Response(status_code=500 if failed else 202)


def _events(body: bytes) -> list[dict[str, Any]]:
    document = json.loads(body)
    events = document if isinstance(document, list) else [document]
    if not events or not all(isinstance(event, dict) for event in events):
        raise ValueError("expected an event or an array of events")
    return events


def _handshake(events: list[dict[str, Any]]) -> Response:
    first = events[0]
    data = first.get("data")
    code = data.get("validationCode") if isinstance(data, dict) else None
    if first.get("eventType") != _VALIDATION or not isinstance(code, str):
        return JSONResponse({"error": f"expected a {_VALIDATION} with a validationCode"}, 400)
    return JSONResponse({"validationResponse": code})
