"""The families as text for a scraper, and through OpenTelemetry to a collector or to Azure Monitor.

What is handed on by OpenTelemetry are the same samples, each as a gauge: a total is read from the evidence store, so a
process that began anew, or a second one, must not have it taken for growth, which a counter's delta would be.
https://opentelemetry.io/docs/specs/otel/metrics/data-model/#temporality
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from responders import telemetry
from triggers.metrics.facts import Facts
from triggers.metrics.families import families

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricExporter
    from prometheus_client.core import Metric

_PUSH_MS = 30_000


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
    return telemetry.to_collector("metrics") or telemetry.to_azure("metrics")


def push(facts: Facts) -> str:
    """Hand every sample to where the settings say. Returns where to; "nobody" where it was not taken."""
    found = [("collector", _otlp)] if telemetry.to_collector("metrics") else []
    if telemetry.to_azure("metrics"):
        found.append(("Azure Monitor", _azure))
    taken = [name for name, exporter in found if hand_over(facts, exporter())]
    return " and ".join(taken) or "nobody"


def hand_over(facts: Facts, exporter: "MetricExporter") -> bool:
    """Collect once, send, and be done: the process may end after this. False: it was not taken."""
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415 - a cold start does without
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415

    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=float("inf"))
    resource = Resource.create({"service.name": telemetry.SERVICE})
    provider = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
    meter = provider.get_meter(telemetry.SERVICE)
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
    return to_azure(telemetry.azure_arguments())


def to_azure(arguments: dict[str, Any]) -> "MetricExporter":
    """As `telemetry` says it."""
    from azure.monitor.opentelemetry.exporter import AzureMonitorMetricExporter  # noqa: PLC0415

    return AzureMonitorMetricExporter(**arguments)
