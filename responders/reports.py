"""Responder: the incident document, as JSON and as Markdown.

Stops    nothing
Leaves   two files in the evidence store, and the manifest that hashes every other one
Undo     none needed
Needs    the evidence store
Source   https://csrc.nist.gov/pubs/sp/800/61/r3/final (what an incident record holds)
"""

from responders.evidence import EvidenceRef, EvidenceStore, digest
from responders.model import Json
from responders.untrusted import in_markdown

_CELL = 300  # characters of a table cell


def write_manifest(
    store: EvidenceStore, folder: str, *, name: str = "manifest.json"
) -> EvidenceRef:
    """Path, size and SHA-256 of every file of the incident except the journal, which chains itself."""
    skipped = (".lock", "journal.jsonl", name)
    files = [reference(store, path) for path in store.list(folder) if not path.endswith(skipped)]
    return store.put_json(f"{folder}/{name}", {"files": files})


def reference(store: EvidenceStore, path: str) -> EvidenceRef:
    """Path, size and SHA-256 of a file as it lies there now."""
    content = store.get(path)
    return {"path": path, "sha256": digest(content), "size": len(content)}


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
        _bullets("Clock", [f"{moment} {name}" for name, moment in _in_order(report["clock"])]),
        _consent(report["consent"]),
        _residual(report),
        _table(
            "Steps", ["step", "target", "status", "runs", "duration_ms", "detail"], report["steps"]
        ),
        _bullets("Planted, by all appearances", report["footprint"].get("planted", [])),
        _bullets("Changed by the principal in the window", report["footprint"].get("changed", [])),
        _bullets("Keys it listed: rotate these", report["footprint"].get("keys_listed", [])),
        _bullets("Addresses it signed in from", report["footprint"].get("addresses", [])),
        _bullets("Not covered: look at these by hand", report["uncovered"]),
        _bullets("Not collected, and why", report["gaps"]),
        _bullets(
            "Left out of the rebuild",
            [f"{one['what']} {one['name']}: {one['reason']}" for one in report["left_out"]],
        ),
        _bullets(
            "Clusters",
            [
                f"{name}: {state['status']} {state['detail']}"
                for name, state in report["clusters"].items()
            ],
        ),
        _bullets("Evidence", [f"{one['path']} {one['sha256']}" for one in report["evidence"]]),
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
    return f"Consent: **{consent['decision']}** by {who}: {why} (plan `{plan}`)"


def _residual(report: Json) -> str:
    until = report["clock"].get("residual until")
    if not until:
        return ""
    return (
        f"Tokens issued before containment can live until **{until}**. Their Azure role assignments are "
        "gone; resources that cache authorization may lag, and what is listed under "
        '"Not covered" still opens.'
    )


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
