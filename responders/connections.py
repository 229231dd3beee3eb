"""What is opened once per event loop: trust, tokens, the HTTP clients, the cloud's own description."""

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from responders import endpoints as endpoint_document
from responders import graph as graph_port
from responders import own_credential
from responders.calls import azure_call
from responders.endpoints import Endpoints
from responders.errors import ContractChangedError
from responders.graph import Graph
from responders.settings import Settings
from responders.tokens import Tokens

if TYPE_CHECKING:
    import httpx

    from responders.transports import AiohttpTransport


@dataclass(frozen=True, slots=True)
class Connections:
    """The parts of a `Cloud`."""

    settings: Settings
    endpoints: Endpoints
    tokens: Tokens
    http: "httpx.AsyncClient"
    graph: Graph
    transport: "AiohttpTransport"


async def open_all(settings: Settings) -> Connections:
    """Ask the cloud what it is, and make everything that talks to it. No token is fetched yet."""
    import httpx  # noqa: PLC0415  loaded with the first call, not with the app

    from responders.transports import (  # noqa: PLC0415
        CONNECT_S,
        READ_S,
        AiohttpTransport,
        HttpxTransport,
        aiohttp_session,
    )

    trust = _trust(settings)
    guarded = HttpxTransport(trust)
    timeout = httpx.Timeout(READ_S, connect=CONNECT_S)
    http = httpx.AsyncClient(transport=guarded, timeout=timeout)
    try:
        endpoints = await _discover(http, settings.arm_endpoint)
    except BaseException:
        await http.aclose()
        raise
    tokens = Tokens(own_credential.asynchronous(settings))
    # Graph's own client, because its SDK wraps the transport that it is given.
    graph_http = httpx.AsyncClient(transport=guarded, timeout=timeout)
    graph = graph_port.connect(graph_http, tokens, endpoints.graph, endpoints.graph_scope)
    transport = AiohttpTransport(aiohttp_session(trust))
    return Connections(settings, endpoints, tokens, http, graph, transport)


async def _discover(http: "httpx.AsyncClient", arm: str) -> Endpoints:
    target = endpoint_document.metadata_url(arm)
    async with azure_call(f"GET {target}"):
        response = await http.get(target)
        response.raise_for_status()
        try:
            document = response.json()
        except ValueError:
            raise ContractChangedError(f"{target} is not JSON") from None
    return endpoint_document.parse(arm, document)


def _trust(settings: Settings) -> ssl.SSLContext:
    """The system's authorities, plus one more where a private cloud has its own."""
    trust = ssl.create_default_context()
    if settings.ca_bundle is not None:
        trust.load_verify_locations(cafile=settings.ca_bundle)
    return trust
