"""Responder: totals of failed sign-ins by identity and AADSTS code, that only grow, for plots and alerts.

Stops    nothing
Leaves   one claim in the evidence store, which holds the totals and up to when each table has been counted
Undo     none needed
Needs    what log_service.py needs; diagnostic settings that send the sign-in tables there; the store
Source   https://learn.microsoft.com/kusto/query/ingestion-time-function
         https://prometheus.io/docs/practices/naming/#labels (every label value is a series)

Each row is counted once: spans are of the moment of ingestion, and the totals are swapped together with the moment up
to which they reach, so that of two counters at once one is void. A table that can't be read stays where it was.
"""

import json
from datetime import datetime, timedelta
from typing import Any, TypedDict

from responders import log_service, log_tables
from responders.cloud import Cloud
from responders.errors import ResponderError
from responders.evidence import EvidenceStore, canonical
from responders.log_service import Question
from responders.model import Json
from responders.settings import is_guid
from responders.sign_in_failures import TABLES

_PATH = "claims/sign-in-totals.json"
_SETTLED = timedelta(minutes=2)  # rows of the last moments may still become visible
_LATEST = timedelta(days=2)  # between a sign-in and its row; what comes later is not counted
_MOST_SERIES = 1_000  # identities and codes with a total of their own
OTHERS = "others"  # the object id of all that have none, and of ids that are none of the tenant's


class Totals(TypedDict):
    """What has been counted."""

    until: dict[str, str]  # table -> up to which moment of ingestion
    since: str  # when counting began
    failures: dict[str, int]  # "object id/client id/code" -> how many


def read(store: EvidenceStore) -> Totals | None:
    """The totals; None where nobody has counted yet."""
    content = store.claimed(_PATH)
    return None if content is None else _parsed(content)


async def count(cloud: Cloud, store: EvidenceStore, now: datetime) -> list[str]:
    """Count what came in since the last time. Returns what could not be read. Safe to repeat, also at once."""
    until = now - _SETTLED
    held = store.claimed(_PATH)
    if held is None:
        begun: Totals = {
            "until": dict.fromkeys(TABLES, until.isoformat()),
            "since": until.isoformat(),
            "failures": {},
        }
        store.claim(_PATH, canonical(begun))
        return []
    totals, unread = _parsed(held), []
    asked = [_question(table, totals, until) for table in TABLES]
    answers = await log_service.ask_all(cloud, asked)
    for table, answer in zip(TABLES, answers, strict=True):
        if isinstance(answer, ResponderError) or answer.partial:
            why = answer if isinstance(answer, ResponderError) else answer.partial
            unread.append(f"{table}: {why}")
            continue
        totals["until"][table] = until.isoformat()
        for row in answer.rows:
            _add(totals["failures"], row)
    # Somebody else counted the same rows meanwhile: theirs stand.
    store.replace_claim(_PATH, held, canonical(totals))
    return unread


def _question(table: str, totals: Totals, until: datetime) -> Question:
    name = f"metrics/failures_{table.removeprefix('AAD').removesuffix('SignInLogs')}"
    after = datetime.fromisoformat(totals["until"].get(table, totals["since"]))
    text = log_tables.text_of(name)
    values: dict[str, log_tables.Value] = {
        "window_start": after - _LATEST,
        "window_end": until,
        "arrived_after": after,
        "arrived_until": until,
    }
    span = log_service.timespan(after - _LATEST, until)
    return Question(name, log_tables.bind(text, values), span)


def _add(failures: dict[str, int], row: Json) -> None:
    """Ids that are none, of identities that are not there, are chosen by whoever asks: they get no series."""
    object_id, app_id = str(row["ServicePrincipalId"]).lower(), str(row["AppId"]).lower()
    code = str(row["ResultType"])
    code = code if code.isascii() and code.isdecimal() and len(code) <= 10 else OTHERS
    key = f"{object_id}/{app_id}/{code}"
    known = is_guid(object_id) and is_guid(app_id)
    if key not in failures and (not known or len(failures) >= _MOST_SERIES):
        key = f"{OTHERS}//{code}"
    failures[key] = failures.get(key, 0) + int(row["Failures"])


def _parsed(content: bytes) -> Totals:
    found: Any = json.loads(content)
    totals: Totals = found
    return totals
