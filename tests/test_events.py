"""An event is published with a token of our own and no key, judged by its answer, and names nothing but data."""

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playbooks import notice_events
from playbooks.notices import INCIDENT_EVENTS, NOTICES
from responders import events
from responders.cards import Card
from responders.errors import ContractChangedError, RefusedError, TransientError
from responders.settings import Settings
from tests.a_rehearsed_incident import order as plain_order

TOPIC = "https://egt.westeurope-1.eventgrid.azure.net/api/events"
EVENT = {"specversion": "1.0", "id": "1", "source": "/a", "type": "b", "data": {"name": "ä"}}
GUID = "00000000-0000-0000-0000-000000000001"
PAGE = Path(__file__).parent.parent / "docs" / "how-to" / "events.md"


def cloud(answer: httpx.Response, sent: list[httpx.Request], topic: str = TOPIC) -> Any:
    def handle(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return answer

    async def token(scope: str) -> str:
        return f"token for {scope}"

    client = httpx.AsyncClient(transport=httpx.MockTransport(handle))
    known = SimpleNamespace(event_grid_topic=topic)
    return SimpleNamespace(http=client, settings=known, get_token=token)


async def test_one_event_goes_out_as_the_topic_wants_it() -> None:
    sent: list[httpx.Request] = []
    result = await events.publish(cloud(httpx.Response(200), sent), EVENT)

    (request,) = sent
    assert result["status"] == "done"
    assert str(request.url) == f"{TOPIC}?api-version=2018-01-01"
    assert request.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert (
        request.headers["authorization"] == "Bearer token for https://eventgrid.azure.net/.default"
    )
    assert "aeg-sas-key" not in request.headers
    assert json.loads(request.content) == EVENT


@pytest.mark.parametrize(
    ("host", "audience"),
    [
        ("egt.usgovvirginia-1.eventgrid.azure.us", "https://eventgrid.azure.us/.default"),
        ("egt.chinanorth3-1.eventgrid.azure.cn", "https://eventgrid.azure.cn/.default"),
        ("egt.westeurope-1.eventgrid.azure.net", "https://eventgrid.azure.net/.default"),
        ("eventgrid.azure.us.example", "https://eventgrid.azure.net/.default"),
        ("localhost:8443", "https://eventgrid.azure.net/.default"),
    ],
)
def test_a_token_is_for_the_cloud_of_the_topic(host: str, audience: str) -> None:
    assert events.scope(f"https://{host}/api/events") == audience


@pytest.mark.parametrize(
    ("status", "error", "says"),
    [
        (408, TransientError, "408"),
        (429, TransientError, "429"),
        (503, TransientError, "503"),
        (401, RefusedError, "EventGrid Data Sender"),
        (403, RefusedError, "EventGrid Data Sender"),
        (404, RefusedError, "FIREBREAK_EVENT_GRID_TOPIC"),
        (400, ContractChangedError, "InputJsonInvalid is wrong"),
        (413, ContractChangedError, "413"),
        (302, ContractChangedError, "302"),
    ],
)
async def test_any_other_answer_says_who_can_help_and_never_the_token(
    status: int, error: type[Exception], says: str
) -> None:
    body = {"error": {"code": "BadRequest", "message": "InputJsonInvalid is wrong"}}
    answer = httpx.Response(status, json=body, headers={"Retry-After": "9"})
    with pytest.raises(error, match=says) as caught:
        await events.publish(cloud(answer, []), EVENT)

    assert "token for" not in str(caught.value)
    if isinstance(caught.value, TransientError):
        assert caught.value.after_s == 9


async def test_without_a_topic_nothing_is_sent() -> None:
    sent: list[httpx.Request] = []
    answer = await events.publish(cloud(httpx.Response(200), sent, topic=""), EVENT)
    assert (answer["status"], sent) == ("refused", [])


@pytest.mark.parametrize(
    "topic",
    [
        "http://egt.westeurope-1.eventgrid.azure.net/api/events",
        "https://egt.westeurope-1.eventgrid.azure.net",
        f"{TOPIC}?aeg-sas-key=secret",
        "egt.westeurope-1.eventgrid.azure.net/api/events",
        "https://somebody@egt.westeurope-1.eventgrid.azure.net/api/events",
    ],
)
def test_a_topic_that_is_none_is_refused_by_its_name_and_without_its_key(topic: str) -> None:
    known = {"FIREBREAK_TENANT_ID": GUID, "FIREBREAK_LOG_WORKSPACE_ID": GUID}
    assert Settings.from_environ({**known, "FIREBREAK_EVENT_GRID_TOPIC": TOPIC}).event_grid_topic
    with pytest.raises(RefusedError, match="FIREBREAK_EVENT_GRID_TOPIC") as caught:
        Settings.from_environ({**known, "FIREBREAK_EVENT_GRID_TOPIC": topic})
    assert "secret" not in str(caught.value)


def made(card: Card | None = None, notice: str = "contained", **more: Any) -> Any:
    order: Any = {**plain_order("contain"), "notice": notice, **more}
    return notice_events.event(order, card or Card("t", "good", "n"), "https://app/incidents/1")


def test_the_same_notice_is_the_same_event_and_another_is_not() -> None:
    ids = [made()["id"], made()["id"], made(notice_key="contained-2")["id"]]
    assert ids[0] == ids[1] != ids[2]
    assert made()["source"] == made(notice="closed")["source"]
    assert made()["id"] != made(notice="closed")["id"]


def test_a_receiver_knows_the_incident_and_when() -> None:
    event = made(at="2026-01-01T00:00:07.000+00:00")
    assert event["subject"] == "inc-20260101-0123456789ab"
    assert event["source"].endswith(event["subject"])
    assert event["time"] == "2026-01-01T00:00:07.000+00:00"
    assert event["data"]["principal"]["object_id"] == "11111111-1111-1111-1111-111111111111"


def test_every_notice_has_a_type_of_its_own_which_the_page_names() -> None:
    named = [made(notice=one)["type"] for one in NOTICES]
    assert len(set(named)) == len(NOTICES)
    assert set(named) == set(re.findall(rf"`({re.escape(INCIDENT_EVENTS)}\w+)`", PAGE.read_text()))


def test_the_page_names_every_field_of_an_event_and_no_other() -> None:
    event, page = made(), PAGE.read_text().partition("## An event")[2]
    fields = {*event, *(f"data.{name}" for name in event["data"])} - {"data"}
    assert set(re.findall(r"^\| `([\w.]+)` \|", page, re.MULTILINE)) == fields


@settings(max_examples=40, deadline=None)
@given(
    text=st.text(max_size=900),
    facts=st.lists(st.tuples(st.text(max_size=60), st.text(max_size=900)), max_size=20),
    lines=st.lists(st.text(max_size=900), max_size=80),
)
def test_every_event_is_small_whatever_its_text_is_made_of(
    text: str, facts: list[tuple[str, str]], lines: list[str]
) -> None:
    event = made(Card(text, "bad", text, facts, lines))
    assert len(json.dumps(event, ensure_ascii=False).encode()) < 64 * 1024


def test_the_longest_text_fits_and_what_was_left_out_is_counted() -> None:
    worst = "\N{PILE OF POO}" * 900
    event = made(
        Card(worst, "bad", worst, [(f"{n}{worst}", worst) for n in range(50)], [worst] * 99)
    )
    assert len(json.dumps(event, ensure_ascii=False).encode()) < 64 * 1024
    assert len(event["data"]["lines"]) + event["data"]["lines_left_out"] == 99


def test_a_planted_name_is_on_one_line_and_a_secret_is_in_no_event() -> None:
    evil = "x\u202etxt\r\nevil ?sig=hunter2hunter2"
    order = plain_order("contain")
    order["incident"]["principal"]["display_name"] = evil
    order["incident"]["signal"]["title"] = evil
    told: Any = {**order, "notice": "contained"}
    event = notice_events.event(told, Card(evil, "bad", evil, [(evil, evil)], [evil]), "")
    written = json.dumps(event, ensure_ascii=False)
    assert "hunter2" not in written
    assert [one for one in ("\u202e", "\\n", "\\r") if one in written] == []
