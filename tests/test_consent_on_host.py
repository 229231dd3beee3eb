"""Consent over real HTTP, with a host that is killed between two yeses; who gets in; what gets out."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from drill.training_ground import AUDIENCE, Layout, TrainingGround, opened

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
GRAPH = "https://graph.microsoft.com"
RISK = '"accept_risk"'


@pytest.fixture
async def ground(tmp_path: Path) -> AsyncIterator[TrainingGround]:
    """Where every plan takes a risk that nothing takes back, so that two people have to agree."""
    policy = {"credential": RISK, "cluster": RISK, "unknown": RISK}
    async with opened(Layout(folder=tmp_path, host_environment={}, policy=policy)) as running:
        yield running


async def call(
    ground: TrainingGround, who: str, method: str, path: str, body: Any = None
) -> httpx.Response:
    headers = {}
    if who:
        name, _, audience = who.partition(" for ")
        token = await ground.control.sign_in(name, audience or AUDIENCE)
        headers["Authorization"] = f"Bearer {token}"
    url = str(ground.host.ready["url"]).rstrip("/") + path
    return await ground.http.request(method, url, json=body, headers=headers)


async def until(ground: TrainingGround, path: str, *, leaves: str = "", reaches: str = "") -> Any:
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline:
        shown = (await call(ground, "ravi", "GET", path)).json()
        if shown["phase"] == reaches or (leaves and shown["phase"] != leaves):
            return shown
        await asyncio.sleep(0.3)
    raise AssertionError(shown)


async def who_gets_in(ground: TrainingGround, path: str) -> None:
    """Each caller at a route to read, and at one to answer, as it is in Azure: platform first, then the app."""
    empty: dict[str, Any] = {}
    found = {
        who: (
            (await call(ground, who, "GET", path)).status_code,
            (await call(ground, who, "POST", f"{path}/consent", empty)).status_code,
        )
        for who in ("", "vera", "ravi", "nora", "zoe", "ines", f"ines for {GRAPH}")
    }
    assert found == {
        "": (401, 401),
        "vera": (403, 403),
        "ravi": (200, 403),
        "nora": (200, 403),
        "zoe": (200, 403),
        "ines": (200, 400),
        f"ines for {GRAPH}": (401, 401),
    }


async def nothing_gets_out(ground: TrainingGround, path: str) -> None:
    """Durable's own addresses carry a key that is worth as much as the whole playbook."""
    secrets = [str(one) for one in ground.keys["systemKeys"].values()]
    paths = ("", "/plan", "/steps", "/undo", "/report", "/restore", "/nothing")
    said = [(await call(ground, "rosa", "GET", f"{path}{one}")) for one in paths]
    said.append(await call(ground, "rosa", "GET", "/api/incidents"))
    told = "\n".join(f"{one.headers} {one.text}" for one in said)
    log = "\n".join(one.read_text() for one in ground.host_logs)
    for text in (told, log):
        assert "/runtime/webhooks/durabletask" not in text
        assert not [one for one in secrets if one in text]


async def test_a_second_yes_counts_with_a_first_one_that_a_dead_host_had_heard(
    ground: TrainingGround,
) -> None:
    object_id = ground.described["seed"]["orders_api"]["object_id"]
    wanted = {"object_id": object_id, "mode": "respond", "reason": "somebody is in"}
    opened_as = (await call(ground, "rosa", "POST", "/api/incidents", wanted)).json()
    path = f"/api/incidents/{opened_as['incident_id']}"
    asked = (await until(ground, path, reaches="awaiting_consent"))["consent"]
    assert (asked["needs"], asked["so_far"]) == (2, "0 of 2")
    assert asked["irreversible"]
    assert [one["name"] for one in asked["requesters"]] == ["rosa@contoso.com"]
    yes = {
        "plan_hash": asked["plan_hash"],
        "decision": "grant",
        "reason": "read",
        "confirmed": [one["key"] for one in asked["confirmations"]],
    }
    await who_gets_in(ground, path)
    await nothing_gets_out(ground, path)

    first = await call(ground, "ines", "POST", f"{path}/consent", yes)
    again = await call(ground, "ines", "POST", f"{path}/consent", yes)
    for preview in ("GET", "HEAD"):
        await call(ground, "yuri", preview, f"{path}/consent")
    ground.host.process.kill()
    await ground.host.process.wait()
    ground.host = await ground.start(0, len(ground.host_logs))
    ground.host_logs.append(ground.host.log)

    shown = (await call(ground, "ravi", "GET", path)).json()
    assert (first.status_code, first.json()["approvals"]) == (202, 1)
    assert again.json()["approvals"] == 1
    assert shown["phase"] == "awaiting_consent"
    assert shown["consent"]["so_far"].startswith("1 of 2: ines@contoso.com at ")

    second = await call(ground, "yuri", "POST", f"{path}/consent", yes)
    assert second.json()["approvals"] == 2
    decided = (await until(ground, path, leaves="awaiting_consent"))["consent"]
    assert (decided["decision"], decided["granted"]) == ("grant", True)
    people = [one["approver"] for one in decided["approvals"]]
    assert [one["name"] for one in people] == ["ines@contoso.com", "yuri@contoso.com"]
    assert {one["proven_by"] for one in people} == {"easy-auth"}
    late = await call(ground, "rosa", "POST", f"{path}/consent", {**yes, "decision": "deny"})
    assert (late.status_code, late.json()["code"]) == (409, "NotAsked")
    await nothing_gets_out(ground, path)
