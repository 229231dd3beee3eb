"""A sweep of the logs in the evidence: `logs/<sweep>/<source>.json` says what was asked, `.jsonl` what came.

A source that was kept before stands. One that could not be read has no `.jsonl`: an empty file would look like peace.
"""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from playbooks.journaled import Work
from playbooks.orders import Json, Order, folder
from responders import activity_logs, log_sweeps, log_tables
from responders.collected import Collected
from responders.errors import ConflictError, TransientError
from responders.evidence import EvidenceRef, EvidenceStore, canonical, digest
from responders.log_catalog import TABLES
from responders.log_sweeps import Scope
from responders.model import Incident, StepResult

FIRST = "sweep-1"
_RUNS = 3  # what is still busy then is a gap
_OVERLAP = timedelta(minutes=5)  # our clock and the service's need not agree


def path_of(incident: Incident, sweep: str, source: str, ending: str = "json") -> str:
    """Where a source of a sweep lies."""
    return f"{folder(incident)}/logs/{sweep}/{source}.{ending}"


async def collect_tables(work: Work, order: Order) -> StepResult:
    """Collect every table that this sweep does not have yet, and keep each by itself."""
    incident, sweep = order["incident"], _sweep(order)
    scope, missing = await asyncio.to_thread(_scope, work.store, order)
    found = await log_sweeps.sweep(work.cloud, scope, missing)
    busy = {name: one for name, one in found.items() if isinstance(one, TransientError)}
    kept = {name: one for name, one in found.items() if not isinstance(one, TransientError)}
    if work.run >= _RUNS:
        kept |= {name: log_sweeps.uncollected(scope, TABLES[name], busy[name]) for name in busy}
    facts = {"usernames": list(scope.usernames)}
    await asyncio.gather(
        *(
            asyncio.to_thread(_keep, work.store, path_of(incident, sweep, name), one, facts)
            for name, one in kept.items()
        )
    )
    if busy and work.run < _RUNS:
        raise TransientError("; ".join(str(one) for one in busy.values()))
    return await asyncio.to_thread(_outcome, work.store, incident, sweep, list(TABLES))


async def collect_activity_log(work: Work, order: Order) -> StepResult:
    """Collect the activity log of every subscription. It has no moment of arrival: always the whole window."""
    incident, sweep = order["incident"], _sweep(order)
    about = path_of(incident, sweep, "activity_log")
    if not work.store.exists(about):
        start, end = _window(order)
        swept = await activity_logs.collect(work.cloud, incident["principal"], start, end)
        await asyncio.to_thread(_keep, work.store, about, swept, {})
    return await asyncio.to_thread(_outcome, work.store, incident, sweep, ["activity_log"])


def rows_of(store: EvidenceStore, incident: Incident) -> dict[str, list[Json]]:
    """Source -> the rows of all sweeps, each once: sweeps overlap on purpose."""
    found: dict[str, dict[str, Json]] = {}
    for path in _abouts(store, incident):
        rows = found.setdefault(path.rpartition("/")[2].removesuffix(".json"), {})
        kept = store.get_json(path)["rows"]
        for line in store.get(kept["path"]).decode().splitlines() if kept else []:
            rows.setdefault(line, json.loads(line))
    return {source: list(rows.values()) for source, rows in found.items()}


def gaps_of(store: EvidenceStore, incident: Incident) -> list[str]:
    """What no sweep has collected, by sweep and source: for the report."""
    abouts = _abouts(store, incident)
    said = [f"{_sweep_of(path)}: {gap}" for path in abouts for gap in store.get_json(path)["gaps"]]
    unsaid = [
        f"{sweep}: {source}: not collected, see the journal"
        for sweep in sorted({FIRST, *map(_sweep_of, abouts)})
        for source in ("activity_log", *TABLES)
        if path_of(incident, sweep, source) not in abouts
    ]
    return said + unsaid


def complete_of(store: EvidenceStore, incident: Incident, sweep: str = FIRST) -> set[str]:
    """The sources that this sweep has read without a gap, but for what always arrives late."""
    return {
        path.rpartition("/")[2].removesuffix(".json")
        for path in _abouts(store, incident)
        if _sweep_of(path) == sweep and store.get_json(path).get("complete")
    }


def _abouts(store: EvidenceStore, incident: Incident) -> list[str]:
    """The `.json` of every source, by sweep."""
    return [one for one in store.list(f"{folder(incident)}/logs") if one.endswith(".json")]


def _sweep_of(path: str) -> str:
    return path.split("/")[-2]


def _sweep(order: Order) -> str:
    return str(order.get("facts", {}).get("sweep", FIRST))


def _window(order: Order) -> tuple[datetime, datetime]:
    opened = datetime.fromisoformat(order["incident"]["opened_at"])
    start = opened - timedelta(hours=order["policy"]["windows"]["evidence_hours"])
    # Never less than the compromise window, or nobody could say what was planted in it.
    start = min(start, datetime.fromisoformat(order["incident"]["window_start"]))
    asked = str(order.get("facts", {}).get("now", order["incident"]["opened_at"]))
    now = datetime.now(UTC)  # noqa: TID251 - an activity: it runs once, it is not replayed
    return start, max(now, datetime.fromisoformat(asked))


def _scope(store: EvidenceStore, order: Order) -> tuple[Scope, list[str]]:
    """What to ask, and the tables that this sweep does not have yet."""
    incident, sweep = order["incident"], _sweep(order)
    start, end = _window(order)
    usernames = usernames_of(store, incident)
    abouts = _abouts(store, incident)
    missing = [one for one in TABLES if path_of(incident, sweep, one) not in abouts]
    earlier = [store.get_json(path) | {"path": path} for path in abouts if _sweep_of(path) < sweep]
    since = {
        name: moment for name in missing if (moment := _read_whole(earlier, name, set(usernames)))
    }
    return Scope(incident["principal"], start, end, usernames, since), missing


def _read_whole(earlier: list[Json], name: str, usernames: set[str]) -> datetime | None:
    """When an earlier sweep last had all of a table, asked about the same usernames. None: ask for all again."""
    for about in reversed(earlier):
        if (
            about["path"].endswith(f"/{name}.json")
            and about.get("complete")
            and set(about["usernames"]) >= usernames
        ):
            return datetime.fromisoformat(about["end"]) - _OVERLAP
    return None


def usernames_of(store: EvidenceStore, incident: Incident) -> tuple[str, ...]:
    """ServiceAccounts that may use the identity: those its trusts name, and those that name its client id.

    A trust's subject is whatever somebody wrote there; only what is a username to the letter is asked for.
    """
    base = folder(incident)
    found: set[str] = set()
    if store.exists(f"{base}/snapshot.json"):
        trusts = store.get_json(f"{base}/snapshot.json")["federated_credentials"]
        found |= {str(one["subject"]) for one in trusts}
    for path in store.list(f"{base}/clusters"):
        survey = store.get_json(path) if path.endswith(".json") else {}
        found |= {str(one["subject"]) for one in survey.get("service_accounts", [])}
    return tuple(sorted(one for one in found if log_tables.is_username(one)))


def _keep(store: EvidenceStore, about: str, swept: Collected, facts: Json) -> None:
    """Rows first: what has its `.json` is whole, and names the file that its rows are in."""
    rows = (
        _put_rows(store, about.removesuffix(".json"), swept["rows"]) if _was_read(swept) else None
    )
    kept = {key: value for key, value in swept.items() if key != "rows"}
    store.put_json(about, {**kept, **facts, "row_count": len(swept["rows"]), "rows": rows})


def _put_rows(store: EvidenceStore, stem: str, rows: list[Json]) -> EvidenceRef:
    """A run that was killed may have left rows with nothing said about them: they stay, under their name."""
    try:
        return store.put_rows(f"{stem}.jsonl", rows)
    except ConflictError:
        return store.put_rows(f"{stem}.{digest(canonical(rows))[:8]}.jsonl", rows)


def _was_read(swept: Mapping[str, Any]) -> bool:
    return bool(swept.get("collected", True))


def _outcome(
    store: EvidenceStore, incident: Incident, sweep: str, sources: list[str]
) -> StepResult:
    kept = [store.get_json(path_of(incident, sweep, one)) for one in sources]
    read = sum(map(_was_read, kept))
    rows = sum(one["row_count"] for one in kept)
    whole = sum(bool(one.get("complete", True)) for one in kept)
    gaps = f", {len(kept) - whole} with gaps" if whole < len(kept) else ""
    return {"status": "done", "detail": f"{sweep}: {rows} rows of {read}/{len(kept)} sources{gaps}"}
