"""The two transports under the SDKs: httpx for Graph and Teams, aiohttp for ARM and Log Analytics.

Both are the last code before the socket, so plan mode, marks and log lines hold for retries too.
"""

import ssl
from typing import Any
from weakref import WeakKeyDictionary

import aiohttp
import httpx
from azure.core.pipeline import PipelineResponse
from azure.core.pipeline.policies import AsyncRetryPolicy
from azure.core.pipeline.transport import AioHttpTransport
from kiota_http.middleware import RetryHandler
from kiota_http.middleware.options import RetryHandlerOption

from responders.outgoing import outgoing

CONNECT_S, READ_S = 5, 30
RETRIES = (
    2  # in the SDK; what lasts longer is Durable's to retry, with the incident's log showing it
)
RETRY_DELAY_S = 0.5
LONGEST_WAIT_S = (
    5.0  # a longer Retry-After is not slept through: the step ends and Durable retries it
)


class HttpxTransport(httpx.AsyncBaseTransport):
    """httpx's own transport with the guard before it."""

    def __init__(self, trust: ssl.SSLContext) -> None:
        self._inner = httpx.AsyncHTTPTransport(verify=trust, http2=False, trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it, unless plan mode refuses."""
        retried = int(request.headers.get("Retry-Attempt", "0"))  # set by kiota's retry handler
        url, attempt = str(request.url), retried + 1
        # A stream, which none of ours is, has no content yet: what it would send is not known to be a read.
        body = request.content if isinstance(request.stream, httpx.ByteStream) else None
        with outgoing(request.method, url, request.headers, attempt=attempt, body=body) as sent:
            response = await self._inner.handle_async_request(request)
            sent.answered(response.status_code, response.headers)
        return response

    async def aclose(self) -> None:
        """Close every connection."""
        await self._inner.aclose()


class AiohttpTransport(AioHttpTransport):  # type: ignore[misc]  # azure-core exports it lazily: Any
    """azure-core's aiohttp transport with the guard before it, on a session that `Cloud` owns."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        super().__init__(
            session=session, session_owner=False, connection_timeout=CONNECT_S, read_timeout=READ_S
        )
        self._attempts: WeakKeyDictionary[Any, int] = WeakKeyDictionary()

    async def send(self, request: Any, **config: Any) -> Any:
        """Send it, unless plan mode refuses. A retry brings the same request object."""
        attempt = self._attempts.get(request, 0) + 1
        self._attempts[request] = attempt
        with outgoing(request.method, request.url, request.headers, attempt=attempt) as sent:
            response = await super().send(request, **config)
            sent.answered(response.status_code, response.headers)
        return response


def aiohttp_session(trust: ssl.SSLContext) -> aiohttp.ClientSession:
    """One connection pool for all Azure SDK clients of a loop. azure-core itself decompresses."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=trust, limit=128),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
    )


class BoundedRetryPolicy(AsyncRetryPolicy[Any, Any]):
    """azure-core's, which would sleep through any Retry-After, however long."""

    def __init__(self) -> None:
        super().__init__(
            retry_total=RETRIES,
            retry_backoff_factor=RETRY_DELAY_S,
            retry_backoff_max=LONGEST_WAIT_S,
        )

    def is_retry(self, settings: dict[str, Any], response: PipelineResponse[Any, Any]) -> bool:
        """False as well where the service asks for more patience than a step has."""
        wait: float | None = self.get_retry_after(response)
        return (wait or 0) <= LONGEST_WAIT_S and bool(super().is_retry(settings, response))


class BoundedRetryHandler(RetryHandler):
    """kiota's, which would send a POST twice and sleep up to three minutes.

    A POST that created something, but was answered with a 503, would create a second one.
    """

    def __init__(self) -> None:
        super().__init__(RetryHandlerOption(delay=0, max_retries=RETRIES))
        self.allowed_methods = frozenset({"GET", "HEAD", "OPTIONS", "PATCH", "PUT", "DELETE"})

    def get_delay_time(
        self, retry_count: int, response: httpx.Response | None = None, delay: float = 0
    ) -> float:
        """What the service asks for, else half a second and then a whole one."""
        asked = self._get_retry_after(response)
        return RETRY_DELAY_S * 2**retry_count + delay if asked is None else asked

    def should_retry(
        self, request: httpx.Request, options: RetryHandlerOption, response: httpx.Response
    ) -> bool:
        """False as well where the service asks for more patience than a step has."""
        wait = self._get_retry_after(response) or 0.0
        return wait <= LONGEST_WAIT_S and super().should_retry(request, options, response)
