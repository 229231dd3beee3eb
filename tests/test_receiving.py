"""A signal is kept before anything is done about it, starts one incident or joins it, and is never lost in between."""

import asyncio
import json
import random
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import pytest

from responders import claims, known_principals, notices, principals, signal_records
from responders.cloud import Cloud
from responders.errors import RefusedError, TransientError, UnresolvedError
from responders.evidence import EvidenceStore
from responders.model import Mode, Signal
from tests.evidence_stores import blobs, storage, store
from tests.host_apps.running import ROOT
from tests.queue_out import QueueOut
from triggers import announcements, instances, intake, joining, queued_signals, receiving

__all__ = ["blobs", "storage", "store"]

OBJECT_ID = "11111111-1111-1111-1111-111111111111"
CHANCE = random.Random(5)  # noqa: S311 - whoever is faster
TENANT = "00000000-0000-0000-0000-000000000001"


class Durable:
    """What instances share: each start is slow, and one that runs is not started again."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.states: dict[str, str] = {}
        self.started: list[str] = []
        self.events: list[tuple[str, str]] = []
        self.told: list[Any] = []  # what people are to be told
        self.dies = False  # the worker dies where it would start

    async def get_status(self, instance_id: str, **_options: Any) -> Any:
        await asyncio.sleep(CHANCE.uniform(0, 0.003))
        with self.lock:
            state = self.states.get(instance_id)
        named = None if state is None else SimpleNamespace(name=state)
        return SimpleNamespace(runtime_status=named, custom_status=None)

    async def start_new(self, _name: str, *, instance_id: str, client_input: Any) -> str:
        if "announcement" in client_input:
            self.told.append(client_input)
            self.states[instance_id] = "Running"
            return instance_id
        assert client_input["incident"]["incident_id"] == instance_id
        if self.dies:
            raise _Died
        await asyncio.sleep(CHANCE.uniform(0, 0.01))
        with self.lock:
            if self.states.get(instance_id) == "Running":
                raise RuntimeError("an instance with that id already exists")
            self.states[instance_id] = "Running"
            self.started.append(instance_id)
        return instance_id

    async def raise_event(self, instance_id: str, name: str, _said: Any) -> None:
        with self.lock:
            if self.states.get(instance_id) != "Running":
                raise RuntimeError("410")
            self.events.append((instance_id, name))


class _Died(BaseException):
    """The worker is gone."""


@pytest.fixture(autouse=True)
def world(monkeypatch: pytest.MonkeyPatch, store: EvidenceStore) -> Iterator[None]:
    monkeypatch.setenv("FIREBREAK_TENANT_ID", TENANT)
    monkeypatch.setenv("FIREBREAK_LOG_WORKSPACE_ID", "00000000-0000-0000-0000-000000000002")
    monkeypatch.setattr(intake, "store", lambda: store)
    monkeypatch.setattr(instances, "_seen_open", {})
    monkeypatch.setattr(receiving, "_in_hand", {})
    monkeypatch.setattr(signal_records, "_kept", {})
    monkeypatch.setattr(signal_records, "_done", set())

    async def connect() -> Any:
        return SimpleNamespace()

    async def resolve(_cloud: Any, hint: Any) -> Any:
        await asyncio.sleep(CHANCE.uniform(0, 0.003))
        if "object_id" not in hint:
            raise UnresolvedError("nobody")
        return {
            "kind": "application",
            "object_id": hint["object_id"],
            "app_id": "a",
            "display_name": "orders-api",
        }

    monkeypatch.setattr(Cloud, "connect", staticmethod(connect))
    monkeypatch.setattr(principals, "resolve", resolve)
    yield
    known_principals._known.clear()


@pytest.fixture
def durable() -> Any:
    return Durable()


def a_signal(signal_id: str, **more: Any) -> Signal:
    signal: Signal = {
        "source": "azure-monitor",
        "kind": "log-alert",
        "signal_id": signal_id,
        "fired_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "title": "t",
        "severity": "Sev1",
        "confidence": "medium",
        "authenticated": "token",
        "hint": {"object_id": OBJECT_ID},
        **more,  # type: ignore[typeddict-item]
    }
    return signal


def workers(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Each in a thread and an event loop of its own, as two workers of one app are apart."""
    results: list[Any] = [None] * count
    together = threading.Barrier(count)

    def run(number: int) -> None:
        together.wait()
        results[number] = asyncio.run(work(number))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def claim(store: EvidenceStore) -> claims.Claim:
    held = claims.current(store, OBJECT_ID)
    assert held is not None
    return held


@pytest.mark.parametrize("different", [1, 12])
def test_workers_that_race_start_exactly_one_incident(
    store: EvidenceStore, durable: Any, different: int
) -> None:
    async def worker(number: int) -> list[str]:
        signals = [a_signal(str(one % different)) for one in range(number, number + 12)]
        accepted = await asyncio.gather(
            *(intake.accept(one, "contain", durable) for one in signals)
        )
        return [one.incident_id for one in accepted]

    answers = workers(3, worker)

    assert len(durable.started) == 1
    assert {one for each in answers for one in each} == set(durable.started)
    kept = store.list(f"incidents/{durable.started[0]}/signals")
    assert len(kept) == min(different, 14) if different == 1 else len(kept) == 12


def test_what_a_dead_worker_had_claimed_is_started_by_whoever_comes_next(
    store: EvidenceStore, durable: Any
) -> None:
    durable.dies = True
    with pytest.raises(_Died):
        asyncio.run(intake.accept(a_signal("first"), "contain", durable))
    dead = claim(store)["incident_id"]
    assert durable.started == []

    durable.dies = False
    joined = asyncio.run(intake.accept(a_signal("second"), "contain", durable))

    assert (durable.started, joined.incident_id, joined.joined) == ([dead], dead, True)
    assert len(store.list(f"incidents/{dead}/signals")) == 2


def test_a_claim_that_was_never_started_and_is_old_is_taken_over(
    store: EvidenceStore, durable: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    durable.dies = True
    with pytest.raises(_Died):
        asyncio.run(intake.accept(a_signal("first"), "contain", durable))
    durable.dies = False
    monkeypatch.setattr(intake, "_STARTED_WITHIN", timedelta())

    taken = asyncio.run(intake.accept(a_signal("second"), "contain", durable))

    assert (durable.started, taken.joined) == ([taken.incident_id], False)


def test_a_deeper_signal_raises_the_claim_and_never_back(
    store: EvidenceStore, durable: Any
) -> None:
    def send(name: str, mode: Mode, **more: Any) -> str:
        return asyncio.run(intake.accept(a_signal(name, **more), mode, durable)).mode

    assert send("1", "plan") == "plan"
    assert send("2", "contain") == "contain"
    assert send("3", "plan") == "contain"
    assert send("4", "contain") == "contain"
    assert send("5", "respond", source="responder") == "respond"
    assert send("6", "contain") == "respond"

    (started,) = durable.started
    assert durable.events == [(started, "deepen-1"), (started, "deepen-2")]
    raised = claim(store)["raised"]
    assert [(one["mode"], one["source"]) for one in raised] == [
        ("contain", "azure-monitor"),
        ("respond", "responder"),
    ]


def test_a_call_for_more_that_was_not_said_is_said_when_the_signal_comes_again(
    store: EvidenceStore, durable: Any
) -> None:
    asyncio.run(intake.accept(a_signal("1"), "plan", durable))
    held, more = claim(store), a_signal("2")
    claims.raise_to(store, OBJECT_ID, held, joining._wanted(more, "contain"))  # and died there

    asyncio.run(intake.accept(more, "contain", durable))

    assert durable.events == [(held["incident_id"], "deepen-1")]
    assert len(claim(store)["raised"]) == 1


def test_between_the_last_call_for_more_and_the_release_exactly_one_wins(
    store: EvidenceStore, durable: Any
) -> None:
    for number in range(12):
        first = asyncio.run(intake.accept(a_signal(f"a{number}"), "plan", durable))
        incident = claim(store)["opened"]

        async def worker(
            which: int, number: int = number, incident: Any = incident
        ) -> claims.Claim | str | None:
            if which == 0:
                released = await asyncio.to_thread(claims.release, store, incident)
                if released is None:
                    durable.states[incident["incident_id"]] = "Completed"
                return released
            return (await intake.accept(a_signal(f"b{number}"), "contain", durable)).incident_id

        released, joined = workers(2, worker)

        # Either the incident has heard of it, or the signal has one of its own.
        assert (released is not None) == (joined == first.incident_id)
        for one in {first.incident_id, joined}:
            durable.states[one] = "Completed"
            claims.let_go(store, OBJECT_ID, one)
        instances._seen_open.clear()


async def test_the_same_signal_gets_the_same_answer_also_after_its_incident_was_closed(
    store: EvidenceStore, durable: Any
) -> None:
    first = await receiving.receive(a_signal("1"), durable)
    durable.states[str(first.incident_id)] = "Completed"
    await asyncio.to_thread(claims.let_go, store, OBJECT_ID, str(first.incident_id))
    instances._seen_open.clear()

    again = await receiving.receive(a_signal("1"), durable)

    assert (again.status, again.incident_id, again.joined) == ("accepted", first.incident_id, True)
    assert len(durable.started) == 1
    assert await asyncio.to_thread(claims.current, store, OBJECT_ID) is None


async def test_an_old_signal_is_refused_but_not_one_that_grew_old_in_the_queue(
    store: EvidenceStore, durable: Any
) -> None:
    three_days = (datetime.now(UTC) - timedelta(days=3)).isoformat()
    refused = await receiving.receive(a_signal("old", fired_at=three_days), durable)
    assert (refused.status, refused.code, durable.started) == ("refused", "TooOld", [])

    record, _ = await asyncio.to_thread(
        signal_records.begin, store, a_signal("waited", fired_at=three_days)
    )
    waited = await receiving.handle({**record, "received_at": three_days}, durable)
    assert waited.status == "accepted"


async def test_what_time_can_fix_waits_and_is_handled_from_the_queue(
    store: EvidenceStore, durable: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = principals.resolve

    async def down(_cloud: Any, _hint: Any) -> Any:
        raise TransientError("Graph answered 503")

    monkeypatch.setattr(principals, "resolve", down)
    later = QueueOut()
    queued = await receiving.receive(a_signal("1"), durable, later)
    (waiting,) = later.messages
    assert (queued.status, waiting["signal"]["signal_id"]) == ("queued", "1")
    with pytest.raises(TransientError):
        await from_queue(waiting, durable, 1)
    await from_queue(waiting, durable, queued_signals.TRIES)  # left to the sweep, not poisoned
    (waits,) = await records(store)
    assert waits["attempts"] == 3

    monkeypatch.setattr(principals, "resolve", real)
    await from_queue(waiting, durable, 1)
    await from_queue(waiting, durable, 1)  # at least once

    assert len(durable.started) == 1
    (handled,) = await records(store)
    assert handled["status"] == "accepted"


async def test_a_slow_directory_costs_the_sender_no_more_than_its_patience(
    durable: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(_cloud: Any, _hint: Any) -> Any:
        await asyncio.sleep(30)

    monkeypatch.setattr(principals, "resolve", slow)
    monkeypatch.setattr(receiving, "_ANSWER_S", 0.3)
    later = QueueOut()

    received = await receiving.receive(a_signal("1"), durable, later)

    assert (received.status, len(later.messages)) == ("queued", 1)
    for one in asyncio.all_tasks() - {asyncio.current_task()}:
        one.cancel()


async def test_what_is_too_much_at_once_is_acknowledged_and_waits(
    store: EvidenceStore, durable: Any
) -> None:
    outs = [QueueOut() for _ in range(40)]
    answers = await asyncio.gather(
        *(receiving.receive(a_signal(str(n)), durable, out) for n, out in enumerate(outs))
    )
    fates = [one.status for one in answers]
    assert fates.count("accepted") == receiving._AT_ONCE
    waiting = [one for out in outs for one in out.messages]
    assert len(waiting) == fates.count("queued") == 40 - receiving._AT_ONCE

    for one in waiting:
        await from_queue(one, durable, 1)

    ended = await records(store)
    assert {one["status"] for one in ended} == {"accepted"}
    assert (len(ended), len(durable.started)) == (40, 1)
    kept = await asyncio.to_thread(store.list, f"incidents/{durable.started[0]}/signals")
    assert len(kept) == 40


async def test_what_no_handling_ends_is_swept_up_and_given_up_on_in_the_end(
    store: EvidenceStore, durable: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cards = told_to(monkeypatch)
    record, _ = await asyncio.to_thread(
        signal_records.begin, store, a_signal("1")
    )  # and the worker died
    await asyncio.to_thread(signal_records.enlist, store, record)
    assert await swept(durable) == []

    monkeypatch.setattr(queued_signals, "_LEFT_ALONE", timedelta())
    (message,) = await swept(durable)
    assert message["signal"]["signal_id"] == "1"
    assert await swept(durable) == [], "it is on its way"
    await from_queue(message, durable, 1)
    assert (len(durable.started), await swept(durable), cards) == (1, [], [])


async def test_what_is_poisoned_is_told_and_a_card_that_failed_is_seen(
    store: EvidenceStore, durable: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cards = told_to(monkeypatch)
    receiving_message = json.loads(receiving.message(a_signal("1")))
    for _ in range(2):  # a queue delivers at least once
        await poisoned(json.dumps(receiving_message).encode(), durable)
        await poisoned(b"no json at all", durable)
    assert len(durable.told) == 2
    assert {one["told"] for one in await records(store)} == {"not yet"}
    for one in list(durable.told):
        await announced(one)
        await announced(one)
    read = await records(store)
    assert [one["status"] for one in read] == ["poisoned", "poisoned"]
    assert [one["told"][:3] for one in read] == ["yes", "yes"]
    assert "no json at all" not in json.dumps(cards)
    assert len(cards) == 2

    await poisoned(receiving.message(a_signal("2")).encode(), durable)
    told_to(monkeypatch, RefusedError("the workflow answered 404"))
    assert "retry" not in await announced(durable.told[-1])
    await poisoned(receiving.message(a_signal("3")).encode(), durable)
    told_to(monkeypatch, TransientError("the workflow answered 429"))
    assert (await announced(durable.told[-1]))["retry"] is True
    said = {one["signal"]["signal_id"]: one.get("told") for one in await records(store)}
    assert said["2"] == "no: teams: the workflow answered 404"
    assert said["3"] == "not yet: teams: the workflow answered 429"
    assert "retry" not in await announced({**durable.told[-1], "last_try": True})

    # Whoever sends it again has it handled after all, and what was told of it late changes nothing.
    assert (await receiving.receive(a_signal("2"), durable)).status == "accepted"
    await announced(durable.told[-2])
    now = {one["signal"]["signal_id"]: one["status"] for one in await records(store)}
    assert now["2"] == "accepted"


async def announced(order: Any) -> Any:
    """What Durable does with it."""
    function: Any = announcements.announce
    return await function._function._func(order)


def test_the_queue_gives_up_when_the_code_says_so() -> None:
    queues = json.loads((ROOT / "host.json").read_text())["extensions"]["queues"]
    assert queues["maxDequeueCount"] == queued_signals.TRIES


async def records(store: EvidenceStore) -> list[signal_records.Record]:
    def read() -> list[signal_records.Record]:
        return [signal_records.read(store, one) for one in signal_records.names(store)]

    return await asyncio.to_thread(read)


async def from_queue(message: Any, durable: Any, count: int) -> None:
    class Message(func.QueueMessage):
        @property
        def dequeue_count(self) -> int:
            return count

    function: Any = queued_signals.on_queued_signal
    body = json.dumps(message).encode()
    await function._function._func.client_function(waiting=Message(body=body), client=durable)


async def poisoned(body: bytes, durable: Any) -> None:
    function: Any = queued_signals.on_poisoned_signal
    await function._function._func.client_function(
        poisoned=func.QueueMessage(body=body), client=durable
    )


async def swept(durable: Any) -> list[Any]:
    later, function = QueueOut(), queued_signals.sweep_signals
    called: Any = function
    await called._function._func.client_function(timer=None, later=later, client=durable)
    return later.messages


def told_to(monkeypatch: pytest.MonkeyPatch, failure: Exception | None = None) -> list[Any]:
    cards: list[Any] = []

    async def send(_cloud: Any, card: Any) -> Any:
        if failure is not None:
            raise failure
        cards.append(card)
        return {"status": "done", "detail": "accepted"}

    monkeypatch.setattr(notices, "send", send)
    return cards
