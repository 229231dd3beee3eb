"""Microsoft Graph, JSON in and out, over msgraph-core's pipeline, without the 130 MB of models.

Source   https://learn.microsoft.com/graph/use-the-api, https://learn.microsoft.com/graph/paging
"""

import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from responders import graph_reads
from responders.calls import azure_call
from responders.errors import ContractChangedError
from responders.graph_writes import Writes
from responders.json_answers import Page, body_of, items_of, object_of, pages_of
from responders.model import Json

if TYPE_CHECKING:
    import httpx
    from azure.core.credentials_async import AsyncTokenCredential
    from msgraph_core import BaseGraphRequestAdapter

_KEY = re.compile(r"[A-Za-z0-9_-]{1,200}")


class Graph:
    """`/v1.0` of Microsoft Graph. Every method raises an error of `errors.py`, never the SDK's."""

    def __init__(self, adapter: "BaseGraphRequestAdapter", origin: str) -> None:
        self._adapter = adapter
        self._origin = origin
        self._writes = Writes(origin, self._send)

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Json:
        """One object."""
        return object_of(await self._send("GET", self._url(path, params)), path)

    async def list(
        self, path: str, params: Mapping[str, str] | None = None, *, beta: bool = False
    ) -> list[Json]:
        """All items of a collection, over all its pages. A nextLink to another host is refused.

        `beta` is for what v1.0 can't tell: it may change or go away, so nothing may depend on it.
        """
        first = self._url(path, params, version="beta" if beta else "v1.0")
        return await items_of(
            lambda url: self._send("GET", url), first, path, link="@odata.nextLink"
        )

    def pages(
        self, path: str, params: Mapping[str, str], *, after: str | None = None
    ) -> AsyncIterator[Page]:
        """A collection page by page, for what is too much to hold at once; `after` is an earlier page's `next_url`."""
        first = self._url(path, params)
        if after is not None and not after.startswith(f"{self._origin}/"):
            raise ContractChangedError(f"{path} goes on elsewhere: {urlsplit(after).netloc}")
        return pages_of(
            lambda url: self._send("GET", url), after or first, path, link="@odata.nextLink"
        )

    async def get_many(
        self, paths: Sequence[str], params: Mapping[str, str]
    ) -> graph_reads.Answers:
        """Up to twenty objects or collections' first pages in one call, each its own success or failure."""
        return await graph_reads.get_many(
            lambda body: self._send("POST", f"{self._origin}/v1.0/$batch", body),
            [self._url(path, params).removeprefix(f"{self._origin}/v1.0") for path in paths],
        )

    async def count(self, path: str) -> int:
        """How many items a collection has, as the index knows it: seconds late, so for no decision.

        https://learn.microsoft.com/graph/aad-advanced-queries
        """
        url = self._url(f"{path}/$count", None)
        said = await self._send("GET", url, headers={"ConsistencyLevel": "eventual"})
        if not str(said).strip("\ufeff").isdecimal():
            raise ContractChangedError(f"{path}/$count is no number: {said!r:.80}")
        return int(str(said).strip("\ufeff"))

    async def post(self, path: str, body: Json) -> Json:
        """Act or create. Never sent twice: after a failure, read back what it may have done."""
        return object_of(await self._writes.write("POST", self._url(path, None), body), path)

    async def patch(self, path: str, body: Json) -> None:
        """Set these properties and no others."""
        await self._writes.write("PATCH", self._url(path, None), body)

    async def delete(self, path: str) -> None:
        """Raises `NotFoundError` where it is already gone."""
        await self._writes.write("DELETE", self._url(path, None))

    def _url(self, path: str, params: Mapping[str, str] | None, version: str = "v1.0") -> str:
        segments = path.strip("/").split("/")
        if not all(segments) or any(segment in {".", ".."} for segment in segments):
            raise ValueError(f"not a Graph path: {path!r}")
        quoted = "/".join(quote(segment, safe="()'=,$@") for segment in segments)
        query = f"?{urlencode(params, quote_via=quote, safe='$,')}" if params else ""
        return f"{self._origin}/{version}/{quoted}{query}"

    async def _send(
        self,
        method: str,
        url: str,
        body: Json | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        from kiota_abstractions.method import Method  # noqa: PLC0415  loaded with the first call, not with the app
        from kiota_abstractions.native_response_handler import NativeResponseHandler  # noqa: PLC0415
        from kiota_abstractions.request_information import RequestInformation  # noqa: PLC0415
        from kiota_http.middleware.options import ResponseHandlerOption  # noqa: PLC0415

        request = RequestInformation()
        request.http_method = Method(method)
        request.url = url
        request.headers.add("Accept", "application/json" if headers is None else "text/plain")
        for name, value in (headers or {}).items():
            request.headers.add(name, value)
        if body is not None:
            request.headers.add("Content-Type", "application/json")
            request.content = json.dumps(body).encode()
        request.add_request_options([ResponseHandlerOption(NativeResponseHandler())])
        target = f"{method} {url.partition('?')[0]}"
        response = await self._bounded(request, target)
        request_id = response.headers.get("request-id")
        return body_of(response.status_code, response.content, request_id, target)

    async def _bounded(self, request: Any, target: str) -> "httpx.Response":
        import httpx  # noqa: PLC0415

        async with azure_call(target):
            response = await self._adapter.send_primitive_async(request, "bytes", {})
        if not isinstance(response, httpx.Response):
            raise ContractChangedError(f"{target}: kiota returned {type(response).__name__}")
        return response


def connect(
    http: "httpx.AsyncClient", credential: "AsyncTokenCredential", origin: str, scope: str
) -> Graph:
    """Graph over this HTTP client, whose transport is wrapped in the SDK's middleware here."""
    from kiota_authentication_azure.azure_identity_authentication_provider import (  # noqa: PLC0415
        AzureIdentityAuthenticationProvider,
    )
    from msgraph_core import BaseGraphRequestAdapter, GraphClientFactory  # noqa: PLC0415
    from msgraph_core.middleware import GraphTelemetryHandler  # noqa: PLC0415

    from responders.transports import BoundedRetryHandler  # noqa: PLC0415

    # No redirect handler: Graph's JSON does not redirect, and to follow would carry the token away.
    middleware = [BoundedRetryHandler(), GraphTelemetryHandler()]
    client = GraphClientFactory.create_with_custom_middleware(middleware, client=http)
    provider = AzureIdentityAuthenticationProvider(
        credential,
        scopes=[scope],  # else kiota derives it from the host name and drops the port
        allowed_hosts=[urlsplit(origin).hostname or ""],  # [] would mean any host
        is_cae_enabled=False,  # managed identities have no continuous access evaluation
    )
    adapter = BaseGraphRequestAdapter(provider, http_client=client)
    adapter.base_url = f"{origin}/v1.0"
    return Graph(adapter, origin)


def checked_key(value: Any, what: str) -> str:
    """An id that is no GUID, as Graph writes it: URL-safe Base64. Nothing else may reach a path."""
    if not isinstance(value, str) or not _KEY.fullmatch(value):
        raise ContractChangedError(
            f"the id of a {what} is not one that Graph writes: {value!r:.80}"
        )
    return value
