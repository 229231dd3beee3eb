"""host.json, as far as one machine can honour it.

Known settings are honoured or, where they tune a storage provider that this host doesn't have, accepted without
effect and said so. An unknown name under `durableTask` is an error: Azure would ignore a misspelt one in silence.

Source: https://learn.microsoft.com/azure/azure-functions/durable/durable-functions-bindings#host-json
"""

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, cast, get_args

from host import log
from host.durable.versions import FAILURES, MATCHES, Failure, Match, Versions
from host.errors import ConfigurationError

Overridable = Literal["AnyState", "NonRunningStates"]

_HONOURED = {
    "hubName",
    "defaultVersion",
    "versionMatchStrategy",
    "versionFailureStrategy",
    "tracing",
    "maxConcurrentActivityFunctions",
    "maxConcurrentOrchestratorFunctions",
    "maxConcurrentEntityFunctions",
    "overridableExistingInstanceStates",
}
_WITHOUT_EFFECT = {
    "storageProvider": "history is in SQLite here; nothing is polled",
    "notifications": "no life-cycle events are published",
    "httpSettings": "call_http isn't offered",
    "localRpcEndpointEnabled": "the RPC endpoint is always on",
    "extendedSessionsEnabled": "every turn replays",
    "extendedSessionIdleTimeoutInSeconds": "every turn replays",
    "maxEntityOperationBatchSize": "entities run one operation at a time",
    "rollbackEntityOperationsOnExceptions": "a failed operation never changes the state",
    "entityMessageReorderWindowInMinutes": "messages arrive in order",
    "useAppLease": "one process per state folder, by lock",
    "appLeaseOptions": "one process per state folder, by lock",
    "useGracefulShutdown": "always graceful",
    "maxOrchestrationActions": "no limit",
    "storeInputsInOrchestrationHistory": "inputs are kept with the scheduled work",
    "throwStatusExceptionsOnRaiseEvent": "always answers 404 or 410",
    "maxGrpcMessageSizeInBytes": "no gRPC here",
    "grpcHttpClientTimeout": "no gRPC here",
}
_QUEUES = {
    "maxPollingInterval",
    "visibilityTimeout",
    "batchSize",
    "maxDequeueCount",
    "newBatchThreshold",
    "messageEncoding",
}
_LARGEST_BATCH = 32  # of one call to the service
SHORTEST_POLL = timedelta(milliseconds=100)
_TRACING = {
    "traceInputsAndOutputs",
    "traceReplayEvents",
    "distributedTracingEnabled",
    "distributedTracingProtocol",
    "allowVerboseLinuxTelemetry",
    "version",
}


@dataclass(frozen=True, slots=True)
class DurableOptions:
    """`extensions.durableTask`."""

    hub_name: str = "TestHubName"
    versions: Versions = field(default_factory=Versions)
    max_activities: int = 10 * (os.cpu_count() or 1)  # the extension's default is 10 per core
    max_orchestrators: int = 10 * (os.cpu_count() or 1)
    max_entities: int = 10 * (os.cpu_count() or 1)
    overridable: Overridable = "NonRunningStates"
    trace_inputs_and_outputs: bool = False


@dataclass(frozen=True, slots=True)
class QueueOptions:
    """`extensions.queues`, with the extension's own defaults.

    https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue#host-json
    """

    longest_poll: timedelta = timedelta(minutes=1)
    visibility: timedelta = timedelta()  # how long a message rests after its function failed
    batch: int = 16
    most_dequeues: int = 5
    new_batch: int = 8 * (os.cpu_count() or 1)  # the next batch is fetched once so few are left
    encoded: bool = True  # base64


@dataclass(frozen=True, slots=True)
class HostJson:
    """What the host reads from host.json."""

    route_prefix: str = "api"
    function_timeout: timedelta | None = timedelta(minutes=30)
    log_level: str = "Information"
    durable: DurableOptions = field(default_factory=DurableOptions)
    queues: QueueOptions = field(default_factory=QueueOptions)


def read(path: Path) -> HostJson:
    """Read and check host.json; a missing file is an error, as it is for Core Tools."""
    try:
        document: dict[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError as missing:
        raise ConfigurationError(
            f"{path} is missing: is this a function app's folder?"
        ) from missing
    except ValueError as malformed:
        raise ConfigurationError(f"{path} isn't JSON: {malformed}") from malformed
    if document.get("version") != "2.0":
        raise ConfigurationError(f'{path}: "version" must be "2.0", not {document.get("version")}')
    extensions = document.get("extensions", {})
    level = document.get("logging", {}).get("logLevel", {}).get("default", "Information")
    if level.lower() not in log.LEVELS:
        raise ConfigurationError(f"{path}: unknown logLevel {level}")
    return HostJson(
        route_prefix=extensions.get("http", {}).get("routePrefix", "api").strip("/"),
        function_timeout=_timeout(document.get("functionTimeout", "00:30:00")),
        log_level=level,
        durable=_durable(extensions.get("durableTask", {})),
        queues=_queues(extensions.get("queues", {})),
    )


def _queues(section: Mapping[str, Any]) -> QueueOptions:
    _refuse_unknown("extensions.queues", section, _QUEUES)
    defaults = QueueOptions()
    batch = _positive(section, "batchSize", defaults.batch)
    new_batch = section.get("newBatchThreshold", batch * (os.cpu_count() or 1) // 2)
    encoding = section.get("messageEncoding", "base64")
    if batch > _LARGEST_BATCH:
        raise ConfigurationError(f"host.json: batchSize is at most {_LARGEST_BATCH}, not {batch}")
    if not isinstance(new_batch, int) or new_batch < 0:
        raise ConfigurationError(f"host.json: newBatchThreshold is no number from 0: {new_batch!r}")
    if encoding not in ("base64", "none"):
        raise ConfigurationError(
            f"host.json: messageEncoding {encoding!r} is neither base64 nor none"
        )
    return QueueOptions(
        longest_poll=max(_span(section.get("maxPollingInterval", "00:01:00")), SHORTEST_POLL),
        visibility=_span(section.get("visibilityTimeout", "00:00:00")),
        batch=batch,
        most_dequeues=_positive(section, "maxDequeueCount", defaults.most_dequeues),
        new_batch=new_batch,
        encoded=encoding == "base64",
    )


def _span(value: object) -> timedelta:
    """hh:mm:ss with or without a fraction."""
    match = re.fullmatch(r"(\d\d):(\d\d):(\d\d(?:\.\d{1,7})?)", str(value))
    if not match:
        raise ConfigurationError(f"host.json: {value!r} under extensions.queues isn't hh:mm:ss")
    return timedelta(hours=int(match[1]), minutes=int(match[2]), seconds=float(match[3]))


def _timeout(text: str) -> timedelta | None:
    if text == "-1":
        return None
    match = re.fullmatch(r"(?:(\d+)\.)?(\d\d):(\d\d):(\d\d)", text)
    if not match:
        raise ConfigurationError(f"functionTimeout {text!r} isn't hh:mm:ss")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _durable(section: Mapping[str, Any]) -> DurableOptions:
    _refuse_unknown("extensions.durableTask", section, _HONOURED | set(_WITHOUT_EFFECT))
    tracing = section.get("tracing", {})
    _refuse_unknown("extensions.durableTask.tracing", tracing, _TRACING)
    for name in section:
        if name in _WITHOUT_EFFECT:
            log.info("host.json setting without effect", setting=name, why=_WITHOUT_EFFECT[name])
    overridable = _one_of(
        section, "overridableExistingInstanceStates", get_args(Overridable), "NonRunningStates"
    )
    defaults = DurableOptions()
    return DurableOptions(
        hub_name=section.get("hubName", defaults.hub_name),
        versions=Versions(
            default=section.get("defaultVersion"),
            match=cast(
                "Match", _one_of(section, "versionMatchStrategy", MATCHES, "CurrentOrOlder")
            ),
            failure=cast("Failure", _one_of(section, "versionFailureStrategy", FAILURES, "Reject")),
        ),
        max_activities=_positive(
            section, "maxConcurrentActivityFunctions", defaults.max_activities
        ),
        max_orchestrators=_positive(
            section, "maxConcurrentOrchestratorFunctions", defaults.max_orchestrators
        ),
        max_entities=_positive(section, "maxConcurrentEntityFunctions", defaults.max_entities),
        overridable=cast("Overridable", overridable),
        trace_inputs_and_outputs=bool(tracing.get("traceInputsAndOutputs", False)),
    )


def _one_of(section: Mapping[str, Any], name: str, known: Sequence[str], default: str) -> str:
    value = section.get(name, default)
    if value not in known:
        raise ConfigurationError(f"host.json: {name} is {value!r}; use {' or '.join(known)}")
    return str(value)


def _positive(section: Mapping[str, Any], name: str, default: int) -> int:
    value = section.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ConfigurationError(f"host.json: {name} must be a number from 1, not {value!r}")
    return value


def _refuse_unknown(where: str, section: Mapping[str, Any], known: set[str]) -> None:
    unknown = sorted(set(section) - known)
    if unknown:
        raise ConfigurationError(
            f"host.json: unknown {where} setting {', '.join(unknown)}; known: {', '.join(sorted(known))}"
        )
