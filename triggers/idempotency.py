"""One key, one act: a call that is sent again, as networks and impatient people do, is answered as the first time.

The draft that names the header: https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import azure.functions as func
import structlog

from responders.evidence import EvidenceStore, digest
from responders.model import Json
from triggers.answers import answer, error

KEY = re.compile(r"[\x21-\x7e]{1,200}")
_REMEMBERED = timedelta(hours=24)
_log = structlog.get_logger("firebreak.responder_api")


class Sent(NamedTuple):
    """A call, as far as it tells calls apart."""

    by: str  # object id: a key is its caller's own
    to: str  # what was called, the incident included
    key: str
    body: bytes

    @property
    def path(self) -> str:
        """Where it is remembered. The key itself is the caller's: only its digest is kept."""
        whole = "\n".join((self.by, self.to, self.key))
        return f"idempotency/{digest(whole.encode())[:32]}.json"


async def once(
    store: EvidenceStore,
    sent: Sent,
    remembered: frozenset[int],
    act: Callable[[], Awaitable[func.HttpResponse]],
) -> func.HttpResponse:
    """The answer to this call, from its first time where there was one; 422 where the key was another call's.

    What was refused is not remembered: it began nothing, and the same key may be tried again. An act whose answer
    was lost with its instance is carried out again, so every act has to bear that; so is one whose answer asks to be
    asked again (`Retry-After`), under a key that stays this call's.
    """
    mine = _record(sent, None)
    before = await asyncio.to_thread(_claim, store, sent.path, mine)
    if before is not None:
        known = json.loads(before)
        if known["fingerprint"] != digest(sent.body):
            said = "this Idempotency-Key came with another body before"
            return error(422, "KeyReused", said, "send a new key with a new call")
        if known["answer"] is not None:
            return _replayed(known["answer"])
        mine = before
    given = await act()
    if given.status_code not in remembered:
        await asyncio.to_thread(store.release_claim, sent.path, mine)
        return given
    if "Retry-After" in given.headers:
        return given
    told = {"status": given.status_code, "body": json.loads(given.get_body())}
    return await asyncio.to_thread(_keep, store, sent, mine, told) or given


def forget(store: EvidenceStore, now: datetime) -> int:
    """Drop what is older than anybody is promised. Returns how many that were; one that is used meanwhile stays."""
    dropped = 0
    for path in store.claims("idempotency"):
        known = store.claimed(path)
        if (
            known is not None
            and now - datetime.fromisoformat(json.loads(known)["at"]) > _REMEMBERED
        ):
            store.release_claim(path, known)
            dropped += 1
    return dropped


def _claim(store: EvidenceStore, path: str, mine: bytes) -> bytes | None:
    """None where the key is ours now; else what is known of it. One from long ago is another call's by now."""
    while (before := store.claim(path, mine)) is not None:
        age = datetime.now(UTC) - datetime.fromisoformat(json.loads(before)["at"])
        if age < _REMEMBERED:
            return before
        if store.replace_claim(path, before, mine):
            return None
    return None


def _keep(store: EvidenceStore, sent: Sent, mine: bytes, told: Json) -> func.HttpResponse | None:
    """Remember the answer; the other one where the same call, sent twice at once, was answered in between."""
    if store.replace_claim(sent.path, mine, _record(sent, told)):
        return None
    now = store.claimed(sent.path)
    known = json.loads(now)["answer"] if now is not None else None
    if known is None:
        _log.warning("an answer could not be remembered", to=sent.to)
        return None
    return _replayed(known)


def _record(sent: Sent, told: Json | None) -> bytes:
    moment = datetime.now(UTC).isoformat(timespec="milliseconds")
    record = {"fingerprint": digest(sent.body), "at": moment, "to": sent.to, "answer": told}
    return json.dumps(record, sort_keys=True).encode()


def _replayed(told: Json) -> func.HttpResponse:
    return answer(told["status"], told["body"], headers={"Idempotency-Replayed": "true"})
