"""The list of incidents: filtered and paged by names alone, the same whatever comes in meanwhile."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from responders import incident_index
from responders.evidence_folder import EvidenceFolder
from responders.incident_index import Closed
from responders.model import Incident
from triggers import incident_list, intake
from triggers.incident_list import ListQuery, Page

START = datetime(2026, 1, 1, tzinfo=UTC)


class CountingStore(EvidenceFolder):
    """A folder that counts what it is asked."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.lists = self.gets = 0

    def list(self, folder: str) -> list[str]:
        self.lists += 1
        return super().list(folder)

    def get(self, path: str) -> bytes:
        self.gets += 1
        return super().get(path)


class FakeClient:
    """Durable, as far as a list asks it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.statuses: dict[str, Any] = {}

    async def get_status(self, instance_id: str) -> Any:
        self.asked.append(instance_id)
        return self.statuses.get(instance_id)

    def stands(self, number: int, **told: Any) -> None:
        running = SimpleNamespace(name="Running")
        self.statuses[named(number)] = SimpleNamespace(runtime_status=running, custom_status=told)


@pytest.fixture
def client() -> FakeClient:
    return FakeClient()


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CountingStore:
    store = CountingStore(tmp_path)
    monkeypatch.setattr(intake, "store", lambda: store)
    return store


def named(number: int) -> str:
    return f"inc-20260101-{number:012x}"


def guid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012x}"


def incident(number: int, **facts: Any) -> Incident:
    """The higher the number, the later it was opened."""
    opened = (START + timedelta(minutes=number)).isoformat(timespec="milliseconds")
    principal = {
        "kind": "application",
        "object_id": guid(number),
        "app_id": guid(number + 1_000_000),
        "display_name": "<img onerror=x>",
    }
    signal = {"source": "azure-monitor", "kind": "log-alert", "title": "t", "severity": "Sev0"}
    made = {
        "incident_id": named(number),
        "mode": "contain",
        "principal": principal,
        "signal": signal,
        "opened_at": opened,
        "window_start": opened,
        **facts,
    }
    return cast(Incident, made)


def fill(store: CountingStore, count: int) -> None:
    for number in range(count):
        incident_index.opened(store, incident(number))


async def page(client: FakeClient, **query: Any) -> Page:
    return await incident_list.page(cast(Any, client), ListQuery.model_validate(query))


async def ids(client: FakeClient, **query: Any) -> list[str]:
    """Every page, one after the other."""
    found: list[str] = []
    cursor = None
    while True:
        shown = await page(client, **query, **({"cursor": cursor} if cursor else {}))
        found += [one["incident_id"] for one in shown["incidents"]]
        cursor = shown["next_cursor"]
        if cursor is None:
            return found


async def test_the_newest_comes_first_and_pages_join_without_gap_or_repeat(
    store: CountingStore, client: FakeClient
) -> None:
    fill(store, 7)

    assert await ids(client, limit=3) == [named(n) for n in range(6, -1, -1)]


async def test_what_is_opened_meanwhile_moves_nothing_on_the_next_page(
    store: CountingStore, client: FakeClient
) -> None:
    fill(store, 4)
    first = await page(client, limit=2)
    incident_index.opened(store, incident(10))
    second = await page(client, limit=2, cursor=first["next_cursor"])

    assert [one["incident_id"] for one in second["incidents"]] == [named(1), named(0)]
    assert second["next_cursor"] is None


async def test_each_filter_narrows_the_list(store: CountingStore, client: FakeClient) -> None:
    fill(store, 3)
    by_hand = {"source": "responder", "kind": "call", "title": "t", "severity": "s"}
    incident_index.opened(store, incident(3, signal=by_hand, mode="plan"))
    client.stands(2, phase="watching", outcome="contained", mode="respond")
    client.stands(1, phase="held", outcome="not_contained")
    incident_index.closed(store, named(0), Closed("refused", "contain"))

    assert await ids(client, phase="watching") == [named(2)]
    assert await ids(client, phase="watching,held") == [named(2), named(1)]
    assert await ids(client, phase="refused") == [named(0)]
    assert await ids(client, outcome="contained") == [named(2)]
    assert await ids(client, mode="respond") == [named(2)], "as deep as it goes by now"
    assert await ids(client, mode="plan") == [named(3)]
    assert await ids(client, source="responder") == [named(3)]
    assert await ids(client, principal=guid(1)) == [named(1)]
    assert await ids(client, principal=guid(1_000_001).upper()) == [named(1)], "client id"
    since, until = (START + timedelta(minutes=1)).isoformat(), START + timedelta(minutes=3)
    assert await ids(client, since=since, until=until.isoformat()) == [named(2), named(1)]


async def test_ten_thousand_incidents_are_paged_through_without_opening_them(
    store: CountingStore, client: FakeClient
) -> None:
    names = [
        incident_index.Opened(
            (START + timedelta(minutes=n)).isoformat(timespec="milliseconds"),
            named(n),
            "contain",
            "azure-monitor",
            guid(n),
            guid(n),
        ).name
        for n in range(10_000)
    ]
    for folder, these in (
        ("opened", names),
        ("closed", [f"{named(n)}~contained~contain" for n in range(9_990)]),
    ):
        (store.folder / "index" / folder).mkdir(parents=True)
        for name in these:
            (store.folder / "index" / folder / f"{name}.json").touch()
    for name in names[-25:]:
        (store.folder / "index" / "opened" / f"{name}.json").write_text('{"incident_id": "x"}')

    shown = await page(client)
    await page(client, phase="watching")

    assert len(shown["incidents"]) == 25
    assert (store.lists, store.gets) == (4, 25), "two calls for names; a row for each line shown"
    assert len(client.asked) == 20, "Durable is asked of those alone that are open"


async def test_an_incident_that_an_instance_died_with_is_listed_once(
    store: CountingStore, client: FakeClient
) -> None:
    incident_index.opened(store, incident(1))
    incident_index.opened(store, {**incident(1), "opened_at": incident(2)["opened_at"]})

    shown = await page(client)

    assert [one["incident_id"] for one in shown["incidents"]] == [named(1)]
    assert shown["incidents"][0]["phase"] == "unknown"


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 101},
        {"phase": "Robert'); DROP"},
        {"cursor": "???"},
        {"cursor": "YQo"},  # "a\n"
        {"principal": "orders-api"},
        {"since": "yesterday"},
        {"since": "0"},
        {"until": "1764200000"},
        {"until": "2026-11-27"},
        {"until": "2026-11-27T00:00:00"},
        {"colour": "red"},
    ],
)
def test_a_query_that_makes_no_sense_is_refused(query: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        ListQuery.model_validate(query)
