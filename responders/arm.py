"""Azure Resource Manager, JSON in and out, over the SDK's own pipeline: for what its models lack.

Source   https://learn.microsoft.com/rest/api/azure/
         https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling
"""

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from responders.calls import azure_call
from responders.json_answers import Page, body_of, items_of, object_of, pages_of
from responders.model import Json

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.core.rest import AsyncHttpResponse
    from azure.mgmt.core import AsyncARMPipelineClient

    from responders.transports import AiohttpTransport


class Arm:
    """Every method raises an error of `errors.py`, never the SDK's. Paths begin with a slash."""

    def __init__(self, pipeline: "AsyncARMPipelineClient[Any, Any]", origin: str) -> None:
        self._pipeline = pipeline
        self._origin = origin

    async def get(
        self, path: str, api_version: str, params: Mapping[str, str] | None = None
    ) -> Json:
        """One object."""
        return object_of(await self._send("GET", self._url(path, api_version, params)), path)

    async def list(
        self, path: str, api_version: str, params: Mapping[str, str] | None = None
    ) -> list[Json]:
        """All items of a collection, over all its pages. A nextLink to another host is refused."""
        first = self._url(path, api_version, params)
        return await items_of(lambda url: self._send("GET", url), first, path, link="nextLink")

    def pages(
        self, path: str, api_version: str, params: Mapping[str, str] | None = None
    ) -> AsyncIterator[Page]:
        """The same page by page, for what is too much to hold at once."""
        first = self._url(path, api_version, params)
        return pages_of(lambda url: self._send("GET", url), first, path, link="nextLink")

    async def post(self, path: str, api_version: str, body: Json | None = None) -> Json:
        """An action. azure-core may send it twice: only for what does no harm twice."""
        return object_of(await self._send("POST", self._url(path, api_version, None), body), path)

    async def put(self, path: str, api_version: str, body: Json) -> Json:
        """Create or replace."""
        return object_of(await self._send("PUT", self._url(path, api_version, None), body), path)

    async def patch(self, path: str, api_version: str, body: Json) -> Json:
        """Set these properties and no others."""
        return object_of(await self._send("PATCH", self._url(path, api_version, None), body), path)

    async def delete(self, path: str, api_version: str) -> None:
        """One that is gone already (204) is deleted. `NotFoundError` where its parent is gone."""
        await self._send("DELETE", self._url(path, api_version, None))

    def _url(self, path: str, api_version: str, params: Mapping[str, str] | None) -> str:
        segments = path.strip("/").split("/")
        if not all(segments) or any(segment in {".", ".."} for segment in segments):
            raise ValueError(f"not an ARM path: {path!r}")
        quoted = "/".join(quote(segment, safe="()'=,$@") for segment in segments)
        query = urlencode({"api-version": api_version, **(params or {})}, quote_via=quote, safe="$")
        return f"{self._origin}/{quoted}?{query}"

    async def _send(self, method: str, url: str, body: Json | None = None) -> Any:
        from azure.core.rest import HttpRequest  # noqa: PLC0415  loaded with the first call, not with the app

        target = f"{method} {url.partition('?')[0]}"
        headers = {"Accept": "application/json"}
        async with azure_call(target):
            response: AsyncHttpResponse = await self._pipeline.send_request(
                HttpRequest(method, url, headers=headers, json=body)
            )
        request_id = response.headers.get("x-ms-request-id")
        return body_of(response.status_code, response.content, request_id, target)


def connect(
    transport: "AiohttpTransport", credential: "AsyncTokenCredential", origin: str, scope: str
) -> Arm:
    """ARM over this transport, with the SDK's policies in the SDK's order, less two.

    No redirects: to follow one would carry the token away. No registration of resource providers:
    that is a write, and it would be made for a read.
    """
    from azure.core.pipeline.policies import (  # noqa: PLC0415
        HeadersPolicy,
        RequestIdPolicy,
        UserAgentPolicy,
    )
    from azure.mgmt.core import AsyncARMPipelineClient  # noqa: PLC0415
    from azure.mgmt.core.policies import AsyncARMChallengeAuthenticationPolicy  # noqa: PLC0415

    from responders.transports import BoundedRetryPolicy  # noqa: PLC0415

    policies = [
        RequestIdPolicy(),
        HeadersPolicy(),
        UserAgentPolicy(),
        BoundedRetryPolicy(),
        AsyncARMChallengeAuthenticationPolicy(credential, scope),
    ]
    return Arm(AsyncARMPipelineClient(origin, policies=policies, transport=transport), origin)
