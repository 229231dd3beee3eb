"""A person reads a whole plan and answers it. The answer carries the plan's hash: it is to this plan alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console

from cli import showing
from cli.connection import App, Json, incident_path
from cli.errors import CommandError

_TYPED = 8  # characters of the hash that a person types: nobody does so by a reflex


@dataclass(frozen=True)
class Questions:
    """How a person is asked: replaced where nobody sits at a terminal."""

    text: Callable[[str], str]
    yes: Callable[[str], bool]


def asked_for(shown: Json) -> Json:
    """What is to be answered. Raises `CommandError` where nobody asks."""
    asked: Json | None = shown.get("consent")
    if shown["phase"] != "awaiting_consent" or not asked:
        said = f"{shown['incident_id']} is {shown['phase']}: it asks for no consent"
        raise CommandError(said, f"firebreak show {shown['incident_id']}")
    return asked


def show_plan(console: Console, app: App, shown: Json) -> Json:
    """Print the plan whole, with who breaks. Returns what is asked."""
    asked = asked_for(shown)
    whole = app.get(incident_path(shown["incident_id"], "/plan"))
    if whole["plan_hash"] != asked["plan_hash"]:
        raise CommandError("the plan has changed while it was read", "run the command again")
    console.print(showing.incident(shown))
    for title, texts in plan_lines(asked, whole):
        if texts:
            console.print(showing.lines(title, texts))
    console.print(showing.plain(f"\nPlan {asked['plan_hash']}", "bold"))
    console.print(showing.plain(f"Answer before {asked['expires_at']}; silence is a no."))
    return asked


def plan_lines(asked: Json, whole: Json) -> list[tuple[str, list[str]]]:
    """The plan in sentences, under headings."""
    plan, graph = whole["plan"], whole["graph"]
    clusters = [
        f"{one['survey']['cluster']['name']}: "
        + (
            one["reason"]
            or f"{len(one['new_names'])} ServiceAccounts, {len(one['workloads'])} workloads"
        )
        for one in plan["clusters"]
    ]
    breaks = [
        f"{node['kind']} {node['name']}: {node['breaks']}"
        for node in graph["nodes"]
        if node.get("breaks")
    ]
    left = [f"{one['what']} {one['name']}: {one['reason']}" for one in plan["left_out"]]
    confirmations = [f"{one['key']}: {one['sentence']}" for one in asked["confirmations"]]
    choices = [
        f"{one['key']}: {one['what']} {one['name']}: {one['reason']}" for one in asked["choices"]
    ]
    return [
        ("New identity", [plan["display_name"]]),
        ("Stolen ServiceAccount tokens", [str(plan["refederation"].get("reason", ""))]),
        ("Clusters", clusters),
        ("Who breaks until it is done", breaks),
        ("Left out", left),
        ("Can't be taken back", [_said(one) for one in asked.get("irreversible") or []]),
        ("Has to be confirmed", confirmations),
        ("Comes back only where chosen", choices),
        ("Approved so far", [_said(one) for one in asked.get("approvals") or []]),
    ]


def _said(one: object) -> str:
    """One entry of a list whose entries are sentences or objects."""
    if isinstance(one, dict):
        return " ".join(str(value) for value in one.values() if isinstance(value, str))
    return str(one)


def by_asking(asked: Json, questions: Questions) -> Json:
    """A yes or no from a person at a terminal: each confirmation by itself, then the beginning of the hash."""
    if not questions.yes("Grant this plan?"):
        return denied(asked, questions.text("Why not"))
    confirmed = []
    for one in asked["confirmations"]:
        if not questions.yes(f"{one['key']}: {one['sentence']} Is that so?"):
            raise CommandError(f"{one['key']} was not confirmed: nothing was sent")
        confirmed.append(one["key"])
    chosen = [
        one["key"]
        for one in asked["choices"]
        if questions.yes(f"Bring back {one['what']} {one['name']}? ({one['reason']})")
    ]
    reason = questions.text("Reason, for the record")
    start = asked["plan_hash"][:_TYPED]
    if questions.text(f"Type {start} to grant the plan").strip() != start:
        raise CommandError("that is not the plan's hash: nothing was sent")
    return granted(asked, reason, confirmed=confirmed, chosen=chosen)


def granted(asked: Json, reason: str, *, confirmed: Sequence[str], chosen: Sequence[str]) -> Json:
    """The body of a yes."""
    return {
        "plan_hash": asked["plan_hash"],
        "decision": "grant",
        "reason": reason,
        "confirmed": list(confirmed),
        "chosen": list(chosen),
    }


def denied(asked: Json, reason: str) -> Json:
    """The body of a no."""
    return {"plan_hash": asked["plan_hash"], "decision": "deny", "reason": reason}
