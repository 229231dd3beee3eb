"""Each quiet-day playbook in the sandbox, run as a person runs it, from its call to the report and the card."""

import importlib
from pathlib import Path

import pytest

from drill.quiet.__main__ import names
from drill.quiet.day import Day
from drill.training_ground import Layout, opened
from playbooks.runs.catalogue import PLAYBOOKS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_every_playbook_has_a_play() -> None:
    assert set(PLAYBOOKS) <= set(names())


@pytest.mark.parametrize("name", names())
async def test_every_fact_of_the_play_holds(name: str, tmp_path: Path) -> None:
    play = importlib.import_module(f"drill.quiet.{name}")
    policy = getattr(play, "POLICY", {})
    layout = Layout(
        folder=tmp_path, host_environment={}, sandbox_options=play.OPTIONS, policy=policy
    )
    async with opened(layout) as ground:
        day = Day(ground, lambda *_: None)
        await play.play(day)

    assert day.facts
    assert [one for one in day.facts if not one["holds"]] == []
