"""`make fuzz N=200 SEED=0`: the app on the local host against the sandbox, called in every way that can be drawn.

Nothing that it is sent names an identity that exists, so nothing may be begun, and nothing may be written in the cloud.
"""

import argparse
import asyncio
import sqlite3
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from drill.traffic import ours
from drill.training_ground import AUDIENCE, Layout, TrainingGround, opened
from fuzz.http_surface import Somebody, Surface

_PEOPLE = ("rosa", "ravi", "nora", "zoe")  # respond and approve, read, respond, administer
_PLANNED_S = 90.0
# What the clock counts of the incident that we opened ourselves, whoever is signed in.
_COUNTED = {("index", "measured"), ("index", "milestones"), ("index", "step-failures")}


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a run."""

    surface: Surface
    begun: int  # incidents that were begun meanwhile; a run that only reads begins nothing
    by_nobody: list[str]  # files of the evidence store that came while nobody was signed in
    written: list[str]  # what the app changed in the cloud

    @property
    def held(self) -> bool:
        """Whether nothing was found."""
        return not (self.surface.findings or self.begun or self.by_nobody or self.written)


async def run(ground: TrainingGround, *, examples: int, seed: int) -> Judged:
    """First by nobody, then by everybody."""
    key = str(ground.keys["functionKeys"]["default"])
    people = [
        Somebody(name, {"Authorization": f"Bearer {await ground.control.sign_in(name, AUDIENCE)}"})
        for name in _PEOPLE
    ]
    keyed = Somebody("a key", {"x-functions-key": key})
    origin = str(ground.host.ready["url"]).rstrip("/")
    described = (await ground.http.get(f"{origin}/api/openapi.json")).json()
    surface = Surface(described, origin, await _planned(ground, origin, people[0]))
    before, files, traffic = _instances(ground), _files(ground), len(await ground.control.traffic())
    nobody = [Somebody("nobody", {}), Somebody("a forger", {"Authorization": "Bearer e30.e30.e30"})]
    await asyncio.to_thread(surface.play, nobody, examples=max(examples // 4, 1), seed=seed)
    by_nobody = sorted(_files(ground) - files)
    await asyncio.to_thread(surface.play, [*people, keyed], examples=examples, seed=seed)
    ground.check()
    written = await _writes(ground, since=traffic)
    return Judged(surface, _instances(ground) - before, by_nobody, written)


async def _planned(ground: TrainingGround, origin: str, who: Somebody) -> str:
    """An incident that there is, and that is over: it only planned."""
    wanted = {
        "object_id": ground.described["seed"]["orders_api"]["object_id"],
        "mode": "plan",
        "reason": "something to ask about",
    }
    begun = await ground.http.post(f"{origin}/api/incidents", json=wanted, headers=who.headers)
    incident_id = str(begun.raise_for_status().json()["incident_id"])
    deadline = time.monotonic() + _PLANNED_S
    while time.monotonic() < deadline:
        url = f"{origin}/api/incidents/{incident_id}"
        shown = (await ground.http.get(url, headers=who.headers)).json()
        if shown["phase"] == "closed":
            return incident_id
        await asyncio.sleep(0.2)
    raise TimeoutError(f"{incident_id} does not end: {shown['phase']}")


def _instances(ground: TrainingGround) -> int:
    with sqlite3.connect(ground.folder / "host" / "history.sqlite") as history:
        rows = history.execute("SELECT instance_id FROM instances").fetchall()
    return sum(1 for (name,) in rows if name.startswith("inc-"))


def _files(ground: TrainingGround) -> set[str]:
    """Of the evidence store; its own locks say nothing."""
    found = (one.relative_to(ground.evidence) for one in ground.evidence.rglob("*"))
    return {
        str(one)
        for one in found
        if not one.parts[0].startswith(".") and one.parts[:2] not in _COUNTED
    }


async def _writes(ground: TrainingGround, *, since: int) -> list[str]:
    """What the app changed; to ask for a token, for a query, for what it may do changes nothing."""
    own = ours(ground.described["seed"])
    reading = (
        "/token",
        "/query",
        "/v1/$batch",
        "/providers/Microsoft.ResourceGraph/resources",
        "selfsubjectaccessreviews",  # of a playbook that somebody may run, and that only looks
        "selfsubjectrulesreviews",
        "/listClusterUserCredential",  # of a check of the app: where the clusters are
        "/topics/incidents/api/events",  # that somebody turned the kill switch is told
    )
    return [
        f"{one['method']} {one['url']}"
        for one in (await ground.control.traffic())[since:]
        if one["caller"] in own
        and one["method"] != "GET"
        and not one["url"].split("?")[0].endswith(reading)
    ]


async def _main(examples: int, seed: int) -> Judged:
    with tempfile.TemporaryDirectory(prefix="firebreak-fuzz-") as folder:
        layout = Layout(folder=Path(folder), host_environment={})
        async with opened(layout) as ground:
            return await run(ground, examples=examples, seed=seed)


def main() -> int:
    """0 where everything held."""
    parser = argparse.ArgumentParser(prog="python -m fuzz.http_run", description=__doc__)
    parser.add_argument("--examples", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    wanted = parser.parse_args()
    judged = asyncio.run(_main(wanted.examples, wanted.seed))
    sys.stdout.write(told(judged))
    return 0 if judged.held else 1


def told(judged: Judged) -> str:
    """What was found, each with the command that shows it again."""
    lines: list[Any] = [
        f"{who:12} {status or '-':>4} {count:6} answers"
        for (who, status), count in sorted(judged.surface.answers.items())
    ]
    for one in judged.surface.findings:
        lines += ["", f"{one.operation}, called by {one.who}", f"  {one.what}", f"  {one.curl}"]
    lines += [f"begun from garbage: {judged.begun}"] if judged.begun else []
    lines += [f"kept for nobody: {one}" for one in judged.by_nobody]
    lines += [f"written in the cloud: {one}" for one in judged.written]
    lines.append("everything held" if judged.held else "NOT everything held")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except httpx.HTTPError as error:
        sys.exit(f"the app does not answer: {error}")
