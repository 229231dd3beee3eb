"""Port: one cluster's API server. JSON in, JSON out, bounded in time.

The official client carries the requests (`ApiClient.call_api`) without its models: those cost half
a second on first use and reject objects that are newer than they are. It is synchronous, so each
request runs in a thread. A context that only plans sends no write (`responders.read_only`).

Source   https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from responders.errors import ConflictError, ContractChangedError, TransientError
from responders.kube_answers import GONE, NO_ANSWER, UNTRUSTED, Answer
from responders.kube_requests import Request
from responders.model import Json
from responders.outgoing import outgoing

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

MERGE_PATCH: Final = "application/merge-patch+json"  # null deletes; lists are replaced
STRATEGIC_MERGE_PATCH: Final = "application/strategic-merge-patch+json"  # containers merge by name
_FIELD_MANAGER = {"fieldManager": "firebreak"}  # names the writer in metadata.managedFields
_TIMEOUT_S = (5.0, 25.0)  # to connect, and between two reads: 500 pods take seconds
_WHOLE_CALL_S = 60.0  # repeats included; a server that drips bytes passes every read timeout
_WAITS_S = (0.5, 2.0)  # between tries; Durable's retries do the rest
_LONGEST_WISH_S = 10.0  # a longer Retry-After is Durable's to wait out
_PAGE = 500  # what kubectl asks for
_FRESH_LISTS = 3  # reads of a list whose snapshot was compacted before its last page
_LOST_RACES = 4  # on one object, before giving up
_AT_ONCE = 8  # requests to one cluster: each has a connection of its own
# Of their own, so that clusters that don't answer hold up neither each other nor the journal.
_THREADS = ThreadPoolExecutor(64, thread_name_prefix="kubernetes")

Cut = Callable[[Json], Json | None]


Change = Callable[[Json], Json | None]  # an object -> the patch that it needs; None: none


class Kube:
    """Reads and writes one cluster, as Firebreak's own identity."""

    def __init__(
        self,
        cluster: str,
        server: str,
        *,
        ca_pem: str | None,
        bearer: Callable[[], Awaitable[str]],
    ) -> None:
        """`bearer` is asked before every request, so a long watch outlives a token."""
        self.cluster = cluster
        self.server = server.rstrip("/")
        self._ca_pem = ca_pem
        self._bearer = bearer
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._opening = threading.Lock()
        self._client: ApiClient | None = None

    async def get(self, path: str) -> Json:
        """One object, as the primary has it. Raises `NotFoundError`."""
        return (await self._send(Request("GET", path))).json()

    async def get_text(self, path: str, query: Mapping[str, str]) -> str:
        """A body that is not JSON: a container's log."""
        answer = await self._send(Request("GET", path, query))
        answer.raise_for_status()
        return answer.text

    async def list_all(
        self, path: str, query: Mapping[str, str] | None = None, *, keep: Cut | None = None
    ) -> list[Json]:
        """Every item of a collection; a list that expires between two pages starts again.

        `keep` makes less of each item, or None, as the pages arrive.
        """
        for _ in range(_FRESH_LISTS):
            items = await self._pages(path, dict(query or {}), keep)
            if items is not None:
                return items
        raise TransientError(
            f"{self.cluster}: {path} expired {_FRESH_LISTS} times while being read"
        )

    async def create(self, path: str, body: Json) -> Json:
        """Create an object. Raises `ConflictError` where the name is taken."""
        return (await self._send(Request("POST", path, _FIELD_MANAGER, body))).json()

    async def ask(self, path: str, body: Json) -> Json:
        """POST a review or token request: an object of which the server keeps nothing."""
        return (await self._send(Request("POST", path, {}, body))).json()

    async def patch(self, path: str, body: Json, *, content_type: str = MERGE_PATCH) -> Json:
        """Change an object. With `metadata.resourceVersion` in it, a lost race is a 409."""
        return (await self._send(Request("PATCH", path, _FIELD_MANAGER, body, content_type))).json()

    async def delete(self, path: str, uid: str) -> None:
        """Delete this very object, as its grace period says. One that was made anew under its name is a 409.

        A deletion is no eviction: no PodDisruptionBudget refuses it.
        https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#how-disruption-budgets-work
        """
        body = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": uid}}
        answer = await self._send(Request("DELETE", path, {}, body))
        answer.raise_for_status()

    async def update(
        self,
        path: str,
        change: Callable[[Json], Json | None],
        *,
        content_type: str = MERGE_PATCH,
        known: Json | None = None,
    ) -> tuple[Json, bool]:
        """Read, let `change` make a patch (None: leave it), write unless somebody else did since.

        Returns the object as it was before, and whether it was written. `change` may run again
        after a lost race, so it must only depend on what it is given. An object that is `known` from a
        list is not read again: the write names its version, so what changed since is a lost race.
        """
        for _ in range(_LOST_RACES):
            before = await self.get(path) if known is None else known
            known = None
            patch = change(before)
            if patch is None:
                return before, False
            version = before["metadata"]["resourceVersion"]
            patch["metadata"] = {**patch.get("metadata", {}), "resourceVersion": version}
            try:
                await self.patch(path, patch, content_type=content_type)
            except ConflictError:
                continue
            return before, True
        raise TransientError(f"{self.cluster}: {path}: others wrote first {_LOST_RACES} times")

    async def _pages(self, path: str, query: dict[str, str], keep: Cut | None) -> list[Json] | None:
        """All pages of one snapshot, or None where the server has forgotten the snapshot."""
        items: list[Json] = []
        query["limit"] = str(_PAGE)
        while True:
            answer = await self._send(Request("GET", path, query))
            if answer.status == GONE:
                return None
            match answer.json():
                case {"items": list(page), "metadata": dict(metadata)}:
                    items += page if keep is None else filter(None, map(keep, page))
                case other:
                    raise ContractChangedError(f"{self.cluster}: {path} is no list: {list(other)}")
            if not (token := metadata.get("continue")):
                return items
            query["continue"] = token

    async def _send(self, request: Request) -> Answer:
        try:
            async with asyncio.timeout(_WHOLE_CALL_S):
                for attempt, wait in enumerate(_WAITS_S, start=1):
                    answer = await self._try(request, attempt)
                    wish = answer.retry_after_s()
                    if not answer.is_worth_repeating() or (wish or 0) > _LONGEST_WISH_S:
                        return answer
                    await asyncio.sleep(wait if wish is None else wish)
                return await self._try(request, attempt + 1)
        except TimeoutError:
            raise TransientError(
                f"{self.cluster}: {request.method} {request.path}: over {_WHOLE_CALL_S:.0f} s"
            ) from None

    async def _try(self, request: Request, attempt: int) -> Answer:
        headers = {"Accept": "application/json, */*"}
        if request.body is not None:
            headers["Content-Type"] = request.content_type
        with outgoing(request.method, request.url(self.server), headers, attempt=attempt) as sent:
            headers["Authorization"] = f"Bearer {await self._bearer()}"
            async with self._gate:
                answer = await asyncio.get_running_loop().run_in_executor(
                    _THREADS, self._exchange, request, headers
                )
            sent.answered(answer.status, answer.headers)
        return answer

    def _exchange(self, request: Request, headers: dict[str, str]) -> Answer:
        """One HTTP exchange, in a thread of its own. Never raises for what the network does."""
        from kubernetes.client.exceptions import ApiException  # noqa: PLC0415 (slow: when needed)
        from urllib3.exceptions import HTTPError  # noqa: PLC0415

        try:
            found = self._opened().call_api(
                request.method,
                request.url(self.server),
                headers,
                body=request.body,
                _request_timeout=_TIMEOUT_S,
            )
            body: bytes = found.read()  # type: ignore[no-untyped-call]
        except ApiException as error:  # raised for TLS alone: the client wraps urllib3's SSLError
            reason = str(error.reason)
            kind = UNTRUSTED if "CERTIFICATE_VERIFY_FAILED" in reason else NO_ANSWER
            return Answer(self.cluster, request, kind, {}, reason)
        except HTTPError as error:
            return Answer(self.cluster, request, NO_ANSWER, {}, f"{type(error).__name__}: {error}")
        received = {name.lower(): value for name, value in found.headers.items()}
        text = body.decode("utf-8", "replace")
        return Answer(self.cluster, request, found.status, received, text)

    def _opened(self) -> "ApiClient":
        """The client, made by whichever thread comes first."""
        from kubernetes.client import ApiClient, Configuration  # noqa: PLC0415

        with self._opening:
            if self._client is None:
                # Its own retries would repeat writes and follow redirects to other hosts.
                reach = Configuration(host=self.server, ca_cert_data=self._ca_pem, retries=False)
                reach.connection_pool_maxsize = _AT_ONCE
                self._client = ApiClient(reach)
            return self._client
