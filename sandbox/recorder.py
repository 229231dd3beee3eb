"""Every exchange as one JSON line, without the secrets in it.

A line is what a checker of recorded traffic wants to see: method, url, request_headers, request_body, status,
response_headers, response_body and service, and on top the moment and the caller's object id. Values of secrets are
replaced by a placeholder of the same JSON type, so that a record can be kept, shown and checked against schemas.
"""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from sandbox.web import Call
from sandbox.world import Json

REDACTED = "[redacted]"
# What a checker calls the service; services it has no description of are "skip".
_KINDS = {
    "arm": "arm",
    "graph": "graph",
    "loganalytics": "loganalytics",
    "login": "aad",
}
_SECRET_NAMES = {
    "access_token",
    "client_assertion",
    "client_secret",
    "id_token",
    "password",
    "refresh_token",
    "secrettext",
    "token",
}
_SECRET_PARAMETERS = {"sig", "code"}  # signatures and function keys in webhook URLs
_SECRET_HEADERS = {"authorization", "x-identity-header", "x-functions-key", "aeg-sas-key"}
_JWT = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*")
_MOST_BYTES = 1_000_000  # a longer body is no API answer but a download


class Recorder:
    """The lines of one run, oldest first. Control traffic never gets here."""

    def __init__(self) -> None:
        self._lines: list[Json] = []

    def since(self, number: int) -> list[Json]:
        """The lines from this index on."""
        return self._lines[number:]

    def clear(self) -> None:
        """Forget everything."""
        self._lines.clear()

    def add(  # noqa: PLR0913 - an exchange has this many parts
        self,
        call: Call,
        *,
        at: str,
        caller: str | None,
        raw_query: str,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
    ) -> None:
        """Keep one exchange. `body` is the answer's, as sent."""
        query = _query(raw_query)
        self._lines.append(
            {
                "service": kind(call.service),
                "at": at,
                "caller": caller,
                "method": call.method,
                "url": call.origin + quote(call.path, safe="/:@!$&'()*+,;=~") + query,
                "request_headers": _headers(call.headers),
                "request_body": _body(call.body, call.headers.get("content-type", "")),
                "status": status,
                "response_headers": _headers(headers),
                "response_body": _body(body, headers.get("content-type", "")),
            }
        )


def kind(service: str) -> str:
    """The name under which a checker knows this service."""
    return "kubernetes" if service.startswith("kube-") else _KINDS.get(service, "skip")


def _query(raw: str) -> str:
    if not raw:
        return ""
    kept = [
        f"{name}={quote(REDACTED)}" if name.lower() in _SECRET_PARAMETERS else part
        for part in raw.split("&")
        for name in [part.partition("=")[0]]
    ]
    return "?" + "&".join(kept)


def _headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name: REDACTED if name.lower() in _SECRET_HEADERS else _JWT.sub(REDACTED, value)
        for name, value in headers.items()
    }


def _body(raw: bytes, content_type: str) -> Any:
    if not raw:
        return None
    if len(raw) > _MOST_BYTES:
        return f"[{len(raw)} bytes]"
    text = raw.decode("utf-8", errors="replace")
    if content_type.startswith("application/x-www-form-urlencoded"):
        return urlencode(
            [
                (name, REDACTED if name.lower() in _SECRET_NAMES else value)
                for name, value in parse_qsl(text, keep_blank_values=True)
            ]
        )
    try:
        return redact(json.loads(text))
    except ValueError:
        return _JWT.sub(REDACTED, text)


def redact(value: Any) -> Any:
    """The same JSON with secrets replaced, by the name of their property or by their look."""
    if isinstance(value, dict):
        return {
            name: REDACTED
            if name.lower() in _SECRET_NAMES and isinstance(inner, str)
            else redact(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [redact(inner) for inner in value]
    if isinstance(value, str):
        return _JWT.sub(REDACTED, value)
    return value
