"""The Log Analytics API: many queries in one call, one at a time, or a search of a cheaper table.

Source   https://learn.microsoft.com/azure/azure-monitor/logs/api/batch-queries
         https://learn.microsoft.com/azure/azure-monitor/logs/basic-logs-query
         https://learn.microsoft.com/azure/azure-monitor/logs/api/response-format

Requests go through the SDK's own pipeline, answers are read as they are on the wire: its model turns
moments into floats of a second, and it has no search.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from responders.answers import Answer, error_for
from responders.calls import azure_call
from responders.cloud import Cloud
from responders.errors import ContractChangedError, NotFoundError, ResponderError
from responders.model import Json
from responders.needs import WORKSPACES, AzureNeed, Needs

SERVER_S = 180  # what the service is told to spend at most; it then answers with what it has
QUERY_S = SERVER_S + 20.0
MOST_IN_A_BATCH = 100
_WINDOW = "| where TimeGenerated between "
NEEDS: Final = Needs(
    azure=(
        AzureNeed(
            f"{WORKSPACES}/query/read",
            "query log tables",
            ("ask", "ask_all", "search"),
            scope="workspace",
        ),
        AzureNeed(
            f"{WORKSPACES}/tables/data/read",
            "read log tables",
            ("ask", "ask_all", "search"),
            data=True,
            scope="workspace",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Question:
    """A bound query, named after its file, and the window that the service looks into."""

    name: str
    text: str
    timespan: str


@dataclass(frozen=True, slots=True)
class Rows:
    """What came. `partial` says in Azure's words why there is more that did not."""

    rows: list[Json]
    partial: str | None


def timespan(start: datetime, end: datetime, *, end_included: bool = True) -> str:
    """ISO 8601; the service includes both ends and counts in tenths of a microsecond.

    https://learn.microsoft.com/azure/azure-monitor/logs/api/timeranges
    """
    first = f"{start.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}"
    if end_included:
        return f"{first}Z/{end.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
    before = end.astimezone(UTC) - timedelta(microseconds=1)
    return f"{first}Z/{before:%Y-%m-%dT%H:%M:%S.%f}9Z"


async def ask_all(cloud: Cloud, questions: list[Question]) -> list[Rows | ResponderError]:
    """The answers in the order of the questions, each its own success or failure. One call.

    Raises what stops all of them: no connection, no token.
    """
    requests = [
        {
            "id": str(number),
            "method": "POST",
            "path": "/query",
            "workspace": cloud.settings.log_workspace_id,
            "headers": {"Content-Type": "application/json", "Prefer": f"wait={SERVER_S}"},
            "body": {"query": one.text, "timespan": one.timespan},
        }
        for number, one in enumerate(questions)
    ]
    said = await _post(cloud, "$batch", {"requests": requests}, what=f"{len(requests)} queries")
    match said:
        case 200, {"responses": [*responses]}:
            by_id = {str(one.get("id")): one for one in responses if isinstance(one, dict)}
        case int(status), body:
            raise _error("batch of Log Analytics queries", status, body)
    return [_item(one, by_id.get(str(number))) for number, one in enumerate(questions)]


async def ask(cloud: Cloud, question: Question) -> Rows:
    """One query of its own. Raises what the service answers instead of rows."""
    body = {"query": question.text, "timespan": question.timespan}
    path = f"workspaces/{cloud.settings.log_workspace_id}/query"
    status, said = await _post(cloud, path, body, what=question.name)
    return _rows(question, status, said)


async def search(cloud: Cloud, question: Question) -> Rows:
    """The same of a table on the Basic or Auxiliary plan, whose window must not be in the text."""
    lines = question.text.splitlines()
    body = {"query": "\n".join(one for one in lines if not one.startswith(_WINDOW))}
    path = f"workspaces/{cloud.settings.log_workspace_id}/search?timespan={question.timespan}"
    status, said = await _post(cloud, path, body, what=question.name)
    return _rows(question, status, said)


async def _post(cloud: Cloud, path: str, body: Json, *, what: str) -> tuple[int, Any]:
    from azure.core.rest import HttpRequest  # noqa: PLC0415

    request = HttpRequest(
        "POST",
        f"{cloud.endpoints.logs}/v1/{path}",
        json=body,
        headers={"Accept": "application/json", "Prefer": f"wait={SERVER_S}"},
    )
    async with azure_call(f"Log Analytics: {what}", seconds=QUERY_S):
        # The transport's own read timeout is for calls that answer at once.
        answer = await cloud.logs().send_request(request, read_timeout=SERVER_S + 10)
        try:
            return answer.status_code, answer.json()
        except ValueError:
            return answer.status_code, None


def _item(question: Question, response: Any) -> Rows | ResponderError:
    match response:
        case {"status": int(status), "body": body}:
            try:
                return _rows(question, status, body)
            except ResponderError as error:
                return error
        case _:
            return ContractChangedError(
                f"Log Analytics query {question.name}: no answer in the batch"
            )


def _rows(question: Question, status: int, body: Any) -> Rows:
    match status, body:
        case 200, {"tables": [{"columns": [*columns], "rows": [*rows]}, *_], **rest}:
            names = [str(column["name"]) for column in columns]
            found = [dict(zip(names, row, strict=True)) for row in rows]
            error = rest.get("error")
            return Rows(found, _words(error)[1] if error else None)
        case 200, _:
            raise ContractChangedError(f"Log Analytics query {question.name} returned no table")
        case _:
            raise _error(f"Log Analytics query {question.name}", status, body)


def _error(target: str, status: int, body: Any) -> ResponderError:
    """`NotFoundError` where the query means nothing in this workspace: most likely there is no such table."""
    codes, words = _words(body.get("error") if isinstance(body, dict) else None)
    answer = Answer(target, status, codes[0] if codes else "", words or str(body)[:400])
    if status == 400 and "SyntaxError" not in codes:
        return NotFoundError(answer.text)
    return error_for(answer)


def _words(error: Any) -> tuple[list[str], str]:
    """Codes and messages from the outside in: what is wrong stands innermost.

    https://learn.microsoft.com/azure/azure-monitor/logs/api/errors
    """
    codes: list[str] = []
    words: list[str] = []
    while isinstance(error, dict):
        codes.append(str(error.get("code", "")))
        words.append(str(error.get("message", "")))
        details = error.get("details")
        inner = error.get("innererror")
        error = inner or (details[0] if isinstance(details, list) and details else None)
    return codes, ": ".join(one for one in dict.fromkeys(words) if one)
