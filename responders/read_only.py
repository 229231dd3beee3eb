"""Plan mode and the kill switch, where neither can be forgotten: the HTTP layers refuse a write before a byte is sent.

A context variable carries it, so it follows `await`, `asyncio.gather` and `asyncio.to_thread`, but
not `loop.run_in_executor`, which does not copy the context.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

from responders.errors import RefusedError

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

# POSTs that only read. The whole path must match: a write can't hide behind a prefix.
_READING_POSTS = (
    # https://learn.microsoft.com/rest/api/loganalytics/query/execute
    r"/v1/workspaces/[0-9a-f-]{36}/query",
    # https://learn.microsoft.com/azure/azure-monitor/logs/basic-logs-query
    r"/v1/workspaces/[0-9a-f-]{36}/search",
    # https://learn.microsoft.com/azure/azure-monitor/logs/api/batch-queries (Graph's is under /v1.0)
    r"/v1/\$batch",
    # https://learn.microsoft.com/rest/api/azureresourcegraph/resourcegraph/resources/resources
    r"/providers/Microsoft\.ResourceGraph/resources",
    # https://learn.microsoft.com/rest/api/aks/managed-clusters/list-cluster-user-credentials
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.ContainerService"
    r"/managedClusters/[^/]+/listClusterUserCredential",
    # https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/self-subject-access-review-v1
    r"/apis/authorization\.k8s\.io/v1/selfsubject(?:access|rules)reviews",
    # https://learn.microsoft.com/graph/api/directoryobject-getbyids
    r"/v1\.0/directoryObjects/getByIds",
    # https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
    r"/[^/]+/oauth2/v2\.0/token",
)

# Graph's batch carries other requests: by itself it is neither a read nor a write.
# https://learn.microsoft.com/graph/json-batching
_GRAPH_BATCH = re.compile(r"/(?:v1\.0|beta)/\$batch", re.IGNORECASE)

# Of a TokenRequest the server keeps nothing, and still it is a credential: a plan asks for one only where it says so.
# https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/
_TOKEN_REQUEST = re.compile(r"/api/v1/namespaces/[^/]+/serviceaccounts/[^/]+/token")


@cache
def _reading_posts() -> tuple[re.Pattern[str], ...]:
    """Compiled with the first POST: ten milliseconds that no start of the app has to wait for."""
    return tuple(re.compile(one, re.IGNORECASE) for one in _READING_POSTS)


_asking: ContextVar[bool] = ContextVar("firebreak_asking_as_a_workload", default=False)
_active: ContextVar[bool] = ContextVar("firebreak_read_only", default=False)


@dataclass
class Halt:
    """Why a step that is under way may change nothing more; empty while it may."""

    why: str = ""


_halt: ContextVar[Halt | None] = ContextVar("firebreak_halt", default=None)


@contextmanager
def read_only() -> Iterator[None]:
    """Within this block nothing outside can be changed, whatever the code in it tries."""
    token = _active.set(True)
    try:
        yield
    finally:
        _active.reset(token)


@contextmanager
def haltable(halt: Halt) -> Iterator[None]:
    """Within this block nothing outside is changed any more, in any task or thread of it, once it says why."""
    token = _halt.set(halt)
    try:
        yield
    finally:
        _halt.reset(token)


@contextmanager
def _writing() -> Iterator[None]:
    """Around a write that neither plan mode nor the kill switch is about."""
    token, halted = _active.set(False), _halt.set(None)
    try:
        yield
    finally:
        _active.reset(token)
        _halt.reset(halted)


@contextmanager
def keeping_evidence() -> Iterator[None]:
    """Around one write to the evidence store, which plan mode allows: it changes nothing that is judged.

    Only the store's own transport enters it, for its own containers, so that nothing else can hide in it.
    """
    with _writing():
        yield


@contextmanager
def telling_people() -> Iterator[None]:
    """Around one notice to a channel, which plan mode allows: a plan that nobody hears of is none.

    Only `notices.send`, `events.publish` and `sentinel_comments.put` enter it: for the webhook and the topic in the
    settings, and for the Sentinel incident that a signal came from.
    """
    with _writing():
        yield


@contextmanager
def asking_as_a_workload() -> Iterator[None]:
    """Around `token_exchange.probe`, where the policy lets a plan ask for a token as a workload would.

    Nothing is stored, and the token is dropped where it arrives.
    """
    token = _asking.set(True)
    try:
        yield
    finally:
        _asking.reset(token)


def is_read_only() -> bool:
    """True in plan mode: a responder says what it would do instead of doing it."""
    return _active.get()


def refuse_write_in_plan(method: str, url: str, body: bytes | None = None) -> None:
    """Called by every transport just before it sends. Raises `RefusedError` in plan mode, or once acting was halted."""
    halt = _halt.get()
    read = is_read(method, url, body) or _is_asked(method, url)
    if not (_active.get() or (halt and halt.why)) or read:
        return
    if halt and halt.why:
        raise RefusedError(f"{halt.why}; {method.upper()} {urlsplit(url).path} was not sent")
    raise RefusedError(f"plan mode: {method.upper()} {urlsplit(url).path} would change something")


def _is_asked(method: str, url: str) -> bool:
    return (
        _asking.get()
        and method.upper() == "POST"
        and _TOKEN_REQUEST.fullmatch(urlsplit(url).path) is not None
    )


def is_read(method: str, url: str, body: bytes | None = None) -> bool:
    """True for a request that changes nothing."""
    if method.upper() in _SAFE_METHODS:
        return True
    path = urlsplit(url).path
    if method.upper() != "POST":
        return False
    return any(post.fullmatch(path) for post in _reading_posts()) or (
        _GRAPH_BATCH.fullmatch(path) is not None and _reads_alone(body)
    )


def _reads_alone(body: bytes | None) -> bool:
    """Whether every request of a batch is a GET. What can't be read may be anything."""
    try:
        requests = json.loads(body or b"")["requests"]
        return bool(requests) and all(one["method"] == "GET" for one in requests)
    except (ValueError, TypeError, KeyError):
        return False
