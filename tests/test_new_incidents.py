"""A responder's call is kept like every signal, and its caller is told at once whether anything was begun."""

import asyncio
from typing import Any

import pytest

from responders import principals, signal_records
from responders.errors import AmbiguousError, RefusedError, TransientError
from tests.queue_out import QueueOut
from tests.test_edge import Answer, ask, client, settings
from tests.test_pages import Browser, text
from tests.test_ways_in import GOOD, OBJECT_ID, PRINCIPAL, FakeClient
from triggers import intake, people, queued_signals, receiving

__all__ = ["client", "settings"]


class Directory:
    """Answers a question for somebody, or doesn't."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.problem: Exception | None = None
        self.asked = 0
        monkeypatch.setattr(principals, "resolve", self.resolve)

    async def resolve(self, _cloud: Any, _hint: Any) -> Any:
        self.asked += 1
        if self.problem is not None:
            raise self.problem
        return PRINCIPAL


@pytest.fixture
def directory(monkeypatch: pytest.MonkeyPatch) -> Directory:
    return Directory(monkeypatch)


async def signals() -> list[Any]:
    return list((await ask("list_signals")).json["signals"])


async def looked_up(answer: Answer) -> Answer:
    """What stands where the answer says to look."""
    *_, source, key = answer.json["status_url"].split("/")
    return await ask("read_signal", named={"source": source, "key": key})


async def test_a_call_stands_among_the_signals_with_what_became_of_it(client: FakeClient) -> None:
    answer = await ask("open_incident", client, body=GOOD)
    (record,) = await signals()

    assert (record["status"], record["incident_id"]) == ("accepted", answer.json["incident_id"])
    assert (record["signal"]["source"], record["signal"]["asked"]) == ("responder", "plan")
    assert record["signal"]["asked_by"]["name"] == "rosa@contoso.example"


async def test_a_call_that_can_not_be_handled_now_is_kept_and_says_that_nothing_was_begun(
    client: FakeClient, directory: Directory
) -> None:
    directory.problem = TransientError("Graph answered 503")
    later = QueueOut()
    answer = await ask("open_incident", client, body=GOOD, later=later)

    assert (answer.status, answer.json["status"], answer.json["incident_id"]) == (
        *(202, "queued"),
        None,
    )
    assert "Graph answered 503" in answer.json["why"]
    assert answer.headers["Retry-After"]
    assert answer.headers["Location"] == answer.json["status_url"]
    assert client.started == []
    (waiting,) = later.messages
    assert waiting["signal"]["hint"] == {"object_id": OBJECT_ID}
    found = await looked_up(answer)
    assert (found.status, found.json["attempts"], found.json["incident_id"]) == (200, 1, None)


async def test_from_the_queue_it_is_handled_once_and_its_address_says_so(
    client: FakeClient, directory: Directory
) -> None:
    directory.problem = TransientError("Graph answered 503")
    later = QueueOut()
    answer = await ask("open_incident", client, body=GOOD, later=later, Idempotency_Key="k")
    directory.problem = None
    (message,) = later.get()
    called: Any = queued_signals.on_queued_signal
    waiting = type("Message", (), {"get_body": lambda _: message.encode(), "dequeue_count": 1})()
    for _ in range(2):
        await called._function._func.client_function(waiting=waiting, client=client)
    found = (await looked_up(answer)).json

    ((incident_id, order),) = client.started
    assert (found["status"], found["incident_id"]) == ("accepted", incident_id)
    assert order["incident"]["mode"] == GOOD["mode"]
    again = await ask("open_incident", client, body=GOOD, Idempotency_Key="k")
    assert (again.json["status"], again.json["incident_id"]) == ("accepted", incident_id)
    assert len(client.started) == 1


async def test_a_key_that_waits_is_this_calls_and_asks_at_once(
    client: FakeClient, directory: Directory
) -> None:
    directory.problem = TransientError("Graph answered 503")
    await ask("open_incident", client, body=GOOD, Idempotency_Key="k")
    other = {**GOOD, "mode": "respond"}
    assert (await ask("open_incident", client, body=other, Idempotency_Key="k")).code == "KeyReused"
    directory.problem = None
    again = await ask("open_incident", client, body=GOOD, Idempotency_Key="k")

    assert (again.json["status"], len(client.started)) == ("accepted", 1)
    assert "Idempotency-Replayed" not in again.headers
    assert len(await signals()) == 1


async def test_a_refused_key_with_a_corrected_id_is_about_the_corrected_one(
    client: FakeClient,
) -> None:
    wrong = {**GOOD, "object_id": OBJECT_ID.replace("1", "8")}
    first = await ask("open_incident", client, body=wrong, Idempotency_Key="k")
    again = await ask("open_incident", client, body=GOOD, Idempotency_Key="k")

    assert (first.status, first.code, again.status) == (404, "UnknownPrincipal", 202)
    assert {one["status"] for one in await signals()} == {"refused", "accepted"}


async def test_an_id_of_several_names_them(client: FakeClient, directory: Directory) -> None:
    directory.problem = AmbiguousError("two fit", candidates=["a", "b"])
    answer = await ask("open_incident", client, body=GOOD)

    assert (answer.status, answer.code) == (409, "SeveralPrincipals")
    assert answer.json["candidates"] == ["a", "b"]


async def test_what_somebody_has_to_mend_is_no_promise_and_no_loss(
    client: FakeClient, directory: Directory
) -> None:
    directory.problem = RefusedError("Graph answered 403: Application.Read.All is missing")
    answer = await ask("open_incident", client, body=GOOD)

    assert (answer.status, answer.code, client.started) == (500, "CannotResolve", [])
    assert "/api/signals/responder/" in answer.json["next"]
    (record,) = await signals()
    assert record["status"] == "received"


async def test_a_person_stands_in_no_crowd_of_alerts(
    client: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd = {f"signals/azure-monitor/{number}": 1 for number in range(50)}
    monkeypatch.setattr(receiving, "_in_hand", crowd)

    assert (await ask("open_incident", client, body=GOOD)).json["status"] == "accepted"


async def test_a_call_sent_twice_at_once_opens_one_incident_and_both_hear_of_it(
    client: FakeClient,
) -> None:
    both = await asyncio.gather(
        *(ask("open_incident", client, body=GOOD, Idempotency_Key="k") for _ in range(2))
    )

    (incident_id,) = {one.json["incident_id"] for one in both}
    # Both may start it: Durable refuses a second start of one that runs.
    assert {started for started, _ in client.started} == {incident_id}


async def test_an_address_of_no_signal_is_looked_up_nowhere(client: FakeClient) -> None:
    for source, key in (("responder", "0" * 16), ("..", "0" * 16), ("responder", "../" * 5)):
        found = await ask("read_signal", named={"source": source, "key": key})
        assert (found.status, found.code) == (404, "UnknownSignal")


FIELDS = {"named_by": "object_id", "id": OBJECT_ID, "mode": "contain", "vector": "", "call": "c"}


async def sent_from_the_page(browser: Browser, **fields: str) -> Any:
    page = text(await browser.get("page_open_form"))
    token = page.split('name="form_token" value="')[1][:64]
    filled = {"form_token": token, "reason": "somebody is in", **FIELDS, **fields}
    return await browser.post("page_open", filled)


async def test_an_incident_is_opened_from_the_page_once(client: FakeClient) -> None:
    browser = Browser(client)
    first = await sent_from_the_page(browser)
    again = await sent_from_the_page(browser)

    ((incident_id, order),) = client.started
    assert (first.status_code, again.status_code) == (303, 303)
    assert first.headers["Location"].startswith(f"/incidents/{incident_id}?told=opened&")
    assert order["incident"]["signal"]["title"] == "rosa@contoso.example: somebody is in"
    assert order["incident"]["mode"] == "contain"


async def test_a_service_account_is_named_as_in_a_terminal(
    client: FakeClient, directory: Directory
) -> None:
    account = {"named_by": "service_account", "id": "aks-weu, shop, orders"}
    assert (await sent_from_the_page(Browser(client), **account)).status_code == 303
    hint = client.started[0][1]["incident"]["signal"]["hint"]
    assert hint["service_account"] == {"cluster": "aks-weu", "namespace": "shop", "name": "orders"}


async def test_the_page_says_at_once_that_nothing_was_begun(
    client: FakeClient, directory: Directory
) -> None:
    directory.problem = TransientError("<img src=x onerror=alert(1)>")
    answer = await sent_from_the_page(Browser(client))
    page = text(answer)

    assert answer.status_code == 202
    assert "Nothing was begun yet" in page
    assert "<img src=x" not in page
    assert "/signals?source=responder" in page


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"id": "orders-api"}, 400),
        ({"id": ""}, 400),
        ({"reason": ""}, 400),
        ({"mode": "destroy"}, 400),
        ({"named_by": "display_name", "id": "orders-api"}, 400),
        ({"named_by": "service_account", "id": "aks-weu,shop"}, 400),
        ({"named_by": "service_account", "id": "aks-weu,shop,orders,more"}, 400),
        ({"id": OBJECT_ID.replace("1", "8")}, 404),
    ],
)
async def test_a_form_that_names_nobody_comes_back_with_what_is_wrong(
    client: FakeClient, fields: dict[str, str], status: int
) -> None:
    answer = await sent_from_the_page(Browser(client), **fields)

    assert (answer.status_code, client.started) == (status, [])
    assert "Not taken" in text(answer)


async def test_who_may_only_read_is_offered_no_form_and_opens_nothing(client: FakeClient) -> None:
    reader = Browser(client, people.READ)
    assert "<form" not in text(await reader.get("page_open_form"))
    answer = await reader.post("page_open", {"reason": "let me in", **FIELDS})

    assert (answer.status_code, client.started) == (403, [])


async def test_another_sites_form_opens_nothing(client: FakeClient) -> None:
    browser = Browser(client)
    page = text(await browser.get("page_open_form"))
    token = page.split('name="form_token" value="')[1][:64]
    fields = {"form_token": token, "reason": "somebody is in", **FIELDS}
    for headers in ({"Origin": "https://evil.example"}, {"Sec_Fetch_Site": "cross-site"}):
        assert (await browser.post("page_open", fields, **headers)).status_code == 403
    forged = await browser.post("page_open", {**fields, "form_token": "0" * 64})

    assert (forged.status_code, client.started) == (403, [])
    assert signal_records.names(intake.store()) == []
