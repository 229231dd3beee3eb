"""JSON answers of the HTTP triggers. Errors are problem details: what, which, and what to do next.

https://www.rfc-editor.org/rfc/rfc9457
"""

import json
import re
from collections.abc import Mapping
from typing import Any

import azure.functions as func

PROBLEM = "application/problem+json"
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
AGAIN = "5"  # seconds: what can't be read now can often be read in a few seconds
# What a client needs besides the body, by status. RFC 9110, 11.6.1 and 10.2.3.
_HEADERS = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": AGAIN}}


def answer(
    status: int, body: Mapping[str, Any], *, headers: Mapping[str, str] | None = None
) -> func.HttpResponse:
    """A JSON answer. It says how things stand now, so nobody keeps it for later."""
    said = {"Cache-Control": "no-store", **(headers or {})}
    text = json.dumps(body)
    return func.HttpResponse(text, status_code=status, headers=said, mimetype="application/json")


def unchanged(tag: str) -> func.HttpResponse:
    """The caller has it already."""
    return func.HttpResponse(status_code=304, headers={"ETag": tag, "Cache-Control": "no-store"})


def error(
    status: int, code: str, message: str, todo: str, *, more: Mapping[str, Any] | None = None
) -> func.HttpResponse:
    """A refusal. `todo` is what the sender can do next; `more` is what else helps to do it."""
    body = {
        **(more or {}),
        "type": problem_type(code),
        "title": title(code),
        "status": status,
        "detail": message,
        "code": code,
        "next": todo,
    }
    said = {"Cache-Control": "no-store", **_HEADERS.get(status, {})}
    return func.HttpResponse(json.dumps(body), status_code=status, headers=said, mimetype=PROBLEM)


def problem_type(code: str) -> str:
    """What identifies the kind of problem, as a URI that nobody has to be able to open."""
    return f"urn:firebreak:error:{code}"


def title(code: str) -> str:
    """The code as words: always the same for the same code."""
    return " ".join(_WORD.split(code)).capitalize()
