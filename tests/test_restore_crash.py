"""The host is killed at every step, SIGKILL, from containment to the end of the restore: same world, nothing twice."""

import json
from pathlib import Path

import pytest

from drill.false_alarm import FALSE_ALARMS, run_false_alarm
from drill.options import ROOT, Options
from drill.traffic import ours
from tests.test_crash_and_resume import effects
from tests.test_drill import screen

pytestmark = [pytest.mark.timeout(580), pytest.mark.slow, pytest.mark.exhaustive]


async def test_a_restore_survives_a_host_that_is_killed_at_every_step(tmp_path: Path) -> None:
    tally = tmp_path / "kills"
    environment = {
        "FIREBREAK_TEST_CRASH_POINTS": "ran,before,after",
        "FIREBREAK_TEST_CRASH_STRIDE": "3",
        "FIREBREAK_TEST_CRASH_TALLY": str(tally),
    }
    options = Options(
        app=ROOT,
        host_module="tests.crashing_host",
        host_environment=environment,
        timeout_s=400,
    )
    folder = tmp_path / "drill"
    folder.mkdir()
    outcome = await run_false_alarm(FALSE_ALARMS["false-alarm"], options, screen(), folder)

    red = [one for one in outcome.verdict["facts"] if not one["holds"]]
    assert red == []
    assert len(tally.read_text().splitlines()) > 10, "the host was not killed often enough"
    lines = (folder / "traffic.jsonl").read_text().splitlines()
    sandbox = json.loads((folder / "sandbox" / "sandbox.json").read_text())
    counted = effects(list(map(json.loads, lines)), ours(sandbox["seed"]))
    assert counted, "no effect was recorded at all"
    assert {effect: times for effect, times in counted.items() if times > 1} == {}
