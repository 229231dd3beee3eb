"""Responder: which identities, credentials and roles were used, summed up by the workspace: no row leaves it.

Stops    nothing
Leaves   everything as it is; reads of data, which the activity log does not have, and sign-ins from other tenants
Undo     none needed
Needs    what log_service.py needs; Entra's sign-in logs and the activity log in the workspace
Source   https://learn.microsoft.com/azure/azure-monitor/reference/tables/aadserviceprincipalsigninlogs
         https://learn.microsoft.com/azure/azure-monitor/reference/tables/aadmanagedidentitysigninlogs
         https://learn.microsoft.com/azure/azure-monitor/reference/tables/azureactivity
"""

import uuid
from datetime import datetime

from responders import log_service, log_tables
from responders.audit_model import LogFacts, UseFacts
from responders.cloud import Cloud
from responders.errors import ContractChangedError, ResponderError, TransientError
from responders.log_service import Question, Rows
from responders.model import Json

# In which of the two a federated sign-in of a managed identity is found isn't documented: both are asked.
_APPLICATIONS, _IDENTITIES = "AADServicePrincipalSignInLogs", "AADManagedIdentitySignInLogs"
_ACTIVITY = "AzureActivity"
_TABLES = (_APPLICATIONS, _IDENTITIES, _ACTIVITY)


async def read(cloud: Cloud, start: datetime, end: datetime) -> UseFacts:
    """Who signed in, by what, and which assignments were used. What is not there to be read is None and named."""
    values: dict[str, log_tables.Value] = {"window_start": start, "window_end": end}
    span = log_service.timespan(start, end)
    names = [f"use/{table}{part}" for table in _TABLES for part in ("", "Oldest")]
    texts = [log_tables.bind(log_tables.text_of(name), values) for name in names]
    questions = [Question(name, text, span) for name, text in zip(names, texts, strict=True)]
    answers = dict(zip(names, await log_service.ask_all(cloud, questions), strict=True))
    unread: list[str] = []
    logs: dict[str, LogFacts | None] = {}
    for table in _TABLES:
        found = _facts(answers[f"use/{table}"], answers[f"use/{table}Oldest"])
        logs[table] = None if isinstance(found, str) else found
        if isinstance(found, str):
            unread.append(f"{table}: {found}")
    return {
        "since": start.isoformat(),
        "until": end.isoformat(),
        "application_sign_ins": logs[_APPLICATIONS],
        "identity_sign_ins": logs[_IDENTITIES],
        "activity": logs[_ACTIVITY],
        "unread": unread,
    }


def _facts(rows: Rows | ResponderError, oldest: Rows | ResponderError) -> LogFacts | str:
    """The facts, or why there are none. Raises where time may still help."""
    match rows, oldest:
        case (TransientError() as error, _) | (_, TransientError() as error):
            raise error
        case (ResponderError() as error, _) | (_, ResponderError() as error):
            return str(error)
        case Rows() as used, Rows() as first:
            partial = used.partial or first.partial
    if partial:  # who is missing from it would look unused
        return f"the answer was cut: {partial}"
    credentials = _latest(used.rows, "KeyId") | _latest(used.rows, "TrustId")
    return {
        "oldest": next((str(row["Oldest"]) for row in first.rows if row.get("Oldest")), None),
        "last": _latest(used.rows, "ServicePrincipalId") | _latest(used.rows, "Assignment"),
        "credentials": credentials,
    }


def _latest(rows: list[Json], column: str) -> dict[str, str]:
    """The newest moment for each id of a column; the activity log writes GUIDs without their dashes."""
    found: dict[str, str] = {}
    for row in rows:
        text = str(row.get(column) or "")
        if not text:
            continue
        try:
            key, last = str(uuid.UUID(text)), str(row["Last"])
        except (ValueError, KeyError):
            raise ContractChangedError(
                f"a summary of use without an id or a moment: {row}"
            ) from None
        found[key] = max(found.get(key, ""), last)
    return found
