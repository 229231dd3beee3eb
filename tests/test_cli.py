"""The command line: who calls, what is sent and how often, what a person reads, and with which status it ends."""

import io
import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console

from cli import __main__, connection, consenting, local, opening, runs, session, showing
from cli.connection import App, checked_origin, incident_path
from cli.errors import CommandError, NotSignedInError, RefusedError, UnreachableError
from cli.watching import Watch, next_steps, verdict
from tests.one_module import instead

INCIDENT = "inc-20261127-0123456789ab"
HASH = "ab" * 32


class Token:
    """A sign-in that always works."""

    def token(self) -> str:
        return "a-token"


class Server:
    """Answers one after the other, and what was asked."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (connection, opening, runs):
        instead(monkeypatch, module, time, sleep=lambda _seconds: None)


def app(server: Server) -> App:
    return App("https://fb.test", Token(), httpx.Client(transport=httpx.MockTransport(server)))


def incident(phase: str = "watching", **facts: Any) -> dict[str, Any]:
    principal = {"display_name": "orders-api", "app_id": "a", "object_id": "o"}
    shown = {"incident_id": INCIDENT, "phase": phase, "mode": "respond", "principal": principal}
    return {**shown, "steps": [], "outcome": None, "consent": None, **facts}


ASKED = {
    "plan_hash": HASH,
    "expires_at": "2026-11-27T04:00:00+00:00",
    "confirmations": [{"key": "rotate:aks-weu", "sentence": "All pods restart."}],
    "choices": [{"key": "owner:1", "what": "owner", "name": "Ada", "reason": "undated"}],
}


def test_a_call_whose_answer_was_lost_is_sent_again_under_the_same_key() -> None:
    server = Server(httpx.ReadError("broken"), httpx.Response(202, json={"resumed": True}))

    assert app(server).post(incident_path(INCIDENT, "/resume"), {"reason": "why"})["resumed"]

    keys = {request.headers["Idempotency-Key"] for request in server.asked}
    assert len(server.asked) == 2
    assert len(keys) == 1
    assert server.asked[0].headers["Authorization"] == "Bearer a-token"


def test_an_app_that_stays_silent_is_said_to_be_down_with_the_way_out() -> None:
    server = Server(*[httpx.ConnectError("refused")] * 4)

    with pytest.raises(UnreachableError, match=r"https://fb\.test does not answer") as caught:
        app(server).get("/api/incidents")

    assert "--local" in caught.value.todo
    assert len(server.asked) == 4


def test_a_throttled_call_waits_and_is_answered() -> None:
    slow = httpx.Response(429, headers={"Retry-After": "1"})
    assert app(Server(slow, httpx.Response(200, json={"a": 1}))).get("/x") == {"a": 1}


def test_a_refusal_is_told_with_code_reason_and_what_to_do() -> None:
    problem = {"code": "StalePlan", "detail": "another plan", "next": "read it again"}

    with pytest.raises(RefusedError, match="StalePlan: another plan") as caught:
        app(Server(httpx.Response(409, json=problem))).get("/x")

    assert caught.value.todo == "read it again"


def test_nobody_signed_in_is_another_status_than_a_refusal() -> None:
    with pytest.raises(NotSignedInError):
        app(Server(httpx.Response(401, text="no"))).get("/x")


@pytest.mark.parametrize(
    "url",
    ["http://fb.azurewebsites.net", "https://a@fb.net", "fb.net", "https://fb.net?x=1", "ftp://x"],
)
def test_a_token_goes_to_no_address_that_could_be_somebody_elses(url: str) -> None:
    with pytest.raises(CommandError, match="is no address"):
        checked_origin(url)


def test_an_id_with_a_slash_names_no_other_route() -> None:
    assert incident_path("../kill-switch") == "/api/incidents/..%2Fkill-switch"


def test_a_watch_says_each_step_once_and_ends_where_a_person_is_needed() -> None:
    step = {"step": "disable", "target": None, "status": "done", "detail": "", "started": "t"}
    server = Server(
        httpx.Response(200, json=incident("containing"), headers={"ETag": '"1"'}),
        httpx.Response(304),
        httpx.ReadError("restart"),
        httpx.Response(200, json=incident("containing", steps=[step]), headers={"ETag": '"2"'}),
        httpx.Response(200, json=incident("awaiting_consent", steps=[step], consent=ASKED)),
    )
    said = io.StringIO()

    last = Watch(app(server), INCIDENT, Console(file=said), pause=lambda _s: None).until()

    assert last["phase"] == "awaiting_consent"
    assert said.getvalue().count("disable: done") == 1
    assert server.asked[1].headers["If-None-Match"] == '"1"'
    assert next_steps(last)[0].startswith(f"firebreak consent {INCIDENT}")


@pytest.mark.parametrize(
    ("phase", "outcome", "status"),
    [
        ("watching", "contained", 0),
        ("watching", "not_contained", 3),
        ("held", None, 3),
        ("refused", "refused", 3),
        ("failed", None, 3),
        ("closed", "recovered", 0),
    ],
)
def test_the_exit_status_says_whether_a_person_is_needed_now(
    phase: str, outcome: str | None, status: int
) -> None:
    assert verdict(incident(phase, outcome=outcome)) == status


def test_a_planted_name_is_text_in_the_terminal() -> None:
    shown = incident(
        principal={"display_name": "\x1b[2J[bold]x[/bold]", "app_id": "a", "object_id": "o"}
    )
    said = io.StringIO()
    Console(file=said, force_terminal=True, width=100).print(showing.incident(shown))
    assert "[bold]x[/bold]" in said.getvalue()
    assert "\x1b[2J" not in said.getvalue()


def test_a_yes_is_asked_for_each_confirmation_and_the_beginning_of_the_hash() -> None:
    asked: list[str] = []
    typed = iter(["attack is over", HASH[:8]])

    def text(question: str) -> str:
        asked.append(question)
        return next(typed)

    def yes(question: str) -> bool:
        asked.append(question)
        return "Bring back" not in question

    questions = consenting.Questions(text, yes)

    body = consenting.by_asking(ASKED, questions)

    assert body == {
        "plan_hash": HASH,
        "decision": "grant",
        "reason": "attack is over",
        "confirmed": ["rotate:aks-weu"],
        "chosen": [],
    }
    assert any("All pods restart." in question for question in asked)


@pytest.mark.parametrize("typed", ["", "yes", HASH[:7]])
def test_without_the_hash_nothing_is_sent(typed: str) -> None:
    words = iter(["why", typed])
    with pytest.raises(CommandError, match="nothing was sent"):
        consenting.by_asking(ASKED, consenting.Questions(lambda _q: next(words), lambda _q: True))


def test_a_risk_that_is_not_confirmed_ends_it() -> None:
    def yes(question: str) -> bool:
        return question.startswith("Grant")

    with pytest.raises(CommandError, match="rotate:aks-weu was not confirmed"):
        consenting.by_asking(ASKED, consenting.Questions(lambda _q: "why", yes))


def typed(monkeypatch: pytest.MonkeyPatch, server: Server, *arguments: str) -> int:
    """The exit status of a command against this server."""
    monkeypatch.setattr(
        session, "http_client", lambda: httpx.Client(transport=httpx.MockTransport(server))
    )
    monkeypatch.setattr(session, "AzureCli", lambda *_: Token())
    return run(monkeypatch, "--app", "https://fb.test", "--audience", "api://fb", *arguments)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["firebreak", *arguments])
    for name in ("FIREBREAK_APP", "FIREBREAK_API_AUDIENCE"):
        monkeypatch.delenv(name, raising=False)
    try:
        return __main__.main()
    except SystemExit as ended:
        return int(ended.code or 0)


def test_without_an_app_it_says_what_to_give(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "show", INCIDENT) == 1
    assert "FIREBREAK_APP" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["start", "--reason", "r"], ["start", "--reason", "r", "--object-id", "a", "--app-id", "b"]],
)
def test_one_identity_is_named_by_exactly_one_id(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--app", "https://fb.test", *arguments) == 1
    assert "one is needed" in capsys.readouterr().err


def test_an_unknown_option_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, "start", "--display-name", "orders-api") == 2


SETTINGS = {
    "FIREBREAK_TENANT_ID": "t",
    "FIREBREAK_LOG_WORKSPACE_ID": "w",
    "FIREBREAK_API_AUDIENCE": "api://firebreak",
    "WEBSITE_AUTH_ENABLED": "true",
    "IDENTITY_ENDPOINT": "http://169.254.0.1",
}


@pytest.mark.parametrize(
    "document",
    [
        {"IsEncrypted": False, "Values": SETTINGS},
        [{"name": name, "value": value, "slotSetting": False} for name, value in SETTINGS.items()],
    ],
)
def test_the_local_app_takes_the_deployed_ones_settings_and_the_responders_sign_in(
    document: Any, tmp_path: Path
) -> None:
    kept = tmp_path / "settings.json"
    kept.write_text(json.dumps(document))

    seen = local.environment(kept, {"PATH": "/bin", "MSI_SECRET": "x"})

    assert seen["FIREBREAK_CREDENTIAL"] == "azure-cli"
    assert seen["FIREBREAK_TENANT_ID"] == "t"
    assert not {"WEBSITE_AUTH_ENABLED", "IDENTITY_ENDPOINT", "MSI_SECRET"} & seen.keys()


@pytest.mark.parametrize("text", ["", "[1]", '{"a": 1}'])
def test_settings_that_are_none_are_refused_by_name(text: str, tmp_path: Path) -> None:
    kept = tmp_path / "settings.json"
    kept.write_text(text)
    with pytest.raises(CommandError, match=r"settings\.json"):
        local.environment(kept, {})


def test_missing_settings_are_named() -> None:
    with pytest.raises(CommandError, match="FIREBREAK_API_AUDIENCE"):
        local.environment(None, {"FIREBREAK_TENANT_ID": "t", "FIREBREAK_LOG_WORKSPACE_ID": "w"})


def test_an_app_that_says_that_it_cannot_work_is_heard_and_not_asked_again() -> None:
    server = Server(httpx.Response(503, json={"status": "unhealthy", "checks": []}))

    assert app(server).get("/api/health")["status"] == "unhealthy"
    assert len(server.asked) == 1


START = ("start", "--object-id", "o", "--reason", "somebody is in", "--no-watch")
URL = "/api/signals/responder/0123456789abcdef"
WAITS = {
    "status": "queued",
    "incident_id": None,
    "joined": False,
    "mode": "contain",
    "why": "it waits in the queue: Graph answered 503",
    "status_url": URL,
}


def record(status: str, why: str, incident_id: str | None = None) -> httpx.Response:
    said = {"status": status, "why": why, "incident_id": incident_id, "joined": False}
    return httpx.Response(200, json=said)


def test_a_call_that_waits_is_no_opened_incident(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed(monkeypatch, Server(httpx.Response(202, json=WAITS)), *START) == 3
    said = capsys.readouterr().out
    assert "Nothing was begun yet" in said
    assert "Graph answered 503" in said
    assert "opened" not in said


def test_a_call_that_waits_is_followed_until_it_was_handled(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = httpx.Response(404, json={"code": "UnknownSignal", "detail": "none"})
    server = Server(
        httpx.Response(202, json=WAITS),
        missing,
        record("received", "TransientError: Graph answered 500"),
        record("accepted", "a responder's call", INCIDENT),
        httpx.Response(200, json=incident("watching", outcome="contained")),
    )
    assert typed(monkeypatch, server, *START[:-1]) == 0
    assert [one.url.path for one in server.asked][1:4] == [URL] * 3
    said = " ".join(capsys.readouterr().out.split())
    assert "still waits: TransientError: Graph answered 500" in said
    assert f"opened {INCIDENT}" in said


@pytest.mark.parametrize("status", ["refused", "poisoned"])
def test_a_call_that_waited_for_nothing_ends_with_the_reason(
    status: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server = Server(httpx.Response(202, json=WAITS), record(status, "no such principal"))
    assert typed(monkeypatch, server, *START[:-1]) == 1
    assert f"{status}: no such principal" in capsys.readouterr().err


def test_signals_come_page_by_page_and_a_planted_title_is_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    signal = {"title": "\x1b[2Jrosa", "source": "responder", "kind": "call"}
    row = {"signal": signal, "status": "queued", "why": "w", "incident_id": None}
    row["received_at"] = "2026-11-27T03:00:00+00:00"
    pages = (
        httpx.Response(200, json={"signals": [row], "next_cursor": "c"}),
        httpx.Response(200, json={"signals": [row], "next_cursor": "d"}),
    )
    server = Server(*pages)
    assert typed(monkeypatch, server, "signals", "--source", "responder", "--limit", "2") == 0
    assert server.asked[1].url.params["cursor"] == "c"
    assert server.asked[0].url.params["source"] == "responder"
    said = capsys.readouterr().out
    assert "More: --limit" in said
    assert "\x1b[2J" not in said


SHOWN = httpx.Response(200, json=incident("awaiting_resume"), headers={"ETag": '"a.b"'})


@pytest.mark.parametrize("flag", [True, False])
def test_that_git_holds_the_patches_is_sent_where_it_was_said(
    flag: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(SHOWN, httpx.Response(202, json={"incident_id": INCIDENT, "resumed": True}))
    words = ("resume", INCIDENT, "--reason", "mended", *(["--owners-go-on"] if flag else []))
    assert typed(monkeypatch, server, *words) == 0
    assert json.loads(server.asked[1].content) == {"reason": "mended", "owners_go_on": flag}
    assert server.asked[1].headers["If-Match"] == '"a.b"'


@pytest.mark.parametrize("begun", [True, False])
def test_an_order_that_waits_for_others_says_so(
    begun: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = {"begun": begun, "approvals": 2 if begun else 1, "needs": 2, "expires_at": "04:00"}
    server = Server(httpx.Response(202, json=said))
    words = ("restore", INCIDENT, "--reason", "load test", "--apply", HASH, "--choose", "trust:weu")
    assert typed(monkeypatch, server, *words) == 0
    sent = json.loads(server.asked[0].content)
    assert (sent["mode"], sent["plan_hash"], sent["chosen"]) == ("apply", HASH, ["trust:weu"])
    assert ("1 more must order the same" in capsys.readouterr().out) is not begun


def test_a_no_to_a_restore_names_its_plan_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(httpx.Response(202, json={"begun": False, "refused": True}))
    assert typed(monkeypatch, server, "restore", INCIDENT, "--reason", "no", "--refuse", HASH) == 0
    assert json.loads(server.asked[0].content) == {
        "mode": "refuse",
        "reason": "no",
        "plan_hash": HASH,
    }


def test_yes_and_no_at_once_is_neither(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("restore", INCIDENT, "--reason", "r", "--apply", HASH, "--refuse", HASH)
    server = Server()
    assert (typed(monkeypatch, server, *words), server.asked) == (1, [])
    assert "not both" in capsys.readouterr().err


def test_the_documents_of_a_folder_are_sent_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "orders.yaml").write_text("version: 1\n# as written: no\n")
    (tmp_path / "README.md").write_text("not one of them")

    found = runs._parameters(None, [f"declarations=@{tmp_path}", "only=[]"])

    assert found == {
        "declarations": {"shop/orders.yaml": "version: 1\n# as written: no\n"},
        "only": [],
    }
    with pytest.raises(CommandError, match="holds no YAML"):
        runs._parameters(None, [f"declarations=@{tmp_path / 'README'}"])
