"""From the parts to one document with one light, and the lights of before. Pure."""

from typing import TypedDict

from playbooks.health.model import Part, light
from playbooks.runs.model import Document, Table, document

_TITLE = "Health of workload identity and of Firebreak"


class Earlier(TypedDict):
    """An earlier run, as far as the history shows it."""

    run_id: str
    opened_at: str
    light: str
    findings: int
    unread: int


def joined(parts: list[Part], history: list[Earlier]) -> Document:
    """The document: each part has a light, and the worst of them is the whole one's."""
    findings = [one for part in parts for one in part.findings]
    blind = [f"{part.name}: {line}" for part in parts for line in part.unread]
    shown = light(findings, blind)
    summary = (
        f"Health is {shown}: {len(findings) or 'no'} finding{'' if len(findings) == 1 else 's'}"
    )
    summary += f", {len(blind)} things could not be read" if blind else ""
    lights = {part.name: light(part.findings, part.unread) for part in parts}
    tables: list[Table] = [
        {
            "title": "Lights",
            "columns": ["part", "light", "says"],
            "rows": [[part.name, lights[part.name], part.said] for part in parts],
        },
        *(table for part in parts for table in part.tables if table["rows"]),
        {
            "title": "The days before",
            "columns": ["run", "at", "light", "findings", "could not be read"],
            "rows": [
                [
                    one["run_id"],
                    one["opened_at"],
                    one["light"],
                    str(one["findings"]),
                    str(one["unread"]),
                ]
                for one in history
            ],
        },
    ]
    return document(
        _TITLE,
        summary,
        "partly" if blind else "done",
        findings=findings,
        unread=blind,
        tables=tables,
        data={"light": shown, "lights": lights},
    )
