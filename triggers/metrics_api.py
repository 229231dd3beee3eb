"""Trigger: the metrics, for whoever scrapes them, and the look every five minutes that notes what they count.

A scraper signs in as an application with the app role Incident.Read; docs/how-to/metrics.md.
https://prometheus.io/docs/prometheus/latest/configuration/configuration/#oauth2
"""

import asyncio
import time
from datetime import timedelta

import azure.durable_functions as df
import azure.functions as func
import structlog

from triggers import edge, intake
from triggers.edge import Call, Nothing, Operation, Said
from triggers.metrics import exporting, facts, measuring
from triggers.metrics.facts import Facts

bp = df.Blueprint()
_log = structlog.get_logger("firebreak.metrics")
_KEPT_S = 10.0  # two scrapers of one minute, and whoever reloads a page, get the same look
_TEXT = "text/plain"
_last: tuple[float, Facts] | None = None

METRICS: Operation[Nothing, Nothing] = Operation(
    name="read_metrics",
    method="GET",
    route="api/metrics",
    summary="Metrics of identities and of Firebreak, for Prometheus",
    answers={200: Said("the text format, or OpenMetrics where it is asked for", media=_TEXT)},
)
OPERATIONS = (METRICS,)


@bp.route(**METRICS.binding)
async def read_metrics(req: func.HttpRequest) -> func.HttpResponse:
    """200 with every family, in the format that the Accept header asks for."""

    async def act(call: Call[Nothing, Nothing]) -> func.HttpResponse:
        seen = await asyncio.to_thread(_looked)
        body, media = exporting.text(seen, call.headers.get("Accept", ""))
        headers = {"Content-Type": media, "Cache-Control": "no-store"}
        return func.HttpResponse(body, headers=headers, mimetype=media.partition(";")[0])

    return await edge.serve(req, None, METRICS, act)


@bp.timer_trigger(arg_name="timer", schedule="15 */5 * * * *")
@bp.durable_client_input(client_name="client")
async def measure(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:
    """Every five minutes, on one instance: note what is new, and hand the figures on where that is set up."""
    structlog.contextvars.clear_contextvars()
    await measuring.measure(client)
    if exporting.is_set_up():
        pushed = await asyncio.to_thread(lambda: exporting.push(_looked()))
        _log.info("metrics handed on", to=pushed, late=bool(timer.past_due))


def _looked() -> Facts:
    """At most so old, for all who ask of this process."""
    global _last  # noqa: PLW0603 - one look for all who ask within seconds
    if _last is None or time.monotonic() - _last[0] > _KEPT_S:
        replay = timedelta(hours=intake.policy().windows.replay_hours)
        _last = (time.monotonic(), facts.read(intake.store(), replay))
    return _last[1]
