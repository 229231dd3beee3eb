"""KQL in, tables out.

Simulates   the query engine behind Log Analytics, over DuckDB
Faithful    what `duckdb-kql` translates it translates exactly; the rest is refused, never guessed
Left out    whatever that library lists as unsupported: search, mv-apply, make-series, tabular functions
Source      https://learn.microsoft.com/kusto/query/
"""

import json
import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import duckdb
import duckdb_kql
from duckdb_kql.translate import TranslationResult
from duckdb_kql.types import kusto_type

from sandbox.loganalytics.errors import LogsError, semantic_error, syntax_error
from sandbox.loganalytics.rewriting import rewritten
from sandbox.loganalytics.tables import ARRIVAL, COLUMNS, tables_of
from sandbox.loganalytics.timespans import Span
from sandbox.world import Json, World

_WITH_ARRIVAL = {table: [*columns, ARRIVAL] for table, columns in COLUMNS.items()}
_CLOCK = "kqlnow"  # the placeholder that duckdb-kql gives to now() and ago()
_NO_TABLE = re.compile(r"Table with name (\S+) does not exist")
_NO_COLUMN = re.compile(r'Referenced column "([^"]+)" not found')


@dataclass(frozen=True, slots=True)
class Result:
    """One table: what a query answers with."""

    columns: list[dict[str, str]]
    rows: list[list[Any]]
    limit: int | None = None  # the number of records that cut it short

    def table(self) -> Json:
        """As `tables` shows it."""
        return {"name": "PrimaryResult", "columns": self.columns, "rows": self.rows}


def run(world: World, query: str, span: Span | None) -> Result:
    """The answer to a query. Blocks; call it in a thread. Raises `LogsError`."""
    query = rewritten(query)
    translated = _translate(query)
    now = world.clock.now().replace(tzinfo=None)
    bound = {**translated.parameters, _CLOCK: now}
    used = {slot: value for slot, value in bound.items() if f"${slot}" in translated}
    connection = tables_of(world).connect(world, query, span)
    try:
        connection.execute(str(translated), used or None)
        kinds = [kusto_type(column[1]) for column in connection.description or []]
        names = [column[0] for column in connection.description or []]
        limit = int(world.limits.log_rows)
        rows = connection.fetchmany(limit + 1)
    except duckdb.Error as failed:
        raise _explain(failed) from failed
    finally:
        connection.close()
    shown = [number for number, name in enumerate(names) if name != ARRIVAL]
    return Result(
        [{"name": names[number], "type": kinds[number]} for number in shown],
        [[_cell(row[number], kinds[number]) for number in shown] for row in rows[:limit]],
        limit if len(rows) > limit else None,
    )


def warm_up() -> None:
    """Parse once what every query has in it: the parser is slow at whatever it sees first."""
    _translate(
        "let id = 'a'; let start = datetime(2000-01-01); let who = dynamic(['x']); AzureActivity "
        "| where TimeGenerated between (start .. now()) and (Caller =~ id or Claims_d.appid == id) "
        "| where isnull(EventSubmissionTimestamp) or EventSubmissionTimestamp > start "
        "| where Properties has id or tostring(Claims_d.uti) in (who) or isnotempty(id) "
        "| where strcat('a:', tostring(Claims_d.uti)) in (who) and Caller startswith id "
        "| extend who = tostring(parse_json(Claims).uti) | project TimeGenerated, who "
        "| summarize n = count() by who | project-away n | order by who desc | take 5"
    )


@lru_cache(maxsize=256)
def _translate(query: str) -> TranslationResult:
    """SQL for a query. Parsing takes most of a query's time, and playbooks repeat their queries."""
    try:
        # Any moment will do: it only makes now() a placeholder, which `run` binds to the clock.
        translated = duckdb_kql.to_sql(
            query,
            schema=_WITH_ARRIVAL if ARRIVAL in query else COLUMNS,
            allow_write=False,
            query_now=datetime(2000, 1, 1),  # noqa: DTZ001
        )
    except duckdb_kql.KqlSyntaxError as wrong:
        first = wrong.diagnostics[0] if wrong.diagnostics else None
        line, column = (first.span.line, first.span.column) if first else (1, 0)
        raise syntax_error(first.message if first else str(wrong), line, column) from wrong
    except duckdb_kql.KqlUnsupportedError as unsupported:
        raise semantic_error(f"Azure may run this, the sandbox does not: {unsupported}") from None
    except duckdb_kql.KqlError as wrong:
        raise semantic_error(str(wrong)) from wrong
    if translated.unbound:
        raise semantic_error(f"no value for the parameters {', '.join(translated.unbound)}")
    return translated


def _explain(failed: duckdb.Error) -> LogsError:
    text = str(failed)
    for pattern in (_NO_TABLE, _NO_COLUMN):
        if match := pattern.search(text):
            return semantic_error(
                f"Failed to resolve table or column expression named '{match.group(1)}'"
            )
    return semantic_error(text.splitlines()[0])


def _cell(value: Any, kind: str) -> Any:
    match value:
        case None:
            # https://learn.microsoft.com/kusto/query/scalar-data-types/null-values
            return "" if kind == "string" else None
        case str() if kind == "dynamic" and value.startswith('"'):
            return json.loads(value)  # a dynamic string goes out bare, an object as JSON text
        case datetime():
            return value.isoformat() + "Z"
        case timedelta():
            return _timespan(value)
        case float() if not math.isfinite(value):
            return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
        case _:
            return value if isinstance(value, bool | int | float | str) else str(value)


def _timespan(value: timedelta) -> str:
    """`[-][d.]hh:mm:ss[.fffffff]`, as .NET prints it."""
    sign, left = ("-", -value) if value < timedelta() else ("", value)
    hours, rest = divmod(left.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    days = f"{left.days}." if left.days else ""
    fraction = f".{left.microseconds:06d}0" if left.microseconds else ""
    return f"{sign}{days}{hours:02d}:{minutes:02d}:{seconds:02d}{fraction}"
