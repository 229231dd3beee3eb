"""An instance as the HTTP API shows it.

Source: https://learn.microsoft.com/azure/azure-functions/durable/durable-functions-http-api#get-instance-status
"""

import json
from typing import Any

from host.durable import history
from host.durable.store import Instance

_SHOWN = {"Name": "FunctionName", "Reason": "Reason", "FireAt": "FireAt", "Input": "Input"}


def status(instance: Instance, *, show_input: bool) -> dict[str, Any]:
    """The status document. The input is what the starter sent: of the Python client, a string of JSON."""
    return {
        "name": instance.name,
        "instanceId": instance.instance_id,
        "runtimeStatus": instance.status,
        "input": json.loads(instance.input) if show_input and instance.input else None,
        "customStatus": json.loads(instance.custom_status) if instance.custom_status else None,
        "output": json.loads(instance.output) if instance.output else None,
        "createdTime": instance.created_at,
        "lastUpdatedTime": instance.updated_at,
    }


def shown_history(events: list[str], *, show_output: bool) -> list[dict[str, Any]]:
    """The history for people: without the turns' brackets, and with results only where asked for."""
    brackets = (history.ORCHESTRATOR_STARTED, history.ORCHESTRATOR_COMPLETED)
    return [
        _shown(event, show_output=show_output)
        for event in map(json.loads, events)
        if event["EventType"] not in brackets
    ]


def _shown(event: dict[str, Any], *, show_output: bool) -> dict[str, Any]:
    shown = {
        "EventType": history.NAMES[event["EventType"]],
        "Timestamp": event["Timestamp"],
        "EventId": event["EventId"],
    }
    for field in ("TaskScheduledId", "TimerId", "OrchestrationStatus", "InstanceId"):
        if field in event:
            shown[field] = event[field]
    for field, name in _SHOWN.items():
        if event.get(field) is not None and (field != "Input" or show_output):
            shown[name] = event[field]
    if show_output and event.get("Result") is not None:
        shown["Result"] = _parsed(event["Result"])
    return shown


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:  # a failure's text
        return text
