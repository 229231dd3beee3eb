"""Values out of log rows, which write the same thing in many ways."""

import json
from datetime import UTC, datetime
from typing import Any, TypedDict

from playbooks.orders import Json

NEVER = datetime.min.replace(tzinfo=UTC)


class Act(TypedDict):
    """Something that was asked of Azure in the principal's name. `count` like ones are told once."""

    when: str
    until: str  # of the last one
    count: int
    table: str
    operation: str
    target: str
    ok: bool
    address: str
    token_id: str  # empty where the log does not say which token it was


def act(row: Json, table: str, operation: str, target: str, **more: Any) -> Act:
    """One row as an act; `more` are ok, address, token_id."""
    when = str(row.get("TimeGenerated") or row.get("eventTimestamp") or "")
    return {
        "when": when,
        "until": when,
        "count": 1,
        "table": table,
        "operation": operation,
        "target": target,
        "ok": bool(more["ok"]),
        "address": str(more.get("address") or ""),
        "token_id": str(more.get("token_id") or ""),
    }


def tree(value: Any) -> Json:
    """A dynamic column: an object, or the JSON text of one. Anything else has nothing in it."""
    if isinstance(value, str) and value[:1] == "{":
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """The same for a list."""
    if isinstance(value, str) and value[:1] == "[":
        try:
            value = json.loads(value)
        except ValueError:
            return []
    return value if isinstance(value, list) else []


def same(one: Any, other: str | None) -> bool:
    """Two ids that differ in case at most. Nothing is the same as nothing."""
    return bool(one) and bool(other) and str(one).lower() == str(other).lower()


def succeeded(status: Any) -> bool:
    """An HTTP status below 400, as a number or as its digits."""
    try:
        return 0 < int(float(status)) < 400
    except (TypeError, ValueError):
        return False


def host_of(address: Any) -> str:
    """An address without the port that storage writes behind it."""
    text = str(address or "")
    return text.partition(":")[0] if text.count(":") == 1 else text


def moment(text: Any) -> datetime:
    """A log's moment; long ago where there is none."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return NEVER
    return found if found.tzinfo else found.replace(tzinfo=UTC)
