"""One call to the cloud: bounded in time, its exceptions turned into those of `errors.py`.

The SDKs are imported by the first call, not with this module: the app has to load fast.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from responders.answers import Answer, error_for
from responders.errors import RefusedError, ResponderError, TransientError

if TYPE_CHECKING:
    from azure.core.exceptions import HttpResponseError

CALL_S = 45.0  # one call with its retries; what needs longer is Durable's to retry


@asynccontextmanager
async def azure_call(target: str, *, seconds: float = CALL_S) -> AsyncIterator[None]:
    """Around one call. `target` says what is done to which resource: it opens every message."""
    import httpx  # noqa: PLC0415
    from azure.core.exceptions import AzureError  # noqa: PLC0415

    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise TransientError(f"{target} took longer than {seconds:g} s") from None
    except (AzureError, httpx.HTTPError) as error:
        raise map_azure_error(error, target) from error


def map_azure_error(error: Exception, target: str = "Azure") -> ResponderError:
    """What an SDK's exception means for us."""
    from azure.core.exceptions import ClientAuthenticationError, HttpResponseError  # noqa: PLC0415

    if isinstance(error, ResponderError):
        return error
    if isinstance(error, HttpResponseError) and error.status_code:
        headers: Mapping[str, str] = getattr(error.response, "headers", {})
        request_id = headers.get("x-ms-request-id")
        return error_for(Answer(target, error.status_code, *_said(error), request_id))
    if isinstance(error, ClientAuthenticationError):  # no answer at all: there is no identity here
        return RefusedError(
            f"{target}: no token: {_short(error)}. Turn the Function App's managed identity on"
        )
    return TransientError(f"{target}: {type(error).__name__} {_short(error)}")


def _said(error: "HttpResponseError") -> tuple[str, str]:
    """Azure's code and words, without the SDK's own decoration of them."""
    from azure.core.exceptions import ResponseNotReadError, StreamClosedError  # noqa: PLC0415

    if error.error is not None and error.error.code:
        return str(error.error.code), str(error.error.message or "")
    try:
        text = error.response.text() if error.response is not None else ""
    except (ResponseNotReadError, StreamClosedError):
        text = ""
    return error.reason or "", text or _short(error)


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:400]
