"""What has to be true of the trace of a whole incident, whoever played it."""

import asyncio
import json
import re
import sqlite3
from collections import Counter
from typing import Any

from drill.traffic import ours
from drill.training_ground import TrainingGround
from responders import trace_ids
from tests.collector import Collector, Seen

Entries = list[dict[str, Any]]
# Ids and names of objects; "v1.0" and "{id}" are neither.
# As infra/queries/own-identity-outside-steps.kql has them, and the headers in which services see or say them.
_IDS = tuple(
    f"firebreak.{one}" for one in ("client_request_id", "request_id", "correlation_id", "audit_id")
)
_HEADERS = (
    *("client-request-id", "x-ms-client-request-id", "request-id", "x-ms-request-id"),
    *("x-ms-correlation-request-id", "audit-id"),
)
_LEAST = 8  # characters of a secret; shorter ones would be found everywhere
_PARTICULAR = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}|aks-|orders|/inc-")


def ended(spans: list[Seen], incident_id: str) -> bool:
    """Whether the root is there."""
    root = f"{trace_ids.root_of(incident_id).span_id:016x}"
    return any(one.span_id == root for one in spans)


def of(spans: list[Seen], incident_id: str) -> list[Seen]:
    """The spans of this incident."""
    own = trace_ids.trace_id(incident_id)
    return [one for one in spans if one.trace_id == own]


def is_whole(spans: list[Seen], incident_id: str, journal: Entries, *, lost: int = 0) -> None:
    """Every step has its span with its outcome, nothing of the incident is in another trace.

    `lost`: steps that a killed host had written down and not told yet.
    """
    found = of(spans, incident_id)
    steps = [one for one in found if one.name.startswith("step ")]
    seen = Counter(
        (
            one.attributes["firebreak.step"],
            one.attributes["firebreak.target"],
            one.attributes["firebreak.attempt"],
            one.attributes["firebreak.outcome"],
        )
        for one in steps
        if "firebreak.outcome" in one.attributes
    )
    written = Counter(
        (one["step"], one["target"], one["run"], one["status"])
        for one in journal
        if one["kind"] == "outcome"
    )
    assert len(written) > 20
    assert (written - seen).total() <= lost, f"steps without a span: {written - seen}"
    elsewhere = [one for one in spans if one not in found]
    assert [
        one.name for one in elsewhere if one.attributes.get("firebreak.incident_id") == incident_id
    ] == []
    assert [one.name for one in found if _PARTICULAR.search(one.name)] == []


def hangs_together(spans: list[Seen], incident_id: str, *, lost: int = 0) -> None:
    """One root, which covers all; each span names a parent that is there. `lost`: of steps that were killed."""
    found = of(spans, incident_id)
    known = {one.span_id for one in found}
    (root,) = [one for one in found if not one.parent_id]
    orphans = {one.parent_id for one in found if one.parent_id and one.parent_id not in known}
    assert len(orphans) <= lost, sorted(one.name for one in found if one.parent_id in orphans)
    assert root.name == "incident"
    assert root.start <= min(one.start for one in found)
    assert root.end >= max(one.end for one in found)


def child_of(spans: list[Seen], step: str, call: str) -> Seen:
    """The call that a step made."""
    steps = {one.span_id for one in spans if one.name == f"step {step}"}
    return next(one for one in spans if one.name == call and one.parent_id in steps)


async def of_this_ground(
    collector: Collector, ground: TrainingGround, incident_id: str, *, lost: int = 0
) -> list[Seen]:
    """All of it, of an incident that is over: its journal, Durable's own record, the log, and no secret anywhere."""
    spans = await asyncio.to_thread(collector.until, lambda found: ended(found, incident_id))
    lines = (ground.evidence / "incidents" / incident_id / "journal.jsonl").read_text().splitlines()
    is_whole(spans, incident_id, [json.loads(line) for line in lines], lost=lost)
    hangs_together(spans, incident_id, lost=lost)
    own = trace_ids.trace_id(incident_id)
    with sqlite3.connect(ground.folder / "host" / "history.sqlite") as history:
        known = history.execute("SELECT instance_id, trace_id FROM instances").fetchall()
    assert {trace for instance, trace in known if incident_id in instance} == {own}
    log = "\n".join(one.read_text() for one in ground.host_logs)
    assert log.count(own) > 20, "lines of the log without the trace"
    await nothing_is_told(ground, collector, log)
    return spans


async def untold(collector: Collector, ground: TrainingGround, log: str) -> list[tuple[str, str]]:
    """Calls of our identities under an id that is in no span and no line of the log: what the detection looks for."""
    own = ours(ground.described["seed"])
    told = {
        str(one.attributes[name]).lower()
        for one in collector.spans
        for name in _IDS
        if name in one.attributes
    }
    found = []
    for one in await ground.control.traffic():
        headers = {**_lower(one["request_headers"]), **_lower(one["response_headers"])}
        ids = [headers[name] for name in _HEADERS if headers.get(name)]
        if one["caller"] in own and not any(i.lower() in told or i in log for i in ids):
            found.append((one["method"], one["url"]))
    return found


def _lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


async def nothing_is_told(ground: TrainingGround, collector: Collector, log: str) -> None:
    """No token that was issued and no secret that was seeded, in spans, log, evidence or Durable's history."""
    secrets = [
        piece
        for secret in await ground.control.secrets()
        for piece in (secret.split(".")[-2:] if secret.startswith("eyJ") else [secret])
        if len(piece) >= _LEAST
    ]
    kept = [one.read_bytes() for one in ground.evidence.rglob("*") if one.is_file()]
    history = (ground.folder / "host").glob("history.sqlite*")
    kept += [*(one.read_bytes() for one in history), *collector.bodies, log.encode()]
    everything = b"\n".join(kept)
    assert len(secrets) > 20
    assert [secret[:12] for secret in secrets if secret.encode() in everything] == []
