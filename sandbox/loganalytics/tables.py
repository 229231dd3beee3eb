"""The rows of the world's logs in a DuckDB that a query can be run on.

One in-memory database for each world, made at the first query and topped up with what has been logged since. A query
gets a connection of its own, on which every table is a view of the rows that have arrived, within its time span.

Source      https://learn.microsoft.com/azure/azure-monitor/reference/tables-index (schemas.json: names and types)
"""

import json
import threading
from datetime import UTC, datetime
from pathlib import Path
from weakref import WeakKeyDictionary

import duckdb

from sandbox.loganalytics.timespans import Span
from sandbox.world import Json, World

SCHEMAS: dict[str, dict[str, str]] = json.loads(
    Path(__file__).with_name("schemas.json").read_text(encoding="utf-8")
)
COLUMNS = {table: list(columns) for table, columns in SCHEMAS.items()}
_SQL_TYPES = {
    "string": "VARCHAR",
    "datetime": "TIMESTAMP",
    "dynamic": "JSON",
    "int": "INTEGER",
    "long": "BIGINT",
    "real": "DOUBLE",
    "bool": "BOOLEAN",
}
ARRIVAL = "__arrives"
# A query is somebody else's text: it reaches no file, no network and no setting.
# https://duckdb.org/docs/stable/operations_manual/securing_duckdb/overview
_LOCKED: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "threads": "1",  # a few hundred rows: starting more threads costs more than they save
}


class Tables:
    """The tables of one workspace."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: dict[str, int] = {}
        self._database = duckdb.connect(":memory:", config=_LOCKED)
        self._database.execute("SET TimeZone='UTC'")
        self._database.execute("CREATE SCHEMA kept")
        for table, columns in SCHEMAS.items():
            described = ", ".join(f'"{name}" {_SQL_TYPES[kind]}' for name, kind in columns.items())
            self._database.execute(
                f'CREATE TABLE kept."{table}" ({described}, {ARRIVAL} TIMESTAMP)'
            )
        self._database.execute("SET lock_configuration=true")

    def connect(self, world: World, query: str, span: Span | None) -> duckdb.DuckDBPyConnection:
        """A connection that sees what has arrived by now and lies within the span. Close it."""
        # A wildcard may mean any table; a name in a comment or a string does no harm.
        tables = [
            table
            for table in SCHEMAS
            if (table in query or "*" in query) and world.logs.plans.get(table, "") is not None
        ]
        shown = [ARRIVAL] if ARRIVAL in query else []
        with self._lock:
            for table in tables:
                self._top_up(table, world)
        connection = self._database.cursor()
        conditions = f"{ARRIVAL} <= {_sql_time(world.clock.now())}"
        if span:
            ends = f"{_sql_time(span.start)} AND {_sql_time(span.end)}"
            conditions += f" AND TimeGenerated BETWEEN {ends}"
        for table in tables:
            names = ", ".join(f'"{name}"' for name in [*SCHEMAS[table], *shown])
            connection.execute(
                f'CREATE TEMP VIEW "{table}" AS SELECT {names} '  # noqa: S608 - our own names
                f'FROM kept."{table}" WHERE {conditions}'
            )
        return connection

    def _top_up(self, table: str, world: World) -> None:
        entries = world.logs.tables.get(table, [])
        new = entries[self._taken.get(table, 0) :]
        if not new:
            return
        columns = SCHEMAS[table]
        rows = [{**_row(columns, row), ARRIVAL: _naive(arrives)} for arrives, row in new]
        shape = {name: _SQL_TYPES[kind] for name, kind in columns.items()}
        self._database.execute(
            f'INSERT INTO kept."{table}" SELECT unnest(from_json(?::JSON, ?), recursive := true)',
            [json.dumps(rows), json.dumps([{**shape, ARRIVAL: "TIMESTAMP"}])],
        )
        self._taken[table] = self._taken.get(table, 0) + len(new)


_of_world: WeakKeyDictionary[World, Tables] = WeakKeyDictionary()
_making = threading.Lock()


def tables_of(world: World) -> Tables:
    """The tables of this world, made at the first call."""
    with _making:
        if world not in _of_world:
            _of_world[world] = Tables()
        return _of_world[world]


def _row(columns: dict[str, str], row: Json) -> Json:
    """The row's values, each as its column wants it. Raises `KeyError` for an unknown column."""
    unknown = row.keys() - columns.keys()
    if unknown:
        raise KeyError(f"no such column: {', '.join(sorted(unknown))}")
    # A string is never null: https://learn.microsoft.com/kusto/query/scalar-data-types/null-values
    empty = {name: "" for name, kind in columns.items() if kind == "string"}
    given = {name: _value(columns[name], value) for name, value in row.items()}
    return empty | {name: value for name, value in given.items() if value is not None}


def _value(kind: str, value: object) -> object:
    if kind == "dynamic" and isinstance(value, str) and value[:1] in "{[":
        return json.loads(value)
    if kind == "string" and isinstance(value, dict | list):
        return json.dumps(value)
    return value


def _naive(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat()


def _sql_time(moment: datetime) -> str:
    return f"TIMESTAMP '{_naive(moment)}'"
