"""Every secret that ever crossed a wire, the control API included, by value: what must turn up in no log or report.

The record of traffic holds placeholders where these stood; only a search for leaks needs the values.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl

from sandbox.recorder import JWT, SECRET_HEADERS, SECRET_NAMES, SECRET_PARAMETERS
from sandbox.web import Call


class Ledger:
    """Values and where each was first seen. Not redacted: for the control API alone."""

    def __init__(self) -> None:
        self._seen: dict[str, str] = {}

    def entries(self) -> list[dict[str, str]]:
        """All of them, oldest first."""
        return [{"name": name, "value": value} for value, name in self._seen.items()]

    def note(self, call: Call, query: str, headers: Mapping[str, str], body: bytes) -> None:
        """Keep what is secret in a call and in its answer."""
        where = f"{call.service} {call.method} {call.path}"
        found = [
            *_in_headers(call.headers),
            *_in_headers(headers),
            *_in_form(query, SECRET_PARAMETERS),
            *_in_body(call.body, call.headers.get("content-type", "")),
            *_in_body(body, headers.get("content-type", "")),
        ]
        if call.service == "keyvault":
            found += _values(_parsed(body), {"value"})
        self.keep(where, found)

    def keep(self, where: str, values: Iterable[str]) -> None:
        """Keep these values."""
        for value in values:
            if value:
                self._seen.setdefault(value, where)


def _in_headers(headers: Mapping[str, str]) -> Iterator[str]:
    for name, value in headers.items():
        tokens = JWT.findall(value)
        yield from tokens
        if name.lower() in SECRET_HEADERS and not tokens:
            yield value


def _in_form(text: str, names: set[str]) -> Iterator[str]:
    for name, value in parse_qsl(text):
        if name.lower() in names:
            yield value


def _in_body(raw: bytes, content_type: str) -> Iterator[str]:
    text = raw.decode("utf-8", errors="replace")
    yield from JWT.findall(text)
    if content_type.startswith("application/x-www-form-urlencoded"):
        yield from _in_form(text, SECRET_NAMES)
    else:
        yield from _values(_parsed(raw), SECRET_NAMES)


def _parsed(raw: bytes) -> Any:
    with suppress(ValueError):
        return json.loads(raw)
    return None


def _values(value: Any, names: set[str]) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, str) and name.lower() in names:
                yield inner
            yield from _values(inner, names)
    elif isinstance(value, list):
        for inner in value:
            yield from _values(inner, names)
