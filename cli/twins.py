"""Game days: a real principal as a file, and its whole incident rehearsed in a sandbox on this machine.

Reading a tenant is a process of its own, as whoever ran `az login`, with the settings of the deployed app; the drill is
another one, and is told nothing of them.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from cli import local, session, showing
from cli.errors import CommandError

commands = typer.Typer(no_args_is_help=True)
twins = typer.Typer(
    name="twin", help="A principal as a file, for rehearsals.", no_args_is_help=True
)

ObjectId = Annotated[str | None, typer.Option(help="Of the service principal.")]
AppId = Annotated[str | None, typer.Option(help="Client id.")]
ResourceId = Annotated[str | None, typer.Option(help="Of a managed identity.")]
Pseudonyms = Annotated[
    bool, typer.Option("--pseudonyms", help="Replace names and addresses of people.")
]


@twins.command()
def export(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="A file that is not there yet.", show_default=False)],
    object_id: ObjectId = None,
    app_id: AppId = None,
    resource_id: ResourceId = None,
    pseudonyms: Pseudonyms = False,
) -> None:
    """Read one principal, and all that its plan depends on, into a file without secrets. The tenant is only read."""
    _export(session.of(context), out, _one_of(object_id, app_id, resource_id), pseudonyms)


@twins.command()
def check(
    file: Annotated[Path, typer.Argument(help="An export.", show_default=False)],
) -> None:
    """Whether a file is an export, and what is in it. Exit status 1 where it is none."""
    _run(["twin", "check", str(file)], dict(os.environ))


@commands.command()
def drill(
    context: typer.Context,
    twin: Annotated[
        bool, typer.Option("--twin", help="Of a real principal; the attacks are: make drill.")
    ] = False,
    source: Annotated[Path | None, typer.Option("--from", help="Its export.")] = None,
    object_id: ObjectId = None,
    app_id: AppId = None,
    resource_id: ResourceId = None,
    mode: Annotated[
        Literal["contain", "respond"], typer.Option(help="How deep it goes.")
    ] = "respond",
    interactive: Annotated[bool, typer.Option(help="Ask before consenting.")] = False,
    folder: Annotated[Path | None, typer.Option(help="Where its results go.")] = None,
) -> None:
    """Rehearse the whole incident of one principal in a sandbox: plan, times, what breaks. The tenant is only read.

    Exit status 0: every fact of the verdict holds; 1: one does not; 2: it could not be carried out.
    """
    if not twin:
        raise CommandError("of what is not said", "firebreak drill --twin --from twin.json")
    ids = [one for one in (object_id, app_id, resource_id) if one]
    if (source is None) == (not ids):
        todo = "give --from FILE, or one of --object-id, --app-id, --resource-id"
        raise CommandError("an export or one id is needed", todo)
    if source is None:
        opened = session.of(context)
        kept = opened.state or local.state_folder(dict(os.environ))
        kept.mkdir(parents=True, exist_ok=True, mode=0o700)
        source = kept / f"twin-{datetime.now(UTC):%Y%m%d-%H%M%S}.json"
        _export(opened, source, _one_of(object_id, app_id, resource_id), pseudonyms=False)
    else:
        _run(["twin", "check", str(source)], dict(os.environ))
    wanted = ["drill", "--twin", str(source.resolve()), "--mode", mode]
    wanted += ["--interactive"] if interactive else []
    wanted += ["--folder", str(folder.resolve())] if folder is not None else []
    raise typer.Exit(_status(wanted, dict(os.environ)))


def _export(opened: session.Session, out: Path, wanted: Sequence[str], pseudonyms: bool) -> None:
    """As whoever signed in: an app that is down can't read, and need not."""
    surroundings = local.environment(opened.settings, dict(os.environ))
    who = showing.plain(
        "reading the tenant as whoever ran az login; nothing is written there", "dim"
    )
    opened.console.print(who)
    more = ["--pseudonyms"] if pseudonyms else []
    _run(["twin", "export", *wanted, "--out", str(out.resolve()), *more], surroundings)


def _one_of(object_id: str | None, app_id: str | None, resource_id: str | None) -> list[str]:
    given = {"--object-id": object_id, "--app-id": app_id, "--resource-id": resource_id}
    found = [(name, value) for name, value in given.items() if value]
    if len(found) != 1:
        todo = "give one of --object-id, --app-id, --resource-id"
        raise CommandError(f"{len(found)} ids were given, one is needed", todo)
    return list(found[0])


def _run(arguments: Sequence[str], surroundings: Mapping[str, str]) -> None:
    """Raises `typer.Exit` with its status where it did not do it: it said why."""
    if status := _status(arguments, surroundings):
        raise typer.Exit(status)


def _status(arguments: Sequence[str], surroundings: Mapping[str, str]) -> int:
    module = [sys.executable, "-m", *arguments]
    return subprocess.run(module, cwd=local.ROOT, env=dict(surroundings), check=False).returncode  # noqa: S603 - ours
