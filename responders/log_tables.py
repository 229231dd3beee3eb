"""Queries against Log Analytics: KQL from a file, its declared parameters bound to checked values.

Source   https://learn.microsoft.com/azure/azure-monitor/logs/api/overview

Values go in front as `let` statements that one function writes, and that function takes values whose
whole alphabet is known: GUIDs, resource ids, usernames of ServiceAccounts, moments. Nothing from a
signal, a log or a person is ever pasted into a query.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from responders.calls import azure_call
from responders.cloud import Cloud
from responders.collected import Collected, gaps_of, late
from responders.errors import ContractChangedError, RefusedError, ResponderError
from responders.fan_out import failures, fan_out
from responders.model import Json, Principal
from responders.settings import checked_guid

SERVER_S = 180  # what the service is told to spend at most; it then answers with what it has
QUERY_S = SERVER_S + 20.0
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
_QUERIES = Path(__file__).parent / "queries"


async def run(
    cloud: Cloud, name: str, principal: Principal, start: datetime, end: datetime
) -> tuple[str, list[Json], list[str]]:
    """The query as sent, its rows, and what is missing from them, for `queries/<name>.kql`."""
    from azure.monitor.query import LogsQueryPartialResult  # noqa: PLC0415

    query = bind(
        text_of(name),
        {
            "object_id": principal["object_id"],
            "app_id": principal["app_id"],
            "window_start": start,
            "window_end": end,
        },
    )
    async with azure_call(f"Log Analytics query {name}", seconds=QUERY_S):
        answer = await cloud.logs().query_workspace(
            cloud.settings.log_workspace_id,
            query,
            timespan=(start, end),
            server_timeout=SERVER_S,
            read_timeout=SERVER_S + 10,  # the transport's own is for calls that answer at once
        )
    if isinstance(answer, LogsQueryPartialResult):
        reason = answer.partial_error.message if answer.partial_error else "no reason given"
        return query, _rows(answer.partial_data, name), [f"{name}: incomplete: {reason}"]
    return query, _rows(answer.tables, name), []


async def sweep(
    cloud: Cloud,
    tables: Mapping[str, str],
    principal: Principal,
    window: tuple[datetime, datetime],
    *,
    lag: timedelta,
) -> Collected:
    """Rows of several tables side by side, `tables` being query name -> table. Gaps are named."""
    start, end = window
    outcomes = await fan_out(tables, lambda name: run(cloud, name, principal, start, end))
    answers = [answer for _, answer in outcomes if not isinstance(answer, ResponderError)]
    rows = [row for _, found, _ in answers for row in found]
    return {
        "source": "Log Analytics: " + ", ".join(tables.values()),
        "rows": sorted(rows, key=lambda row: str(row.get("TimeGenerated"))),
        "query": "\n\n".join(query for query, _, _ in answers),
        "gaps": [
            *gaps_of(failures(outcomes), len(tables)),
            *(gap for _, _, found in answers for gap in found),
            late(end, lag, ", ".join(tables.values())),
        ],
        "start": start.isoformat(),
        "end": end.isoformat(),
    }


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
        case "datetime", datetime() if value.tzinfo is not None:
            return f"datetime({value.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ})"
        case _:
            raise RefusedError(
                "a query takes GUIDs, resource ids, usernames of ServiceAccounts and moments with a "
                f"time zone, not {value!r:.60} as {kind}"
            )


@cache
def text_of(name: str) -> str:
    """The query of this name, unbound."""
    return (_QUERIES / f"{name}.kql").read_text(encoding="utf-8")


def _rows(tables: Any, name: str) -> list[Json]:
    match tables:
        case [table, *_]:
            pass
        case _:
            raise ContractChangedError(f"Log Analytics query {name} returned no table")
    columns = [str(column) for column in table.columns]
    return [
        {column: _plain(value) for column, value in zip(columns, row, strict=True)}
        for row in table.rows
    ]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
