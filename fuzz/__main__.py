"""`make fuzz-worlds N=300 SEED=0`: play random worlds, and keep a small one of each that fails.

A world that fails is written into `.fuzz/`, shrunk; moved to `tests/worlds/` it is a test from then on.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Literal

from rich.console import Console

from fuzz.drawing import draw
from fuzz.played import Finding
from fuzz.playing import Verdict, as_text, play
from fuzz.shrinking import shrink
from fuzz.worlds import World
from tests.sandbox_fixture import RunningSandbox, running_sandbox

MODES: tuple[Literal["contain", "respond"], ...] = ("contain", "respond")
ROOT = Path(__file__).parent.parent


def main() -> int:
    """0 where every world held."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--worlds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--mode", choices=[*MODES, "both"], default="both")
    parser.add_argument("--shrink-runs", type=int, default=60)
    parser.add_argument("--world", type=Path, help="play this file instead of drawing")
    wanted = parser.parse_args()
    modes = MODES if wanted.mode == "both" else (wanted.mode,)
    screen = Console(highlight=False, soft_wrap=True)
    os.environ["SSL_CERT_DIR"] = (
        os.devnull
    )  # nothing public is called, and reading the system's takes 50 ms each
    with tempfile.TemporaryDirectory() as state, running_sandbox(Path(state), 3) as sandbox:
        if wanted.world is not None:
            worlds: list[World] = [json.loads(wanted.world.read_text())]
        else:
            seeds = range(wanted.seed, wanted.seed + wanted.worlds)
            worlds = [draw(seed, modes[at % len(modes)]) for at, seed in enumerate(seeds)]
        failed = [
            one["name"] for one in worlds if not _held(one, sandbox, screen, wanted.shrink_runs)
        ]
    screen.print(f"{len(worlds) - len(failed)} of {len(worlds)} worlds held")
    if failed:
        screen.print(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


def _held(world: World, sandbox: RunningSandbox, screen: Console, runs: int) -> bool:
    began = time.monotonic()
    verdict = _verdict(world, sandbox)
    screen.print(f"{world['name']}: {time.monotonic() - began:.0f} s, {verdict.summary}")
    for one in verdict.findings:
        screen.print(f"    {one}", markup=False)
    if verdict.wrong and runs:
        small = _shrunk(world, {one.rule for one in verdict.wrong}, sandbox, runs)
        folder = ROOT / ".fuzz"
        folder.mkdir(exist_ok=True)
        kept = folder / f"{world['name']}.json"
        kept.write_text(as_text(small))
        screen.print(f"    shrunk to {kept}, {len(as_text(small))} characters")
    return not verdict.wrong


def _verdict(world: World, sandbox: RunningSandbox) -> Verdict:
    """What is found; a defect of the product or of the fuzzer that breaks the run is a finding like any other."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            return asyncio.run(play(world, sandbox, Path(folder) / "evidence"))
        except Exception as error:  # noqa: BLE001 - whatever breaks a world must not hide the next one
            where = traceback.format_exception(error)[-2].strip().splitlines()[0]
            what = f"{type(error).__name__} {error} {where}"
            return Verdict([Finding("the incident ends", what)], "it broke")


def _shrunk(world: World, rules: set[str], sandbox: RunningSandbox, runs: int) -> World:
    async def fails(candidate: World) -> bool:
        verdict = await asyncio.to_thread(_verdict, candidate, sandbox)
        return any(one.rule in rules for one in verdict.wrong)

    return asyncio.run(shrink(world, fails, runs))


if __name__ == "__main__":
    sys.exit(main())
