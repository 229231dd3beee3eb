"""`firebreak doctor` on the caller's side: rows that only the caller can see, the table, the exit status."""

import base64
import io
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from rich.console import Console

from cli import connection, doctor, doctor_here, doctor_table, opening, runs
from cli.connection import App
from cli.errors import NotSignedInError
from responders.version import VERSION
from tests.one_module import instead

CLIENT = "b595567d-7f77-58bf-a1b0-b7ea647e2f17"
ENTRA = f"https://login.test/t/oauth2/v2.0/authorize?client_id={CLIENT}"


class Tokens:
    """A sign-in to the app registration `CLIENT`, with these roles, or none."""

    def __init__(self, *roles: str, audience: str = CLIENT, works: bool = True) -> None:
        self.roles, self.audience, self.works = roles, audience, works

    def token(self) -> str:
        if not self.works:
            raise NotSignedInError("nobody is signed in", "run: az login")
        claims = base64.urlsafe_b64encode(json.dumps({"roles": self.roles}).encode()).decode()
        return f"e30.{claims.rstrip('=')}.c2ln"


def well(request: httpx.Request) -> httpx.Response:
    """An app that is well: in a word, in full, and to a browser."""
    match request.url.path, request.url.query:
        case "/api/health", b"":
            return httpx.Response(200, json={"status": "ok"})
        case "/api/health", _:
            said = {"status": "ok", "version": VERSION, "at": datetime.now(UTC).isoformat()}
            return httpx.Response(200, json={**said, "checks": []})
        case "/incidents", _:
            return httpx.Response(302, headers={"Location": "/.auth/login/aad?x=y"})
        case _:
            return httpx.Response(302, headers={"Location": ENTRA})


def app(handler: Any = well, tokens: Any = None, origin: str = "https://fb.test") -> App:
    http = httpx.Client(transport=httpx.MockTransport(handler))
    return App(origin, tokens or Tokens("Incident.Read"), http)


def seen(of: App) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in doctor_here.rows(of, doctor_here.CHECKS)}


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (connection, opening, runs):
        instead(monkeypatch, module, time, sleep=lambda _seconds: None)


def test_where_all_is_well_every_row_is() -> None:
    assert {one["status"] for one in seen(app()).values()} == {"ok"}


def test_an_app_that_is_not_there_is_grave_with_the_way_on() -> None:
    def gone(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    rows = seen(app(gone))
    assert (rows["app"]["status"], rows["app"]["grave"]) == ("failed", True)
    assert "break-glass" in rows["app"]["fix"]
    assert rows["pages from here"]["status"] == "failed"


def test_a_host_that_is_no_firebreak_is_said() -> None:
    rows = seen(app(lambda _: httpx.Response(200, text="<html>parked</html>")))

    assert (rows["app"]["status"], "not as Firebreak" in rows["app"]["detail"]) == ("failed", True)
    assert rows["pages from here"]["status"] == "failed", "whoever comes gets a page unasked"


def test_without_a_sign_in_the_role_is_not_known() -> None:
    rows = seen(app(tokens=Tokens(works=False)))

    assert (rows["your sign-in"]["status"], rows["your sign-in"]["fix"]) == (
        "failed",
        "run: az login",
    )
    assert rows["your role"]["status"] == "unknown"


def test_who_holds_no_role_is_told_which_one() -> None:
    row = seen(app(tokens=Tokens("Other.Role")))["your role"]

    assert (row["status"], "Incident.Read" in row["fix"]) == ("failed", True)


def test_a_browser_that_signs_in_elsewhere_is_noticed() -> None:
    other = "00000000-7f77-58bf-a1b0-b7ea647e2f17"
    assert seen(app(tokens=Tokens(audience=other)))["pages from here"]["status"] == "failed"


def test_a_laptop_whose_clock_is_off_is_noticed_and_another_version_is_a_note() -> None:
    said = {"at": (datetime.now(UTC) + timedelta(minutes=10)).isoformat(), "version": "9.9"}
    clock, version = doctor_here.compared(said, doctor_here.CHECKS)

    assert (clock["status"], clock["grave"]) == ("failed", True)
    assert "this machine" in clock["detail"]
    assert (version["status"], "9.9" in version["detail"]) == ("note", True)
    assert doctor_here.compared({}, ["your version"])[0]["detail"].endswith("older")


def row(status: Any, **more: Any) -> dict[str, Any]:
    return {**doctor_here.row("tables", status, "found", f"fix of {status}"), **more}


@pytest.mark.parametrize(
    ("states", "status"),
    [
        (["ok", "note"], 0),
        (["ok", "unknown"], 2),
        (["unknown", "failed"], 1),
        (["failed"], 1),
    ],
)
def test_what_could_not_be_asked_is_never_well(states: list[str], status: int) -> None:
    assert doctor.exit_status([row(one) for one in states]) == status


def printed(rows: list[dict[str, Any]], width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, markup=False, highlight=False)
    doctor_table.show(rows, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_grave_come_first_and_no_command_is_broken_to_fit_a_screen() -> None:
    command = "az role assignment delete --ids " + "/subscriptions/x" * 20
    rows = [row("note"), row("failed", about="AuditLogs"), row("failed", fix=command, grave=True)]
    said = printed([*rows, row("ok")])

    todo = said.partition("What to do")[2]
    assert f"     {command}\n" in todo
    assert todo.index(command) < todo.index("fix of failed") < todo.index("fix of note")
    assert "fix of ok" not in said
    assert "2 wrong, 1 of them grave; 2 well." in said
    assert "tables, AuditLogs" in todo
    assert "could not be asked" in printed([row("unknown")])
    assert "Nothing is wrong" in printed([row("ok")])


def test_control_characters_of_a_name_reach_no_terminal() -> None:
    assert "\x1b" not in printed([row("failed", about="a\x1b[2Jb", fix="\x1b]0;x\x07")])


def test_an_app_that_does_not_say_how_it_is_leaves_the_rest_unknown() -> None:
    def closed(request: httpx.Request) -> httpx.Response:
        if b"deep" in request.url.query:
            problem = {"code": "NotAllowed", "detail": "no role", "next": "ask an owner"}
            return httpx.Response(403, json=problem)
        return well(request)

    rows = doctor._rows(app(closed), [], [], all_of_it=True)
    assert [(one["status"], one["fix"]) for one in rows] == [("unknown", "ask an owner")]


def test_only_what_was_asked_for_is_asked() -> None:
    asked: list[str] = []

    def listening(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return well(request)

    rows = doctor._rows(app(listening), ["your role"], [], all_of_it=False)
    assert ([one["name"] for one in rows], asked) == (["your role"], [])
    doctor._rows(app(listening), [], ["tables", "kill switch"], all_of_it=False)
    assert asked == ["https://fb.test/api/health?deep=true&only=tables%2Ckill+switch"]
    assert doctor_here.spelt("Your-Sign-In") == "your sign-in"
    assert doctor_here.spelt("kill-switch") == "kill switch"


def test_a_test_card_that_nobody_took_is_a_row() -> None:
    def refused(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"status": "refused", "detail": "404: renew the webhook"})

    card = doctor._card(app(refused))
    assert (card["status"], card["detail"]) == ("failed", "404: renew the webhook")
