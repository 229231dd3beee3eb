"""Every exchange as one JSON line, without the secrets in it.

A line is what a checker of recorded traffic wants to see: method, url, request_headers, request_body, status,
response_headers, response_body and service, and on top the moment and the caller's object id. Values of secrets are
replaced by a placeholder of the same JSON type, so that a record can be kept, shown and checked against schemas.
"""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from sandbox.web import Call
from sandbox.world import Json

REDACTED = "[redacted]"
# What a checker calls the service; what it has no description of is "skip".
_KINDS = {
    "arm": "arm",
    "eventgrid": "eventgrid",
    "graph": "graph",
    "loganalytics": "loganalytics",
}
# Of ARM: what its descriptions, which are older, know as "any resource" or as none.
_UNDESCRIBED = re.compile(
    r"/locations/[^/]+/operation(s|results)/|/identityBindings\b|/Microsoft.Authorization/permissions$",
    re.IGNORECASE,
)
# Of Kubernetes: groups and collections that its extract leaves out, and whatever a custom definition adds.
_DESCRIBED_GROUPS = (
    "apps|batch|networking.k8s.io|events.k8s.io|[a-z]+.authorization.k8s.io|authorization.k8s.io"
)
_UNDESCRIBED_IN_CLUSTERS = re.compile(
    rf"/apis/(?!({_DESCRIBED_GROUPS}|authentication.k8s.io)/)[^/]+/[^/]+/"
    r"|/api/v1/(configmaps|persistentvolumes|persistentvolumeclaims)\b"
    r"|/openid/v1/jwks$"  # described as text, and served as a key set
)
_LOGIN_PATHS = ("/token", "/openid-configuration", "/keys")
SECRET_NAMES = {
    "access_token",
    "client_assertion",
    "client_secret",
    "id_token",
    "password",
    "refresh_token",
    "secrettext",
    "token",
}
SECRET_PARAMETERS = {"sig", "code"}  # signatures and function keys in webhook URLs
SECRET_HEADERS = {"authorization", "x-identity-header", "x-functions-key", "aeg-sas-key"}
JWT = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*")
_MOST_BYTES = 1_000_000  # a longer body is no API answer but a download


class Recorder:
    """The lines of one run, oldest first. Control traffic never gets here."""

    def __init__(self) -> None:
        self._lines: list[Json] = []
        self.bodies = True  # False: of a body its size alone, where there is much traffic

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
        took_ms: float,
        caller: str | None,
        target: str,
        status: int | None,
        headers: Mapping[str, str],
        body: bytes,
    ) -> None:
        """Keep one exchange. `target` is path and query as sent; `status` None is a cut connection."""
        path, _, query = target.partition("?")
        self._lines.append(
            {
                "service": kind(call) if status is not None else "skip",
                "at": at,
                "took_ms": took_ms,
                "caller": caller,
                "method": call.method,
                "url": call.origin + path + _query(query),
                "request_headers": _headers(call.headers),
                "request_body": self._body(call, call.body, call.headers.get("content-type", "")),
                "status": status,
                "response_headers": _headers(headers),
                "response_body": self._body(call, body, headers.get("content-type", "")),
            }
        )

    def _body(self, call: Call, raw: bytes, content_type: str) -> Any:
        if not self.bodies and raw:
            return f"[{len(raw)} bytes]"
        return _of(call, raw, content_type)


def kind(call: Call) -> str:
    """The name under which a checker knows the service of this call."""
    if call.path.startswith("/sandbox/"):
        return "skip"  # what no cloud has
    if call.service.startswith("kube-"):
        return "skip" if _UNDESCRIBED_IN_CLUSTERS.match(call.path) else "kubernetes"
    if call.service == "login":
        return "aad" if call.path.endswith(_LOGIN_PATHS) else "skip"
    if call.service == "arm" and _UNDESCRIBED.search(call.path):
        return "skip"
    return _KINDS.get(call.service, "skip")


def _query(raw: str) -> str:
    if not raw:
        return ""
    kept = [
        f"{name}={quote(REDACTED)}" if name.lower() in SECRET_PARAMETERS else part
        for part in raw.split("&")
        for name in [part.partition("=")[0]]
    ]
    return "?" + "&".join(kept)


def _headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name: REDACTED if name.lower() in SECRET_HEADERS else JWT.sub(REDACTED, value)
        for name, value in headers.items()
    }


def _of(call: Call, raw: bytes, content_type: str) -> Any:
    """A body for the record. A vault's are secrets in a property that is called `value`, as every list is."""
    return REDACTED if raw and call.service == "keyvault" else _body(raw, content_type)


def _body(raw: bytes, content_type: str) -> Any:
    if not raw:
        return None
    if len(raw) > _MOST_BYTES:
        return f"[{len(raw)} bytes]"
    text = raw.decode("utf-8", errors="replace")
    if content_type.startswith("application/x-www-form-urlencoded"):
        return urlencode(
            [
                (name, REDACTED if name.lower() in SECRET_NAMES else value)
                for name, value in parse_qsl(text, keep_blank_values=True)
            ]
        )
    # The Kubernetes client sends no content type with a POST, and patches as "...+json" or "...+yaml".
    if not content_type or "json" in content_type or "yaml" in content_type:
        with suppress(ValueError):
            return redact(json.loads(text))
    return JWT.sub(REDACTED, text)


def redact(value: Any) -> Any:
    """The same JSON with secrets replaced, by the name of their property or by their look."""
    if isinstance(value, dict):
        return {
            name: REDACTED
            if name.lower() in SECRET_NAMES and isinstance(inner, str)
            else redact(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [redact(inner) for inner in value]
    if isinstance(value, str):
        return JWT.sub(REDACTED, value)
    return value
