"""Responder: how many sign-ins of workload identities failed, by AADSTS code, now and in the days before.

Stops    nothing
Leaves   everything as it is; what Entra has not written to the workspace yet comes with a later look
Undo     none needed
Needs    what log_service.py needs; diagnostic settings that send the sign-in tables there
Source   https://learn.microsoft.com/azure/azure-monitor/reference/tables/aadserviceprincipalsigninlogs
         https://learn.microsoft.com/azure/azure-monitor/reference/tables/aadmanagedidentitysigninlogs

Both tables: which of the two a federated sign-in of a managed identity lands in is not documented.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, TypedDict

from responders import log_service, log_tables
from responders.cloud import Cloud
from responders.errors import ResponderError
from responders.log_service import Question
from responders.model import Json

PERIODS_BEFORE = 7  # what the window is compared with
TABLES = {
    "AADServicePrincipalSignInLogs": "service_principals",
    "AADManagedIdentitySignInLogs": "managed_identities",
}


class CodeSeen(TypedDict):
    """One AADSTS code in one table."""

    table: str
    code: str
    failures: int  # in the window
    identities: int
    before: int  # in the seven windows of the same length before it, together
    last_at: str


class FailingSeen(TypedDict):
    """One identity that fails, by one code."""

    table: str
    code: str
    object_id: str
    app_id: str
    name: str  # for people only
    failures: int
    sources: int  # addresses


class FailuresSeen(TypedDict):
    """All of them, and the tables that could not be read."""

    codes: list[CodeSeen]
    failing: list[FailingSeen]
    unread: list[str]


@dataclass(frozen=True, slots=True)
class Window:
    """What is looked at."""

    end: datetime
    length: timedelta

    @property
    def recent(self) -> datetime:
        """Where the window begins."""
        return self.end - self.length

    @property
    def start(self) -> datetime:
        """Where what it is compared with begins."""
        return self.recent - PERIODS_BEFORE * self.length


class _Asked(NamedTuple):
    table: str
    question: Question


async def look(cloud: Cloud, window: Window) -> FailuresSeen:
    """Counts by code and the identities that fail most. A table that can't be read is named, never empty."""
    asked = [
        _Asked(table, _question(f"health/{what}_{of}", window))
        for table, of in TABLES.items()
        for what in ("failures_by_code", "failing")
    ]
    answers = await log_service.ask_all(cloud, [one.question for one in asked])
    seen: FailuresSeen = {"codes": [], "failing": [], "unread": []}
    gaps: dict[str, str] = {}  # of each table the first reason is enough
    for (table, question), answer in zip(asked, answers, strict=True):
        if isinstance(answer, ResponderError):
            gaps.setdefault(table, f"{table}: {answer}")
            continue
        if answer.partial:
            gaps.setdefault(table, f"{table} in part: {answer.partial}")
        if "failures_by_code" in question.name:
            seen["codes"] += _codes(table, answer.rows)
        else:
            seen["failing"] += [_failing(table, row) for row in answer.rows]
    return {**seen, "unread": list(gaps.values())}


def _question(name: str, window: Window) -> Question:
    text = log_tables.text_of(name)
    values: dict[str, log_tables.Value] = {
        "window_start": window.start if "failures_by_code" in name else window.recent,
        "recent_start": window.recent,
        "window_end": window.end,
    }
    wanted = {one: values[one] for one in log_tables.declared(text)}
    span = log_service.timespan(window.start, window.end)
    return Question(name, log_tables.bind(text, wanted), span)


def _codes(table: str, rows: list[Json]) -> list[CodeSeen]:
    """One line per code out of up to two: the window's, and that of before."""
    found: dict[str, CodeSeen] = {}
    for row in rows:
        code = str(row["ResultType"])[:40]
        one = found.setdefault(
            code,
            {
                "table": table,
                "code": code,
                "failures": 0,
                "identities": 0,
                "before": 0,
                "last_at": "",
            },
        )
        if row["Recent"] in (True, 1, "true"):
            one["failures"], one["identities"] = int(row["Failures"]), int(row["Identities"])
        else:
            one["before"] = int(row["Failures"])
        one["last_at"] = max(one["last_at"], str(row["Last"]))
    return list(found.values())


def _failing(table: str, row: Json) -> FailingSeen:
    return {
        "table": table,
        "code": str(row["ResultType"])[:40],
        "object_id": str(row["ServicePrincipalId"]),
        "app_id": str(row["AppId"]),
        "name": str(row["Name"]),
        "failures": int(row["Failures"]),
        "sources": int(row["Sources"]),
    }
