"""LIST: selectors, pages of one revision, continue tokens.

Source   https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
"""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sandbox.kubernetes import queries, selectors
from sandbox.kubernetes.kind import Kind
from sandbox.kubernetes.selectors import Matches
from sandbox.kubernetes.statuses import bad_request, expired, revision_too_large
from sandbox.kubernetes.store import ExpiredError, key_of
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

_VERSION = "meta.k8s.io/v1"
_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can start "
    "a new list without the continue parameter, or use the continue token in this response to "
    "retrieve the remainder of the results. Continuing with the provided token results in an "
    "inconsistent list - objects that were created, modified, or deleted between the time the "
    "first chunk was returned and now may show up in the list."
)


def page(
    cluster: "Cluster", kind: Kind, namespace: str, query: Mapping[str, str]
) -> tuple[list[Json], Json]:
    """The items of one page and the list's metadata. Raises `StatusError` 400, 410 or 504."""
    limit = max(queries.integer(query, "limit") or 0, 0)
    start, revision = "", cluster.store.revision
    if token := query.get("continue"):
        start, revision = _opened(token)
        if revision < 0:
            revision = cluster.store.revision
    else:
        stated = version_of(cluster, query.get("resourceVersion", ""))
        if stated and query.get("resourceVersionMatch") == "Exact":
            revision = stated
    try:
        everything = cluster.store.at(kind, revision)
    except ExpiredError as gone:
        text = _TOO_OLD if start else "The resourceVersion for the provided list is too old."
        raise expired(text, continue_token=_closed(-1, start) if start else "") from gone
    wanted = filter_of(kind, query)
    found = [
        item
        for item in everything
        if (not namespace or item["metadata"].get("namespace") == namespace)
        and _place(item) >= start
        and wanted(item)
    ]
    about: Json = {"resourceVersion": str(revision)}
    if limit and len(found) > limit:
        about["continue"] = _closed(revision, _place(found[limit - 1]) + "\0")
        if not query.get("labelSelector") and not query.get("fieldSelector"):
            about["remainingItemCount"] = len(found) - limit
        found = found[:limit]
    return found, about


def filter_of(kind: Kind, query: Mapping[str, str]) -> Matches:
    """The test of both selectors of a query. Raises `StatusError` 400."""
    by_labels = selectors.by_labels(query.get("labelSelector", ""))
    by_fields = selectors.by_fields(kind, query.get("fieldSelector", ""))
    return lambda value: by_labels(value) and by_fields(value)


def version_of(cluster: "Cluster", text: str) -> int:
    """A resourceVersion of a query as a number, 0 where there is none. Raises `StatusError`."""
    if not text:
        return 0
    if not text.isdigit():
        raise bad_request(
            f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": '
            "invalid syntax"
        )
    if int(text) > cluster.store.revision:
        raise revision_too_large(int(text), cluster.store.revision)
    return int(text)


def _place(item: Json) -> str:
    namespace, name = key_of(item)
    return f"{namespace}/{name}" if namespace else name


def _closed(revision: int, start: str) -> str:
    text = json.dumps({"v": _VERSION, "rv": revision, "start": start}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _opened(token: str) -> tuple[str, int]:
    try:
        raw = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        if raw["v"] == _VERSION and isinstance(raw["rv"], int) and isinstance(raw["start"], str):
            return raw["start"], raw["rv"]
    except (binascii.Error, ValueError, KeyError, TypeError) as garbled:
        raise bad_request(f"continue key is not valid: {garbled}") from garbled
    raise bad_request("continue key is not valid: incorrect encoded start resourceVersion")
