"""Responder: everything that the workspace's log tables say about a principal.

Stops    nothing
Leaves   everything as it is; what has not been ingested yet comes with a later sweep
Undo     none needed
Needs    what log_service.py and table_plans.py need; diagnostic settings that send the tables there
Source   https://learn.microsoft.com/azure/azure-monitor/service-limits#log-analytics-workspaces
         https://learn.microsoft.com/azure/azure-monitor/logs/data-ingestion-time

All tables are asked in one call. What that leaves open is settled table by table, a few at a time: a
partial answer is asked again hour by hour, a table on a cheaper plan is searched, a busy service is
asked once more. Whatever is then still missing is a gap with a name, never "no activity".
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from responders import log_service, log_tables, table_plans
from responders.cloud import Cloud
from responders.collected import COLLECTOR, Collected, late
from responders.errors import NotFoundError, ResponderError, TransientError
from responders.fan_out import fan_out
from responders.log_catalog import TABLES, LogTable
from responders.log_service import Question, Rows
from responders.model import Json, Principal
from responders.table_plans import SEARCHED, Plans

AT_ONCE = 5  # the service runs five queries of one user side by side and lets others queue
_SEARCHES_AT_ONCE = 2  # https://learn.microsoft.com/azure/azure-monitor/logs/basic-logs-query
_SPAN = timedelta(hours=1)
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Scope:
    """Whom and when a sweep is about."""

    principal: Principal
    start: datetime
    end: datetime
    usernames: tuple[str, ...] = ()  # of the ServiceAccounts that may use the identity
    # Table -> when an earlier sweep read it whole: only what was ingested later is asked for.
    arrived_after: Mapping[str, datetime] = field(default_factory=dict)


async def sweep(
    cloud: Cloud, scope: Scope, names: Iterable[str] = TABLES
) -> dict[str, Collected | TransientError]:
    """Rows and gaps of each table, by the names of `log_catalog`. An error is one that time can fix."""
    tables = [TABLES[name] for name in names]
    questions = [question(one, scope) for one in tables]
    answers = await log_service.ask_all(cloud, questions) if questions else []
    plans: Plans | None = None
    if any(isinstance(one, NotFoundError) for one in answers):
        plans = await table_plans.read(cloud)
    settled = await _settle_all(cloud, scope, dict(zip(tables, answers, strict=True)), plans)
    return {
        one.name: outcome
        if isinstance(outcome, TransientError)
        else uncollected(scope, one, outcome)
        if isinstance(outcome, ResponderError)
        else outcome
        for one, outcome in settled
    }


def question(table: LogTable, scope: Scope) -> Question:
    """The query of a table with the scope's values in it. Raises `RefusedError` for a strange value."""
    principal = scope.principal
    values: dict[str, log_tables.Value] = {
        "object_id": principal["object_id"],
        "app_id": principal["app_id"],
        "application_object_id": principal["application_object_id"] or principal["object_id"],
        "resource_id": principal["resource_id"] or "",
        "usernames": scope.usernames,
        "namespaces": log_tables.namespaces_of(scope.usernames),
        "window_start": scope.start,
        "window_end": scope.end,
        "arrived_after": scope.arrived_after.get(table.name, _EVER),
    }
    text = log_tables.text_of(table.name)
    wanted = {name: values[name] for name in log_tables.declared(text)}
    span = log_service.timespan(scope.start, scope.end)
    return Question(table.name, log_tables.bind(text, wanted), span)


def uncollected(scope: Scope, table: LogTable, error: ResponderError) -> Collected:
    """A table of which nothing is known, and why."""
    return _collected(scope, table, [], [f"not collected: {error}"])


async def _settle_all(
    cloud: Cloud,
    scope: Scope,
    answers: dict[LogTable, Rows | ResponderError],
    plans: Plans | None,
) -> list[tuple[LogTable, Collected | ResponderError]]:
    """What the first call left open, each kind as many at a time as the service takes."""
    cheap = {
        table: plan
        for table, answer in answers.items()
        if isinstance(answer, NotFoundError)
        and plans is not None
        and (plan := plans.of(table.table)) in SEARCHED
    }
    others = [table for table in answers if table not in cheap]
    settled, searched = await asyncio.gather(
        fan_out(
            others, lambda one: _settle(cloud, scope, one, answers[one], plans), at_once=AT_ONCE
        ),
        fan_out(
            cheap,
            lambda one: _search(cloud, scope, one, str(cheap[one])),
            at_once=_SEARCHES_AT_ONCE,
        ),
    )
    return [*settled, *searched]


async def _settle(
    cloud: Cloud,
    scope: Scope,
    table: LogTable,
    answer: Rows | ResponderError,
    plans: Plans | None,
) -> Collected:
    if isinstance(answer, TransientError):
        answer = await log_service.ask(cloud, question(table, scope))
    if isinstance(answer, NotFoundError) and plans is not None:
        raise NotFoundError(f"{plans.why(table.table)}; {answer}")
    if isinstance(answer, ResponderError):
        raise answer
    if answer.partial is None:
        return _collected(scope, table, answer.rows, [])
    return await _by_hour(cloud, scope, table)


async def _by_hour(cloud: Cloud, scope: Scope, table: LogTable) -> Collected:
    """What was too much for one answer. An hour that is still too much, or fails, is a gap."""
    whole = question(table, scope)
    hours = [Question(whole.name, whole.text, span) for span in _hours(scope.start, scope.end)]
    outcomes = await fan_out(hours, lambda one: log_service.ask(cloud, one), at_once=AT_ONCE)
    rows = [row for _, one in outcomes if isinstance(one, Rows) for row in one.rows]
    gaps = [
        f"incomplete: {hour.timespan}: {one if isinstance(one, ResponderError) else one.partial}"
        for hour, one in outcomes
        if isinstance(one, ResponderError) or one.partial is not None
    ]
    return _collected(scope, table, rows, gaps)


async def _search(cloud: Cloud, scope: Scope, table: LogTable, plan: str) -> Collected:
    answer = await log_service.search(cloud, question(table, scope))
    gaps = [f"incomplete: {answer.partial}"] if answer.partial else []
    return {**_collected(scope, table, answer.rows, gaps), "plan": plan}


def _collected(scope: Scope, table: LogTable, rows: list[Json], gaps: list[str]) -> Collected:
    asked = question(table, scope)
    return {
        "source": f"Log Analytics: {table.table}",
        "rows": rows,
        "query": asked.text,
        "gaps": [f"{table.name}: {gap}" for gap in gaps] + [late(scope.end, table.lag, table.name)],
        "start": scope.start.isoformat(),
        "end": scope.end.isoformat(),
        "collected": not any(gap.startswith("not collected") for gap in gaps),
        "complete": not gaps,
        "plan": None,
        "collector": COLLECTOR,
    }


def _hours(start: datetime, end: datetime) -> list[str]:
    """The window in hours that neither overlap nor leave a gap."""
    found = []
    while start < end:
        until = min(start + _SPAN, end)
        found.append(log_service.timespan(start, until, end_included=until == end))
        start = until
    return found
