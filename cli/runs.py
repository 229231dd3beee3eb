"""Commands about the playbooks of quiet days: which there are, run one, list runs, read what one found."""

import json
import time
from pathlib import Path
from typing import Annotated, Literal, cast
from urllib.parse import quote

import typer
import yaml  # type: ignore[import-untyped]
from rich.console import Group, RenderableType
from rich.table import Table

from cli import session, showing
from cli.connection import App, Json
from cli.errors import CommandError

commands = typer.Typer(no_args_is_help=True)
_EVERY_S = 0.5
_SEVERITIES = ("critical", "high", "medium", "low", "info")
_COLOURS = {"critical": "bold red", "high": "red", "medium": "yellow"}
_NOT_WELL = frozenset({"refused", "failed", "partly"})
RunId = Annotated[str, typer.Argument(help="run-…", show_default=False)]
Severity = Literal["critical", "high", "medium", "low", "info"]


@commands.command()
def playbooks(context: typer.Context) -> None:
    """The playbooks of quiet days: what each does, and when it runs by itself."""
    opened = session.of(context)
    with opened.app() as app:
        found = app.get("/api/playbooks")["playbooks"]
    table = Table(expand=True)
    for name in ("playbook", "does", "acts", "schedule"):
        table.add_column(name, overflow="fold")
    for one in found:
        acts = "changes things" if one["acts"] else "only reads"
        table.add_row(
            showing.plain(one["playbook"], "bold"),
            showing.plain(one["summary"]),
            showing.plain(acts),
            showing.plain(one["schedule"] or "never by itself"),
        )
    opened.console.print(table)


@commands.command()
def run(
    context: typer.Context,
    playbook: Annotated[str, typer.Argument(help="`firebreak playbooks` lists them.")],
    reason: Annotated[
        str, typer.Option(help="Why: it goes into the record.")
    ] = "from the command line",
    file: Annotated[Path | None, typer.Option(help="Parameters, as YAML or JSON.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="One parameter, NAME=VALUE; VALUE may be JSON, or @PATH: the texts of a folder's YAML files.",
        ),
    ] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Do it; without, it is only shown.")
    ] = False,
    plan_hash: Annotated[
        str | None, typer.Option(help="Carry out exactly the plan that was read.")
    ] = None,
    accept: Annotated[list[str] | None, typer.Option(help="Key of a confirmation.")] = None,
    fail_on: Annotated[
        Severity | None, typer.Option(help="Exit status 6 where a finding is as grave as this.")
    ] = None,
) -> None:
    """Run a playbook and show what it found or did. Exit status 3: refused, failed, or not all of it."""
    body: Json = {"mode": "apply" if apply else "plan", "reason": reason}
    body |= {"parameters": _parameters(file, set_ or [])}
    body |= {"plan_hash": plan_hash} if plan_hash else {}
    body |= {"accepted": accept} if accept else {}
    opened = session.of(context)
    with opened.app() as app:
        status, report = carried_out(opened, app, playbook, body)
    opened.console.print(shown(report))
    _say_next(opened, playbook, status)
    if status["status"] in _NOT_WELL:
        raise typer.Exit(3)
    if fail_on is not None and _graver(status["counts"], fail_on):
        raise typer.Exit(6)


@commands.command("runs")
def list_runs(
    context: typer.Context,
    playbook: str | None = None,
    limit: Annotated[int, typer.Option(min=1, max=100)] = 25,
) -> None:
    """Runs, the newest first."""
    opened = session.of(context)
    with opened.app() as app:
        found = app.get("/api/runs", playbook=playbook, limit=limit)["runs"]
    table = Table(expand=True)
    for name in ("run", "mode", "by", "status", "summary"):
        table.add_column(name, overflow="fold")
    for one in found:
        word = one["status"] or one["phase"]
        table.add_row(
            showing.plain(one["run_id"]),
            showing.plain(one["mode"]),
            showing.plain(one["by"]["name"]),
            showing.plain(word, showing.mood(word)),
            showing.plain(one["summary"]),
        )
    opened.console.print(table)


@commands.command("run-report")
def run_report(
    context: typer.Context,
    run_id: RunId,
    form: Annotated[Literal["md", "html", "json", "csv"], typer.Option("--format")] = "md",
    output: Annotated[Path | None, typer.Option(help="A file; standard output without.")] = None,
) -> None:
    """What a run found or did."""
    opened = session.of(context)
    with opened.app() as app:
        text = app.text(f"/api/runs/{quote(run_id, safe='')}/report", format=form)
    if output is None:
        typer.echo(text)
        return
    output.write_text(text)
    opened.console.print(showing.plain(f"{output}: {len(text.encode())} bytes"))


def carried_out(
    opened: session.Session, app: App, playbook: str, body: Json, *, silent: bool = False
) -> tuple[Json, Json]:
    """Start a run and wait for its end: how it stands, and its report. Says what it is at, unless `silent`."""
    begun = app.post(f"/api/playbooks/{quote(playbook, safe='')}/runs", body)
    run_id = str(begun["run_id"])
    if not silent:
        opened.console.print(showing.plain(f"started {run_id}", "dim"))
    status = _until_ended(opened, app, run_id, silent=silent)
    if status["phase"] != "ended":
        raise CommandError(
            f"{run_id} broke", f"firebreak run-report {run_id}; the log has the reason"
        )
    return status, app.get(f"/api/runs/{run_id}/report")


def _parameters(file: Path | None, given: list[str]) -> Json:
    found: Json = {} if file is None else _from_file(file)
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise CommandError(f"{one!r} is not NAME=VALUE", "give --set NAME=VALUE")
        if value.startswith("@"):
            found[name] = _texts(Path(value[1:]))
            continue
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def _texts(path: Path) -> Json:
    """The text of one file, or of every YAML file below a folder, by its name from there."""
    files = sorted(one for one in path.rglob("*") if one.suffix in {".yaml", ".yml"})
    named = {one.relative_to(path).as_posix(): one for one in files}
    if path.is_file():
        named = {path.name: path}
    if not named:
        raise CommandError(f"{path} holds no YAML file", "give @FILE, or @FOLDER with .yaml files")
    try:
        return {name: one.read_text() for name, one in named.items()}
    except (OSError, UnicodeDecodeError) as unread:
        raise CommandError(f"{path} can't be read: {unread}") from unread


def _from_file(file: Path) -> Json:
    try:
        read = yaml.safe_load(file.read_text())
    except OSError as unread:
        raise CommandError(f"{file} can't be read: {unread.strerror}") from unread
    except (yaml.YAMLError, UnicodeDecodeError) as odd:
        raise CommandError(f"{file} is no YAML: {' '.join(str(odd).split())[:300]}") from odd
    if not isinstance(read, dict):
        raise CommandError(f"{file} holds no parameters", "NAME: VALUE, one a line")
    return cast(Json, read)


def _until_ended(opened: session.Session, app: App, run_id: str, *, silent: bool) -> Json:
    told = ""
    while True:
        status = app.get(f"/api/runs/{run_id}")
        if status["phase"] in {"ended", "failed"}:
            return status
        if status["phase"] != told and not silent:
            told = str(status["phase"])
            opened.console.print(showing.plain(f"  {told}", "dim"))
        time.sleep(_EVERY_S)


def _graver(counts: Json, than: Severity) -> bool:
    return any(counts.get(one) for one in _SEVERITIES[: _SEVERITIES.index(than) + 1])


def _say_next(opened: session.Session, playbook: str, status: Json) -> None:
    run_id = status["run_id"]
    lines = [f"firebreak run-report {run_id} --format html --output report.html"]
    if status["mode"] == "plan" and status.get("plan_hash"):
        accept = "".join(f" --accept {one}" for one in status["confirmations"])
        same = "the same --file and --set"
        lines.append(
            f"firebreak run {playbook} --apply --plan-hash {status['plan_hash']}{accept}   # with {same}"
        )
    opened.console.print(showing.lines("Next", lines))


def shown(report: Json) -> RenderableType:
    """What a run found, on a terminal: the verdict, findings, changes, tables, what could not be read."""
    document = report["document"]
    parts: list[RenderableType] = [
        showing.plain(f"\n{document['title']}", "bold"),
        showing.plain(
            f"{document['status'].replace('_', ' ')}: {document['summary']}",
            showing.mood(document["status"]),
        ),
    ]
    if document["findings"]:
        parts.append(_findings(document["findings"]))
    if document["changes"]:
        rows = [[one["object"], one["before"], one["after"]] for one in document["changes"]]
        parts.append(_table("Changes", ["object", "before", "after"], rows))
    parts += [_table(one["title"], one["columns"], one["rows"]) for one in document["tables"]]
    for title, lines in (
        (
            "Needs a person's yes",
            [f"{one['key']}: {one['text']}" for one in document["confirmations"]],
        ),
        ("Could not be read", document["unread"]),
        ("By hand", document["by_hand"]),
    ):
        if lines:
            parts.append(showing.lines(title, lines))
    return Group(*parts)


def _findings(found: list[Json]) -> Table:
    table = Table(title="Findings", title_justify="left", expand=True)
    for name in ("severity", "finding", "on", "fix"):
        table.add_column(name, overflow="fold")
    for one in found:
        table.add_row(
            showing.plain(one["severity"], _COLOURS.get(one["severity"], "")),
            showing.plain(f"{one['detail']} ({one['rule']})"),
            showing.plain(one["subject_name"] or one["subject"]),
            showing.plain(one["fix"]),
        )
    return table


def _table(title: str, columns: list[str], rows: list[list[str]]) -> Table:
    table = Table(title=title, title_justify="left", expand=True)
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(showing.plain(cell) for cell in row))
    return table
