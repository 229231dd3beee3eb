"""The command that opens an incident: by an immutable id, and honest about a call that has to wait."""

import time
from typing import Annotated, Literal

import httpx
import typer

from cli import incidents, session, showing
from cli.connection import App, Json
from cli.errors import CommandError, RefusedError
from cli.incidents import Reason

commands = typer.Typer(no_args_is_help=True)
NOT_BEGUN = 3  # exit status: a person has to look whether it was
_EVERY_S = 2.0
_MOST_WAIT_S = 900.0  # the queue tries every half a minute, a sweep takes up what is left
_UNDER_WAY = frozenset({"received", "queued", "waiting"})


@commands.command()
def start(
    context: typer.Context,
    reason: Reason,
    mode: Annotated[
        Literal["plan", "contain", "respond"], typer.Option(help="How deep it goes.")
    ] = "plan",
    object_id: Annotated[str | None, typer.Option(help="Of the service principal.")] = None,
    app_id: Annotated[str | None, typer.Option(help="Client id.")] = None,
    resource_id: Annotated[str | None, typer.Option(help="Of a managed identity.")] = None,
    service_account: Annotated[
        str | None, typer.Option(help="CLUSTER,NAMESPACE,NAME; the cluster by ARM id or name.")
    ] = None,
    vector: Annotated[
        Literal["credential", "cluster", "unknown"] | None,
        typer.Option(help="How the attacker got in, where you know."),
    ] = None,
    watch: Annotated[bool, typer.Option(help="Follow it until a person is needed.")] = True,
) -> None:
    """Open an incident about one identity, by an immutable id."""
    body: Json = {"mode": mode, "reason": reason}
    body |= {"vector": vector} if vector else {}
    body |= _hint(object_id, app_id, resource_id, service_account)
    opened = session.of(context)
    with opened.app() as app:
        accepted = app.post("/api/incidents", body)
        if accepted["incident_id"] is None:
            accepted = _waited_for(opened, app, accepted, watch=watch)
        words = "joined" if accepted["joined"] else "opened"
        opened.console.print(showing.plain(f"{words} {accepted['incident_id']}", "bold"))
        if watch:
            incidents.follow(opened, app, accepted["incident_id"])


def _waited_for(opened: session.Session, app: App, accepted: Json, *, watch: bool) -> Json:
    """The call once it was handled: it was kept, and could not be handled while its sender waited."""
    url = str(accepted["status_url"])
    said = (
        f"Nothing was begun yet: {accepted['why']}. It is kept, and handled as soon as it can be."
    )
    opened.console.print(showing.plain(said, "yellow"))
    if not watch:
        opened.console.print(showing.plain(f"Where it stands: firebreak signals, or GET {url}"))
        raise typer.Exit(NOT_BEGUN)
    told, tried = str(accepted["why"]), time.monotonic()
    while (now := _record(app, url))["status"] in _UNDER_WAY:
        if now["why"] and now["why"] != told:
            told = str(now["why"])
            opened.console.print(showing.plain(f"still waits: {told}", "yellow"))
        if time.monotonic() - tried > _MOST_WAIT_S:
            todo = f"it goes on waiting by itself: firebreak signals, or GET {url}"
            raise CommandError(f"nothing was begun within {_MOST_WAIT_S:.0f} s: {told}", todo)
        time.sleep(_EVERY_S)
    if now["incident_id"] is None:
        raise CommandError(
            f"{now['status']}: {now['why']}", "nothing was begun; mend it and start again"
        )
    return now


def _record(app: App, url: str) -> Json:
    """How the call stands. What the queue alone could keep has no record before it is handled."""
    try:
        return app.get(url)
    except RefusedError as unknown:
        if unknown.status != httpx.codes.NOT_FOUND:
            raise
        return {"status": "queued", "why": ""}


def _hint(
    object_id: str | None, app_id: str | None, resource_id: str | None, account: str | None
) -> Json:
    given: Json = {"object_id": object_id, "app_id": app_id, "resource_id": resource_id}
    if account is not None:
        parts = account.split(",")
        if len(parts) != 3 or not all(parts):
            raise CommandError(f"{account!r} is not CLUSTER,NAMESPACE,NAME")
        given["service_account"] = dict(zip(("cluster", "namespace", "name"), parts, strict=True))
    found = {name: value for name, value in given.items() if value is not None}
    if len(found) != 1:
        todo = "give one of --object-id, --app-id, --resource-id, --service-account"
        raise CommandError(f"{len(found)} ids were given, one is needed", todo)
    return found
