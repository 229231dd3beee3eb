"""What a check is, and how a table of them becomes facts. A check that can't look has failed."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypedDict, TypeVar

from drill.scene import Scene

Item = TypeVar("Item")


class Fact(TypedDict):
    """One line of a verdict."""

    noun: str
    fact: str
    expected: str
    actual: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check saw, and whether that is what has to be."""

    holds: bool
    actual: str


@dataclass(frozen=True, slots=True)
class Check:
    """A fact that has to hold, and the pure function that looks at the scene."""

    fact: str
    expected: str
    look: Callable[[Scene], Finding]


def establish(noun: str, checks: Iterable[Check], scene: Scene) -> list[Fact]:
    """Look at everything. What is missing from the scene is a red fact, never a skipped one."""
    facts: list[Fact] = []
    for check in checks:
        try:
            finding = check.look(scene)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            finding = Finding(False, f"could not look: {type(error).__name__}: {error}")
        facts.append(
            {
                "noun": noun,
                "fact": check.fact,
                "expected": check.expected,
                "actual": finding.actual,
                "holds": finding.holds,
            }
        )
    return facts


def every(items: Sequence[tuple[str, bool]]) -> Finding:
    """All of them, and at least one: "none found" proves nothing."""
    if not items:
        return Finding(False, "nothing to look at")
    wrong = [text for text, right in items if not right]
    if wrong:
        return Finding(False, f"{len(wrong)} of {len(items)} not so: " + "; ".join(wrong))
    distinct = list(dict.fromkeys(text for text, _ in items))
    shown = "; ".join(distinct[:3]) + ("; ..." if len(distinct) > 3 else "")
    return Finding(True, f"{len(items)} of {len(items)}: {shown}")


def none_of(found: Sequence[str]) -> Finding:
    """None, in a place that could be read."""
    return Finding(not found, f"{len(found)}: " + "; ".join(found) if found else "none")
