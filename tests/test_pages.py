"""The pages: what anybody wrote stays text, nothing is changed by looking, and no other site can have a form sent."""

import base64
import inspect
import json
import re
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import azure.functions as func
import pytest

from playbooks import consent_records
from playbooks.consents import consent_event
from responders import incident_index, kill_switch, trace_ids
from responders.evidence_folder import EvidenceFolder
from responders.journal import Journal
from tests import an_incident
from tests.an_incident import EVIL, INCIDENT
from tests.collector import Collector, collector
from tests.queue_out import QueueOut
from tests.registered import functions
from tests.test_ways_in import FakeClient, signed_in
from triggers import intake, people
from triggers.pages import rendering, static_files, visitors, words

__all__ = ["collector"]  # a fixture of the tests here
ORIGIN = "https://firebreak.example"
PAGES = (
    "page_incident",
    "page_live",
    "page_consent",
    "page_resume_form",
    "page_restore_form",
    "page_cancel_form",
)
EVERY_ROLE = (people.READ, people.RESPOND, people.APPROVE)


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FIREBREAK_TENANT_ID", "00000000-0000-0000-0000-000000000001")
    monkeypatch.setenv("FIREBREAK_LOG_WORKSPACE_ID", "00000000-0000-0000-0000-000000000002")
    monkeypatch.setenv("FIREBREAK_EVIDENCE", str(tmp_path / "evidence"))
    monkeypatch.setenv("WEBSITE_AUTH_ENABLED", "True")


@pytest.fixture
def evidence(tmp_path: Path) -> EvidenceFolder:
    return EvidenceFolder(tmp_path / "evidence")


@pytest.fixture
def asked(evidence: EvidenceFolder) -> Iterator[tuple[FakeClient, str]]:
    """A client of an incident that asks for consent, and the hash of its plan."""
    plan_hash = an_incident.kept(evidence)
    client = FakeClient()
    client.statuses[INCIDENT] = an_incident.standing(plan_hash=plan_hash)
    yield client, plan_hash


class Browser:
    """Somebody's browser: it keeps cookies and says where its forms come from."""

    def __init__(self, client: FakeClient, *roles: str) -> None:
        self.client = client
        self.incident = INCIDENT
        self.headers = {**signed_in(*(roles or EVERY_ROLE)), "Host": "firebreak.example"}

    async def get(self, name: str, *, query: Any = None, **headers: str) -> func.HttpResponse:
        """A page, as a link or an address opens it."""
        return await self._call("GET", name, b"", query or {}, headers)

    async def post(self, name: str, fields: Any, **headers: str) -> func.HttpResponse:
        """A form of a page of ours, where the headers don't say otherwise."""
        own = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}
        said = {one.replace("_", "-"): value for one, value in {**own, **headers}.items() if value}
        return await self._call("POST", name, urlencode(fields, doseq=True).encode(), {}, said)

    async def form(self, act: str, plan_hash: str, **fields: Any) -> dict[str, Any]:
        """What the consent page's form for this act would send."""
        token = self.token(text(await self.get("page_consent")), act)
        given = {"confirmed": ["risk-1"]} if act == "consent" else {}
        return {"form_token": token, "plan_hash": plan_hash, "reason": "read", **given, **fields}

    def token(self, page: str, act: str) -> str:
        """The token of the page's form for this act."""
        form = page.split(f'action="/incidents/{self.incident}/{act}"')[1]
        found: str = re.findall(r'name="form_token" value="([0-9a-f]{64})"', form)[0]
        return found

    async def _call(
        self, method: str, name: str, body: bytes, query: Any, headers: dict[str, str]
    ) -> func.HttpResponse:
        outer = functions()[name].get_user_function()
        inner = getattr(outer, "client_function", outer)
        request = func.HttpRequest(
            method,
            f"{ORIGIN}/incidents/{self.incident}",
            headers={**self.headers, **headers},
            params=query,
            route_params={"incident_id": self.incident},
            body=body,
        )
        if inner is outer:
            answer: func.HttpResponse = await inner(req=request)
        else:
            takes = inspect.signature(inner).parameters
            more: dict[str, Any] = {"later": QueueOut()} if "later" in takes else {}
            answer = await inner(req=request, client=self.client, **more)
        cookie = answer.headers.get("Set-Cookie", "")
        if cookie:
            self.headers["Cookie"] = cookie.partition(";")[0]
        return answer


def text(answer: func.HttpResponse) -> str:
    return answer.get_body().decode()


class Tags(HTMLParser):
    """Every element with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize("name", PAGES)
async def test_what_anybody_wrote_stays_text(name: str, asked: tuple[FakeClient, str]) -> None:
    page = text(await Browser(asked[0]).get(name))

    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert EVIL not in page
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in page
    for tag, attributes in Tags(page).found:
        assert attributes.get("src", "") != "x", tag
        assert not [one for one in attributes if one.startswith("on") or one == "style"], tag


@pytest.mark.parametrize("name", PAGES)
async def test_a_page_runs_and_loads_nothing_but_its_own(
    name: str, asked: tuple[FakeClient, str]
) -> None:
    answer = await Browser(asked[0]).get(name)
    policy = answer.headers["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Strict-Transport-Security"]
    assert {"frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} <= set(
        policy.split("; ")
    )
    for tag, attributes in Tags(text(answer)).found:
        loaded = attributes.get("src") or (attributes.get("href") if tag == "link" else None)
        assert tag != "style"
        if loaded or tag == "script":
            assert str(loaded).startswith("/") and not str(loaded).startswith("//"), tag


async def test_the_whole_plan_is_on_its_page(asked: tuple[FakeClient, str]) -> None:
    page = text(await Browser(asked[0]).get("page_consent"))

    for said in (
        *(
            "orders-api-r1",
            "aks-weu",
            "trust",
            "Reader",
            "User.Read.All",
            "planted",
            "may be exposed",
        ),
        *("risk-1", "grant-1", "a stolen token stays good", "Silence is a no", asked[1]),
    ):
        assert said in page, said


async def test_looking_at_anything_changes_nothing(
    asked: tuple[FakeClient, str], tmp_path: Path
) -> None:
    before = {one: one.read_bytes() for one in tmp_path.rglob("*") if one.is_file()}
    browser = Browser(asked[0])
    for name in (*PAGES, "page_graph"):
        assert (await browser.get(name)).status_code == 200

    assert {one: one.read_bytes() for one in tmp_path.rglob("*") if one.is_file()} == before
    assert (asked[0].events, asked[0].started) == ([], [])


async def test_a_yes_from_the_page_is_the_apis_yes(asked: tuple[FakeClient, str]) -> None:
    client, plan_hash = asked
    browser = Browser(client)
    answer = await browser.post(
        "page_answer", await browser.form("consent", plan_hash, chosen=["grant-1"])
    )

    assert answer.status_code == 303
    place = answer.headers["Location"]
    assert place.startswith(f"/incidents/{INCIDENT}?told=consented&proof=")
    query = {name: one[0] for name, one in parse_qs(place.partition("?")[2]).items()}
    assert "handed over" in text(await browser.get("page_incident", query=query))
    other = Browser(client)
    assert "handed over" not in text(await other.get("page_incident", query=query))
    assert client.events == [(INCIDENT, consent_event(plan_hash), {"read": True})]
    (given,) = consent_records.read(intake.store(), INCIDENT, plan_hash)
    assert (given["decision"], given["chosen"]) == ("grant", ["grant-1"])
    assert given["approver"]["name"] == "rosa@contoso.example"


async def test_an_answer_from_the_page_stands_in_the_incidents_trace(
    asked: tuple[FakeClient, str], collector: Collector
) -> None:
    client, plan_hash = asked
    browser = Browser(client)
    await browser.post("page_answer", await browser.form("consent", plan_hash, chosen=["grant-1"]))
    (call,) = collector.until(bool)

    assert (call.name, call.failed) == ("call page_grant", False)
    assert call.trace_id == trace_ids.trace_id(INCIDENT)
    assert call.attributes["firebreak.by"]


async def test_a_no_from_the_page_needs_no_confirmation(asked: tuple[FakeClient, str]) -> None:
    client, plan_hash = asked
    browser = Browser(client)
    answer = await browser.post("page_refuse", await browser.form("refuse", plan_hash))

    assert answer.status_code == 303
    (given,) = consent_records.read(intake.store(), INCIDENT, plan_hash)
    assert given["decision"] == "deny"


async def test_what_is_missing_is_said_and_what_was_filled_in_is_kept(
    asked: tuple[FakeClient, str],
) -> None:
    client, plan_hash = asked
    browser = Browser(client)
    sent = await browser.form(
        "consent", plan_hash, confirmed=[], chosen=["grant-1"], reason="with dana"
    )
    answer = await browser.post("page_answer", sent)
    page = text(answer)

    assert (answer.status_code, client.events) == (409, [])
    assert "a confirmation is missing" in page
    assert 'value="grant-1" checked' in page
    assert ">with dana</textarea>" in page


async def test_another_plan_is_not_answered(asked: tuple[FakeClient, str]) -> None:
    client, _ = asked
    browser = Browser(client)
    answer = await browser.post("page_answer", await browser.form("consent", "0" * 64))

    assert (answer.status_code, client.events) == (409, [])
    assert "no longer the plan" in text(answer)


async def test_a_form_that_is_sent_twice_is_taken_once(asked: tuple[FakeClient, str]) -> None:
    client, plan_hash = asked
    browser = Browser(client)
    form = await browser.form("consent", plan_hash)
    await browser.post("page_answer", form)
    told = client.statuses[INCIDENT].custom_status
    told |= {"phase": "preflight", "consent": {**told["consent"], **client.events[0][2]}}

    again = await browser.post("page_answer", form)

    assert again.status_code == 303
    assert len(client.events) == 1


@pytest.mark.parametrize(
    "sent",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "https://firebreak.example.evil.example"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "none"},
    ],
    ids=str,
)
async def test_a_form_of_another_site_is_refused(
    asked: tuple[FakeClient, str], sent: dict[str, str]
) -> None:
    client, plan_hash = asked
    browser = Browser(client)
    form = await browser.form("consent", plan_hash)
    own = {"Origin": ORIGIN, "Sec_Fetch_Site": "same-origin"}
    said = {one.replace("_", "-"): value for one, value in {**own, **sent}.items()}
    answer = await browser.post("page_answer", form, **{"Sec-Fetch-Site": "", "Origin": "", **said})

    assert (answer.status_code, client.events) == (403, [])


@pytest.mark.parametrize("token", ["", "0" * 64, None], ids=["empty", "guessed", "of another act"])
async def test_a_form_without_its_token_is_refused(
    asked: tuple[FakeClient, str], token: str | None
) -> None:
    client, plan_hash = asked
    browser = Browser(client)
    form = await browser.form("consent", plan_hash)
    other = await browser.form("refuse", plan_hash)
    sent = {**form, "form_token": other["form_token"] if token is None else token}

    assert (await browser.post("page_answer", sent)).status_code == 403
    assert client.events == []


async def test_a_token_of_another_browser_is_refused(asked: tuple[FakeClient, str]) -> None:
    """Whoever may read can see a token, but the cookie beside it is the victim's browser's own."""
    client, plan_hash = asked
    mallory, rosa = Browser(client), Browser(client)
    form = await mallory.form("consent", plan_hash)
    await rosa.get("page_consent")

    assert (await rosa.post("page_answer", form)).status_code == 403
    without = Browser(client)
    assert (await without.post("page_answer", form)).status_code == 403
    assert client.events == []


async def test_a_token_is_one_persons(asked: tuple[FakeClient, str]) -> None:
    """Two people at one browser: what was shown to the one is no answer of the other."""
    client, plan_hash = asked
    browser = Browser(client)
    form = await browser.form("consent", plan_hash)
    principal = json.loads(base64.b64decode(browser.headers["X-MS-CLIENT-PRINCIPAL"]))
    principal["claims"][0]["val"] = "88888888-8888-8888-8888-888888888888"
    header = base64.b64encode(json.dumps(principal).encode()).decode()
    browser.headers["X-MS-CLIENT-PRINCIPAL"] = header

    assert (await browser.post("page_answer", form)).status_code == 403
    assert client.events == []


@pytest.mark.parametrize(
    "body", [{"reason": "x" * 300_000}, {"chosen": ["x"] * 1_000}], ids=["long", "many fields"]
)
async def test_a_form_that_no_page_of_ours_sends_is_refused(
    asked: tuple[FakeClient, str], body: dict[str, Any]
) -> None:
    client, plan_hash = asked
    browser = Browser(client)
    form = await browser.form("consent", plan_hash)
    answer = await browser.post("page_answer", {**form, **body})

    assert (answer.status_code, client.events) == (400, [])


async def test_the_cookie_of_the_forms_is_out_of_reach(asked: tuple[FakeClient, str]) -> None:
    cookie = (await Browser(asked[0]).get("page_consent")).headers["Set-Cookie"]

    assert cookie.startswith("__Host-")
    assert {"Path=/", "HttpOnly", "SameSite=Strict", "Secure"} <= set(cookie.split("; "))


async def test_a_proxy_in_front_may_have_another_name(asked: tuple[FakeClient, str]) -> None:
    client, plan_hash = asked
    browser = Browser(client)
    form = await browser.form("consent", plan_hash)
    browser.headers |= {"Host": "func.azurewebsites.net", "X-Forwarded-Host": "firebreak.example"}

    assert (await browser.post("page_answer", form)).status_code == 303


async def test_who_may_only_read_is_offered_no_form(asked: tuple[FakeClient, str]) -> None:
    page = text(await Browser(asked[0], people.READ).get("page_consent"))

    assert 'method="post"' not in page
    assert people.APPROVE in page


ROSA = {"object_id": "99999999-9999-9999-9999-999999999999", "name": f"rosa {EVIL}"}
INES = {"object_id": "77777777-7777-7777-7777-777777777777", "name": f"ines {EVIL}"}


async def page_of_a_question(client: FakeClient, **asked: Any) -> str:
    told = client.statuses[INCIDENT].custom_status
    told["consent"] |= asked
    told["requesters"] = asked.get("requesters", [])
    page = text(await Browser(client).get("page_consent"))
    assert EVIL not in page
    return page


async def test_who_had_it_done_is_offered_a_no_alone(asked: tuple[FakeClient, str]) -> None:
    page = await page_of_a_question(asked[0], requesters=[ROSA], requester_may_approve=False)

    assert "You had this done" in page
    assert "Consent to this plan</button>" not in page
    assert "Refuse: nothing is rebuilt</button>" in page


async def test_who_had_it_done_may_agree_where_the_policy_says_so(
    asked: tuple[FakeClient, str],
) -> None:
    page = await page_of_a_question(asked[0], requesters=[ROSA], requester_may_approve=True)

    assert "Consent to this plan</button>" in page


@pytest.mark.parametrize(("who", "offered"), [(ROSA, False), (INES, True)], ids=["own", "other"])
async def test_a_second_person_is_asked_and_sees_the_first(
    asked: tuple[FakeClient, str], who: dict[str, str], offered: bool
) -> None:
    given = {"approver": who, "at": an_incident.EXPIRES, "reason": f"fine {EVIL}"}
    page = await page_of_a_question(asked[0], needs=2, approvals=[given])

    assert "1 of 2" in page
    assert "fine &lt;img" in page
    assert ("Consent to this plan</button>" in page) is offered
    assert ("You have agreed to this plan" in page) is not offered


async def test_a_second_person_finds_ticked_what_the_first_one_chose(
    asked: tuple[FakeClient, str], evidence: EvidenceFolder
) -> None:
    client, plan_hash = asked
    client.statuses[INCIDENT].custom_status["consent"]["needs"] = 2
    first: Any = {"approver": INES, "decision": "grant", "plan_hash": plan_hash, "reason": "fine"}
    said: Any = {"at": an_incident.EXPIRES, "chosen": ["grant-1"], "confirmed": ["risk-1"]}
    consent_records.keep(evidence, INCIDENT, first | said)
    browser = Browser(client)
    page = text(await browser.get("page_consent"))
    assert 'value="grant-1" checked' in page
    assert "1 of 2" in page

    other = await browser.post("page_answer", await browser.form("consent", plan_hash))
    same = await browser.form("consent", plan_hash, chosen=["grant-1"])

    assert other.status_code == 409
    assert "others chose otherwise" in text(other)
    assert (await browser.post("page_answer", same)).status_code == 303


@pytest.mark.parametrize(
    ("url", "back"),
    [
        ("https://f.example/incidents?phase=held", "%2Fincidents%3Fphase%3Dheld"),
        ("https://f.example//evil.example/x", "%2Fevil.example%2Fx"),
        ("https://f.example/\\evil.example", "%2Fevil.example"),
    ],
)
async def test_a_sign_in_ends_on_a_path_of_ours(url: str, back: str) -> None:
    answer = await visitors.visitor(func.HttpRequest("GET", url, body=b""), people.READ)

    assert isinstance(answer, func.HttpResponse)
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"/.auth/login/aad?post_login_redirect_uri={back}"


async def test_without_the_platforms_sign_in_nobody_is_sent_around_in_circles(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WEBSITE_AUTH_ENABLED", "False")
    request = func.HttpRequest("GET", "https://f.example/incidents", body=b"")
    answer = await visitors.visitor(request, people.READ)

    assert isinstance(answer, func.HttpResponse)
    assert answer.status_code == 401


async def test_what_did_not_move_is_not_sent_again(asked: tuple[FakeClient, str]) -> None:
    client, _ = asked
    browser = Browser(client)
    first = await browser.get("page_live")
    same = await browser.get("page_live", **{"If-None-Match": first.headers["ETag"]})
    client.statuses[INCIDENT].custom_status["phase"] = "preflight"
    moved = await browser.get("page_live", **{"If-None-Match": first.headers["ETag"]})

    assert (same.status_code, same.get_body()) == (304, b"")
    assert moved.status_code == 200
    assert "Pre-flight checks" in text(moved)


@pytest.mark.parametrize("phase", words.PHASES)
@pytest.mark.parametrize("mode", ["plan", "contain", "respond"])
async def test_every_phase_has_a_page(asked: tuple[FakeClient, str], phase: str, mode: str) -> None:
    client, _ = asked
    standing = client.statuses[INCIDENT]
    standing.custom_status["phase"] = phase
    standing.input_["incident"]["mode"] = mode
    page = await Browser(client).get("page_incident")

    assert page.status_code == 200
    assert text(page).count('aria-current="step"') == 1


async def test_an_incident_that_has_just_begun_has_a_page() -> None:
    client = FakeClient()
    client.statuses[INCIDENT] = an_incident.standing("accepted")
    client.statuses[INCIDENT].custom_status = None

    assert (await Browser(client).get("page_incident")).status_code == 200
    assert (await Browser(client).get("page_graph")).status_code == 404
    assert (await Browser(client).get("page_consent")).status_code == 404


async def test_nobodys_incident_is_not_found() -> None:
    for name in (*PAGES, "page_graph"):
        assert (await Browser(FakeClient()).get(name)).status_code == 404


async def test_a_filter_that_makes_no_sense_is_said(evidence: EvidenceFolder) -> None:
    answer = await Browser(FakeClient()).get("page_incidents", query={"principal": EVIL})

    assert answer.status_code == 400
    assert "principal" in text(answer)
    assert EVIL not in text(answer)


async def test_an_address_can_put_no_words_on_a_page(asked: tuple[FakeClient, str]) -> None:
    for query in ({"told": "call +1 555 0100"}, {"told": "consented"}, {"told": "x", "proof": "é"}):
        page = text(await Browser(asked[0]).get("page_incident", query=query))
        assert "555" not in page
        assert "handed over" not in page


def asset(name: str) -> func.HttpRequest:
    return func.HttpRequest("GET", f"{ORIGIN}/static/{name}", route_params={"name": name}, body=b"")


async def test_a_file_is_kept_for_ever_under_its_own_hash_alone() -> None:
    function = functions()["page_asset"].get_user_function()
    name = static_files.address("page.css").rpartition("/")[2]
    old = re.sub(r"[0-9a-f]{12}", "0" * 12, name)

    assert "immutable" in (await function(asset(name))).headers["Cache-Control"]
    assert (await function(asset(old))).headers["Cache-Control"] == "no-cache"
    for none in ("page.css", "../static_files.py", "other.0123456789ab.css", ""):
        assert (await function(asset(none))).status_code == 404


def test_a_name_that_a_template_misspells_is_an_error() -> None:
    made = rendering.environment().from_string("{{ nothing_of_the_kind }}")
    with pytest.raises(Exception, match="nothing_of_the_kind"):
        made.render()


async def test_a_pulled_kill_switch_is_the_first_thing_that_is_read(
    asked: tuple[FakeClient, str], evidence: EvidenceFolder
) -> None:
    browser = Browser(asked[0])
    assert "Nothing acts now" not in text(await browser.get("page_live"))
    by: Any = {"object_id": "o", "name": EVIL}
    at = "2026-01-01T00:00:00+00:00"
    kill_switch.turn(evidence, {"acting": False, "reason": "wrong alert", "by": by, "at": at})

    for name in ("page_live", "page_incidents"):
        page = text(await browser.get(name))
        assert "Nothing acts now: kill switch: pulled by" in page
        assert "wrong alert" in page
        assert EVIL not in page


async def test_each_signal_is_shown_with_what_became_of_it(evidence: EvidenceFolder) -> None:
    for fate in ("poisoned", "recorded", "refused"):
        an_incident.signalled(evidence, fate)
    browser = Browser(FakeClient())
    every = text(await browser.get("page_signals"))
    some = text(await browser.get("page_signals", query={"status": "poisoned", "source": ""}))

    assert EVIL not in every
    assert every.count("because &lt;img") == 3
    assert some.count("because &lt;img") == 1
    assert "given up: a person is needed" in some
    assert (await browser.get("page_signals", query={"status": "x"})).status_code == 400


async def test_a_list_goes_on_where_the_page_before_ended(evidence: EvidenceFolder) -> None:
    for number in range(3):
        one = an_incident.standing("accepted").input_["incident"]
        own = f"inc-20260101-00000000000{number}"
        moment = f"2026-01-01T00:00:0{number}.000+00:00"
        another: Any = {**one, "incident_id": own, "opened_at": moment}
        incident_index.opened(evidence, another)
    browser = Browser(FakeClient())
    first = text(await browser.get("page_incidents", query={"limit": "2", "mode": "respond"}))
    address = re.findall(r'rel="next" href="/incidents\?([^"]+)"', first)[0]
    query = {name: one[0] for name, one in parse_qs(unescape(address)).items()}
    second = text(await browser.get("page_incidents", query=query))

    assert re.findall(r"inc-20260101-\d+(?=<)", first) == [
        "inc-20260101-000000000002",
        "inc-20260101-000000000001",
    ]
    assert re.findall(r"inc-20260101-\d+(?=<)", second) == ["inc-20260101-000000000000"]
    assert query["mode"] == "respond"


async def test_a_day_that_a_list_ends_with_counts_as_a_whole(evidence: EvidenceFolder) -> None:
    incident_index.opened(evidence, an_incident.standing().input_["incident"])
    browser = Browser(FakeClient())
    for days, found in (("2026-01-01", 1), ("2025-12-31", 0)):
        page = text(await browser.get("page_incidents", query={"until": days, "since": days}))
        assert page.count(f"{INCIDENT}</span>") == found


async def test_a_channel_that_was_not_told_is_on_the_page_and_what_it_said_stays_text(
    asked: tuple[FakeClient, str], evidence: EvidenceFolder
) -> None:
    client, _ = asked
    assert "Not told" not in text(await Browser(client).get("page_incident"))
    journal = Journal(evidence, INCIDENT)
    for target, status in (("contained/teams", "refused"), ("contained/events", "done")):
        run = journal.intent("tell_people", target)
        journal.outcome("tell_people", target, run=run, status=status, detail=EVIL, duration_ms=1)
    page = text(await Browser(client).get("page_incident"))

    assert "Not told" in page
    assert "teams: “contained”: refused" in page
    assert "events: “contained”" not in page
    assert EVIL not in page
