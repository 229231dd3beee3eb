"""The document of a review: the checklist with its evidence, and a finding for each object that does not hold. Pure."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from playbooks.auditing import trusts, use
from playbooks.auditing.model import Tenant
from playbooks.reviewing.controls import CONTROLS
from playbooks.reviewing.model import Note
from playbooks.runs.model import Document, Finding, Table, document
from responders.untrusted import visible

TITLE = "Security review of workload identities"
_NAMED = 8  # objects that a row of the checklist names
_MOST_TRUSTS = 200
_WHO = "cis-4.1.4"
Status = Literal["holds", "does not hold", "not known", "nothing to look at"]


class Row(NamedTuple):
    """One control, and how it stands."""

    control: str
    status: Status
    evidence: str


def of(
    tenant: Tenant,
    notes: Sequence[Note],
    changed: Mapping[str, str] | None,
    *,
    unread: list[str],
) -> Document:
    """What the review says. `changed` is when trusts were last changed; None: the logs could not say."""
    rows = checklist(notes)
    blind = [
        f"{one['control']}: {one['name']}: {one['said']}" for one in notes if one["holds"] is None
    ]
    said = list(dict.fromkeys([*unread, *blind]))
    return document(
        TITLE,
        _summary(rows, said),
        "partly" if said else "done",
        findings=[_finding(one) for one in _once(notes)],
        tables=[_table(rows), _who_may(notes), _trusts(tenant, changed)],
        unread=said,
        data={
            "checklist": [
                {
                    "control": row.control,
                    "source": CONTROLS[row.control].source,
                    "title": CONTROLS[row.control].title,
                    "asks": CONTROLS[row.control].asks,
                    "status": row.status,
                    "evidence": row.evidence,
                }
                for row in rows
            ]
        },
    )


def checklist(notes: Sequence[Note]) -> list[Row]:
    """A row for each control. One object that does not hold is enough; so is one that could not be told, for doubt."""
    rows = []
    for control in CONTROLS:
        mine = [one for one in notes if one["control"] == control]
        against = [one for one in mine if one["holds"] is False]
        unknown = [one for one in mine if one["holds"] is None]
        held = len(mine) - len(against) - len(unknown)
        status: Status = "holds"
        if not mine:
            status = "nothing to look at"
        elif against:
            status = "does not hold"
        elif unknown:
            status = "not known"
        told = against or unknown or mine
        named = "; ".join(visible(f"{one['name']}: {one['said']}") for one in told[:_NAMED])
        more = f"; and {len(told) - _NAMED} more" if len(told) > _NAMED else ""
        evidence = (
            f"{held} of {len(mine)} hold. {named}{more}" if mine else "no such object is there"
        )
        rows.append(Row(control, status, evidence))
    return rows


def _once(notes: Sequence[Note]) -> list[Note]:
    """Those that do not hold, each (control, subject) once."""
    return list(
        {(one["control"], one["subject"]): one for one in notes if one["holds"] is False}.values()
    )


def _finding(one: Note) -> Finding:
    control = CONTROLS[one["control"]]
    return {
        "rule": one["control"],
        "severity": control.severity,
        "subject": one["subject"],
        "subject_name": visible(one["name"]),
        "detail": visible(f"{one['name']}: {one['said']}"),
        "fix": visible(one["fix"]),
        "evidence": [f"{control.source}: {control.title}"],
    }


def _summary(rows: Sequence[Row], unread: Sequence[str]) -> str:
    counted = {status: sum(1 for row in rows if row.status == status) for status in _STATUSES}
    said = ", ".join(f"{number} {status}" for status, number in counted.items() if number)
    return f"{len(rows)} controls: {said}" + (
        f"; {len(unread)} things could not be read or told" if unread else ""
    )


_STATUSES: tuple[Status, ...] = ("holds", "does not hold", "not known", "nothing to look at")


def _table(rows: Sequence[Row]) -> Table:
    return {
        "title": "Checklist",
        "columns": ["control", "source", "title", "asked here", "status", "evidence"],
        "rows": [
            [
                row.control,
                CONTROLS[row.control].source,
                CONTROLS[row.control].title,
                CONTROLS[row.control].asks,
                row.status,
                row.evidence,
            ]
            for row in rows
        ],
    }


def _who_may(notes: Sequence[Note]) -> Table:
    """Everybody who comes by pods and tokens where identities are, also where nobody of them is a stranger."""
    mine = [one for one in notes if one["control"] == _WHO]
    return {
        "title": "Who may run pods or request tokens, beside Kubernetes itself",
        "columns": ["where", "who"],
        "rows": [[visible(one["name"]), visible(one["said"])] for one in mine],
    }


def _trusts(tenant: Tenant, changed: Mapping[str, str] | None) -> Table:
    """Age and use of each trust, as far as the logs go: no trust says when it was made."""
    log, since = tenant.use["application_sign_ins"], tenant.use["since"]
    rows = []
    for holder in tenant.holders:
        key = (holder.resource_id or holder.object_id).lower()
        moved = "not known" if changed is None else changed.get(key, f"before {since}")
        for trust in holder.trusts:
            last = log["credentials"].get(trust["id"].lower()) if log else None
            seen = last or (f"by the identity: {use.shown(tenant, holder)}")
            rows.append(
                [visible(holder.name), holder.app_id, visible(trusts.evidence(trust)), moved, seen]
            )
    shown = rows[:_MOST_TRUSTS]
    more = f", the first {len(shown)} of {len(rows)}" if len(rows) > len(shown) else ""
    columns = ["identity", "client id", "trust", "trusts last changed", "last used"]
    return {"title": f"Trusts{more}", "columns": columns, "rows": shown}
