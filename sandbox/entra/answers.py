"""What the token endpoint's answers have in common: ids for correlation, and the JSON of an error.

Source      https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

import uuid
from dataclasses import dataclass

from starlette.responses import JSONResponse, Response

from sandbox.entra.refusals import RefusalError
from sandbox.web import Call
from sandbox.world import World


@dataclass(frozen=True)
class Correlation:
    """The ids that an answer and its log row share."""

    trace_id: str
    correlation_id: str

    @staticmethod
    def of(call: Call) -> "Correlation":
        """The client's own request id correlates, where it sent one."""
        own = call.headers.get("client-request-id", "")
        return Correlation(str(uuid.uuid4()), own or str(uuid.uuid4()))


def refuse(world: World, refusal: RefusalError, correlation: Correlation, origin: str) -> Response:
    """The refusal as Entra writes it."""
    now = world.clock.now().strftime("%Y-%m-%d %H:%M:%SZ")
    return JSONResponse(
        {
            "error": refusal.error,
            "error_description": f"AADSTS{refusal.code}: {refusal} Trace ID: {correlation.trace_id} "
            f"Correlation ID: {correlation.correlation_id} Timestamp: {now}",
            "error_codes": [refusal.code],
            "timestamp": now,
            "trace_id": correlation.trace_id,
            "correlation_id": correlation.correlation_id,
            "error_uri": f"{origin}/error?code={refusal.code}",
        },
        status_code=refusal.status,
        headers=headers(correlation),
    )


def headers(correlation: Correlation) -> dict[str, str]:
    """What every answer of the token endpoint carries."""
    return {
        "cache-control": "no-store, no-cache",
        "pragma": "no-cache",
        "x-ms-request-id": correlation.trace_id,
        "client-request-id": correlation.correlation_id,
    }
