"""All facts about a drill, in the order in which an incident lead asks for them."""

from collections.abc import Sequence
from typing import TypedDict

from drill.scene import Scene
from drill.verdict import (
    attacker,
    bystander,
    evidence,
    half_done,
    old_identity,
    people,
    successor,
    workloads,
)
from drill.verdict.facts import Check, Fact, establish
from drill.verdict.times import Times, measure

TABLE: Sequence[tuple[str, Sequence[Check]]] = (
    ("attacker", attacker.CHECKS),
    ("old identity", old_identity.CHECKS),
    ("new identity", successor.CHECKS),
    ("workloads", workloads.CHECKS),
    ("bystander", bystander.CHECKS),
    ("evidence", evidence.CHECKS),
    ("people", people.CHECKS),
)


class Verdict(TypedDict):
    """Green only if every fact holds."""

    passed: bool
    facts: list[Fact]
    times: Times


def judge(scene: Scene) -> Verdict:
    """Look at the scene from every side; where something could not be moved, also at what is said of it."""
    table = [*TABLE, *(half_done.TABLE if half_done.is_due(scene) else ())]
    facts = [fact for noun, checks in table for fact in establish(noun, checks, scene)]
    return {
        "passed": all(fact["holds"] for fact in facts),
        "facts": facts,
        "times": measure(scene),
    }
