"""The document of a run as a person reads it: Markdown, HTML that prints, CSV of its findings. Pure.

Source   https://www.rfc-editor.org/rfc/rfc4180 (CSV)
         https://owasp.org/www-community/attacks/CSV_Injection
"""

import csv
import io

from responders import inert_html
from responders.model import Json
from responders.untrusted import in_markdown, visible

_COLUMNS = ("severity", "rule", "subject", "subject_name", "detail", "fix", "evidence")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would run
_CELL = 400  # characters of a table cell in Markdown


def csv_of(document: Json) -> str:
    """The findings, one a row. No cell begins as a formula does, whoever wrote its text."""
    written = io.StringIO()
    rows = csv.writer(written)
    rows.writerow(_COLUMNS)
    for one in document["findings"]:
        cells = {**one, "evidence": "; ".join(one["evidence"])}
        rows.writerow([_inert(str(cells[name])) for name in _COLUMNS])
    return written.getvalue()


def markdown(run: Json, document: Json, difference: Json) -> str:
    """The whole of it, in which nobody's text can add anything."""
    parts = [
        f"# {in_markdown(document['title'])}",
        f"**{document['status'].replace('_', ' ')}** · {in_markdown(document['summary'])}",
        f"Run `{run['run_id']}`, mode {run['mode']}, started {run['opened_at']} by "
        f"{in_markdown(run['by']['name'])}: {in_markdown(run['reason'])}",
        _since(difference),
        _list("Could not be read, and why", document["unread"]),
        _findings(document["findings"]),
        _confirmations(document["confirmations"]),
        _changes(document["changes"], run["mode"]),
        *(_table(one) for one in document["tables"]),
        _commands(document["by_hand"]),
    ]
    return "\n\n".join(one for one in parts if one) + "\n"


def html(run: Json, document: Json, difference: Json) -> str:
    """One file that runs and loads nothing."""
    return inert_html.template("run.html").render(run=run, document=document, difference=difference)


def _inert(cell: str) -> str:
    text = visible(cell)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _since(difference: Json) -> str:
    if not difference.get("since"):
        return ""
    new, gone, known = len(difference["new"]), len(difference["gone"]), difference["known"]
    head = f"Since `{difference['since']}`: {new} new, {gone} gone, {known} as before."
    return head + "".join(f"\n- gone: {in_markdown(one['detail'])}" for one in difference["gone"])


def _findings(found: list[Json]) -> str:
    if not found:
        return ""
    lines = []
    for one in found:
        lines.append(
            f"- **{one['severity']}** `{one['rule']}` {in_markdown(one['subject_name'])} "
            f"({in_markdown(one['subject'])}): {in_markdown(one['detail'])}"
        )
        lines += [f"  - {in_markdown(line)}" for line in one["evidence"]]
        lines += [f"  - fix: {in_markdown(one['fix'])}"] if one["fix"] else []
    return "\n".join([f"## Findings ({len(found)})", *lines])


def _confirmations(wanted: list[Json]) -> str:
    lines = [f"- `{one['key']}`: {in_markdown(one['text'])}" for one in wanted]
    return "\n".join(["## Needs a person's yes, by name", *lines]) if lines else ""


def _changes(changes: list[Json], mode: str) -> str:
    if not changes:
        return ""
    title = "What would change" if mode == "plan" else "What was changed"
    table = {
        "title": f"{title} ({len(changes)})",
        "columns": ["object", "before", "after"],
        "rows": [[one["object"], one["before"], one["after"]] for one in changes],
    }
    return _table(table)


def _table(table: Json) -> str:
    head = "| " + " | ".join(in_markdown(one) for one in table["columns"]) + " |"
    rule = "|" + "---|" * len(table["columns"])
    rows = [
        "| " + " | ".join(in_markdown(cell[:_CELL]) for cell in row) + " |" for row in table["rows"]
    ]
    return "\n".join([f"## {in_markdown(table['title'])}", head, rule, *rows])


def _list(title: str, lines: list[str]) -> str:
    return "\n".join([f"## {title}", *(f"- {in_markdown(one)}" for one in lines)]) if lines else ""


def _commands(commands: list[str]) -> str:
    """Indented, so that no text can end the block."""
    if not commands:
        return ""
    lines = [visible(line) for one in commands for line in one.splitlines()]
    return "\n".join(["## By hand", "", *(f"    {one}" for one in lines)])
