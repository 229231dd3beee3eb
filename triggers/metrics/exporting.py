"""The families as text for a scraper, and through OpenTelemetry to a collector or to Azure Monitor.

What is handed on by OpenTelemetry are the same samples, each as a gauge: a total is read from the evidence store, so a
process that began anew, or a second one, must not have it taken for growth, which a counter's delta would be.
https://opentelemetry.io/docs/specs/otel/metrics/data-model/#temporality
"""

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from responders.settings import Settings
from triggers.metrics.facts import Facts
from triggers.metrics.families import families

if TYPE_CHECKING:
    from azure.identity import ManagedIdentityCredential
    from opentelemetry.sdk.metrics.export import MetricExporter
    from prometheus_client.core import Metric

_COLLECTOR = ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_AZURE = "APPLICATIONINSIGHTS_CONNECTION_STRING"
_PUSH_MS = 30_000
# The exporter's own statistics go to Microsoft, by a thread of theirs.
# https://learn.microsoft.com/azure/azure-monitor/app/statsbeat
_OF_ITSELF = (
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL",
    "APPLICATIONINSIGHTS_SDKSTATS_DISABLED",
)


class _Look:
    """What a registry of Prometheus collects: one look."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def collect(self) -> "Iterable[Metric]":
        """Every family."""
        return families(self._facts)


def text(facts: Facts, accept: str) -> tuple[bytes, str]:
    """The families as the scraper reads them, and the media type of that."""
    from prometheus_client import CollectorRegistry  # noqa: PLC0415 - a cold start does without
    from prometheus_client.exposition import choose_encoder  # noqa: PLC0415

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Look(facts))
    encode, media = choose_encoder(accept)
    return encode(registry), media


def is_set_up() -> bool:
    """Whether a collector or Application Insights is named."""
    return any(os.environ.get(name) for name in (*_COLLECTOR, _AZURE))


def push(facts: Facts) -> str:
    """Hand every sample to where the settings say. Returns where to; "nobody" where it was not taken."""
    found = [("collector", _otlp)] if any(os.environ.get(one) for one in _COLLECTOR) else []
    if os.environ.get(_AZURE):
        found.append(("Azure Monitor", _azure))
    taken = [name for name, exporter in found if hand_over(facts, exporter())]
    return " and ".join(taken) or "nobody"


def hand_over(facts: Facts, exporter: "MetricExporter") -> bool:
    """Collect once, send, and be done: the process may end after this. False: it was not taken."""
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415 - a cold start does without
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415

    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=float("inf"))
    resource = Resource.create({"service.name": "firebreak"})
    provider = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
    meter = provider.get_meter("firebreak")
    samples: dict[str, list[Any]] = {}
    for family in families(facts):
        for one in family.samples:
            samples.setdefault(one.name, []).append(one)
    for name, found in samples.items():
        meter.create_observable_gauge(name, callbacks=[_observed(found)])
    try:
        return bool(provider.force_flush(_PUSH_MS))
    finally:
        provider.shutdown(_PUSH_MS)


def _observed(samples: list[Any]) -> Any:
    from opentelemetry.metrics import Observation  # noqa: PLC0415 - a cold start does without

    def observe(_: object) -> Iterable[Observation]:
        return [Observation(one.value, dict(one.labels)) for one in samples]

    return observe


def _otlp() -> "MetricExporter":
    """By OpenTelemetry's own environment variables."""
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import (  # noqa: PLC0415
        OTLPMetricExporter,
    )

    return OTLPMetricExporter()


def _azure() -> "MetricExporter":
    """As the app's own identity: Application Insights need not take anything else."""
    from azure.identity import ManagedIdentityCredential  # noqa: PLC0415

    own = ManagedIdentityCredential(client_id=Settings.from_environ().client_id)
    return to_azure(os.environ[_AZURE], credential=own)


def to_azure(
    connection_string: str, *, credential: "ManagedIdentityCredential | None"
) -> "MetricExporter":
    """Nothing is kept on a disk that the next instance does not have, and nothing is told of ourselves to others."""
    for name in _OF_ITSELF:
        os.environ.setdefault(name, "true")
    from azure.monitor.opentelemetry.exporter import AzureMonitorMetricExporter  # noqa: PLC0415

    return AzureMonitorMetricExporter(
        connection_string=connection_string, credential=credential, disable_offline_storage=True
    )
