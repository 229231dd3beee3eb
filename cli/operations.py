"""Commands about the app itself and about evidence: health, the kill switch, a policy, a bundle."""

import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

from cli import session, showing
from cli.connection import Json, incident_path
from cli.errors import CommandError
from responders import bundles

commands = typer.Typer(no_args_is_help=True)


@commands.command("verify-evidence")
def verify_evidence(
    context: typer.Context,
    bundle: Annotated[Path, typer.Argument(help="The folder of one incident.", show_default=False)],
    manifest_sha256: Annotated[
        str | None, typer.Option(help="What a card or a record outside the store said.")
    ] = None,
    incident: Annotated[
        str | None, typer.Option(help="Ask the app for the hash of its newest manifest.")
    ] = None,
) -> None:
    """Check evidence against its manifests and its journal. Exit status 1 where anything differs."""
    expected = manifest_sha256
    if incident is not None:
        if expected is not None:
            raise CommandError("two hashes", "give --manifest-sha256 or --incident, not both")
        expected = _sealed(context, incident)
    arguments = [str(bundle), *(["--manifest-sha256", expected] if expected else [])]
    raise typer.Exit(bundles.main(arguments))


def _sealed(context: typer.Context, incident_id: str) -> str:
    with session.of(context).app() as app:
        manifest = app.get(incident_path(incident_id)).get("manifest")
    if not manifest:
        raise CommandError(f"{incident_id} has no manifest yet", "wait for its report")
    return str(manifest["sha256"])


@commands.command()
def health(
    context: typer.Context,
    deep: Annotated[bool, typer.Option(help="Ask everything that it depends on.")] = False,
) -> None:
    """Whether the app can work. Exit status 1 where it can't."""
    opened = session.of(context)
    with opened.app() as app:
        answer = app.get("/api/health", deep="true" if deep else None)
    opened.console.print_json(data=answer)
    if answer.get("status") not in {"ok", "healthy"}:
        raise typer.Exit(1)


@commands.command("kill-switch")
def kill_switch(
    context: typer.Context,
    pulled: Annotated[
        bool | None, typer.Option("--pull/--release", help="Stop every act, or allow them.")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why: it goes into the record.")] = None,
) -> None:
    """Show the kill switch, pull it or release it. Plans and evidence go on while it is pulled."""
    opened = session.of(context)
    path = "/api/kill-switch"
    with opened.app() as app:
        if pulled is None:
            opened.console.print_json(data=app.get(path))
            return
        if not reason:
            raise CommandError("no reason was given", "say --reason: it goes into the record")
        _, etag = app.changed(path, None)
        body: Json = {"acting": not pulled, "reason": reason}
        opened.console.print_json(data=app.post(path, body, etag=etag, method="PUT"))


@commands.command("policy-check")
def policy_check(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A policy.toml.", show_default=False)],
) -> None:
    """Whether the app would take a policy, and what is wrong with it. Exit status 1 where it would not."""
    try:
        text = file.read_text()
    except OSError as unread:
        raise CommandError(f"{file} can't be read: {unread.strerror}") from unread
    opened = session.of(context)
    with opened.app() as app:
        answer = app.post("/api/policy/check", {"policy": text})
    opened.console.print_json(data=answer)
    if not answer.get("valid"):
        raise typer.Exit(1)


@commands.command()
def serve(context: typer.Context) -> None:
    """With --local: keep the local app up until Ctrl-C, for its pages or for commands elsewhere."""
    opened = session.of(context)
    if not opened.local:
        raise CommandError("only the local app can be served", "firebreak --local serve")
    with opened.app() as app:
        opened.console.print(showing.plain(f"{app.origin}/incidents   Ctrl-C ends it", "bold"))
        _until_interrupted()


def _until_interrupted() -> None:
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    over.wait()
