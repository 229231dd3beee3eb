"""What is wrong with Firebreak itself: what it hangs on, what it may, what waits, what did not run. Pure."""

from datetime import datetime, timedelta

from playbooks.health.model import About, Check, OwnRights, OwnSeen, Part, ScheduleSeen, finding
from playbooks.orders import Json
from playbooks.runs.model import Finding
from responders import own_health

# What a person chose, or has not set up: it is known to somebody, and no defect.
_CHOSEN = {"kill switch": "not-acting", "channels": "nobody-is-told"}
_SLACK = timedelta(minutes=1)  # between the moment of a timer and that of its run


def judged(seen: OwnSeen, now: datetime, limits: Json) -> list[Part]:
    """The parts of Firebreak itself. `limits` is policy.toml [health]."""
    return [
        _services(seen),
        _rights(seen["rights"]),
        _signals(seen, now, limits),
        _schedules(seen["schedules"]),
        _notices(seen),
    ]


def _services(seen: OwnSeen) -> Part:
    checks = seen["checks"]
    findings = [_failed(one) for one in checks if not one["well"]]
    rows = [[one["name"], "well" if one["well"] else "failed", one["said"]] for one in checks]
    table = {"title": "What Firebreak hangs on", "columns": ["what", "is", "says"], "rows": rows}
    said = f"{len(checks) - len(findings)} of {len(checks)} work"
    return Part("Services", said, findings, seen["unread"], [table])  # type: ignore[list-item]


def _failed(check: Check) -> Finding:
    about = About(check["name"], check["name"])
    said = f"{check['name']}: {check['said']}"
    if check["name"] in _CHOSEN:
        return finding(_CHOSEN[check["name"]], "medium", about, said, check["fix"])
    return finding("service-failed", "high", about, said, check["fix"])


def _rights(rights: OwnRights) -> Part:
    """What is missing, what is too much, and who else may act as Firebreak."""
    findings = [
        finding(
            one["rule"],
            "high" if one["grave"] else "medium",
            About(f"{one['about']}: {one['said']}", one["about"]),
            f"{one['about']}: {one['said']}",
            one["fix"],
        )
        for one in rights["wrong"]
    ]
    said = f"{len(findings)} are wrong" if findings else "as needed, and no more"
    return Part("Permissions", said, findings, rights["unread"], [])


def _signals(seen: OwnSeen, now: datetime, limits: Json) -> Part:
    findings: list[Finding] = []
    oldest = seen["oldest_at"]
    age = now - datetime.fromisoformat(oldest) if oldest else timedelta()
    minutes = int(age.total_seconds() // 60)
    if minutes >= limits["waiting_minutes"]:
        said = f"{seen['waiting']} signals have come to no end, the first since {oldest}: {minutes} minutes"
        about = About("signals", "signals")
        findings.append(finding("signals-wait", "high", about, said, own_health.SIGNALS_FIX))
    findings += [
        finding(
            "signal-poisoned",
            "high",
            About(one["where"], one["title"]),
            f"nobody could handle a signal of {one['received_at']}: {one['title']}; people were told: {one['told']}",
            f"{one['where']}; docs/how-to/signals-that-wait.md",
        )
        for one in seen["poisoned"]
    ]
    said = f"{seen['waiting']} on their way"
    if oldest:
        said += f", the oldest for {minutes} minutes"
    return Part("Signals", f"{said}, {len(seen['poisoned'])} given up", findings, [], [])


def is_overdue(seen: ScheduleSeen) -> bool:
    """Whether it should have run by now and has not, well."""
    if seen["due_at"] is None:
        return False
    due = datetime.fromisoformat(seen["due_at"]) - _SLACK
    # What has never run well was due all the same, where runs are known of from before that.
    since = seen["last_at"] or seen["known_since"]
    return since is not None and datetime.fromisoformat(since) < due


def _schedules(seen: list[ScheduleSeen]) -> Part:
    findings = [
        finding(
            "run-overdue",
            "medium"
            if one["last_status"]
            else "low",  # what has never run may have been scheduled today
            About(one["playbook"], one["playbook"]),
            f"{one['playbook']} was due at {one['due_at']}: {_last_of(one)}",
            f"GET /api/runs?playbook={one['playbook']}; the host's log has the timer run_{one['playbook']}",
        )
        for one in seen
        if is_overdue(one)
    ]
    rows = [
        [
            one["playbook"],
            one["schedule"] or "never",
            one["due_at"] or "never",
            one["last_at"] or "never",
            one["last_run"],
        ]
        for one in seen
    ]
    columns = ["playbook", "schedule (UTC)", "was due", "ran well", "run"]
    table = {"title": "Runs by schedule", "columns": columns, "rows": rows}
    said = f"{len(seen)} are scheduled, {len(findings)} are overdue"
    return Part("Runs", said, findings, [], [table])  # type: ignore[list-item]


def _last_of(seen: ScheduleSeen) -> str:
    if not seen["last_status"]:
        return "it has never run"
    since = f"it has not run well since {seen['last_at'] or 'ever'}"
    return f"{since}; the last one ended {seen['last_status']}"


def _notices(seen: OwnSeen) -> Part:
    findings = [
        finding(
            "notice-not-told",
            "high" if one["channel"] == "teams" else "medium",
            About(f"{one['about']}/{one['notice']}/{one['channel']}", one["about"]),
            f"people were not told of {one['about']} ({one['notice']}) by {one['channel']}: {one['detail']}",
            "docs/how-to/teams.md; read it on the page",
        )
        for one in seen["untold"]
    ]
    said = f"{len(findings)} were not taken" if findings else "all were taken"
    return Part("Notices", said, findings, [], [])
