"""The facts about a containment turn red when what they are about goes wrong. Levers are in test_scenarios.py."""

from dataclasses import replace
from typing import Any

import pytest

from drill.scene import EvidenceFile, Reply, Scene
from drill.verdict import attacker, contained
from drill.verdict.facts import Check, establish
from drill.verdict.levers import LEVERS
from tests.drill_scene import START, changed, scene

Json = dict[str, Any]
SUSPECT, TOKEN = "5a5a5a5a-second-app", "uti-of-a-token"


def good() -> Scene:
    """A containment that went well, as the drill would see it."""
    written = [
        EvidenceFile("logs/sweep-1/sign_ins.jsonl", START, f'{{"uti": "{TOKEN}"}}'),
        EvidenceFile("footprint.json", START, SUSPECT),
        EvidenceFile("report.md", START, f"next suspect {SUSPECT}"),
    ]
    return replace(
        scene(),
        status={"outcome": "contained", "residual_until": "2026-08-02T10:00:00+00:00"},
        evidence=[*scene().evidence, *written],
        traces={"token by rogue trust": TOKEN},
        suspects={"application": SUSPECT},
    )


def without(path: str) -> list[EvidenceFile]:
    return [file for file in good().evidence if file.path != path]


CHECKS = (
    attacker.NO_WAY_IN,
    attacker.NOTHING_OPENS,
    contained.SAID,
    contained.RESIDUAL,
    contained.WRITTEN_FIRST,
    contained.TRACES,
    contained.SUSPECTS,
)
WRONG: list[tuple[str, Check, Json]] = [
    ("a token", attacker.NO_WAY_IN, {"credential_replays": {"way": Reply(200, "a token")}}),
    ("no answer", attacker.NO_WAY_IN, {"credential_replays": {"way": Reply(None, "timeout")}}),
    ("nothing tried", attacker.NO_WAY_IN, {"credential_replays": {}}),
    ("still reads", attacker.NOTHING_OPENS, {"token_replays": {"way": Reply(200)}}),
    ("expired, not refused", attacker.NOTHING_OPENS, {"token_replays": {"way": Reply(401)}}),
    ("not contained", contained.SAID, {"status": {"outcome": "not_contained"}}),
    ("no word", contained.SAID, {"status": {}}),
    ("no deadline", contained.RESIDUAL, {"status": {"outcome": "contained"}}),
    ("no snapshot", contained.WRITTEN_FIRST, {"evidence": without("snapshot.json")}),
    ("no sign-in row", contained.TRACES, {"evidence": without("logs/sweep-1/sign_ins.jsonl")}),
    ("nothing to trace", contained.TRACES, {"traces": {}}),
    ("not in the findings", contained.SUSPECTS, {"evidence": without("footprint.json")}),
    ("not in the report", contained.SUSPECTS, {"evidence": without("report.md")}),
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.fact)
def test_a_good_containment_is_green(check: Check) -> None:
    assert establish("", [check], good())[0]["holds"]


@pytest.mark.parametrize(
    ("check", "change"), [pytest.param(check, change, id=why) for why, check, change in WRONG]
)
def test_each_fact_turns_red(check: Check, change: Json) -> None:
    assert not establish("", [check], replace(good(), **change))[0]["holds"]


def test_a_snapshot_that_came_late_does_not_count() -> None:
    late = [
        replace(file, written=START.replace(hour=23)) if file.path == "snapshot.json" else file
        for file in good().evidence
    ]

    assert not establish("", [contained.WRITTEN_FIRST], replace(good(), evidence=late))[0]["holds"]


def test_a_lever_that_had_nothing_to_pull_proves_nothing() -> None:
    bare = changed("staged", lambda state: state.update(federatedCredentials=[]))

    fact = establish("", [LEVERS["remove_federated_credentials"]], bare)[0]

    assert not fact["holds"]
    assert "nothing to take away" in fact["actual"]
