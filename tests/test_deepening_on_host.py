"""A plan becomes a containment when a second alert asks for it, also where the host dies with that alert in hand."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import pytest

from drill.alert import Severity, log_alert
from drill.training_ground import AUDIENCE, Layout, TrainingGround, opened


async def send(ground: TrainingGround, object_id: str, severity: Severity) -> dict[str, Any]:
    answer = await ground.http.post(
        f"{ground.host.ready['url']}/api/alerts/azure-monitor",
        content=json.dumps(log_alert(ground.described, object_id, severity)).encode(),
        headers={"x-functions-key": ground.keys["functionKeys"]["default"]},
    )
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


async def told(ground: TrainingGround, incident_id: str) -> dict[str, Any]:
    rosa = f"Bearer {await ground.control.sign_in('rosa', AUDIENCE)}"
    url = f"{ground.host.ready['url']}/api/incidents/{incident_id}"
    return dict((await ground.http.get(url, headers={"Authorization": rosa})).json())


async def killed(ground: TrainingGround) -> None:
    ground.host.process.send_signal(signal.SIGKILL)
    await ground.host.process.wait()
    ground.host = await ground.start(0.0, len(ground.host_logs))
    ground.host_logs.append(ground.host.log)


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_a_plan_that_an_alert_deepens_contains_also_after_the_host_was_killed(
    tmp_path: Path,
) -> None:
    async with opened(Layout(folder=tmp_path, host_environment={})) as ground:
        principal = ground.described["seed"]["orders_api"]
        planned = await send(ground, principal["object_id"], "Sev3")
        deeper = await send(ground, principal["object_id"], "Sev1")
        await killed(ground)

        assert planned["mode"] == "plan"
        assert deeper["incident_id"] == planned["incident_id"]
        assert (deeper["joined"], deeper["mode"]) == (True, "contain")
        async with asyncio.timeout(200):
            while (now := await told(ground, planned["incident_id"]))["phase"] != "watching":
                assert now["phase"] not in {"closed", "failed", "refused"}
                await asyncio.sleep(0.5)

        assert (now["mode"], now["contained_at"] is not None) == ("contain", True)
        (raised,) = now["deepened"]
        assert (raised["mode"], raised["source"]) == ("contain", "azure-monitor")
        journalled = [one for one in now["steps"] if one["step"] == "read_depth"]
        assert any("contain: azure-monitor" in one["detail"] for one in journalled)
        assert not [one for one in now["changes"] if one not in await _changes(tmp_path)]
        state = await ground.control.state()
        disabled = [
            one for one in state["servicePrincipals"] if one["id"] == principal["object_id"]
        ]
        assert [one["accountEnabled"] for one in disabled] == [False]


async def _changes(folder: Path) -> list[Any]:
    """Those of steps that acted: what the plan would have changed is not told as done."""
    kept = (folder / "evidence").glob("incidents/*/levers/*.json")
    answers = [json.loads(one.read_bytes()) for one in kept]
    return [
        change for one in answers if one["status"] != "planned" for change in one.get("changes", [])
    ]
