"""`firebreak doctor`: is this deployment sound, by its own word and from where you are; a fix for all that is not."""

import json
from collections.abc import Sequence
from typing import Annotated

import typer

from cli import doctor_here, doctor_table, session
from cli.connection import App, Json
from cli.errors import CommandError, NotSignedInError, RefusedError, UnreachableError
from responders.own_checks import State

commands = typer.Typer(no_args_is_help=True)
WRONG, NOT_ASKED = 1, 2
_HEALTH = "/api/health"


@commands.command()
def doctor(
    context: typer.Context,
    only: Annotated[
        list[str] | None, typer.Option(help="Only this check; may be given several times.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Rows as JSON.")] = False,
    send_test_card: Annotated[
        bool, typer.Option("--send-test-card", help="Post a card: nothing else proves that.")
    ] = False,
) -> None:
    """Check the deployment: what it reaches, what it may, what it reads, who gets in. It changes nothing.

    Exit status 0: nothing is wrong; 1: something is; 2: nothing wrong was found, and not all could be asked.
    """
    opened = session.of(context)
    wanted = [doctor_here.spelt(one) for one in only or []]
    with opened.app() as app:
        rows = _asked(opened, app, wanted, silent=as_json)
        if send_test_card:
            rows.append(_card(app))
    status = exit_status(rows)
    if as_json:
        typer.echo(json.dumps({"exit_status": status, "rows": rows}, indent=2))
    else:
        doctor_table.show(rows, opened.console)
    raise typer.Exit(status)


def exit_status(rows: Sequence[Json]) -> int:
    """What could not be asked is never well, and what is wrong is worse."""
    states = {row["status"] for row in rows}
    if "failed" in states:
        return WRONG
    return NOT_ASKED if "unknown" in states else 0


def _asked(opened: session.Session, app: App, wanted: list[str], *, silent: bool) -> list[Json]:
    """What is seen from here, then what the app says of itself."""
    here = [one for one in doctor_here.CHECKS if not wanted or one in wanted]
    there = [one for one in wanted if one not in doctor_here.CHECKS]
    if silent or not opened.console.is_terminal:
        return _rows(app, here, there, all_of_it=not wanted)
    with opened.console.status("asking the app, and all that it depends on"):
        return _rows(app, here, there, all_of_it=not wanted)


def _rows(app: App, here: list[str], there: list[str], *, all_of_it: bool) -> list[Json]:
    rows = doctor_here.rows(app, here)
    if not (there or all_of_it):
        return rows
    try:
        said = app.get(_HEALTH, deep="true", only=",".join(there) or None)
    except RefusedError as refused:
        if refused.status == 400:  # a check that is not known
            raise
        return [*rows, _not_told(str(refused), refused.todo)]
    except (UnreachableError, NotSignedInError) as silent:
        return [*rows, _not_told(str(silent), silent.todo)]
    return [*rows, *doctor_here.compared(said, here), *(said.get("checks") or [])]


def _not_told(said: str, todo: str) -> Json:
    """The rest of the table, of which nobody knows anything."""
    return doctor_here.row(
        "what the app says", "unknown", f"it did not say how it is: {said}", todo
    )


def _card(app: App) -> Json:
    name = "test card"
    try:
        said = app.post(f"{_HEALTH}/test-card", {})
    except CommandError as refused:
        return doctor_here.row(name, "failed", str(refused), refused.todo or "docs/how-to/teams.md")
    state: State = "ok" if said["status"] == "done" else "failed"
    look = "look into the channel: a card that is not there within a minute was dropped by the flow"
    return doctor_here.row(name, state, said["detail"], look)
