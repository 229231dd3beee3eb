"""Responder: when the trusts of applications and identities were last changed, summed up by the workspace.

Stops    nothing
Leaves   everything as it is; what is older than the tables is not known: no trust says when it was made
Undo     none needed
Needs    what log_service.py needs; Entra's audit log and the activity log in the workspace
Source   https://learn.microsoft.com/azure/azure-monitor/reference/tables/auditlogs
         https://learn.microsoft.com/graph/api/resources/federatedidentitycredential (no date)
"""

from datetime import datetime

from responders import log_service, log_tables
from responders.cloud import Cloud
from responders.errors import ContractChangedError, RefusedError, ResponderError, TransientError
from responders.log_service import Question, Rows

_QUERIES = ("use/TrustsOfApplications", "use/TrustsOfIdentities")
_CHILD = "/federatedidentitycredentials/"


async def read(cloud: Cloud, start: datetime, end: datetime) -> tuple[dict[str, str], list[str]]:
    """Object id of an application, or path of an identity in lower case, to a moment; and what could not be read."""
    values: dict[str, log_tables.Value] = {"window_start": start, "window_end": end}
    span = log_service.timespan(start, end)
    questions = [
        Question(name, log_tables.bind(log_tables.text_of(name), values), span) for name in _QUERIES
    ]
    found: dict[str, str] = {}
    unread: list[str] = []
    for question, answer in zip(
        questions, await log_service.ask_all(cloud, questions), strict=True
    ):
        try:
            rows = _rows(answer)
        except (RefusedError, ContractChangedError) as error:
            unread.append(f"{question.name.rpartition('/')[2]}: {error}")
            continue
        for row in rows.rows:
            key = str(row.get("Target") or "").lower().partition(_CHILD)[0]
            found[key] = max(found.get(key, ""), str(row.get("Last") or ""))
    return found, unread


def _rows(answer: Rows | ResponderError) -> Rows:
    if isinstance(answer, TransientError):
        raise answer
    if isinstance(answer, ResponderError):
        raise RefusedError(str(answer)) from answer
    if answer.partial:
        raise RefusedError(f"the answer was cut: {answer.partial}")
    return answer
