"""Where a person's call comes in: what makes no sense begins nothing, what comes twice acts once."""

import inspect
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest

from responders import kill_switch, notices, signal_records
from responders.cloud import Cloud
from responders.errors import TransientError
from responders.evidence_folder import EvidenceFolder
from tests.queue_out import QueueOut
from tests.registered import functions, http_trigger
from tests.test_ways_in import (
    GOOD,
    INCIDENT,
    PLAN,
    YES,
    FakeClient,
    asking,
    client,
    settings,
    signed_in,
)
from triggers import health, idempotency, intake, people
from triggers.app_documents import HealthDocument
from triggers.documents import IncidentDocument, SignalsDocument

__all__ = ["client", "settings"]
ALL = (people.READ, people.RESPOND, people.APPROVE, people.ADMIN)


class Answer:
    """What came back."""

    def __init__(self, response: func.HttpResponse) -> None:
        self.status = response.status_code
        self.headers = response.headers
        self.text = response.get_body().decode()
        self.media = response.mimetype

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def code(self) -> str:
        assert self.media == "application/problem+json", (self.status, self.text)
        return str(self.json["code"])


async def ask(
    name: str,
    client: FakeClient | None = None,
    *,
    body: Any = None,
    query: dict[str, str] | None = None,
    roles: tuple[str, ...] = ALL,
    incident: str = INCIDENT,
    named: dict[str, str] | None = None,
    later: QueueOut | None = None,
    **headers: str,
) -> Answer:
    """Call a function of the app as the worker does. `named`: what its route names, where that is no incident."""
    shown = signed_in(*roles) if roles else {}
    sent = {**shown, **{key.replace("_", "-"): value for key, value in headers.items()}}
    trigger = http_trigger(name)
    request = func.HttpRequest(
        str(getattr(trigger.methods[0], "value", trigger.methods[0])),
        f"/{trigger.route}",
        headers=sent,
        params=query or {},
        route_params=named or ({"incident_id": incident} if "{" in trigger.route else {}),
        body=body if isinstance(body, bytes) else json.dumps(body or {}).encode(),
    )
    function = functions()[name].get_user_function()
    inner = getattr(function, "client_function", None)
    takes = inspect.signature(inner or function).parameters
    more: dict[str, Any] = {"later": later or QueueOut()} if "later" in takes else {}
    answer = await (inner(req=request, client=client, **more) if inner else function(request))
    return Answer(answer)


async def test_an_unknown_query_parameter_is_refused_with_those_that_are_known(
    client: FakeClient,
) -> None:
    refused = await ask("list_incidents", client, query={"colour": "red"})

    assert (refused.status, refused.code) == (400, "UnknownParameter")
    assert "phase" in refused.json["known"]
    assert (await ask("read_incident", client, query={"x": "1"})).code == "UnknownParameter"


async def test_the_platforms_own_key_in_a_url_is_no_unknown_parameter(client: FakeClient) -> None:
    assert (await ask("list_incidents", client, query={"code": "a-key"})).status == 200


async def test_a_body_that_is_too_long_or_no_json_is_refused(client: FakeClient) -> None:
    long = json.dumps({**GOOD, "reason": "x" * 300_000}).encode()

    assert (await ask("open_incident", client, body=long)).code == "TooLarge"
    for media in ("text/plain", "application/x-www-form-urlencoded", ""):
        refused = await ask("open_incident", client, body=GOOD, Content_Type=media)
        assert (refused.status, refused.code) == (415, "NotJson")
    charset = "application/json; charset=utf-8"
    assert (await ask("open_incident", client, body=GOOD, Content_Type=charset)).status == 202
    assert len(client.started) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"reason": "\\ud800", "mode": "plan", "object_id": "x"}',
        b'{"mode": NaN}',
        b"\xff",
        b"null",
        b'{"object_id": {"$ne": null}, "mode": "plan", "reason": "all"}',
    ],
)
async def test_hostile_json_is_a_bad_request(client: FakeClient, body: bytes) -> None:
    refused = await ask("open_incident", client, body=body)

    assert (refused.status, refused.code, client.started) == (400, "BadRequest", [])
    assert refused.json["errors"]


async def test_a_bad_field_is_named_and_what_was_sent_is_not_repeated(client: FakeClient) -> None:
    refused = await ask("open_incident", client, body={**GOOD, "object_id": "my-secret"})

    assert refused.json["errors"][0]["field"] == "object_id"
    assert "my-secret" not in refused.text


@pytest.mark.parametrize("name", ["read_incident", "read_steps", "read_report", "cancel_incident"])
async def test_what_is_no_incident_id_is_never_looked_up(client: FakeClient, name: str) -> None:
    for odd in ("../../etc/passwd", "inc-1", "INC-20260101-0123456789AB", "", f"{INCIDENT}\n"):
        refused = await ask(name, client, incident=odd, body={"reason": "abc"})
        assert (refused.status, refused.code) == (404, "UnknownIncident")


async def test_who_may_not_call_does_not_learn_whether_the_body_made_sense(
    client: FakeClient,
) -> None:
    assert (await ask("open_incident", client, body=b"{", roles=(people.READ,))).status == 403
    assert (await ask("open_incident", client, body=b"{", roles=())).status == 401


async def test_a_store_that_is_busy_is_a_503_and_nothing_is_begun(
    client: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: Any) -> Any:
        raise TransientError("the storage is busy")

    monkeypatch.setattr(idempotency, "_claim", busy)
    refused = await ask("open_incident", client, body=GOOD)

    assert (refused.status, refused.code, client.started) == (503, "TryAgain", [])
    assert refused.headers["Retry-After"]


async def test_the_same_key_with_the_same_body_acts_once_and_is_answered_the_same(
    client: FakeClient,
) -> None:
    first = await ask("open_incident", client, body=GOOD, Idempotency_Key="k-1")
    again = await ask("open_incident", client, body=GOOD, Idempotency_Key="k-1")

    assert (first.status, first.json) == (again.status, again.json)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(client.started) == 1


async def test_the_same_key_with_another_body_is_refused(client: FakeClient) -> None:
    await ask("open_incident", client, body=GOOD, Idempotency_Key="k-1")
    other = {**GOOD, "mode": "respond"}
    refused = await ask("open_incident", client, body=other, Idempotency_Key="k-1")

    assert (refused.status, refused.code) == (422, "KeyReused")
    assert len(client.started) == 1


async def test_a_key_is_its_callers_and_its_calls_own(client: FakeClient) -> None:
    client.statuses[INCIDENT] = asking()
    intake.store().put_json(f"incidents/{INCIDENT}/plan.json", PLAN)
    await ask("cancel_incident", client, body={"reason": "enough"}, Idempotency_Key="k-1")
    answer = await ask("answer_plan", client, body=YES, Idempotency_Key="k-1")

    assert answer.status == 202
    sent = {"by": "one", "to": "cancel", "body": b"{}"}
    paths = {
        idempotency.Sent(**{**sent, **other}, key="k").path  # type: ignore[arg-type]
        for other in ({}, {"by": "two"}, {"to": "resume"})
    }
    assert len(paths) == 3


async def test_what_was_refused_may_be_tried_again_with_the_same_key(client: FakeClient) -> None:
    said = {"reason": "enough"}
    first = await ask("cancel_incident", client, body=said, Idempotency_Key="k-1")
    client.statuses[INCIDENT] = asking("watching")
    again = await ask("cancel_incident", client, body=said, Idempotency_Key="k-1")

    assert (first.status, again.status) == (404, 202)


async def test_a_call_whose_instance_died_is_carried_out_again(client: FakeClient) -> None:
    client.statuses[INCIDENT] = asking("watching")
    whole = json.dumps({"reason": "enough"}).encode()
    sent = idempotency.Sent(
        "99999999-9999-9999-9999-999999999999", f"cancel_incident {INCIDENT}", "k-1", whole
    )
    intake.store().claim(sent.path, idempotency._record(sent, None))
    answer = await ask("cancel_incident", client, body=whole, Idempotency_Key="k-1")

    assert (answer.status, len(client.events)) == (202, 1)


async def test_a_key_is_forgotten_after_a_day(
    client: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ask("open_incident", client, body=GOOD, Idempotency_Key="k-1")
    monkeypatch.setattr(idempotency, "_REMEMBERED", idempotency._REMEMBERED * 0)
    other = {**GOOD, "mode": "contain"}

    assert (await ask("open_incident", client, body=other, Idempotency_Key="k-1")).status == 202


async def test_what_nobody_is_promised_any_more_is_dropped_and_the_rest_stays(
    client: FakeClient,
) -> None:
    await ask("open_incident", client, body=GOOD, Idempotency_Key="k-1")
    store, now = intake.store(), datetime.now(UTC)

    assert idempotency.forget(store, now) == 0
    assert len(store.claims("idempotency")) == 1
    assert idempotency.forget(store, now + timedelta(hours=25)) == 1
    assert store.claims("idempotency") == []


@pytest.mark.parametrize("key", ["with space", "x" * 201, "tab\t", "ümlaut"])
async def test_a_key_that_is_none_is_refused(client: FakeClient, key: str) -> None:
    assert (await ask("open_incident", client, body=GOOD, Idempotency_Key=key)).code == "BadKey"
    assert client.started == []


async def test_no_key_is_kept_as_it_was_sent(client: FakeClient, tmp_path: Path) -> None:
    await ask("open_incident", client, body=GOOD, Idempotency_Key="my-very-own-key")

    kept = [one for one in tmp_path.rglob("*") if one.is_file() and "idempotency" in one.parts]
    assert kept
    assert all(b"my-very-own-key" not in one.read_bytes() for one in kept)


async def test_who_polls_is_told_as_soon_as_there_is_news_and_not_before(
    client: FakeClient,
) -> None:
    client.statuses[INCIDENT] = asking("watching")
    client.statuses[INCIDENT].custom_status["consent"] = None
    first = await ask("read_incident", client)
    tag = first.headers["ETag"]

    same = await ask("read_incident", client, If_None_Match=f'"other", {tag}')
    assert (same.status, same.text, same.headers["ETag"]) == (304, "", tag)
    client.statuses[INCIDENT].custom_status["sweeps"] = ["sweep-2"]
    assert (await ask("read_incident", client, If_None_Match=tag)).status == 200


async def test_a_call_that_steers_is_refused_once_the_incident_has_moved_on(
    client: FakeClient,
) -> None:
    client.statuses[INCIDENT] = asking("watching")
    client.statuses[INCIDENT].custom_status["consent"] = None
    tag = (await ask("read_incident", client)).headers["ETag"]
    client.statuses[INCIDENT].custom_status["phase"] = "restoring"
    said = {"reason": "enough"}
    refused = await ask("cancel_incident", client, body=said, If_Match=tag)

    assert (refused.status, refused.code, client.events) == (412, "MovedOn", [])
    assert refused.json["now"]["phase"] == "restoring"
    now = refused.json["etag"]
    assert (await ask("cancel_incident", client, body=said, If_Match=now)).status == 202


async def test_a_check_that_ran_meanwhile_voids_no_decision(client: FakeClient) -> None:
    client.statuses[INCIDENT] = asking("watching")
    client.statuses[INCIDENT].custom_status["consent"] = None
    tag = (await ask("read_incident", client)).headers["ETag"]
    client.statuses[INCIDENT].custom_status["sweeps"] = ["sweep-2"]
    moved = (await ask("read_incident", client)).headers["ETag"]

    assert moved != tag
    weak = f"W/{tag}"  # as a proxy that compresses makes it
    assert (
        await ask("cancel_incident", client, body={"reason": "enough"}, If_Match=weak)
    ).status == 202


async def test_another_plan_voids_what_was_seen_of_the_first(client: FakeClient) -> None:
    intake.store().put_json(f"incidents/{INCIDENT}/plan.json", PLAN)
    client.statuses[INCIDENT] = asking()
    tag = (await ask("read_incident", client)).headers["ETag"]
    client.statuses[INCIDENT].custom_status["consent"] = {"plan_hash": "cd" * 32}

    refused = await ask("answer_plan", client, body=YES, If_Match=tag)
    assert (refused.status, client.events) == (412, [])


async def test_a_call_that_is_sent_again_is_answered_though_its_own_act_moved_the_incident(
    client: FakeClient,
) -> None:
    client.statuses[INCIDENT] = asking("watching")
    client.statuses[INCIDENT].custom_status["consent"] = None
    tag = (await ask("read_incident", client)).headers["ETag"]
    sent: dict[str, Any] = {"body": {"reason": "enough"}, "If_Match": tag, "Idempotency_Key": "k"}
    first = await ask("cancel_incident", client, **sent)
    client.statuses[INCIDENT].custom_status["phase"] = "cancelling"
    again = await ask("cancel_incident", client, **sent)

    assert (first.json, again.status) == (again.json, 202)


async def test_the_status_document_is_the_published_one(client: FakeClient) -> None:
    client.statuses[INCIDENT] = asking("watching")
    client.statuses[INCIDENT].custom_status["consent"] = None
    shown = (await ask("read_incident", client)).json

    IncidentDocument.model_validate(shown)
    assert set(IncidentDocument.model_fields) <= set(shown)


async def test_who_follows_an_incident_has_its_levers_read_once(
    client: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.statuses[INCIDENT] = asking("watching")
    client.statuses[INCIDENT].custom_status["consent"] = None
    change = {"object": "o", "before": "a", "after": "b"}
    for number in range(20):
        path = f"incidents/{INCIDENT}/levers/lever_{number}-1.json"
        intake.store().put_json(path, {"changes": [change]})
    read: list[str] = []
    get = EvidenceFolder.get

    def counted(store: EvidenceFolder, path: str) -> bytes:
        read.append(path)
        return get(store, path)

    monkeypatch.setattr(EvidenceFolder, "get", counted)
    first = await ask("read_incident", client)
    before = len(read)
    again = await ask("read_incident", client, If_None_Match=first.headers["ETag"])

    assert (len(first.json["changes"]), again.status) == (20, 304)
    assert (before, len(read) - before) == (21, 1), "the journal alone"


async def test_the_list_is_read_by_whoever_may_read(client: FakeClient) -> None:
    await ask("open_incident", client, body=GOOD)
    listed = (await ask("list_incidents", client, roles=(people.READ,))).json

    (line,) = listed["incidents"]
    assert line["principal"]["object_id"] == GOOD["object_id"]
    assert (line["mode"], line["phase"]) == ("plan", "accepted")
    assert listed["next_cursor"] is None
    assert (await ask("list_incidents", client, roles=())).status == 401


async def test_steps_come_page_by_page_in_the_order_in_which_they_were_begun(
    client: FakeClient,
) -> None:
    from responders.journal import Journal  # noqa: PLC0415

    journal = Journal(intake.store(), INCIDENT)
    for number in range(5):
        journal.intent(f"step_{number}", "target")
    first = (await ask("read_steps", client, query={"limit": "2"})).json
    rest = (await ask("read_steps", client, query={"cursor": first["next_cursor"]})).json

    assert [one["step"] for one in (*first["steps"], *rest["steps"])] == [
        f"step_{number}" for number in range(5)
    ]
    assert rest["next_cursor"] is None
    other = "inc-20260101-000000000000"
    assert (await ask("read_steps", client, incident=other)).code == "UnknownIncident"


async def test_the_newest_report_is_answered_in_every_form_and_is_inert_in_a_browser(
    client: FakeClient,
) -> None:
    assert (await ask("read_report", client)).code == "NoReport"
    for name, moment in (("report", "2026-01-01"), ("report-closed", "2026-01-02")):
        written = {"written_at": moment, "outcome": name}
        intake.store().put_json(f"incidents/{INCIDENT}/{name}.json", written)
        intake.store().put(f"incidents/{INCIDENT}/{name}.md", f"# {name}".encode())
        intake.store().put(f"incidents/{INCIDENT}/{name}.html", f"<p>{name}".encode())
    shown = await ask("read_report", client)
    text = await ask("read_report", client, query={"format": "md"})

    page = await ask("read_report", client, query={"format": "html"})

    assert shown.json["outcome"] == "report-closed"
    assert (page.text, page.media) == ("<p>report-closed", "text/html")
    assert "sandbox" in page.headers["Content-Security-Policy"]
    assert (text.text, text.media) == ("# report-closed", "text/markdown")
    assert "default-src 'none'" in text.headers["Content-Security-Policy"]
    assert shown.headers["ETag"] != text.headers["ETag"]
    tag = shown.headers["ETag"]
    assert (await ask("read_report", client, If_None_Match=tag)).status == 304


PULL = {"acting": False, "reason": "it acts on the wrong identity"}
RELEASE = {"acting": True, "reason": "it was the right one"}


async def test_whoever_responds_pulls_the_switch_and_only_an_administrator_releases_it() -> None:
    client = FakeClient()
    assert (await ask("set_kill_switch", client, body=PULL, roles=(people.APPROVE,))).status == 403
    pulled = await ask("set_kill_switch", client, body=PULL, roles=(people.RESPOND,))
    refused = await ask("set_kill_switch", client, body=RELEASE, roles=(people.RESPOND,))

    assert (pulled.status, pulled.json["acting"]) == (200, False)
    assert pulled.json["switch"]["by"]["name"] == "rosa@contoso.example"
    assert (refused.status, refused.code) == (403, "NotAllowed")
    assert not kill_switch.read(intake.store())["acting"]
    released = await ask("set_kill_switch", client, body=RELEASE, roles=(people.ADMIN,))
    assert released.json["switch"]["acting"]
    pull, release = client.told
    assert dict(pull["facts"])["Reason"] == "it acts on the wrong identity"
    assert (pull["event"], release["event"]) == ("KillSwitchPulled", "KillSwitchReleased")
    assert pulled.json["told"] == "people are being told: teams"


async def test_who_saw_another_turn_turns_nothing() -> None:
    seen = (await ask("read_kill_switch")).headers["ETag"]
    await ask("set_kill_switch", FakeClient(), body=PULL)
    refused = await ask("set_kill_switch", FakeClient(), body=RELEASE, If_Match=seen)

    assert (refused.status, refused.code) == (412, "MovedOn")
    now = refused.json["etag"]
    assert (await ask("set_kill_switch", FakeClient(), body=RELEASE, If_Match=now)).status == 200


async def test_the_switch_stands_though_nobody_could_be_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def busy(*_: Any) -> Any:
        raise TransientError("the Teams workflow answered 503")

    class Broken(FakeClient):
        async def start_new(self, *_: Any, **_more: Any) -> str:
            raise RuntimeError("the storage account is gone")

    monkeypatch.setattr(notices, "send", busy)
    pulled = await ask("set_kill_switch", Broken(), body=PULL)

    assert (pulled.status, pulled.json["switch"]["acting"]) == (200, False)
    assert "503" in pulled.json["told"]


async def test_acting_is_said_only_where_all_three_allow_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert (await ask("read_kill_switch")).json["acting"] is True
    monkeypatch.setenv("FIREBREAK_ACTING", "false")
    shown = (await ask("read_kill_switch", roles=(people.READ,))).json
    assert (shown["acting"], shown["setting"], shown["switch"]["acting"]) == (False, False, True)


@pytest.mark.parametrize("body", [{"acting": "false", "reason": "abc"}, {"acting": False}, {}])
async def test_a_switch_is_turned_by_a_clear_word_alone(body: Any) -> None:
    assert (await ask("set_kill_switch", FakeClient(), body=body)).status == 400
    assert kill_switch.read(intake.store())["number"] == 0


SHIPPED = (Path(__file__).parent.parent / "policy.toml").read_text()


async def test_a_policy_that_changes_nothing_is_valid_and_says_so() -> None:
    said = (await ask("check_policy", body={"policy": SHIPPED})).json

    none: dict[str, Any] = {"errors": [], "changes": [], "signals": [], "looked_at": 0}
    assert said == {"valid": True, **none}


async def test_each_error_of_a_policy_is_named_with_its_key() -> None:
    broken = SHIPPED.replace("acting = true", 'acting = "yes"').replace("[windows]", "[window]")
    said = (await ask("check_policy", body={"policy": broken})).json

    assert not said["valid"]
    assert {"guards.acting", "windows", "window"} <= {one["key"] for one in said["errors"]}


@pytest.mark.parametrize(
    "text", ["", "=", "[" * 20_000, "a = " + "9" * 5_000, "\x00", "a=[" * 9_000]
)
async def test_what_is_no_policy_is_an_answer_and_no_failure(text: str) -> None:
    said = await ask("check_policy", body={"policy": text})

    assert (said.status, said.json["valid"]) == (200, False)
    assert said.json["errors"]


def without_rules(policy: str) -> str:
    return "signals = []\n" + re.sub(r"\[\[signals\]\].*\n(?:[^\[\n].*\n|\n)*", "", policy)


def received(number: int, severity: str = "Sev0", source: Any = "azure-monitor") -> str:
    """A signal that came in; its name on the list."""
    signal: Any = {
        "source": source,
        "kind": "log-alert",
        "signal_id": f"{number}",
        "fired_at": "2026-01-01T00:00:00+00:00",
        "title": "<img onerror=x>",
        "severity": severity,
        "confidence": "medium",
        "authenticated": "token",
        "hint": {},
    }
    record, _ = signal_records.begin(intake.store(), signal, "recorded")
    signal_records.enlist(intake.store(), record)
    return signal_records.name_of(record)


async def test_without_signals_a_policy_is_tried_on_those_that_came_in_last() -> None:
    received(1)
    same = (await ask("check_policy", body={"policy": SHIPPED})).json
    other = (await ask("check_policy", body={"policy": without_rules(SHIPPED)})).json

    assert (same["looked_at"], same["signals"]) == (1, [])
    (moved,) = other["signals"]
    assert (moved["signal"]["severity"], moved["then"]["mode"]) == ("Sev0", "record")


async def test_signals_are_listed_the_newest_first_by_source_and_fate() -> None:
    names = [received(1), received(2, source="sentinel"), received(3)]
    assert len(set(names)) == 3
    first = (await ask("list_signals", query={"limit": "2"}, roles=(people.READ,))).json
    rest = (await ask("list_signals", query={"cursor": first["next_cursor"]})).json

    ids = [one["signal"]["signal_id"] for one in (*first["signals"], *rest["signals"])]
    assert sorted(ids) == ["1", "2", "3"]
    assert rest["next_cursor"] is None
    (only,) = (await ask("list_signals", query={"source": "sentinel"})).json["signals"]
    assert only["signal"]["signal_id"] == "2"
    SignalsDocument.model_validate(first)
    assert (await ask("list_signals", query={"status": "poisoned"})).json["signals"] == []
    assert (await ask("list_signals", query={"status": "lost"})).status == 400
    later = {"since": "2099-01-01T00:00:00Z"}
    assert (await ask("list_signals", query=later)).json["signals"] == []


async def test_what_a_policy_changes_is_said_key_by_key_and_signal_by_signal() -> None:
    now = intake.policy()
    mode = next(one.mode for one in now.signals if one.source == "azure-monitor")
    changed = without_rules(SHIPPED.replace("acting = true", "acting = false", 1))
    sample = {"source": "azure-monitor", "kind": "log-alert", "severity": "Sev0"}
    body = {"policy": changed, "signals": [sample]}
    said = (await ask("check_policy", body=body)).json

    assert {"object": "guards.acting", "before": "True", "after": "False"} in said["changes"]
    (moved,) = said["signals"]
    assert moved["changes"]
    assert (moved["now"]["mode"], moved["then"]["mode"]) == (mode, "record")
    assert moved["now"]["rule"] == 1


@pytest.fixture(autouse=True)
def no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_last", None)


async def test_anybody_is_told_in_a_word_whether_the_app_can_work(
    client: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await ask("read_health", client, roles=())).json == {"status": "ok"}
    monkeypatch.setattr(health, "_last", None)
    monkeypatch.setenv("FIREBREAK_POLICY", "/nowhere/policy.toml")
    broken = await ask("read_health", client, roles=())
    assert (broken.status, broken.json) == (503, {"status": "unhealthy"})


async def test_a_storm_of_pings_asks_the_store_once(
    client: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    read = kill_switch.read

    def counted(store: Any) -> Any:
        asked.append(store)
        return read(store)

    monkeypatch.setattr(kill_switch, "read", counted)
    for _ in range(20):
        await ask("read_health", client, roles=())

    assert len(asked) == 1


async def test_in_full_it_is_told_to_who_may_read_with_what_a_person_does(
    client: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await ask("read_health", client, roles=(), query={"deep": "true"})).status == 401

    async def unreachable() -> Any:
        raise TransientError("no route to login.microsoftonline.com")

    async def broken(*_: Any, **__: Any) -> Any:
        raise Exception("the host does not answer")  # as the Durable client does

    monkeypatch.setattr(Cloud, "connect", staticmethod(unreachable))
    monkeypatch.setattr(client, "get_status", broken)
    shown = await ask("read_health", client, roles=(people.READ,), query={"deep": "true"})
    checks = {one["name"]: one for one in shown.json["checks"]}

    assert (shown.status, shown.json["status"]) == (503, "unhealthy")
    failed = {name for name, one in checks.items() if one["status"] == "failed"}
    asked_by_it = {"endpoints", "directory", "subscriptions", "workspace", "sign-in"}
    assert failed == {*asked_by_it, "orchestrations"}
    assert all(checks[name]["fix"] and checks[name]["detail"] for name in failed)
    unknown = {name for name, one in checks.items() if one["status"] == "unknown"}
    assert {"clock", "tables"} <= unknown, "what could not be asked is never well"
    HealthDocument.model_validate(shown.json)


async def test_one_check_may_be_asked_for_and_one_that_is_not_known_is_named(
    client: FakeClient,
) -> None:
    wish = {"deep": "true", "only": "kill-switch,versions"}
    shown = await ask("read_health", client, roles=(people.READ,), query=wish)
    assert {one["name"] for one in shown.json["checks"]} == {"kill switch", "versions"}
    assert (shown.status, shown.json["status"]) == (200, "ok")

    wish["only"] = "kil-switch"
    refused = await ask("read_health", client, roles=(people.READ,), query=wish)
    assert refused.status == 400
    assert "kill switch" in json.dumps(refused.json)


async def test_the_description_is_served_to_anybody(client: FakeClient) -> None:
    assert (await ask("read_openapi", client, roles=())).json["openapi"] == "3.1.0"
