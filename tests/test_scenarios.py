"""Every attack scenario is contained, and the verdict notices when a single lever of it was only said to be pulled."""

import pytest

from drill.scenarios import SCENARIOS
from drill.scenarios.scenario import OF_AN_APPLICATION
from drill.verdict.levers import LEVERS
from tests.scenario_play import LIE, Stage, play, red

PROOF = "verify_containment"
EVERY = [(name, lever) for name in SCENARIOS for lever in SCENARIOS[name].levers]


def spread() -> set[tuple[str, str]]:
    """Every lever in at least one scenario, every scenario with about as many; the rest is `-m exhaustive`."""
    chosen = {(name, lever) for name, lever in EVERY if name == "rogue-fic-on-identity"}
    for lever in OF_AN_APPLICATION:
        those = [name for name, each in EVERY if each == lever and name != "rogue-fic-on-identity"]
        chosen.add((min(those, key=lambda name: sum(name == one for one, _ in chosen)), lever))
    chosen.add(("secret-on-service-principal", "remove_service_principal_credentials"))
    return chosen


SABOTAGE = [
    pytest.param(
        name,
        lever,
        id=f"{name}-{lever}",
        marks=() if (name, lever) in spread() else pytest.mark.exhaustive,
    )
    for name, lever in EVERY
]


@pytest.mark.parametrize("name", SCENARIOS)
async def test_a_scenario_is_contained(scenario_stage: Stage, name: str) -> None:
    played = await play(scenario_stage, SCENARIOS[name])

    await played.until("watching")

    assert red(await played.verdict()) == {}


def test_every_lever_is_left_out_once_in_the_default_run() -> None:
    assert {lever for _, lever in spread()} == {lever for _, lever in EVERY}


@pytest.mark.parametrize(("name", "lever"), SABOTAGE)
async def test_a_lever_that_is_not_pulled_is_noticed(
    scenario_stage: Stage, name: str, lever: str
) -> None:
    """The proof lies as well: only the verdict's own eyes are left."""
    pretended = {lever: LIE, PROOF: {**LIE, "remaining": []}}
    played = await play(scenario_stage, SCENARIOS[name], pretended)

    await played.contained_or_not()

    assert LEVERS[lever].fact in red(await played.verdict())
