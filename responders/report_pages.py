"""The incident document as a person reads it: Markdown, in which nobody's text can add anything."""

import re
from typing import cast

from responders import graph_pages, report_sections, undo_pages
from responders.graph_model import Graph
from responders.model import Json
from responders.untrusted import in_markdown, visible

_CELL = 300  # characters of a table cell


def markdown(report: Json) -> str:
    """The report as a person reads it: what happened, what is proven, what remains, until when."""
    principal = report["incident"]["principal"]
    parts = [
        f"# Incident {report['incident']['incident_id']}",
        f"**{report['outcome']}** · {in_markdown(principal['display_name'])} "
        f"(service principal `{principal['object_id']}`, client id `{principal['app_id']}`)",
        f"Signal: {in_markdown(report['incident']['signal']['title'])} "
        f"({report['incident']['signal']['source']}, {report['incident']['signal']['severity']}), "
        f"fired {report['incident']['signal']['fired_at']}",
        report_sections.summary(report.get("summary", {})),
        _bullets("Clock", [f"{moment} {name}" for name, moment in _in_order(report["clock"])]),
        report_sections.timeline(report.get("timeline", [])),
        _consent(report["consent"]),
        _cancelled(report.get("cancelled") or {}),
        _bullets("Undone by somebody while it was watched", report["reversals"]),
        _bullets("Remains, and needs a person", report["remaining"]),
        _bullets("Could not be asked, and why", report["unasked"]),
        _bullets("Management locks in the way", report["locks"]),
        _commands(report["by_hand"]),
        _residual(report),
        undo_pages.restored(report["restored"]),
        _changes(report["changes"]),
        _bullets("Stolen ServiceAccount tokens", report["refederation"]),
        *_who_breaks(report["graph"]),
        _table(
            "Steps", ["step", "target", "status", "runs", "duration_ms", "detail"], report["steps"]
        ),
        *(_bullets(one["title"], one["lines"]) for one in report["findings"]),
        report_sections.techniques(report.get("techniques", [])),
        _bullets("Not covered: look at these by hand", report["uncovered"]),
        _bullets("Not collected, and why", report["gaps"]),
        _bullets(
            "Left out of the rebuild",
            [f"{one['what']} {one['name']}: {one['reason']}" for one in report["left_out"]],
        ),
        _bullets("What a person could choose, and had to confirm", report["choices"]),
        _bullets(
            "Clusters",
            [
                f"{name}: {state['status']} {state['detail']} {state.get('next', '')}".rstrip()
                for name, state in report["clusters"].items()
            ],
        ),
        *(_manifests(one) for one in report["gitops"]),
        undo_pages.by_hand(report["undo"]),
        _bullets("Evidence", [f"{one['path']} {one['sha256']}" for one in report["evidence"]]),
        report_sections.journal(report.get("journal", {})),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _in_order(clock: Json) -> list[tuple[str, str]]:
    return sorted(clock.items(), key=lambda item: str(item[1]))


def _consent(consent: Json) -> str:
    """Who answered, and to which plan; nothing where nobody was asked."""
    if not consent:
        return ""
    who = in_markdown(consent.get("approver", {}).get("name", "nobody"))
    why, plan = in_markdown(consent["reason"]), consent["plan_hash"]
    said = f"Consent: **{consent['decision']}** by {who}: {why} (plan `{plan}`)"
    agreed = [
        f"{in_markdown(one['approver']['name'])} (`{one['approver']['object_id']}`) at {one['at']}"
        for one in consent.get("approvals", [])
    ]
    return (
        f"{said}. {len(agreed)} of {consent['needs']} agreed: {', '.join(agreed)}"
        if agreed
        else said
    )


def _cancelled(call: Json) -> str:
    """Who ended the incident, and in the middle of what."""
    if not call:
        return ""
    who, why = in_markdown(call["by"]["name"]), in_markdown(call["reason"])
    return f"Cancelled by {who} at {call['at']}, while it was {call['phase']}: {why}"


def _residual(report: Json) -> str:
    """Until when each kind of resource may still be opened with a token issued before containment."""
    until = report["clock"].get("residual until")
    if not until:
        return ""
    said = (
        f"## Residual exposure\nTokens issued before containment can't be revoked. Until **{until}** "
        "the incident is watched; per kind of resource:\n\n"
    )
    rows = "\n".join(
        f"| {in_markdown(one['resource'])} | {one['until']} | {in_markdown(one['why'])} |"
        for one in report["exposures"]
    )
    return f"{said}| resource | until | why |\n|---|---|---|\n{rows}"


def _manifests(file: Json) -> str:
    """Patches for Git, in a fence that nothing in them can end."""
    fence = "`" * (1 + max((len(one) for one in re.findall("`+", file["text"])), default=2))
    shown = "\n".join(visible(line) for line in str(file["text"]).splitlines())
    return f"## To put into Git: {in_markdown(file['path'])}\n{fence}yaml\n{shown}\n{fence}"


def _commands(commands: list[str]) -> str:
    """What a person would run, as code: nothing in it is read as markup."""
    if not commands:
        return ""
    fenced = "\n".join(visible(one).replace("`", "'") for one in commands)
    return f"## By hand\n```sh\n{fenced}\n```"


def _who_breaks(graph: Json) -> list[str]:
    """The blast radius in sentences, what a person changes, and the picture; nothing where no cluster was asked."""
    if not graph:
        return []
    drawn = cast(Graph, graph)
    return [
        _bullets("Blast radius: who breaks", graph_pages.summary(drawn)),
        _bullets("After the move, by a person", graph_pages.by_hand(drawn)),
        f"```mermaid\n{graph_pages.mermaid(drawn)}```",
    ]


def _changes(changes: list[Json]) -> str:
    """Before and after, object by object."""
    if not changes:
        return ""
    rows = "\n".join(
        f"| {_cell(one['object'])} | {_cell(one['before'])} | {_cell(one['after'])} |"
        for one in changes
    )
    return f"## Changes\n| object | before | after |\n|---|---|---|\n{rows}"


def _bullets(title: str, lines: list[str]) -> str:
    return f"## {title}\n" + "\n".join(f"- {in_markdown(line)}" for line in lines) if lines else ""


def _table(title: str, columns: list[str], rows: list[Json]) -> str:
    head = "| " + " | ".join(columns) + " |\n" + "|---" * len(columns) + "|"
    body = "\n".join(
        "| " + " | ".join(_cell(row.get(column, "")) for column in columns) + " |" for row in rows
    )
    return f"## {title}\n{head}\n{body}"


def _cell(value: object) -> str:
    """One cell. What is cut off stands whole in report.json and in the journal."""
    text = "" if value is None else str(value)
    shown = text if len(text) <= _CELL else f"{text[:_CELL]}…"
    return in_markdown(shown)
