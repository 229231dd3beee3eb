"""What Graph and Resource Manager answer alike: JSON bodies, errors, collections over several pages."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from responders.answers import Answer, error_for, parse_body
from responders.errors import ContractChangedError
from responders.model import Json

_MOST_PAGES = 500  # a collection that pages further than this is a loop


def body_of(status: int, content: bytes, request_id: str | None, target: str) -> Any:
    """The body of a success; raises the error of `errors.py` that anything else stands for."""
    try:
        body = json.loads(content) if content else None
    except ValueError:
        body = content.decode(errors="replace")
    if 200 <= status < 300:
        return body
    raise error_for(Answer(target, status, *parse_body(body), request_id))


def object_of(body: Any, path: str) -> Json:
    """The body as an object; an empty one where an action has nothing to say (204)."""
    if body is None:
        return {}
    if not isinstance(body, dict):
        raise ContractChangedError(f"{path} is not a JSON object: {body!r:.200}")
    return body


async def items_of(
    fetch: Callable[[str], Awaitable[Any]], first: str, path: str, *, link: str
) -> list[Json]:
    """All items of a collection. `link` names the property with the next page's URL.

    A link to another host is refused: it would be sent our token.
    """
    items: list[Json] = []
    async for page in pages_of(fetch, first, path, link=link):
        items.extend(page.items)
    return items


@dataclass(frozen=True, slots=True)
class Page:
    """Some items of a collection, and where the next ones are."""

    items: list[Json]
    next_url: str | None  # None: these were the last


async def pages_of(
    fetch: Callable[[str], Awaitable[Any]], first: str, path: str, *, link: str
) -> AsyncIterator[Page]:
    """The same page by page, for what is too much to hold at once."""
    origin = _origin(first)
    url: str | None = first
    for _ in range(_MOST_PAGES):
        if url is None:
            return
        page = object_of(await fetch(url), path)
        match page.get("value"):
            case [*found]:
                items = found
            case other:
                raise ContractChangedError(f"{path} has no list under 'value': {other!r:.200}")
        # absent, null or an empty string: the end
        url = str(page[link]) if page.get(link) else None
        if url is not None and _origin(url) != origin:
            raise ContractChangedError(f"{path} continues on another host: {urlsplit(url).netloc}")
        yield Page(items, url)
    if url is not None:
        raise ContractChangedError(f"{path} did not end after {_MOST_PAGES} pages")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
