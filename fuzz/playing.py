"""One world, from the seed to the verdict."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fuzz import product
from fuzz.course import Course
from fuzz.grounds import Ground
from fuzz.oracle import judge
from fuzz.played import Finding, Played
from fuzz.staging import stage
from fuzz.tools import Tools
from fuzz.worlds import Json, World
from tests.sandbox_fixture import RunningSandbox

_MOVES = ("plant", "token", "open", "mint", "pod", "bind")


@dataclass(frozen=True)
class Verdict:
    """What may not be, and what happened."""

    findings: list[Finding]
    summary: str
    played: Played | None = None  # None: it did not come to an end

    @property
    def wrong(self) -> list[Finding]:
        """Findings that are not only claims too weak."""
        return [one for one in self.findings if one.weight == "wrong"]


async def play(
    world: World,
    sandbox: RunningSandbox,
    folder: Path,
    pretended: Mapping[str, Json] | None = None,
) -> Verdict:
    """Play it in a fresh sandbox; everything that may not be.

    A `pretended` step answers with this and does nothing: so tests see the oracle notice.
    """
    sandbox.control("POST", "reset")
    async with product.product(sandbox, folder) as running, sandbox.client() as http:
        staged = await stage(world, Tools(http, Ground(sandbox.described, world["homes"])))
        sandbox.control("DELETE", "record")
        course = Course(running, staged, pretended or {})
        try:
            played = await course.to_the_end()
        except (
            AssertionError
        ) as error:  # the driver's: replays differ, or nothing can happen any more
            return Verdict([Finding("the incident ends", str(error)[:400])], "it did not end")
        return Verdict(judge(played), _summary(played), played)


def _summary(played: Played) -> str:
    """What it was that held or did not: a world in which nothing happens proves nothing."""
    well = sum(played.working.values()), len(played.able)
    counted = Counter(one.move for one in played.deeds)
    did = ", ".join(f"{counted[name]} {name}" for name in _MOVES if counted[name]) or "none"
    went = "".join(f", {name}" for name in ("resumed", "restored") if getattr(played, name))
    tried = f"{played.tried} moves tried, of which held: {did}"
    return f"{played.outcome}{went}; {well[0]} of {well[1]} workloads read; {tried}"


def as_text(world: World) -> str:
    """As it lies in `tests/worlds`."""
    return json.dumps(world, indent=1, sort_keys=False) + "\n"
