"""Where figures and spans are handed to: a collector by OTLP, Azure Monitor as the app's own identity, or nobody.

https://opentelemetry.io/docs/specs/otel/protocol/exporter/
https://learn.microsoft.com/azure/azure-monitor/app/opentelemetry-configuration
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from responders import own_credential
from responders.settings import Settings

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

Kind = Literal["metrics", "traces"]
SERVICE = "firebreak"
_AZURE = "APPLICATIONINSIGHTS_CONNECTION_STRING"
_COLLECTOR = "OTEL_EXPORTER_OTLP_ENDPOINT"
# The exporter's own statistics go to Microsoft, by a thread of theirs; its row about the resource asks for a
# provider of the whole process, which there is none of here.
# https://learn.microsoft.com/azure/azure-monitor/app/statsbeat
_OF_ITSELF = (
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL",
    "APPLICATIONINSIGHTS_SDKSTATS_DISABLED",
    "APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED",
)


def to_collector(kind: Kind, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether a collector is named that takes them."""
    if _is_off(kind, environ):
        return False
    own = f"OTEL_EXPORTER_OTLP_{kind.upper()}_ENDPOINT"
    return bool(environ.get(own) or environ.get(_COLLECTOR))


def to_azure(kind: Kind, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether an Application Insights is named that takes them."""
    return bool(environ.get(_AZURE)) and not _is_off(kind, environ)


def _is_off(kind: Kind, environ: Mapping[str, str]) -> bool:
    """By OpenTelemetry's own switches.

    https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
    """
    disabled = environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    return disabled or environ.get(f"OTEL_{kind.upper()}_EXPORTER", "").strip().lower() == "none"


def azure_arguments() -> dict[str, Any]:
    """Of an exporter that sends as our own identity: Application Insights need not take anything else."""
    own = own_credential.synchronous(Settings.from_environ())
    return arguments_for(os.environ[_AZURE], own)


def arguments_for(connection_string: str, credential: "TokenCredential | None") -> dict[str, Any]:
    """Nothing is kept on a disk that the next instance does not have, and nothing is told of ourselves to others."""
    for name in _OF_ITSELF:
        os.environ.setdefault(name, "true")
    return {
        "connection_string": connection_string,
        "credential": credential,
        "disable_offline_storage": True,
    }
