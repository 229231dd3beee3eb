"""The functions of an app: what triggers each, and which of them this host can't serve."""

import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from host.errors import AppError

SERVED = (
    "httpTrigger",
    "eventGridTrigger",
    "timerTrigger",
    "queueTrigger",
    "activityTrigger",
    "orchestrationTrigger",
    "entityTrigger",
)


@dataclass(frozen=True, slots=True)
class Function:
    """One function as its bindings describe it."""

    name: str  # the name that orchestrators and clients use
    function_id: str  # the worker's handle
    kind: str  # "httpTrigger", …
    trigger: dict[str, Any]
    parameter: str  # the argument that takes the trigger's data
    client_parameters: tuple[str, ...]  # arguments that take a durable client
    outputs: dict[str, str] = field(default_factory=dict)  # argument -> queue that takes its value


def parse(name: str, function_id: str, raw_bindings: Iterable[str], *, retried: bool) -> Function:
    """Read a function's raw bindings. Raises `AppError` where this host lacks what they ask for."""
    bindings = [json.loads(raw) for raw in raw_bindings]
    triggers = [b for b in bindings if b["type"].endswith("Trigger")]
    if len(triggers) != 1 or triggers[0]["type"] not in SERVED:
        types = ", ".join(b["type"] for b in triggers) or "no trigger"
        raise AppError(f"Function {name!r} has {types}; this host serves {', '.join(SERVED)}")
    if retried:
        raise AppError(f"Function {name!r} has a retry policy, which this host doesn't carry out")
    for binding in bindings:
        known = binding["type"] in (*SERVED, "durableClient", "queue")
        if not known and (binding["type"], binding["name"]) != ("http", "$return"):
            raise AppError(
                f"Function {name!r} has a binding {binding['type']}, unknown to this host"
            )
    trigger = {key: _resolved(name, value) for key, value in triggers[0].items()}
    override = trigger.get("activity") or trigger.get("orchestration") or trigger.get("entityName")
    return Function(
        name=override or name,
        function_id=function_id,
        kind=trigger["type"],
        trigger=trigger,
        parameter=trigger["name"],
        client_parameters=tuple(b["name"] for b in bindings if b["type"] == "durableClient"),
        outputs={
            b["name"]: checked_queue(name, str(_resolved(name, b["queueName"])))
            for b in bindings
            if b["type"] == "queue"
        },
    )


def checked_queue(function: str, name: str) -> str:
    """The name of a queue, as Azure allows it. Raises `AppError`.

    https://learn.microsoft.com/rest/api/storageservices/naming-queues-and-metadata
    """
    if not re.fullmatch(r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*", name):
        raise AppError(f"Function {function!r}: {name!r} is no name of a queue")
    return name


def is_disabled(name: str) -> bool:
    """Whether an app setting switches this function off.

    https://learn.microsoft.com/azure/azure-functions/disable-function
    """
    settings = (f"AzureWebJobs.{name}.Disabled", f"AzureWebJobs_{name}_Disabled")
    return any(os.environ.get(setting, "").lower() in ("1", "true") for setting in settings)


def _resolved(function: str, value: Any) -> Any:
    """Replace `%NAME%` by the app setting NAME, as binding expressions do."""
    if not isinstance(value, str):
        return value

    def setting(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise AppError(
                f"Function {function!r} needs the app setting {match[1]}, which isn't set"
            )
        return os.environ[match[1]]

    return re.sub(r"%([^%\s]+)%", setting, value)
