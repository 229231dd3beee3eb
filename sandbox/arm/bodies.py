"""Request bodies, read as strictly as ARM reads them, and lists, answered in pages.

Source      https://learn.microsoft.com/rest/api/azure/ (media types, error codes)
"""

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlencode

from starlette.responses import JSONResponse, Response

from sandbox.arm.errors import ArmError
from sandbox.web import Call
from sandbox.world import Json

Shape = dict[str, Any]  # property -> None for any value, or the shape of an object


def read(call: Call, shape: Shape, kind: str) -> Json:
    """The body, if it is a JSON object with known members only. 415 or 400 otherwise."""
    media = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json":
        raise ArmError(
            415,
            "UnsupportedMediaType",
            f"The content media type '{media}' is not supported. "
            "Only 'application/json' is supported.",
        )
    try:
        body = call.json()
    except (json.JSONDecodeError, UnicodeDecodeError) as invalid:
        raise _invalid(f"Unexpected character encountered while parsing value: {invalid}") from None
    if not isinstance(body, dict):
        raise _invalid("The request content is not a JSON object.")
    _check(body, shape, kind, "")
    return body


def _check(value: Json, shape: Shape, kind: str, path: str) -> None:
    for name, inner in value.items():
        where = f"{path}.{name}" if path else name
        if name not in shape:
            raise _invalid(
                f"Could not find member '{name}' on object of type '{kind}'. "
                f"Path '{where}', line 1, position 1."
            )
        if shape[name] is not None:
            if not isinstance(inner, dict):
                raise _invalid(f"Error converting value to an object. Path '{where}'.")
            _check(inner, shape[name], kind, where)


def _invalid(detail: str) -> ArmError:
    return ArmError(
        400,
        "InvalidRequestContent",
        f"The request content was invalid and could not be deserialized: '{detail}'.",
    )


def page(call: Call, items: Sequence[Json], *, size: int, cursor: str = "$skiptoken") -> Response:
    """One page of a list; `nextLink` is absolute, points back here and carries the whole query."""
    start = _position(call, cursor)
    body: Json = {"value": list(items[start : start + size])}
    if start + size < len(items):
        mark = base64.urlsafe_b64encode(str(start + size).encode()).decode()
        kept = {name: value for name, value in call.query.items() if name.lower() != cursor.lower()}
        query = urlencode({**kept, cursor: mark}, quote_via=quote, safe="$'(),:/")
        body["nextLink"] = f"{call.origin}{quote(call.path)}?{query}"
    return JSONResponse(body)


def _position(call: Call, cursor: str) -> int:
    marks = [value for name, value in call.query.items() if name.lower() == cursor.lower()]
    if not marks:
        return 0
    try:
        return int(base64.urlsafe_b64decode(marks[-1]))
    except (ValueError, binascii.Error):
        raise ArmError(
            400, "InvalidSkipToken", f"The skip token '{marks[-1]}' is invalid."
        ) from None
