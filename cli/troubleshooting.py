"""`firebreak troubleshoot`: why a workload gets no token, or can do nothing with it, on one screen."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli import runs, session, showing
from cli.connection import Json
from cli.errors import CommandError

commands = typer.Typer(no_args_is_help=True)
_STATES = {"ok": ("✓", "green"), "broken": ("✗", "bold red"), "unknown": ("?", "yellow")}
_VERDICTS = {"works": "bold green", "broken": "bold red", "unknown": "bold yellow"}
_UNREADABLE, _BROKEN = 3, 6
_PLAYBOOK = "troubleshoot_workload"


@commands.command()
def troubleshoot(
    context: typer.Context,
    cluster: Annotated[
        str, typer.Option(help="Name or ARM id; with --client-id, left out: every cluster.")
    ] = "",
    namespace: Annotated[str, typer.Option("--namespace", "-n")] = "",
    pod: Annotated[str, typer.Option(help="One of its pods.")] = "",
    service_account: Annotated[str, typer.Option(help="What its pods run as.")] = "",
    client_id: Annotated[str, typer.Option(help="Every ServiceAccount that names it.")] = "",
    error: Annotated[str, typer.Option(help="What the program said.")] = "",
    error_file: Annotated[
        Path | None, typer.Option(help="The same from a file, e.g. a pod's log.")
    ] = None,
    resource: Annotated[str, typer.Option(help="ARM id of what it should reach.")] = "",
    token_exchange: Annotated[
        bool, typer.Option(help="Ask the token endpoint as the workload would.")
    ] = True,
    form: Annotated[Literal["table", "json"], typer.Option("--format")] = "table",
) -> None:
    """Check a workload from the cluster to its roles; name the cause, the evidence and the fix. It only reads.

    Exit status 0: it works; 6: something is broken; 3: nothing broken was found, and not all could be read.
    """
    asked: Json = {
        "cluster": cluster,
        "namespace": namespace,
        "pod": pod,
        "service_account": service_account,
        "client_id": client_id,
        "error": _said(error, error_file),
        "resource": resource,
        "token_exchange": token_exchange,
    }
    opened = session.of(context)
    body: Json = {"mode": "plan", "reason": "troubleshooting by hand", "parameters": asked}
    with opened.app() as app:
        _, report = runs.carried_out(opened, app, _PLAYBOOK, body, silent=form == "json")
    document = report["document"]
    if form == "json":
        typer.echo(json.dumps(report, indent=2))
    else:
        show(report, opened.console)
    raise typer.Exit(_status(document))


def show(report: Json, console: Console) -> None:
    """A table of checks for each workload, the verdict, and the fix as one line to copy."""
    document = report["document"]
    workloads = document["data"].get("workloads", [])
    for one in workloads:
        console.print(_checks(one))
        console.print(_verdict(one))
        for fix in _fixes(one):
            console.print(showing.plain("  Fix", "bold"))
            # A line that is broken to fit a screen is no command any more.
            console.print(showing.plain(f"  {fix}"), soft_wrap=True)
        console.print()
    if not workloads:
        console.print(showing.plain(document["summary"], showing.mood(document["status"])))
    if document["unread"]:
        console.print(showing.lines("Could not be read", document["unread"]))
    run_id = report["run"]["run_id"]
    page = f"firebreak run-report {run_id} --format html --output report.html"
    console.print(showing.lines("Next", [page]))


def _fixes(workload: Json) -> list[str]:
    checks = [one for one in workload["checks"] if one["check"] == workload["cause"]]
    return [one["fix"] for one in checks if one["fix"]]


def _checks(workload: Json) -> Table:
    cluster = str(workload["cluster"]).rpartition("/")[2]
    title = f"{cluster} {workload['namespace']}/{workload['service_account']}"
    table = Table(title=showing.plain(title, "bold"), title_justify="left", expand=True)
    table.add_column("", width=1)
    table.add_column("check", no_wrap=True)
    table.add_column("found", overflow="fold", ratio=1)
    for one in workload["checks"]:
        mark, colour = _STATES[one["state"]]
        lines = [showing.plain(one["found"])]
        lines += [showing.plain(f"  {said}", "dim") for said in one["evidence"]]
        row = Text("\n").join(lines)
        table.add_row(Text(mark, style=colour), showing.plain(one["check"], colour), row)
    return table


def _verdict(workload: Json) -> Text:
    said = {"works": "works", "broken": f"broken: {workload['cause']}", "unknown": "not known"}
    verdict = workload["verdict"]
    return showing.plain(f"  {said[verdict]}", _VERDICTS[verdict])


def _said(error: str, file: Path | None) -> str:
    if file is None:
        return error
    try:
        text = file.read_text(errors="replace")
    except OSError as unread:
        raise CommandError(f"{file} can't be read: {unread.strerror}") from unread
    lines = [one for one in text.splitlines() if "AADSTS" in one]
    return "\n".join([error, *lines[-20:]])[:10_000]


def _status(document: Json) -> int:
    if document["status"] in {"refused", "failed"}:
        return _UNREADABLE
    verdicts = {one["verdict"] for one in document["data"].get("workloads", [])}
    if "broken" in verdicts:
        return _BROKEN
    return _UNREADABLE if document["unread"] or "unknown" in verdicts else 0
