"""Resource Manager without models: what is sent, what is believed, and where our token does not go."""

import asyncio
import time

import pytest

from responders import calls
from responders.cloud import Cloud, read_only
from responders.errors import (
    ConflictError,
    ContractChangedError,
    NotFoundError,
    RefusedError,
    TransientError,
)
from tests.azure_fake import RESOURCE_GRAPH, FakeAzure, Say, page, problem
from tests.one_module import instead

AT = "/subscriptions/x/things"


async def test_a_request_carries_version_token_and_mark(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", f"{AT}/a thing", Say(200, {"name": "a thing"}))
    found = await cloud.arm.get(f"{AT}/a thing", "2024-01-01", {"$filter": "name eq 'x y'"})
    assert found == {"name": "a thing"}
    sent = azure.seen[0]
    assert sent.query == {"api-version": "2024-01-01", "$filter": "name eq 'x y'"}
    assert sent.headers["authorization"].startswith("Bearer ")
    assert "firebreak/" in sent.headers["user-agent"]
    assert "x-ms-client-request-id" in sent.headers


async def test_a_list_goes_over_all_pages_and_an_empty_link_ends_it(
    azure: FakeAzure, cloud: Cloud
) -> None:
    more = f"{azure.url}{AT}?api-version=1&$skiptoken=2"
    azure.on(
        "GET",
        AT,
        page({"n": 1}, next_link=more, key="nextLink"),
        Say(200, {"value": [{"n": 2}], "nextLink": ""}),
    )
    assert await cloud.arm.list(AT, "1") == [{"n": 1}, {"n": 2}]
    assert azure.seen[1].query == {"api-version": "1", "$skiptoken": "2"}


async def test_our_token_follows_no_link_to_another_host(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", AT, page(1, next_link="https://elsewhere.example/x", key="nextLink"))
    with pytest.raises(ContractChangedError, match=r"elsewhere\.example"):
        await cloud.arm.list(AT, "1")
    elsewhere = {"Location": f"{azure.url}/elsewhere"}
    azure.on("GET", AT, Say(302, None, elsewhere))
    with pytest.raises(ContractChangedError, match="302"):
        await cloud.arm.get(AT, "1")
    assert azure.asked("GET", "/elsewhere") == []


async def test_a_list_without_end_and_one_without_items_are_not_believed(
    azure: FakeAzure, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("responders.json_answers._MOST_PAGES", 3)
    azure.on("GET", AT, page(1, next_link=f"{azure.url}{AT}?x=1", key="nextLink"))
    with pytest.raises(ContractChangedError, match="did not end"):
        await cloud.arm.list(AT, "1")
    answers: list[object] = [{}, {"value": None}, [], "<html>"]
    for body in answers:
        azure.on("GET", AT, Say(200, body))
        with pytest.raises(ContractChangedError):
            await cloud.arm.list(AT, "1")


async def test_bodies_are_sent_as_json_and_nothing_is_an_answer_too(
    azure: FakeAzure, cloud: Cloud
) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        azure.on(method, AT, Say(204))
    assert await cloud.arm.post(AT, "1") == {}
    assert await cloud.arm.put(AT, "1", {"a": 1}) == {}
    assert await cloud.arm.patch(AT, "1", {"b": 2}) == {}
    await cloud.arm.delete(AT, "1")
    assert [one.body for one in azure.seen] == [None, {"a": 1}, {"b": 2}, None]
    assert azure.seen[1].headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("said", "means"),
    [
        (problem(404, "ResourceNotFound"), NotFoundError),
        (problem(403, "AuthorizationFailed"), RefusedError),
        (problem(409, "ScopeLocked"), RefusedError),
        (problem(409, "Conflict"), ConflictError),
        (problem(400, "NoRegisteredProviderFound"), ContractChangedError),
        (problem(503, "ServerBusy"), TransientError),
        (problem(429, "TooManyRequests", Retry_After="30"), TransientError),
        (Say(502, b"<html>bad gateway</html>"), TransientError),
    ],
)
async def test_an_error_says_what_happens_next(
    azure: FakeAzure, cloud: Cloud, said: Say, means: type[Exception]
) -> None:
    azure.on("GET", AT, said)
    started = time.monotonic()
    with pytest.raises(means, match=AT):
        await cloud.arm.get(AT, "1")
    assert time.monotonic() - started < 5  # no Retry-After is slept through


async def test_a_busy_service_and_a_lost_connection_are_tried_again(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("GET", AT, problem(503, "ServerBusy"), Say(200, {}, drop=True), Say(200, {"a": 1}))
    assert await cloud.arm.get(AT, "1") == {"a": 1}


async def test_a_call_is_bounded(
    azure: FakeAzure, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    azure.on("GET", AT, Say(200, {}, after_s=5))
    instead(monkeypatch, calls, asyncio, timeout=lambda _: asyncio.timeout(0.05))
    with pytest.raises(TransientError, match="longer than"):
        await cloud.arm.get(AT, "1")


async def test_plan_mode_sends_no_write_but_asks_resource_graph(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("POST", RESOURCE_GRAPH, Say(200, {"data": []}))
    with read_only():
        for attempt in (
            cloud.arm.post(AT, "1"),
            cloud.arm.put(AT, "1", {}),
            cloud.arm.patch(AT, "1", {}),
            cloud.arm.delete(AT, "1"),
        ):
            with pytest.raises(RefusedError, match="plan mode"):
                await attempt
        assert await cloud.arm.post(RESOURCE_GRAPH, "1", {}) == {"data": []}
    assert azure.writes() == []


@pytest.mark.parametrize("path", ["/subscriptions//x", "/subscriptions/../x", "/subscriptions/./x"])
async def test_a_path_that_leads_elsewhere_is_not_sent(
    azure: FakeAzure, cloud: Cloud, path: str
) -> None:
    with pytest.raises(ValueError, match="not an ARM path"):
        await cloud.arm.get(path, "1")
    assert azure.seen == []
