"""What every request carries on its way out, and what it leaves in the log, whichever SDK makes it.

Order matters: first plan mode may refuse it, then it is marked, then the intent is written down,
then it is sent, then the outcome is written down. A crash between the last two leaves one request
whose outcome is unknown, by name.
"""

import re
import time
import uuid
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from urllib.parse import urlsplit

import structlog

from responders import tracing, url_templates
from responders.read_only import is_read, refuse_write_in_plan

_log = structlog.get_logger()
_HEADER_SAFE = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_OUR_IDS = ("client-request-id", "x-ms-client-request-id")
_PORTS = {"https": 443, "http": 80}
_BAD = 400  # the first status that is no success
_THEIR_IDS = {
    "request_id": ("request-id", "x-ms-request-id"),
    "correlation_id": ("x-ms-correlation-request-id",),
    "audit_id": ("audit-id",),  # Kubernetes
}


class Sent:
    """One request on its way. `answered` is told what came back."""

    def __init__(self) -> None:
        self.status: int | None = None
        self.request_ids: dict[str, str] = {}

    def answered(self, status: int, headers: Mapping[str, str]) -> None:
        """Remember the status and the ids by which the cloud's support finds this request."""
        self.status = status
        for field, names in _THEIR_IDS.items():
            for name in names:
                if value := headers.get(name):
                    self.request_ids[field] = value


@contextmanager
def outgoing(
    method: str,
    url: str,
    headers: MutableMapping[str, str],
    *,
    attempt: int = 1,
    body: bytes | None = None,
) -> Iterator[Sent]:
    """Around one attempt. Reads are not logged: they are many and change nothing.

    Raises `RefusedError` in plan mode for a write. Query strings are not logged: some are secret.
    """
    refuse_write_in_plan(method, url, body)
    _mark(headers)
    with _traced(method, url, headers, attempt) as sent:
        if is_read(method, url, body):
            yield sent
            return
        with _logged(method, url, headers, attempt, sent):
            yield sent


@contextmanager
def _traced(method: str, url: str, headers: Mapping[str, str], attempt: int) -> Iterator[Sent]:
    """A span without what is particular in the URL; the ids find the call in the cloud's own logs."""
    template = url_templates.of(url) if tracing.is_on() else ""
    parts = urlsplit(url)
    known: tracing.Attributes = {
        "http.request.method": method,
        "server.address": parts.hostname,
        "server.port": parts.port or _PORTS.get(parts.scheme),
        "url.template": template,
        # Azure Monitor's exporter names a call by the path of this. What is particular in it is left out here, too.
        "url.full": f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{template}",
        "http.request.resend_count": attempt - 1 or None,
        "firebreak.attempt": attempt,
        "firebreak.client_request_id": _own_id(headers),
    }
    sent = Sent()
    with tracing.call(method, template, known) as span:
        yield sent
        answered: tracing.Attributes = {
            "http.response.status_code": sent.status,
            **{f"firebreak.{name}": one for name, one in sent.request_ids.items()},
        }
        span.says(answered, bad=(sent.status or _BAD) >= _BAD, why=f"HTTP {sent.status}")


@contextmanager
def _logged(
    method: str, url: str, headers: Mapping[str, str], attempt: int, sent: Sent
) -> Iterator[None]:
    parts = urlsplit(url)
    log = _log.bind(
        method=method,
        host=parts.netloc,
        path=parts.path,
        attempt=attempt,
        client_request_id=_own_id(headers),
    )
    log.info("request.intent")
    started = time.perf_counter()
    try:
        yield
    except BaseException as error:
        log.warning("request.unknown", error=type(error).__name__, duration_ms=_since(started))
        raise
    outcome = log.info if sent.status is not None and sent.status < _BAD else log.warning
    outcome("request.outcome", status=sent.status, duration_ms=_since(started), **sent.request_ids)


def _mark(headers: MutableMapping[str, str]) -> None:
    """The incident in the User-Agent: the cloud's own logs tell our calls from the attacker's."""
    if not any(name in headers for name in _OUR_IDS):
        headers["client-request-id"] = str(uuid.uuid4())
    incident = str(structlog.contextvars.get_contextvars().get("incident_id", ""))
    suffix = f"firebreak/{incident if _HEADER_SAFE.fullmatch(incident) else 'none'}"
    agent = headers.get("User-Agent", "")
    if suffix not in agent:
        headers["User-Agent"] = f"{agent} {suffix}".strip()


def _own_id(headers: Mapping[str, str]) -> str | None:
    return next((headers[name] for name in _OUR_IDS if name in headers), None)


def _since(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)
