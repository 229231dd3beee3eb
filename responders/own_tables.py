"""Responder: which log tables the workspace has, on which plan, how long rows are kept, and how late they come.

Stops    nothing
Leaves   resources that send no logs at all: a table that is there may lack one cluster's rows
Undo     none needed
Needs    Microsoft.OperationalInsights/workspaces/read, /tables/read, /query/read and /tables/data/read:
         Log Analytics Reader
Source   https://learn.microsoft.com/azure/azure-monitor/logs/data-platform-logs#table-plans
         https://learn.microsoft.com/azure/azure-monitor/logs/data-ingestion-time
         https://learn.microsoft.com/azure/azure-monitor/logs/data-retention-configure
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from responders import log_service, table_plans
from responders.cloud import Cloud
from responders.errors import ContractChangedError, RefusedError, ResponderError
from responders.log_service import Question, Rows
from responders.own_checks import Row
from responders.table_plans import SEARCHED, Plans

_LOOKED_BACK = timedelta(days=1)
_AT_95 = 95  # percent of the rows came faster
FIX = "give the app's identity Firebreak Log Reader at the workspace (or Log Analytics Reader)"
_UPDATE = "az monitor log-analytics workspace table update --ids {workspace}/tables/{table}"


class Source(NamedTuple):
    """A kind of log, and the tables in any of which it may come."""

    what: str
    tables: tuple[str, ...]
    sender: str  # where the diagnostic setting is made
    needed: bool = False  # an incident without it is half blind


SOURCES = (
    Source("activity log", ("AzureActivity",), "each subscription", needed=True),
    Source("sign-ins of applications", ("AADServicePrincipalSignInLogs",), "Entra", needed=True),
    Source(
        "sign-ins of managed identities", ("AADManagedIdentitySignInLogs",), "Entra", needed=True
    ),
    Source("changes in the directory", ("AuditLogs",), "Entra", needed=True),
    Source(
        "audit logs of clusters",
        ("AKSAuditAdmin", "AKSAudit", "AzureDiagnostics"),
        "each cluster",
        needed=True,
    ),
    Source("calls to Microsoft Graph", ("MicrosoftGraphActivityLogs",), "Entra"),
    Source(
        "risky service principals",
        ("AADRiskyServicePrincipals",),
        "Entra, with Workload ID Premium",
    ),
    Source("risk events", ("AADServicePrincipalRiskEvents",), "Entra, with Workload ID Premium"),
    Source("key vaults", ("AZKVAuditLogs", "AzureDiagnostics"), "each key vault"),
    Source("blobs", ("StorageBlobLogs",), "each storage account"),
    Source("file shares", ("StorageFileLogs",), "each storage account"),
    Source("queues", ("StorageQueueLogs",), "each storage account"),
    Source("storage tables", ("StorageTableLogs",), "each storage account"),
    Source("alerts", ("SecurityAlert",), "Microsoft Sentinel"),
    Source("incidents of Sentinel", ("SecurityIncident",), "Microsoft Sentinel"),
)


class Limits(NamedTuple):
    """What the policy builds on."""

    kept: timedelta  # how far back an incident reads
    second_sweep: timedelta  # after which rows are looked for again


class Arrived(NamedTuple):
    """Rows of the last day: how many, and by when all but a few could be queried."""

    rows: int
    late: timedelta | None


async def look(cloud: Cloud, limits: Limits, now: datetime) -> list[Row]:
    """A row for each kind of log. Raises `RefusedError` where nobody may say which tables there are."""
    plans = await table_plans.read(cloud)
    if plans.unread:
        raise RefusedError(f"which tables the workspace has is not known: {plans.unread}")
    asked = sorted(
        {one for source in SOURCES for one in source.tables if plans.of(one) == "Analytics"}
    )
    answers = await log_service.ask_all(cloud, [_question(one, now) for one in asked])
    arrived = dict(zip(asked, answers, strict=True))
    return [_judged(one, plans, arrived, limits) for one in SOURCES]


def _question(table: str, now: datetime) -> Question:
    # The name is one of `SOURCES`: nothing from outside is in the text.
    text = (
        f"{table}\n"
        "| extend late = datetime_diff('second', ingestion_time(), TimeGenerated)\n"
        f"| summarize Rows = count(), Late = percentile(late, {_AT_95})"
    )
    return Question(table, text, log_service.timespan(now - _LOOKED_BACK, now))


def _judged(
    source: Source,
    plans: Plans,
    arrived: dict[str, Rows | ResponderError],
    limits: Limits,
) -> Row:
    there = [one for one in source.tables if plans.of(one) is not None]
    if not there:
        return _absent(source)
    table = _fullest(there, arrived)
    if (plan := plans.of(table)) in SEARCHED:
        return _searched(source, table, str(plan), plans)
    kept = plans.kept_days.get(table)
    if kept is not None and timedelta(days=kept) < limits.kept:
        days = -(-limits.kept // timedelta(days=1))
        said = f"kept for {kept} days; an incident reads {days} days back"
        fix = f"{_update(plans, table)} --retention-time {days}"
        return Row("failed", f"{source.what}: {said}", fix, table)
    answer = arrived[table]
    if isinstance(answer, ResponderError):
        said = f"{source.what}: how late its rows come is not known: {answer}"
        return Row("unknown", said, FIX, table)
    said = f"{source.what}: Analytics, kept for {kept or '?'} days"
    return _late(table, said, _read(answer), limits)


def _fullest(there: Sequence[str], arrived: dict[str, Rows | ResponderError]) -> str:
    """The table of these that has rows, where several may; the first one where none has."""

    def rows(table: str) -> int:
        answer = arrived.get(table)
        return _read(answer).rows if isinstance(answer, Rows) else 0

    return max(there, key=rows)


def _absent(source: Source) -> Row:
    said = f"{source.what}: the workspace has no such table"
    about = " or ".join(source.tables)
    fix = f"a diagnostic setting of {source.sender} sends it there"
    if source.needed:
        return Row("failed", f"{said}: every incident is blind there", fix, about, grave=True)
    return Row("note", f"{said}: an incident names that gap", fix, about)


def _searched(source: Source, table: str, plan: str, plans: Plans) -> Row:
    """A cheaper plan: incidents search it, one table at a time; detections and the daily check can't ask it at all."""
    said = (
        f"{source.what}: on the plan {plan}: searched instead of queried, kept for "
        f"{plans.kept_days.get(table, 30)} days, and no detection can ask it"
    )
    fix = f"{_update(plans, table)} --plan Analytics"
    return Row("failed" if source.needed else "note", said, fix, table)


def _late(table: str, said: str, seen: Arrived, limits: Limits) -> Row:
    if not seen.rows or seen.late is None:
        return Row(
            "note", f"{said}; no row came in a day, so how late they come is not known", "", table
        )
    minutes = seen.late.total_seconds() / 60
    said += f"; {seen.rows} rows in a day, {_AT_95} % within {minutes:.0f} min"
    if seen.late <= limits.second_sweep:
        return Row("ok", said, about=table)
    fix = f"raise watch.second_sweep_minutes above {minutes:.0f}: the second sweep reads before they are there"
    return Row("failed", said, fix, table)


def _read(answer: Rows) -> Arrived:
    match answer.rows:
        case [{"Rows": int(rows), "Late": late}] if late is None or isinstance(late, int | float):
            return Arrived(rows, None if late is None else timedelta(seconds=max(float(late), 0)))
        case _:
            raise ContractChangedError(f"not one row of numbers: {answer.rows!r:.200}")


def _update(plans: Plans, table: str) -> str:
    return _UPDATE.format(workspace=plans.workspace, table=table)
