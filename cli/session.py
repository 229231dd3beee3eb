"""What every command needs: the app, deployed or local, and the screen."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import typer
from rich.console import Console

from cli import local, showing
from cli.connection import App, AzureCli, checked_origin, http_client
from cli.errors import CommandError


@dataclass
class Session:
    """The options before the command. The app is opened by the first command that asks for it."""

    origin: str | None
    audience: str | None
    tenant: str | None
    local: bool
    settings: Path | None
    state: Path | None
    console: Console = field(default_factory=showing.console)

    @contextmanager
    def app(self) -> Iterator[App]:
        """A connection; with `--local` the app runs for as long as the block lasts."""
        if not self.local:
            if not self.origin:
                todo = (
                    "give --app https://<app>.azurewebsites.net, set FIREBREAK_APP, or use --local"
                )
                raise CommandError("no app is named", todo)
            with http_client() as http:
                yield App(checked_origin(self.origin), self._tokens(self.audience), http)
            return
        kept = local.environment(self.settings, dict(os.environ))
        audience = self.audience or kept["FIREBREAK_API_AUDIENCE"].partition(",")[0].strip()
        state = self.state or local.state_folder(dict(os.environ))
        with local.running(self.settings, state) as origin, http_client() as http:
            self.console.print(showing.plain(f"local app at {origin}, state in {state}", "dim"))
            yield App(origin, self._tokens(audience, kept["FIREBREAK_TENANT_ID"]), http)

    def _tokens(self, audience: str | None, tenant: str | None = None) -> AzureCli:
        if not audience:
            todo = (
                "give --audience, or set FIREBREAK_API_AUDIENCE: the app registration's client id"
            )
            raise CommandError("for which app registration is not said", todo)
        return AzureCli(audience, self.tenant or tenant)


def of(context: typer.Context) -> Session:
    """The session of this command line."""
    session: Session = context.find_root().obj
    return session
