"""Containment on bad days: it completes, or it names exactly what it could not do, and it never asks without end.

Whatever the calls answer: a lever that the incident calls done is one that the sandbox shows as pulled.
"""

from collections import Counter
from typing import Any

import pytest

from drill.options import Json
from drill.scenarios import SCENARIOS
from drill.traffic import ours
from drill.verdict.facts import establish
from drill.verdict.levers import LEVERS
from tests.scenario_play import Play, Stage, play

# So many calls of one kind to one path are patience; more would be a siege. The playbook makes up to
# `[retries] attempts` rounds, each SDK tries three times, and read-backs ask a few times more.
MOST_ALIKE = 60


def status(service: str, method: str, path: str, code: int, **more: Any) -> Json:
    return {"service": service, "method": method, "path": path, "status": code, **more}


COMPLETES: list[tuple[str, str, list[Json]]] = [
    (
        "graph throttles",
        "rogue-fic-on-app",
        [status("graph", "*", "", 429, retry_after=0, times=8)],
    ),
    ("arm throttles", "rogue-fic-on-app", [status("arm", "*", "", 429, retry_after=0, times=8)]),
    ("everything is down for a moment", "rogue-fic-on-app", [status("*", "*", "", 503, times=6)]),
    (
        "connections hang and are cut, some after the deed",
        "secret-on-service-principal",
        [
            {"service": "graph", "method": "PATCH", "kind": "reset", "times": 2, "after": True},
            {"service": "graph", "method": "DELETE", "kind": "reset", "times": 2, "after": True},
            {"service": "arm", "method": "DELETE", "kind": "reset", "times": 2},
            {"service": "*", "kind": "timeout", "seconds": 0.3, "times": 3},
        ],
    ),
    (
        "writes to the identity collide",
        "rogue-fic-on-identity",
        [status("arm", "DELETE", "federatedIdentityCredentials", 409, times=3)],
    ),
]


@pytest.mark.parametrize(
    ("name", "faults"), [pytest.param(name, faults, id=why) for why, name, faults in COMPLETES]
)
async def test_trouble_that_passes_ends_in_containment(
    scenario_stage: Stage, name: str, faults: list[Json]
) -> None:
    played = await troubled(scenario_stage, name, faults)

    assert await wrongly_done(played) == []
    assert played.driven.status["clock"].get("contained")
    assert await most_alike(scenario_stage) <= MOST_ALIKE


FOREVER = 100_000
NAMED: list[tuple[str, str, str, Json]] = [
    (
        "no right to remove trusts",
        "rogue-fic-on-app",
        "remove_federated_credentials",
        status("graph", "DELETE", "federatedIdentityCredentials", 403, times=FOREVER),
    ),
    (
        "no right to remove roles",
        "rogue-fic-on-app",
        "remove_role_assignments",
        status("arm", "DELETE", "roleAssignments", 403, times=FOREVER),
    ),
    (
        "secrets cannot be removed for hours",
        "rogue-fic-on-app",
        "remove_application_credentials",
        status("graph", "POST", "removePassword", 503, times=FOREVER),
    ),
    (
        "somebody else keeps writing to the identity",
        "rogue-fic-on-identity",
        "remove_identity_trusts",
        status("arm", "DELETE", "federatedIdentityCredentials", 409, times=FOREVER),
    ),
]


@pytest.mark.parametrize(
    ("name", "lever", "fault"),
    [pytest.param(name, lever, fault, id=why) for why, name, lever, fault in NAMED],
)
async def test_a_lever_that_cannot_be_pulled_is_named_and_stops_no_other(
    scenario_stage: Stage, name: str, lever: str, fault: Json
) -> None:
    played = await troubled(scenario_stage, name, [fault])

    said = answers(played)
    others = [step for step in SCENARIOS[name].levers if step != lever]
    assert said[lever]["status"] in {"refused", "failed"}
    assert [step for step in others if said[step]["status"] in {"refused", "failed"}] == []
    assert await wrongly_done(played) == []
    assert "contained" not in played.driven.status["clock"]
    assert said[lever]["detail"] in played.driven.status["remaining"]
    assert played.driven.status["by_hand"]
    assert await most_alike(scenario_stage) <= MOST_ALIKE


async def troubled(stage: Stage, name: str, faults: list[Json]) -> Play:
    """The scenario with these faults from the alert on, up to where containment has ended either way."""
    played = await play(stage, SCENARIOS[name])
    await stage.control.set_faults([{"times": 1, **fault} for fault in faults])
    await played.contained_or_not()
    await stage.control.clear_faults()
    return played


def answers(played: Play) -> dict[str, Json]:
    """The last word of every step."""
    return dict(played.driven.answers)


async def wrongly_done(played: Play) -> list[str]:
    """Levers that called themselves done while the sandbox shows that something is left."""
    scene = await played.scene()
    facts = {
        step: establish("identity", [LEVERS[step]], scene)[0]
        for step in played.staged.scenario.levers
    }
    said = answers(played)
    return [
        f"{step}: {said[step]['status']}, but {fact['actual']}"
        for step, fact in facts.items()
        if said[step]["status"] in {"done", "nothing_to_do"} and not fact["holds"]
    ]


async def most_alike(stage: Stage) -> int:
    """How often the product made the same call."""
    own = ours(stage.described["seed"])
    calls = Counter(
        (one["method"], one["url"]) for one in await stage.control.traffic() if one["caller"] in own
    )
    return max(calls.values())
