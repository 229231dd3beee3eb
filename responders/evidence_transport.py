"""The transport under the evidence store's SDK: synchronous, because its callers are threads.

Like the other two it is the last code before the socket. What differs is plan mode, in which evidence is written.
"""

import ssl
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import requests
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import HTTPAdapter

from responders.outgoing import outgoing
from responders.read_only import keeping_evidence

CONNECT_S, READ_S = 5, 30
_CONNECTIONS = 32  # as many as threads of steps that write side by side


class EvidenceTransport(RequestsTransport):  # type: ignore[misc]  # azure-core exports it lazily: Any
    """azure-core's requests transport with the guard before it. `containers` are the URLs of the store's own."""

    def __init__(self, containers: tuple[str, ...], ca_bundle: Path | None) -> None:
        session = requests.Session()
        session.trust_env = False  # a proxy or .netrc of the machine is no business of evidence
        session.mount("https://", _Adapter(ca_bundle))
        super().__init__(
            session=session,
            session_owner=False,
            connection_timeout=CONNECT_S,
            read_timeout=READ_S,
            use_env_settings=False,
        )
        self._containers = tuple(f"{one}/" for one in containers)

    def send(self, request: Any, **config: Any) -> Any:
        """Send it. In plan mode only what goes to the store's own containers."""
        with (
            self._allowed(request.url),
            outgoing(request.method, request.url, request.headers) as sent,
        ):
            response = super().send(request, **config)
            sent.answered(response.status_code, response.headers)
        return response

    def _allowed(self, url: str) -> AbstractContextManager[None]:
        path = url.partition("?")[0]
        ours = any(f"{path}/".startswith(one) for one in self._containers)
        return keeping_evidence() if ours and "/../" not in path else nullcontext()


class _Adapter(HTTPAdapter):
    """The system's authorities, plus one more where a private cloud has its own."""

    def __init__(self, ca_bundle: Path | None) -> None:
        self._trust = ssl.create_default_context()
        if ca_bundle is not None:
            self._trust.load_verify_locations(cafile=ca_bundle)
        super().__init__(pool_maxsize=_CONNECTIONS)

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        """Every connection trusts the same."""
        super().init_poolmanager(*arguments, ssl_context=self._trust, **named)
