"""The command that lists signals: everything that came in, a person's own calls included, and what became of each."""

from typing import Annotated

import typer

from cli import session, showing

commands = typer.Typer(no_args_is_help=True)
_PAGE = 100  # records at most in one answer


@commands.command("signals")
def list_signals(
    context: typer.Context,
    source: Annotated[str | None, typer.Option(help="Such as azure-monitor or responder.")] = None,
    status: Annotated[str | None, typer.Option(help="Such as queued or poisoned.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 25,
) -> None:
    """Signals, the newest first, and what became of each."""
    opened = session.of(context)
    with opened.app() as app:
        found, more = app.pages(
            "/api/signals", "signals", limit, size=_PAGE, source=source, status=status
        )
    opened.console.print(showing.signals_table(found))
    if more:
        opened.console.print(showing.plain(f"More: --limit {limit * 4}", "dim"))
