"""Commands that show, follow and steer incidents."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from cli import consenting, session, showing
from cli.connection import App, Json, incident_path
from cli.errors import CommandError
from cli.watching import RESTING, Watch, next_steps, verdict

commands = typer.Typer(no_args_is_help=True)
_PAGE = 100  # incidents at most in one answer
IncidentId = Annotated[str, typer.Argument(help="inc-YYYYMMDD-…", show_default=False)]
Reason = Annotated[str, typer.Option(help="Why: it goes into the record.", show_default=False)]


@commands.command("list")
def list_incidents(
    context: typer.Context,
    phase: str | None = None,
    outcome: str | None = None,
    mode: str | None = None,
    principal: Annotated[str | None, typer.Option(help="Object id or client id.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 25,
) -> None:
    """Incidents, the newest first."""
    opened = session.of(context)
    wanted = {"phase": phase, "outcome": outcome, "mode": mode, "principal": principal}
    with opened.app() as app:
        found, more = app.pages("/api/incidents", "incidents", limit, size=_PAGE, **wanted)
    opened.console.print(showing.listing(found))
    if more:
        opened.console.print(showing.plain(f"More: --limit {limit * 4}", "dim"))


@commands.command()
def show(context: typer.Context, incident_id: IncidentId) -> None:
    """How an incident stands."""
    opened = session.of(context)
    with opened.app() as app:
        shown = app.get(incident_path(incident_id))
    _print(opened, shown)


@commands.command()
def watch(
    context: typer.Context,
    incident_id: IncidentId,
    to_the_end: Annotated[bool, typer.Option(help="Until it is closed, not just at rest.")] = False,
) -> None:
    """Follow an incident live. Exit status 3: not contained, held, refused or failed."""
    opened = session.of(context)
    with opened.app() as app:
        follow(opened, app, incident_id, to_the_end=to_the_end)


def follow(
    opened: session.Session, app: App, incident_id: str, *, to_the_end: bool = False
) -> None:
    """Until it is at rest, or over. Ends the command with 3 where a person is needed now."""
    over = frozenset({"closed", "refused", "failed", "cancelled"})
    shown = Watch(app, incident_id, opened.console).until(over if to_the_end else RESTING)
    if not opened.console.is_terminal:  # there the last screen stays
        _print(opened, shown)
    else:
        _print_next(opened, shown)
    if status := verdict(shown):
        raise typer.Exit(status)


def _print(opened: session.Session, shown: Json) -> None:
    opened.console.print(showing.incident(shown))
    _print_next(opened, shown)


def _print_next(opened: session.Session, shown: Json) -> None:
    if commands_now := next_steps(shown):
        opened.console.print(showing.lines("Next", commands_now))


@commands.command()
def consent(
    context: typer.Context,
    incident_id: IncidentId,
    plan_hash: Annotated[
        str | None, typer.Option(help="Answer without questions: to exactly this plan.")
    ] = None,
    deny: Annotated[bool, typer.Option(help="Say no.")] = False,
    reason: Annotated[str | None, typer.Option(help="Why: it goes into the record.")] = None,
    confirm: Annotated[list[str] | None, typer.Option(help="Key of a confirmation.")] = None,
    choose: Annotated[list[str] | None, typer.Option(help="Key of a choice.")] = None,
) -> None:
    """Read a plan whole, and answer it."""
    opened = session.of(context)
    with opened.app() as app:
        shown = app.get(incident_path(incident_id))
        asked = consenting.show_plan(opened.console, app, shown)
        if plan_hash is None:
            _must_be_asked(opened)
            questions = consenting.Questions(typer.prompt, typer.confirm)
            body = (
                consenting.denied(asked, reason or typer.prompt("Why not"))
                if deny
                else consenting.by_asking(asked, questions)
            )
        else:
            body = _unasked(asked, plan_hash, reason, deny=deny, keys=(confirm, choose))
        answer = app.post(incident_path(incident_id, "/consent"), body)
    opened.console.print(showing.plain(f"{body['decision']}: {answer_line(answer)}", "bold"))


def answer_line(answer: Json) -> str:
    """What became of an answer, the second person that may still be needed included."""
    return ", ".join(
        f"{name} {value}" for name, value in answer.items() if not isinstance(value, dict | list)
    )


def _must_be_asked(opened: session.Session) -> None:
    if not opened.console.is_terminal:
        todo = "give --plan-hash, --reason and --confirm for each confirmation"
        raise CommandError("nobody can be asked here: this is no terminal", todo)


def _unasked(
    asked: Json,
    plan_hash: str,
    reason: str | None,
    *,
    deny: bool,
    keys: tuple[list[str] | None, list[str] | None],
) -> Json:
    if plan_hash != asked["plan_hash"]:
        todo = f"read the plan: its hash is {asked['plan_hash']}"
        raise CommandError("the plan is another one than the one that you answer", todo)
    if not reason:
        raise CommandError("no reason was given", "say --reason: it goes into the record")
    if deny:
        return consenting.denied(asked, reason)
    return consenting.granted(asked, reason, confirmed=keys[0] or [], chosen=keys[1] or [])


@commands.command()
def resume(
    context: typer.Context,
    incident_id: IncidentId,
    reason: Reason,
    owners_go_on: Annotated[
        bool,
        typer.Option(
            "--owners-go-on", help="Git holds the patches: GitOps controllers that wait may sync."
        ),
    ] = False,
) -> None:
    """Have a recovery that is half done go on."""
    _steer(context, incident_id, "/resume", {"reason": reason, "owners_go_on": owners_go_on})


@commands.command()
def cancel(context: typer.Context, incident_id: IncidentId, reason: Reason) -> None:
    """End an incident in order: what is cut off stays cut off, nothing new is begun, nobody watches on."""
    _steer(context, incident_id, "/cancel", {"reason": reason})


def _steer(context: typer.Context, incident_id: str, part: str, body: Json) -> None:
    """Steer an incident as it was last read: one that has moved on since says so instead of obeying."""
    opened = session.of(context)
    with opened.app() as app:
        _, etag = app.changed(incident_path(incident_id), None)
        answer = app.post(incident_path(incident_id, part), body, etag=etag)
    opened.console.print(showing.plain(answer_line(answer)))


@commands.command()
def restore(
    context: typer.Context,
    incident_id: IncidentId,
    reason: Reason,
    apply: Annotated[
        str | None, typer.Option(help="Hash of the plan to carry out; without it, it is shown.")
    ] = None,
    refuse: Annotated[
        str | None, typer.Option(help="Hash of a plan that others ordered: say no to it.")
    ] = None,
    choose: Annotated[list[str] | None, typer.Option(help="Key of a choice.")] = None,
) -> None:
    """Take back containment after a false alarm: first the plan, then the order, which others may have to give too."""
    if apply and refuse:
        raise CommandError("two answers", "give --apply or --refuse, not both")
    opened = session.of(context)
    body: Json = {"mode": "apply" if apply else "refuse" if refuse else "plan", "reason": reason}
    body |= {"plan_hash": apply or refuse} if apply or refuse else {}
    body |= {"chosen": choose or []} if apply else {}
    with opened.app() as app:
        answer = app.post(incident_path(incident_id, "/restore"), body)
    if apply or refuse:
        opened.console.print(showing.plain(answer_line(answer)))
        if apply and not answer["begun"]:
            left = answer["needs"] - answer["approvals"]
            said = f"Nothing is given back yet: {left} more must order the same before {answer['expires_at']}."
            opened.console.print(showing.plain(said, "yellow"))
        return
    opened.console.print_json(data=answer["plan"])
    command = f"firebreak restore {incident_id} --apply {answer['plan_hash']} --reason '...'"
    opened.console.print(showing.lines("Next", [command]))


@commands.command()
def steps(context: typer.Context, incident_id: IncidentId) -> None:
    """Every step of the journal."""
    opened = session.of(context)
    with opened.app() as app:
        found = app.get(incident_path(incident_id))["steps"]
    opened.console.print(showing.steps_table(found))


@commands.command()
def report(
    context: typer.Context,
    incident_id: IncidentId,
    form: Annotated[Literal["md", "html", "json"], typer.Option("--format")] = "md",
    output: Annotated[Path | None, typer.Option(help="A file; standard output without.")] = None,
) -> None:
    """The incident document."""
    opened = session.of(context)
    with opened.app() as app:
        text = app.text(incident_path(incident_id, "/report"), format=form)
    if output is None:
        typer.echo(text)
        return
    output.write_text(text)
    opened.console.print(showing.plain(f"{output}: {len(text.encode())} bytes"))
