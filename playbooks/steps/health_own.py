"""What the health check reads of Firebreak itself: its services, its rights, its queue, its runs, its notices."""

import asyncio
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from playbooks import channels
from playbooks import policy as policies
from playbooks.health.model import (
    Check,
    OwnRights,
    OwnSeen,
    PoisonedSeen,
    ScheduleSeen,
    UntoldSeen,
)
from playbooks.health.schedules import due_before
from playbooks.journaled import Work
from playbooks.runs.model import Json, RunOrder
from responders import (
    incident_index,
    own_channels,
    own_checks,
    own_health,
    own_permissions,
    own_services,
    permission_data,
    run_records,
    signal_records,
)
from responders.cloud import Cloud
from responders.evidence import EvidenceStore
from responders.journal import Journal
from responders.own_checks import WELL, Row
from responders.own_permissions import Wanted
from responders.settings import Settings

_LOOKED_BACK = timedelta(
    days=7
)  # notices and poisoned signals: after that somebody has seen them, or nobody will
_MOST_JOURNALS = 200
_RUNS = 50  # of a playbook, in which its last good one is looked for
_WELL = frozenset({"done", "nothing_to_do", "partly"})


async def look(work: Work, order: RunOrder, now: datetime) -> OwnSeen:
    """Everything, side by side. What can't be read is a line of `unread`, or a check that failed."""
    unread: list[str] = []
    window = timedelta(hours=order["policy"]["windows"]["replay_hours"])
    checks, rights, backlog, poisoned, schedules, untold = await asyncio.gather(
        _checks(work),
        _rights(work.cloud, order["policy"]),
        asyncio.to_thread(own_health.backlog, work.store, now, window),
        asyncio.to_thread(_poisoned, work.store, now),
        asyncio.to_thread(_schedules, work, order, now),
        asyncio.to_thread(_untold, work.store, now, unread),
    )
    return {
        "checks": checks,
        "rights": rights,
        "waiting": backlog.waiting,
        "oldest_at": backlog.oldest_at,
        "poisoned": poisoned,
        "schedules": schedules,
        "untold": untold,
        "unread": unread,
    }


async def _checks(work: Work) -> list[Check]:
    async def connected() -> Cloud:
        return work.cloud

    asked = [
        *own_services.services(connected, lambda: work.store),
        own_services.switch(lambda: work.store, lambda: work.cloud.settings),
    ]
    found = await own_checks.all_answered(asked)
    checks = [_checked(one.name, row) for one in found for row in one.rows]
    return [*checks, _telling(work.cloud.settings)]


def _checked(name: str, row: Row) -> Check:
    return {"name": name, "said": row.said, "well": row.state in WELL, "fix": row.fix}


def _telling(settings: Settings) -> Check:
    """Whether there is anybody to tell; a channel of two may be left out."""
    wrong = [row for row in own_channels.look(settings) if row.state not in WELL]
    if wrong:
        return _checked("channels", wrong[0])
    named = (
        (channels.TEAMS, settings.teams_webhook_url),
        (channels.EVENTS, settings.event_grid_topic),
    )
    said = f"people are told by {' and '.join(name for name, where in named if where)}"
    return {"name": "channels", "said": said, "well": True, "fix": ""}


async def _rights(cloud: Cloud, policy: Json) -> OwnRights:
    """The same rows as the doctor's: what is wrong is a finding, what could not be asked is unread."""
    wanted = partial(
        permission_data.of,
        profile=cloud.settings.profile,
        switched_on=permission_data.switched_on(cloud.settings, policy),
    )

    async def connected() -> Cloud:
        return cloud

    async def needed() -> Wanted:
        return wanted

    found = await own_checks.all_answered(own_permissions.checks(connected, needed))
    rows = [(one.name, row) for one in found for row in one.rows]
    return {
        "wrong": [
            {
                "rule": row.rule or "own-identity-lost",
                "about": row.about,
                "said": row.said,
                "fix": row.fix,
                "grave": row.grave,
            }
            for _, row in rows
            if row.state == "failed"
        ],
        "unread": [f"{name}: {row.said}" for name, row in rows if row.state == "unknown"],
    }


def _poisoned(store: EvidenceStore, now: datetime) -> list[PoisonedSeen]:
    return [
        {
            "where": signal_records.url(one["signal"]),
            "title": one["signal"]["title"],
            "received_at": one["received_at"],
            "told": one.get("told", "not yet"),
        }
        for one in signal_records.poisoned(store, now, _LOOKED_BACK)
    ]


def _schedules(work: Work, order: RunOrder, now: datetime) -> list[ScheduleSeen]:
    """Of every playbook but the one that runs now."""
    schedules = policies.load(work.cloud.settings.policy).schedules.model_dump()
    known = run_records.names(work.store, None)
    return [
        _scheduled(work.store, playbook, Due(schedule, now, known[-1] if known else None))
        for playbook, schedule in schedules.items()
        if schedule and playbook != order["run"]["playbook"]
    ]


class Due(NamedTuple):
    """By which a playbook is judged."""

    schedule: str
    now: datetime
    oldest: str | None  # run that is known


def _scheduled(store: EvidenceStore, playbook: str, by: Due) -> ScheduleSeen:
    """Its newest run, and its newest that ended well; plans don't count."""
    due = due_before(by.schedule, by.now)
    seen: ScheduleSeen = {
        "playbook": playbook,
        "schedule": by.schedule,
        "due_at": due.isoformat() if due else None,
        "known_since": run_records.moment_of(by.oldest).isoformat() if by.oldest else None,
        "last_at": None,
        "last_run": "",
        "last_status": "",
    }
    for run_id in run_records.names(store, playbook)[:_RUNS]:
        run = run_records.read(store, run_id)
        if run is None or run["mode"] != "apply":
            continue
        how = run_records.end_of(store, run_id)
        seen["last_status"] = seen["last_status"] or (how["status"] if how else "not ended")
        if how is not None and how["status"] in _WELL:
            return {**seen, "last_at": run["opened_at"], "last_run": run_id}
    return seen


def _untold(store: EvidenceStore, now: datetime, unread: list[str]) -> list[UntoldSeen]:
    """Notices of the last days that a channel has not taken, by the journals of incidents and runs."""
    opened = [one for one in incident_index.all_opened(store) if now - one.moment <= _LOOKED_BACK]
    if len(opened) > _MOST_JOURNALS:
        unread.append(f"notices of {len(opened) - _MOST_JOURNALS} incidents of the last week")
    found: list[UntoldSeen] = []
    for one in opened[:_MOST_JOURNALS]:
        told = channels.told(Journal(store, one.incident_id).steps())
        found += [
            {
                "about": one.incident_id,
                "notice": said["notice"],
                "channel": channel,
                "detail": f"{said['status']}: {said['detail']}",
            }
            for channel, how in told.items()
            for said in how["not_told"]
        ]
    return found + _untold_runs(store, now)


def _untold_runs(store: EvidenceStore, now: datetime) -> list[UntoldSeen]:
    found: list[UntoldSeen] = []
    for run_id in run_records.names(store, None)[:_MOST_JOURNALS]:
        if now - run_records.moment_of(run_id) > _LOOKED_BACK:
            break
        where = f"runs/{run_records.playbook_of(run_id)}/{run_id}"
        for step in Journal(store, run_id, folder=where).steps():
            if step["step"] == "tell_of_run" and step["status"] in {"failed", "refused"}:
                said = f"{step['status']}: {step['detail']}"
                found.append(
                    {"about": run_id, "notice": "ended", "channel": "teams", "detail": said}
                )
    return found
