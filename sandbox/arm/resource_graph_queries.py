"""Queries in Resource Graph's dialect of KQL, run on rows that are already only the caller's.

Simulates   the query engine, over DuckDB
Faithful    tables and operators that Resource Graph has, others are refused; no table means `resources`;
            at most three joins and three mv-expands; no `let`
Left out    what `duckdb-kql` can't translate is refused, never guessed
Source      https://learn.microsoft.com/azure/governance/resource-graph/concepts/query-language
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

import duckdb
import duckdb_kql
from duckdb_kql.translate import TranslationResult
from duckdb_kql.types import kusto_type

from sandbox.arm.resource_graph_tables import COLUMNS, TABLES
from sandbox.world import Json

_OPERATORS = (
    "count",
    "distinct",
    "extend",
    "join",
    "limit",
    "mv-expand",
    "mvexpand",
    "order",
    "parse",
    "project",
    "project-away",
    "sort",
    "summarize",
    "take",
    "top",
    "union",
    "where",
)
_MOST = {"join": 3, "mv-expand": 3}
_TEXT_OR_PIPE = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|//[^\n]*|[|()]")
_WORD = re.compile(r"\s*([\w-]+)")
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_BLANK = "f12ebea4-0000-4000-8000-{:012d}"  # stands for a GUID while its query is translated
_UNKNOWN_TABLE = re.compile(r"schema error for '(\w+)' \(unknown table")
_NO_COLUMN = re.compile(r'Referenced column "([^"]+)" not found')
# A query is somebody else's text: it reaches no file, no network and no setting.
_LOCKED: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "threads": "1",
}


@dataclass(frozen=True)
class QueryError(Exception):
    """What is wrong with a query: Resource Graph's code for it, and a sentence."""

    code: str
    message: str
    token: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """Column names with their types, and the rows in that order."""

    columns: list[tuple[str, str]]
    rows: list[list[Any]]


def tables_of(query: str) -> list[str]:
    """The tables whose rows this query may need; one that it only mentions does no harm."""
    lowered = _with_table(query).lower()
    return [table for table in TABLES if table in lowered]


def run(query: str, rows: dict[str, list[Json]], now: datetime) -> Answer:
    """The answer, from these tables. Blocks: call it in a thread. Raises `QueryError`."""
    text = _with_table(query)
    _check_operators(text)
    blank, ids = _without_ids(text)
    translated = _translate(blank)
    sql = _with_ids(str(translated), ids)
    bound = {**translated.parameters, "kqlnow": now.replace(tzinfo=None)}
    used = {
        slot: _with_ids(value, ids) if isinstance(value, str) else value
        for slot, value in bound.items()
        if f"${slot}" in sql
    }
    connection = _database().cursor()
    try:
        for table, its_rows in rows.items():
            _load(connection, table, its_rows)
        connection.execute(sql, used or None)
        described = connection.description or []
        kinds = [kusto_type(column[1]) for column in described]
        found = connection.fetchall()
    except duckdb.Error as failed:
        raise _explain(failed) from failed
    finally:
        connection.close()
    names = [column[0] for column in described]
    return Answer(
        list(zip(names, kinds, strict=True)),
        [[_cell(value, kind) for value, kind in zip(row, kinds, strict=True)] for row in found],
    )


def _with_table(query: str) -> str:
    """The query with its first table in lower case, and `resources` in front where it has none."""
    bare = re.sub(r"^(\s|//[^\n]*\n)+", "", query)
    first = _WORD.match(bare)
    word = first.group(1) if first else ""
    if word.lower() in TABLES:
        return word.lower() + bare[len(word) :]
    if word.lower() in _OPERATORS:
        return f"resources | {bare}"
    if word.lower() == "let" or not word:
        raise QueryError("ParserFailure", "ParserFailure", word)
    raise _no_table(word)


def _check_operators(text: str) -> None:
    """Refuse what Resource Graph's dialect lacks. Looks at the first word behind every pipe."""
    counted: dict[str, int] = {}
    for match in _TEXT_OR_PIPE.finditer(text):
        if match.group() != "|":
            continue
        word = _WORD.match(text, match.end())
        name = word.group(1).lower() if word else ""
        if name not in _OPERATORS:
            raise QueryError("InvalidQueryLanguage", "InvalidQueryLanguage", name)
        name = name.replace("mvexpand", "mv-expand")
        counted[name] = counted.get(name, 0) + 1
        if counted[name] > _MOST.get(name, len(text)):
            raise QueryError(
                "DisallowedMaxNumberOfOperators",
                f"The query has more than {_MOST[name]} {name} operators.",
                name,
            )


def _without_ids(text: str) -> tuple[str, list[str]]:
    """The text with its GUIDs numbered, and the GUIDs: to read KQL takes long, and most queries differ in these."""
    ids = list(dict.fromkeys(_GUID.findall(text)))
    for number, one in enumerate(ids):
        text = text.replace(one, _BLANK.format(number))
    return text, ids


def _with_ids(text: str, ids: list[str]) -> str:
    for number, one in enumerate(ids):
        text = text.replace(_BLANK.format(number), one)
    return text


@lru_cache(maxsize=256)
def _translate(text: str) -> TranslationResult:
    try:
        translated = duckdb_kql.to_sql(
            text,
            schema={table: list(COLUMNS) for table in TABLES},
            allow_write=False,
            query_now=datetime(2000, 1, 1),  # noqa: DTZ001 - only makes now() a placeholder
        )
    except duckdb_kql.KqlUnsupportedError as unsupported:
        raise QueryError(
            "InvalidQuery", f"Azure may run this, the sandbox does not: {unsupported}"
        ) from None
    except duckdb_kql.KqlError as wrong:
        if match := _UNKNOWN_TABLE.search(str(wrong)):
            raise _no_table(match.group(1)) from wrong
        raise QueryError("ParserFailure", f"ParserFailure: {wrong}") from wrong
    if translated.unbound:
        raise QueryError("ParserFailure", f"no value for {', '.join(translated.unbound)}")
    return translated


@cache
def _database() -> duckdb.DuckDBPyConnection:
    """One for all queries, as opening one takes longer than asking it; each query has its own connection."""
    return duckdb.connect(":memory:", config=_LOCKED)


def _load(connection: duckdb.DuckDBPyConnection, table: str, rows: list[Json]) -> None:
    connection.execute(
        f'CREATE TEMP TABLE "{table}" AS SELECT unnest(from_json(?::JSON, ?), recursive := true)',
        [json.dumps(rows), json.dumps([COLUMNS])],
    )


def _explain(failed: duckdb.Error) -> QueryError:
    text = str(failed)
    if match := _NO_COLUMN.search(text):
        name = match.group(1)
        return QueryError("FailedToResolveEntity", f"Failed to resolve entity '{name}'", name)
    return QueryError("InvalidQuery", text.splitlines()[0])


def _no_table(name: str) -> QueryError:
    return QueryError(
        "DisallowedLogicalTableName", f"Table {name} is invalid, unsupported or disallowed.", name
    )


def _cell(value: Any, kind: str) -> Any:
    match value:
        case str() if kind == "dynamic":
            return json.loads(value)
        case None:
            return "" if kind == "string" else None
        case bool() | int() | float() | str():
            return value
        case _:
            return str(value)
