"""Every scenario, started by every sender of signals: the whole drill, from the attack to the verdict."""

from pathlib import Path

import pytest

from drill.contain import run_scenario
from drill.options import ROOT, Options
from drill.scenarios import SCENARIOS
from drill.sending import TRIGGERS
from tests.test_drill import screen

# A pair takes half a minute. What a sender does with a signal is in the default run (test_drill_triggers), and so is
# each scenario (test_scenarios); `make drill SCENARIO=all TRIGGER=all` plays the same, and ways to recover as well.
pytestmark = [pytest.mark.slow, pytest.mark.exhaustive, pytest.mark.timeout(580)]


@pytest.mark.parametrize("trigger", TRIGGERS)
@pytest.mark.parametrize("name", SCENARIOS)
async def test_a_scenario_is_contained_whoever_sends_its_signal(
    name: str, trigger: str, tmp_path: Path
) -> None:
    options = Options(app=ROOT, trigger=trigger, timeout_s=400)
    outcome = await run_scenario(SCENARIOS[name], options, screen(), tmp_path)

    assert [one for one in outcome.verdict["facts"] if not one["holds"]] == []
    assert outcome.verdict["passed"]
