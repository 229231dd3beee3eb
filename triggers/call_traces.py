"""A person's call, from the API or from a page, as a span in the trace of the incident or run that it is about."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import azure.functions as func

from responders import tracing

_BAD = 400


async def traced(
    operation: str, about: str, by: str, act: Callable[[], Awaitable[func.HttpResponse]]
) -> func.HttpResponse:
    """What `act` answers. `by`: the object id of who calls; a status of 400 or more is said as an error."""
    said = {"firebreak.operation": operation, "firebreak.by": by}
    with tracing.span(f"call {operation}", about, said, came=datetime.now(UTC)) as span:
        answered = await act()
        status = answered.status_code
        span.says({"http.response.status_code": status}, bad=status >= _BAD, why=f"HTTP {status}")
    return answered
