"""JSON answers of the HTTP triggers: an error says what, which, and what to do next."""

import json
from typing import Any

import azure.functions as func


def answer(status: int, body: dict[str, Any]) -> func.HttpResponse:
    """A JSON answer."""
    return func.HttpResponse(json.dumps(body), status_code=status, mimetype="application/json")


def error(status: int, code: str, message: str, todo: str) -> func.HttpResponse:
    """A refusal. `todo` is what the sender can do next."""
    return answer(status, {"error": {"code": code, "message": message, "next": todo}})
