"""Random tenants against attackers that search, and the counterexamples that were found in them, each small.

A file in `tests/worlds` is a world that once failed, or that a defect would make fail. A few drawn ones are played
here too; `make fuzz-worlds` plays as many as asked for.
"""

import io
import json
from pathlib import Path
from typing import cast

import pytest
import structlog

from fuzz import product
from fuzz.drawing import draw
from fuzz.playing import play
from fuzz.shrinking import candidates, shrink
from fuzz.worlds import Json, World, victim_of
from responders import logs
from tests.sandbox_fixture import RunningSandbox

KEPT = sorted((Path(__file__).parent / "worlds").glob("*.json"))
# In every run; two more files are played by other tests of this module, the rest when asked for.
SAMPLE = {"starts-pods-of-a-new-name", "a-replica-takes-a-key-when-the-trust-is-gone"}
DRAWN = (("respond", 12), ("contain", 4), ("contain", 12), ("respond", 4))
LIE: Json = {"status": "done", "detail": "pretended", "remaining": []}


async def wrong(
    world: World, sandbox: RunningSandbox, folder: Path, pretended: dict[str, Json] | None = None
) -> list[str]:
    verdict = await play(world, sandbox, folder / "evidence", pretended)
    return [str(one) for one in verdict.wrong]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "file",
    [
        pytest.param(
            file, id=file.stem, marks=[] if file.stem in SAMPLE else [pytest.mark.exhaustive]
        )
        for file in KEPT
    ],
)
async def test_a_world_that_failed_once_holds(
    sandbox_process: RunningSandbox, tmp_path: Path, file: Path
) -> None:
    world: World = json.loads(file.read_text())

    assert await wrong(world, sandbox_process, tmp_path) == []


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("mode", "seed"),
    [
        pytest.param(*one, marks=[pytest.mark.exhaustive] if at else [])
        for at, one in enumerate(DRAWN)
    ],
)
async def test_a_drawn_world_holds(
    sandbox_process: RunningSandbox, tmp_path: Path, mode: str, seed: int
) -> None:
    world = draw(seed, "respond" if mode == "respond" else "contain")

    assert await wrong(world, sandbox_process, tmp_path) == []


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("lever", "rule"),
    [
        ("remove_role_assignments", "nothing opens after containment"),
        *(
            pytest.param(*one, marks=pytest.mark.exhaustive)
            for one in (
                ("remove_application_credentials", "the proof is true"),
                ("remove_federated_credentials", "the proof is true"),
                ("remove_owners", "what remains is named"),
            )
        ),
    ],
)
async def test_a_lever_that_is_only_said_to_be_pulled_is_noticed(
    sandbox_process: RunningSandbox, tmp_path: Path, lever: str, rule: str
) -> None:
    """The product's own proof lies as well: only the oracle's eyes are left."""
    world: World = json.loads((Path(__file__).parent / "worlds" / "every-lever.json").read_text())
    # Of roles by a group and above subscriptions the report says that they may open something for a day.
    victim = victim_of(world)
    victim["roles"] = [role for role in victim["roles"] if role["at"].startswith("store:")]

    found = await wrong(world, sandbox_process, tmp_path, {lever: LIE, "verify_containment": LIE})

    assert [one for one in found if rule in one]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("method", "gets_in"),
    [
        ("accept_risk", True),
        pytest.param("wait_out", False, marks=pytest.mark.exhaustive),
        pytest.param("rotate_keys", False, marks=pytest.mark.exhaustive),
    ],
)
async def test_a_stolen_token_opens_the_new_identity_where_the_risk_was_accepted_and_nowhere_else(
    sandbox_process: RunningSandbox, tmp_path: Path, method: str, gets_in: bool
) -> None:
    """So it is the method that keeps him out, and not that he does not try."""
    kept = Path(__file__).parent / "worlds" / "recovered-with-a-foothold.json"
    world: World = json.loads(kept.read_text())
    methods = dict.fromkeys(("credential", "cluster", "unknown"), method)
    world["policy"] = {**world["policy"], "recovery": {"refederation": methods}}

    verdict = await play(world, sandbox_process, tmp_path / "evidence")

    assert verdict.wrong == []
    assert verdict.played is not None
    (successor,) = verdict.played.successors
    as_successor = [one for one in verdict.played.deeds if one.who == successor.object_id]
    assert bool(as_successor) == gets_in


def test_a_number_draws_the_same_world_again() -> None:
    assert draw(7) == draw(7)
    assert draw(7) != draw(8)


def test_drawn_worlds_differ_in_everything_that_matters() -> None:
    worlds = [draw(seed) for seed in range(80)]
    plain = [cast(Json, world) for world in worlds]

    kinds = {victim_of(world)["kind"] for world in worlds}
    footholds = {one["how"] for world in worlds for one in world["attack"]["footholds"]}
    assert len(kinds) == 5
    assert footholds == {"secret", "certificate", "person", "pod", "machine"}
    assert {"platform", "root"} <= {
        role["at"] for world in worlds for role in victim_of(world)["roles"]
    }
    parts = ("faults", "delays", "locks", "twice", "cluster_grants", "budgets", "consumers")
    for part in (*parts, "subscriptions", "homes"):
        assert any(world[part] for world in plain), part
    rebuilt = [cast(Json, draw(seed, "respond")) for seed in range(120)]
    for part in ("gitops", "troubles", "bindings"):
        assert any(world[part] for world in rebuilt), part
    assert {one["may"] for world in rebuilt for one in world["cluster_grants"]} == {
        *("mint", "read", "pods", "bind")
    }
    assert {world["ending"] for world in rebuilt} == {"watch", "restore"}
    assert {one["knows"] for world in rebuilt for one in world["workloads"]} == {
        *("annotation", "variable", "configmap", "secret", "binding")
    }


async def test_shrinking_drops_all_that_the_failure_does_not_need() -> None:
    big = draw(1)
    assert sum(1 for _ in candidates(big)) > 20

    async def fails(world: World) -> bool:
        return any(one["kind"] == victim_of(big)["kind"] for one in world["identities"])

    small = await shrink(big, fails, runs=2000)

    assert [one["name"] for one in small["identities"]] == ["victim"]
    assert not small["workloads"] and not small["stores"] and not small["people"]
    assert not small["attack"]["footholds"]


async def test_a_part_that_is_needed_costs_one_run_and_not_one_for_each_that_is_not() -> None:
    big = draw(2, "respond")
    big["delays"] = {"federation": 51.0, "role_assignments": 166.0, "vault_policies": 244.0}
    big["faults"], big["twice"] = [{"service": "*", "times": 1}], ["take_snapshot", "grant_roles"]
    big["attack"]["stubborn"] = 3
    runs = 0

    async def fails(world: World) -> bool:
        nonlocal runs
        runs += 1
        return "federation" in world["delays"] and bool(world["faults"] and world["twice"])

    parts = sum(1 for _ in candidates(big))
    small = await shrink(big, fails, runs=2000)

    assert small["delays"] == {"federation": 51.0}
    assert (len(small["faults"]), len(small["twice"])) == (1, 1)
    assert small["attack"]["stubborn"] == 0
    assert runs <= parts + 10, "each part once, and what was needed once more at the end"


def test_a_world_is_played_also_where_the_app_has_set_its_log_up() -> None:
    before = structlog.get_config()
    logs.configure()
    said = io.StringIO()
    try:
        with product._logged_to(said):
            structlog.get_logger("firebreak.any").info("accepted", why="because")
        assert "accepted" in said.getvalue()
        kept = structlog.get_config()["processors"]
        assert structlog.stdlib.filter_by_level in kept
    finally:
        structlog.configure(**before)
