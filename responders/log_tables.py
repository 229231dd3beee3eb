"""Queries against Log Analytics: KQL from a file, its declared parameters bound to checked values.

Source   https://learn.microsoft.com/azure/azure-monitor/logs/api/overview

Values go in front as `let` statements that one function writes, and that function takes values whose
whole alphabet is known: GUIDs, ids of resources and alerts, usernames of ServiceAccounts, their namespaces, moments.
Nothing from a signal, a log or a person is ever pasted into a query.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from responders.errors import ContractChangedError, RefusedError
from responders.settings import checked_guid

Value = str | datetime | Sequence[str]
_DECLARED = re.compile(r"^// param (\w+):(\w+)(?: (\w+))?$", re.MULTILINE)
# https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
_RESOURCE_ID = re.compile(
    r"/subscriptions/[0-9a-f-]{36}/resourceGroups/[-\w.()]{1,90}"
    r"/providers/[A-Za-z.]{1,80}(?:/[A-Za-z]{1,80}/[-\w.]{1,260}){1,4}",
    re.ASCII | re.IGNORECASE,
)
# https://kubernetes.io/docs/concepts/overview/working-with-objects/names
_USERNAME = re.compile(
    r"system:serviceaccount:[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
    r":[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?"
)
_NAMESPACE = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
# A GUID, or Defender's number and GUID: https://learn.microsoft.com/azure/defender-for-cloud/alerts-schemas
_ALERT_ID = re.compile(r"[0-9A-Za-z_-]{1,100}", re.ASCII)
_QUERIES = Path(__file__).parent / "queries"


def bind(text: str, values: Mapping[str, Value]) -> str:
    """The query with its `// param name:type kind` lines bound; the kind is what a value is checked as.

    Raises `RefusedError` for any value that is not of its kind, `ContractChangedError` where file and
    values differ.
    """
    wanted = declared(text)
    if wanted.keys() != values.keys():
        raise ContractChangedError(f"query wants {sorted(wanted)}, given {sorted(values)}")
    lets = (f"let {name} = {_literal(kind, values[name])};" for name, kind in wanted.items())
    return "\n".join([*lets, text.strip()])


def declared(text: str) -> dict[str, str]:
    """The parameters of a query, each with its kind: the type, unless a narrower one is named."""
    return {name: kind or of_type for name, of_type, kind in _DECLARED.findall(text)}


def is_username(text: str) -> bool:
    """Whether this is the username of a ServiceAccount, to the letter."""
    return _USERNAME.fullmatch(text) is not None


def namespaces_of(usernames: Sequence[str]) -> tuple[str, ...]:
    """The namespaces of these ServiceAccounts, each once."""
    return tuple(sorted({one.split(":")[2] for one in usernames if is_username(one)}))


def _literal(kind: str, value: Value) -> str:
    match kind, value:
        case "string", str():
            return f"'{checked_guid(value, 'query parameter')}'"
        case "resource", str() if not value or _RESOURCE_ID.fullmatch(value):
            return f"'{value}'"
        case "usernames", list() | tuple() if all(
            isinstance(one, str) and is_username(one) for one in value
        ):
            return f"dynamic({json.dumps(list(value))})"
        case "namespaces", list() | tuple() if all(
            isinstance(one, str) and _NAMESPACE.fullmatch(one) for one in value
        ):
            return f"dynamic({json.dumps(list(value))})"
        case "alerts", list() | tuple() if all(
            isinstance(one, str) and _ALERT_ID.fullmatch(one) for one in value
        ):
            return f"dynamic({json.dumps(list(value))})"
        case "datetime", datetime() if value.tzinfo is not None:
            return f"datetime({value.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ})"
        case _:
            raise RefusedError(
                "a query takes GUIDs, ids of resources and alerts, usernames and namespaces of ServiceAccounts and "
                f"moments with a time zone, not {value!r:.60} as {kind}"
            )


@cache
def text_of(name: str) -> str:
    """The query of this name, unbound."""
    return (_QUERIES / f"{name}.kql").read_text(encoding="utf-8")
