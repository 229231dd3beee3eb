"""Whose yes counts, and how many it takes. Pure: no I/O, no clock; the API and the playbook judge by the same words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from playbooks.orders import Json

ON_EXPIRY = (
    "Silence is a no: nothing more is stopped, rebuilt or moved, and the identity stays contained"
)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a consent to this plan has to be."""

    plan_hash: str
    confirmations: frozenset[str]
    choices: frozenset[str]
    needs: int  # different people who have to say yes
    requesters: frozenset[str]  # object ids: who had this done
    requester_may: bool  # whether their yes is enough
    expires: datetime


def terms(plan: Json, policy: Json, requesters: Sequence[Json], expires: datetime) -> Terms:
    """Of a plan as a step says it."""
    rule = policy["consent"]
    return Terms(
        plan["plan_hash"],
        frozenset(plan["confirmations"]),
        frozenset(plan["choices"]),
        int(rule["people_for_irreversible"]) if plan.get("irreversible") else 1,
        frozenset(one["object_id"] for one in requesters),
        bool(rule["requester_may_approve"]),
        expires,
    )


def is_consent(given: Mapping[str, Any], asked: Terms) -> bool:
    """A yes to exactly this plan, in time, that names every confirmation, and no choice that the plan does not have."""
    return (
        given.get("decision") == "grant"
        and is_about(given, asked)
        and asked.confirmations <= set(given.get("confirmed", []))
        and set(given.get("chosen", [])) <= asked.choices
    )


def is_about(given: Mapping[str, Any], asked: Terms) -> bool:
    """An answer to exactly this plan, in time."""
    in_time = datetime.fromisoformat(given["at"]) <= asked.expires
    return bool(given.get("plan_hash") == asked.plan_hash and in_time)


def judge(answers: Sequence[Json], asked: Terms) -> Json | None:
    """The decision that these answers make, in the order in which they were given; None while it is open.

    One no is a no. Of several yeses of one person one counts, and what was chosen is what all of them chose.
    """
    yes: dict[str, Json] = {}
    for one in sorted(answers, key=lambda each: datetime.fromisoformat(each["at"])):
        if one.get("decision") == "deny" and is_about(one, asked):
            return {**one, "granted": False, **_agreed(yes, asked)}
        if is_consent(one, asked):
            yes.setdefault(one["approver"]["object_id"], one)
            if is_enough(set(yes), asked):
                chosen = set.intersection(*(set(each["chosen"]) for each in yes.values()))
                agreed = {"chosen": sorted(chosen), **_agreed(yes, asked)}
                return {**one, "granted": True, **agreed}
    return None


def silence(answers: Sequence[Json], asked: Terms) -> Json:
    """The answer where too few said yes in time."""
    yes = {one["approver"]["object_id"]: one for one in answers if is_consent(one, asked)}
    names = ", ".join(sorted(one["approver"]["name"] for one in yes.values()))
    reason = f"too few agreed in time: {names}" if yes else "nobody answered in time"
    said: Json = {"decision": "none", "plan_hash": asked.plan_hash, "reason": reason}
    return {**said, "granted": False, **_agreed(yes, asked)}


def is_enough(people: set[str], asked: Terms) -> bool:
    """So many people, of whom one at least is not who had this done."""
    others = people if asked.requester_may else people - asked.requesters
    return len(people) >= asked.needs and bool(others)


def may_count(object_id: str, asked: Terms) -> bool:
    """Whether this person's yes can ever matter: alone it is none where they had this done."""
    return asked.requester_may or asked.needs > 1 or object_id not in asked.requesters


def _agreed(yes: Mapping[str, Json], asked: Terms) -> Json:
    said = ("approver", "reason", "at")
    approvals = [{name: one[name] for name in said} for one in yes.values()]
    return {"approvals": approvals, "needs": asked.needs}
