"""`firebreak`: a responder's command line.

Talks to a deployed app as whoever ran `az login`; with `--local` it runs the same function app on this machine, for the
night on which the deployed one is down.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli import (
    doctor,
    incidents,
    opening,
    operations,
    runs,
    showing,
    signals,
    troubleshooting,
    twins,
)
from cli.errors import CommandError
from cli.session import Session

firebreak = typer.Typer(
    name="firebreak",
    help=__doc__,
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # a stack trace with local variables could show a token
    rich_markup_mode=None,
)
for group in (
    opening.commands,
    incidents.commands,
    signals.commands,
    runs.commands,
    troubleshooting.commands,
    doctor.commands,
    operations.commands,
    twins.commands,
):
    firebreak.registered_commands += group.registered_commands
firebreak.add_typer(twins.twins)


@firebreak.callback()
def options(
    context: typer.Context,
    app: Annotated[str | None, typer.Option(envvar="FIREBREAK_APP", help="Its address.")] = None,
    audience: Annotated[
        str | None,
        typer.Option(
            envvar="FIREBREAK_API_AUDIENCE", help="Client id or URI of its app registration."
        ),
    ] = None,
    tenant: Annotated[str | None, typer.Option(help="Whose `az login` counts.")] = None,
    local: Annotated[bool, typer.Option("--local", help="Run the app on this machine.")] = False,
    settings: Annotated[
        Path | None, typer.Option(help="With --local: the deployed app's settings, as JSON.")
    ] = None,
    state: Annotated[Path | None, typer.Option(help="With --local: where history is kept.")] = None,
) -> None:
    """Read what comes before the command."""
    context.obj = Session(app, audience, tenant, local, settings, state)


def main() -> int:
    """Run the command of the command line; its exit status, with the reason on standard error."""
    try:
        firebreak()  # ends by SystemExit: usage errors, Ctrl-C and success are Typer's to tell
    except CommandError as wrong:
        _say(str(wrong), wrong.todo)
        return wrong.exit_status
    return 0


def entry() -> None:
    """The console script."""
    sys.exit(main())


def _say(said: str, todo: str) -> None:
    console = Console(stderr=True, highlight=False, markup=False)
    for line in said.splitlines():
        console.print(showing.plain(line, "red"), soft_wrap=True)
    if todo:
        console.print(showing.plain(f"next: {todo}"), soft_wrap=True)


if __name__ == "__main__":
    entry()
