"""The incident in plain sentences: what happened, what was done, whether it is safe now, what people must do. Pure."""

from typing import Literal, NamedTuple, TypedDict

from playbooks import not_chosen
from playbooks.document.timeline import utc
from playbooks.orders import Json

Safe = Literal["no", "not_yet", "as_far_as_proven", "nothing_was_done"]
_KINDS = {
    "application": "application",
    "application_without_principal": "application without a service principal",
    "foreign_application": "application of another tenant",
    "user_assigned_identity": "user-assigned managed identity",
    "system_assigned_identity": "system-assigned managed identity",
}


class Summary(TypedDict):
    """Each part a list of sentences, the most important first."""

    headline: str
    happened: list[str]
    done: list[str]
    not_done: list[str]
    safe: Safe
    safe_because: list[str]
    todo: list[str]


class _Ending(NamedTuple):
    headline: str
    safe: Safe


# Which outcome -> what it means. Every key of `notices.NOTICES` that a report can end with is here.
_ENDINGS = {
    "refused": _Ending("Nothing was touched: a person is needed", "nothing_was_done"),
    "planned": _Ending("A plan was drawn, nothing was touched", "nothing_was_done"),
    "contained": _Ending("Contained", "as_far_as_proven"),
    "partly_contained": _Ending("Contained, but for what is named here", "not_yet"),
    "not_contained": _Ending("NOT contained: a person is needed now", "no"),
    "recovered": _Ending("Contained, and running again under a new identity", "as_far_as_proven"),
    "partly_recovered": _Ending(
        "Contained; recovery is not finished, a person is needed", "not_yet"
    ),
    "cancelled": _Ending("Ended by a person: nobody watches any more", "not_yet"),
    "reopened": _Ending("Containment no longer holds: a person is needed now", "no"),
    "restored": _Ending("Given back after a false alarm", "as_far_as_proven"),
    "partly_restored": _Ending("Given back in part: a person is needed", "not_yet"),
}
_UNKNOWN = _Ending("How it ended is said below", "not_yet")


def summary(report: Json) -> Summary:
    """Of the document that the rest of it makes."""
    ending = _ENDINGS.get(report["outcome"], _UNKNOWN)
    safe, because = _is_safe(report, ending)
    return {
        "headline": ending.headline,
        "happened": _happened(report),
        "done": _done(report),
        "not_done": _not_done(report),
        "safe": safe,
        "safe_because": because,
        "todo": _todo(report),
    }


def _many(number: int, noun: str, plural: str = "") -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {plural or f'{noun}s'}"


def _happened(report: Json) -> list[str]:
    principal, signal = report["incident"]["principal"], report["incident"]["signal"]
    kind = _KINDS.get(principal["kind"], "identity")
    told = [
        f"At {utc(signal['fired_at']) or signal['fired_at']} {signal['source']} signalled "
        f"({signal['severity']}): {signal['title']}.",
        f"It is about the {kind} {principal['display_name']} "
        f"(client id {principal['app_id']}, object id {principal['object_id']}).",
        *_logged(report["footprint"]),
        *(f"{line}." for line in report["refederation"] if line.startswith("Vector:")),
    ]
    planted = [one for one in report["left_out"] if one["suspicious"]]
    if planted:
        told.append(f"{_many(len(planted), 'object')} on it or beside it may be planted.")
    return told


def _logged(footprint: Json) -> list[str]:
    """What the logs tell of it; that nothing was found is no sign of peace."""
    if not footprint:
        return ["No logs had been read when this was written."]
    acts = [act for chain in footprint["chains"] for act in chain["acts"]]
    calls = sum(one["count"] for one in [*acts, *footprint["unattributed"]])
    if not (calls or footprint["credentials"]):
        return ["The rows that were read show no sign-in and no act of it."]
    return [
        f"The logs show {_many(len(footprint['credentials']), 'credential')} used from "
        f"{_many(len(footprint['addresses']), 'address', 'addresses')}, "
        f"{_many(calls, 'call')} in its name, {_many(len(footprint['secrets_read']), 'secret', 'secrets')} read, "
        f"and {_many(len(footprint['artefacts']), 'change')}."
    ]


def _done(report: Json) -> list[str]:
    clock = report["clock"]
    named = (
        ("disabled", "Its ways to sign in were closed from {} on."),
        ("contained", "Containment was proven at {}."),
        ("evicted", "It was evicted from its clusters at {}."),
        ("rebuilt", "A successor was made at {}."),
        ("recovered", "Recovery was proven at {}."),
    )
    told = [sentence.format(utc(clock[name])) for name, sentence in named if name in clock]
    changed = [one for one in report["undo"] if one["state"] == "done" and one["changed"]]
    if changed:
        objects = sum(len(one["changed"]) for one in changed)
        told.append(f"{_many(len(changed), 'step')} changed {_many(objects, 'object')}.")
    return [*told, *_agreed(report["consent"])]


def _agreed(consent: Json) -> list[str]:
    last = str(consent.get("approver", {}).get("name", "nobody"))
    people = [one["approver"]["name"] for one in consent.get("approvals", [])] or [last]
    match consent.get("decision"):
        case "grant":
            return [f"{', '.join(people)} consented to the rebuild."]
        case "deny":
            return [f"{last} refused the rebuild."]
        case "none":
            return [f"Nobody consented to the rebuild: {consent['reason']}."]
        case _:
            return []


def _not_done(report: Json) -> list[str]:
    opened = [one for one in report["undo"] if one["state"] in {"open", "unknown"}]
    told = [
        f"{one['step'].replace('_', ' ')} of {one['target']}: {one['detail'] or one['state']}"
        for one in opened
    ]
    return [*told, *(f"could not be asked: {one}" for one in report["unasked"])]


def _is_safe(report: Json, ending: _Ending) -> tuple[Safe, list[str]]:
    if ending.safe == "nothing_was_done":
        return ending.safe, ["The identity can do what it could before."]
    used = report["footprint"].get("after_containment", [])
    because = [f"Still worked after containment: {one}" for one in used]
    because += [f"Undone while it was watched: {one}" for one in report["reversals"]]
    because += [f"Remains: {one}" for one in report["remaining"]]
    given_back = report["outcome"] in {"restored", "partly_restored"}  # whose use is the owner's
    safe: Safe = "no" if used and not given_back else ending.safe
    if safe == "as_far_as_proven" and report["remaining"]:
        safe = "not_yet"
    until, written = utc(report["clock"].get("residual until")), utc(report["written_at"])
    if until and until > written:
        because.append(
            f"Tokens issued before containment can't be revoked: until {until} they may open something."
        )
        safe = "not_yet" if safe == "as_far_as_proven" else safe
    return safe, [*because, *_reservations(report)]


def _reservations(report: Json) -> list[str]:
    """What the proof does not cover."""
    counted = (
        ("unasked", "proof could not be had", "proofs could not be had"),
        (
            "uncovered",
            "kind of access is covered by nothing here",
            "kinds of access are not covered",
        ),
        ("gaps", "gap is in the logs that were read", "gaps are in the logs that were read"),
    )
    return [
        f"{len(report[part])} {one if len(report[part]) == 1 else many}."
        for part, one, many in counted
        if report[part]
    ]


def _todo(report: Json) -> list[str]:
    """In the order in which to do it."""
    footprint = report["footprint"]
    urgent = [one for one in footprint.get("rotation", []) if one["order"] == 1]
    to_run = [one for one in report["by_hand"] if not one.startswith(not_chosen.MARK)]
    counted = (
        (len(report["remaining"]), "point remains", "points remain", "see Remains"),
        (len(to_run), "command to run", "commands to run", "see By hand"),
        (len(report["locks"]), "lock to decide about", "locks to decide about", "see Locks"),
        (len(urgent), "secret to rotate first", "secrets to rotate first", "see Rotate"),
        (
            len(footprint.get("suspects", [])),
            "identity or person to look at next",
            "identities and people to look at next",
            "see Footprint",
        ),
        (
            len(report["uncovered"]),
            "access to look at by hand",
            "accesses to look at",
            "see Not covered",
        ),
        (len(report["gitops"]), "patch to put into Git", "patches to put into Git", "see Git"),
    )
    return [f"{n} {one if n == 1 else many}: {where}." for n, one, many, where in counted if n]
