"""A storm of alerts: many about few identities, duplicates, out of order; optionally the host is killed in the middle.

Senders behave as an action group does: what can't be delivered, or is answered with one of the statuses that it tries
again, is sent again. What is counted at the end is read from the app's own records, not from what senders heard.
https://learn.microsoft.com/azure/azure-monitor/alerts/action-groups
"""

import argparse
import asyncio
import json
import random
import signal
import sqlite3
import statistics
import sys
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from drill.alert import log_alert
from drill.options import DrillError, Json
from drill.training_ground import Layout, TrainingGround, opened

LIMIT_S = 10.0  # an action group's patience
_AGAIN = {408, 429, 503, 504}  # it tries these again, and broken connections
_TRIES, _PAUSE_S = 30, 1.0  # ours is shorter than its 5 to 40 seconds, and more often
_SETTLES_WITHIN_S = 900


@dataclass(frozen=True, kw_only=True)
class Storm:
    """How hard it blows."""

    alerts: int  # different ones
    identities: int
    duplicated: float = 0.2  # of the alerts come twice
    side_by_side: int = 64  # connections
    within_s: float = 60.0  # that they are spread over
    kills: int = 0  # of the host, while it blows


@dataclass
class Heard:
    """What the senders heard."""

    answers: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)  # of each call that was answered
    again: int = 0  # calls that had to be made again
    lasted_s: float = 0.0


@dataclass(frozen=True)
class Counted:
    """What became of it, by the app's own records."""

    heard: Heard
    incidents: int  # instances that Durable has ever started
    of: int  # different identities among them
    records: Counter[str]  # status -> how many signals
    kept: int  # signals that lie with an incident, over all incidents
    settled_s: float  # from the last answer until the queue was empty
    messages: int  # that are left in queues

    @property
    def slowest_s(self) -> float:
        """Of all calls that were answered."""
        return max(self.heard.seconds)

    @property
    def typical_s(self) -> float:
        """Half of the calls were answered faster."""
        return statistics.median(self.heard.seconds)


async def blow(folder: Path, storm: Storm) -> Counted:
    """Open a training ground, let the storm blow over it, and count."""
    # Three are acted on; the others stay open without, so that the counts are about signals and not about containment.
    layout = Layout(folder=folder, host_environment={}, policy={"most_principals_per_hour": "3"})
    async with opened(layout) as ground:
        return await _blow(ground, storm)


async def _blow(ground: TrainingGround, storm: Storm) -> Counted:
    victims = await _plant(ground, storm.identities)
    deliveries = _deliveries(ground, storm, victims)
    heard = Heard()
    async with AsyncExitStack() as stack:
        # The host closes what was idle for five seconds: a call that meets that would look like a lost one.
        limits = httpx.Limits(max_connections=storm.side_by_side, keepalive_expiry=1)
        http = await stack.enter_async_context(httpx.AsyncClient(limits=limits, timeout=60))
        began = time.monotonic()
        killing = asyncio.create_task(_kill(ground, storm))
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        for number, body in enumerate(deliveries):
            queue.put_nowait((number * storm.within_s / len(deliveries), body))
        await asyncio.gather(
            *(_send(http, ground, queue, heard, began) for _ in range(storm.side_by_side))
        )
        heard.lasted_s = time.monotonic() - began
        await killing
    return await _count(ground, heard)


async def _plant(ground: TrainingGround, count: int) -> list[str]:
    applications = [{"displayName": f"storm-{number}"} for number in range(count)]
    planted = await ground.control.seed({"applications": applications})
    return [str(one["object_id"]) for one in planted["applications"]]


def _deliveries(ground: TrainingGround, storm: Storm, victims: list[str]) -> list[bytes]:
    """Every alert, some of them twice, in no order; their times of firing are in no order either."""
    chance = random.Random(7)  # noqa: S311 - the same storm every time
    alerts = []
    for number in range(storm.alerts):
        alert = log_alert(ground.described, victims[number % len(victims)], "Sev1")
        fired = datetime.now(UTC) - timedelta(seconds=chance.uniform(0, 300))
        alert["data"]["essentials"]["firedDateTime"] = fired.isoformat()
        alerts.append(json.dumps(alert).encode())
    alerts += chance.sample(alerts, round(storm.duplicated * len(alerts)))
    chance.shuffle(alerts)
    return alerts


async def _send(
    http: httpx.AsyncClient,
    ground: TrainingGround,
    queue: "asyncio.Queue[tuple[float, bytes]]",
    heard: Heard,
    began: float,
) -> None:
    while not queue.empty():
        due, body = queue.get_nowait()
        await asyncio.sleep(max(0.0, began + due - time.monotonic()))
        for attempt in range(_TRIES):
            sent = time.monotonic()
            answer = await _answer(http, ground, body)
            if answer is not None:
                heard.seconds.append(time.monotonic() - sent)
                heard.answers[f"{answer.status_code} {answer.json().get('status')}"] += 1
                if answer.status_code not in _AGAIN:
                    break
            heard.again += 1
            await asyncio.sleep(_PAUSE_S)
            if attempt == _TRIES - 1:
                raise DrillError("an alert could not be delivered")


async def _answer(
    http: httpx.AsyncClient, ground: TrainingGround, body: bytes
) -> httpx.Response | None:
    url = f"{ground.host.ready['url']}/api/alerts/azure-monitor"
    key = ground.keys["functionKeys"]["default"]
    try:
        return await http.post(url, content=body, headers={"x-functions-key": key})
    except httpx.TransportError:
        return None  # the host is gone, or went while it worked


async def _kill(ground: TrainingGround, storm: Storm) -> None:
    """SIGKILL, and a new start, evenly over the storm."""
    for _ in range(storm.kills):
        await asyncio.sleep(storm.within_s / (storm.kills + 1))
        ground.host.process.send_signal(signal.SIGKILL)
        await ground.host.process.wait()
        ground.host = await ground.start(0.0, len(ground.host_logs))
        ground.host_logs.append(ground.host.log)


async def _count(ground: TrainingGround, heard: Heard) -> Counted:
    """Wait until every signal has come to an end, then count."""
    began = time.monotonic()
    while (found := _records(ground))["queued"] or found["received"] or _messages(ground):
        if time.monotonic() - began > _SETTLES_WITHIN_S:
            break
        await asyncio.sleep(0.5)
    kept = len(list((ground.evidence / "incidents").glob("*/signals/*.json")))
    instances = _instances(ground)
    return Counted(
        heard=heard,
        incidents=len(instances),
        of=len(set(instances.values())),
        records=found,
        kept=kept,
        settled_s=time.monotonic() - began,
        messages=_messages(ground),
    )


def _records(ground: TrainingGround) -> Counter[str]:
    folder = ground.evidence / "signals"
    return Counter(json.loads(one.read_bytes())["status"] for one in folder.rglob("*.json"))


def _instances(ground: TrainingGround) -> dict[str, str]:
    """Incident -> object id of whom it is about."""
    rows = _query(
        ground, "SELECT instance_id, input FROM instances WHERE name = 'compromised_identity'"
    )
    return {str(one): _object_id(given) for one, given in rows}


def _object_id(given: str) -> str:
    order: Json | str = given
    while isinstance(order, str):
        order = json.loads(order)
    return str(order["incident"]["principal"]["object_id"])


def _messages(ground: TrainingGround) -> int:
    ((count,),) = _query(ground, "SELECT count(*) FROM messages")
    return int(count)


def _query(ground: TrainingGround, statement: str) -> list[tuple[str, ...]]:
    with sqlite3.connect(ground.folder / "host" / "history.sqlite", timeout=30) as history:
        found = history.execute(statement).fetchall()
    history.close()
    return found


def main() -> int:
    """Blow as hard as the command line says, and say what became of it; 1 where anything is missing."""
    parser = argparse.ArgumentParser(prog="python -m bench.storm", description=__doc__)
    parser.add_argument("--alerts", type=int, default=10_000)
    parser.add_argument("--identities", type=int, default=100)
    parser.add_argument("--kills", type=int, default=0)
    given = parser.parse_args()
    storm = Storm(alerts=given.alerts, identities=given.identities, kills=given.kills)
    with tempfile.TemporaryDirectory(prefix="storm-") as folder:
        counted = asyncio.run(blow(Path(folder), storm))
    heard = counted.heard
    rate = len(heard.seconds) / heard.lasted_s
    facts = {
        "answers": dict(heard.answers),
        "calls made again": heard.again,
        "calls a second": round(rate, 1),
        "seconds that an answer took, typical and slowest": (
            round(counted.typical_s, 2),
            round(counted.slowest_s, 2),
        ),
        "incidents": counted.incidents,
        "identities among them": counted.of,
        "signals by status": dict(counted.records),
        "signals that lie with an incident": counted.kept,
        "seconds until the last was handled": round(counted.settled_s, 1),
    }
    sys.stdout.write("".join(f"{name}: {value}\n" for name, value in facts.items()))
    whole = counted.incidents == storm.identities and counted.kept == storm.alerts
    return 0 if whole and counted.slowest_s < LIMIT_S else 1


if __name__ == "__main__":
    raise SystemExit(main())
