"""What is opened once per event loop: trust, tokens, the HTTP clients, the cloud's own description.

Sockets are shared by both of the app's identities; a token never is, nor a client that adds one to its calls.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from responders import endpoints as endpoint_document
from responders import graph as graph_port
from responders import own_credential
from responders.calls import azure_call
from responders.endpoints import Endpoints
from responders.errors import ContractChangedError
from responders.graph import Graph
from responders.settings import Hand, Settings
from responders.tokens import Tokens

if TYPE_CHECKING:
    import httpx

    from responders.transports import AiohttpTransport, HttpxTransport


@dataclass(frozen=True, slots=True)
class Connections:
    """The parts that a loop's `Cloud`s are made of."""

    settings: Settings
    endpoints: Endpoints
    tokens: Mapping[Hand, Tokens]
    http: "httpx.AsyncClient"
    sockets: "HttpxTransport"  # under `http` and every Graph client
    transport: "AiohttpTransport"

    def graph(self, hand: Hand) -> Graph:
        """Graph as this identity, over a client of its own: the SDK wraps the transport that it is given."""
        import httpx  # noqa: PLC0415

        http = httpx.AsyncClient(transport=self.sockets, timeout=self.http.timeout)
        where = self.endpoints
        return graph_port.connect(http, self.tokens[hand], where.graph, where.graph_scope)


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
    tokens = {one: Tokens(own_credential.asynchronous(settings, one)) for one in settings.hands}
    transport = AiohttpTransport(aiohttp_session(trust))
    return Connections(settings, endpoints, tokens, http, guarded, transport)


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
