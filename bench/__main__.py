"""`make bench`: what can be said about speed as a ratio inside one run, so that the machine's own speed drops out.

Import cost   importing function_app / importing azure.functions + azure.durable_functions alone, fresh processes,
              in turns A B A B, in processor time, which a busy machine stretches less than wall time.
              The budget is 3: a cold start pays this before the first alert is read. What is above 1 are pydantic,
              structlog and some 540 modules of our own, which Durable registers before it runs one; an SDK that is
              imported too early adds 0.3 to 1, and is what this finds.
Response      from the alert's POST to `disabled` and to `contained`, each against the longest chain of dependent calls
              that the sandbox saw, with the latencies of a real cloud; and against the same calls one after another.
Recovery      from a person's yes to the last cluster moved and proven, in a fleet of 50 clusters, against the longest
              chain of dependent calls; calls, memory, and how much one orchestration schedules.
"""

import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path

from bench import page, recovery, response
from bench.recovery import Recovery
from bench.response import Figure

ROOT = Path(__file__).parent.parent
ROUNDS = 9
# An app that loads slower than this has imported an SDK that it does not need yet.
BUDGET = 3.0
DISABLED_RATIO, CONTAINED_RATIO = 1.5, 1.6
SPEED_UP = 8.0  # over one call after another, at the largest size
MEMORY_MB = 200.0
RECOVERY_RATIO = 2.0
CALLS_PER_MOVED = 3.0  # make one, move the workload, retire the other
FLEET_MEMORY_MB = 400.0
ACTIONS = 100  # of one orchestration: each turn replays all of them
_BASELINE = "import azure.functions, azure.durable_functions"
# `rich` is a tool of the drill and is not deployed; structlog would import it where it finds it.
_PRODUCT = "import sys; sys.modules['rich'] = None; import function_app"
_SETTINGS = {
    "FIREBREAK_TENANT_ID": "00000000-0000-0000-0000-000000000001",
    "FIREBREAK_LOG_WORKSPACE_ID": "00000000-0000-0000-0000-000000000002",
}


def seconds(statement: str) -> float:
    """Processor time of one fresh interpreter that runs this statement and ends."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(  # noqa: S603 - our own interpreter and our own statement
        [sys.executable, "-c", statement], cwd=ROOT, env={**os.environ, **_SETTINGS}, check=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def import_cost() -> dict[str, float]:
    """Medians of both imports less the bare interpreter, and their ratio."""
    seconds(_BASELINE), seconds(_PRODUCT)  # warm: bytecode written, files in the page cache
    rounds = [(seconds("pass"), seconds(_BASELINE), seconds(_PRODUCT)) for _ in range(ROUNDS)]
    bare, baseline, product = (statistics.median(column) for column in zip(*rounds, strict=True))
    return {
        "baseline_s": round(baseline - bare, 3),
        "function_app_s": round(product - bare, 3),
        "ratio": round((product - bare) / (baseline - bare), 2),
    }


def over_budget(figures: list[Figure]) -> list[str]:
    """What is slower or bigger than it may be."""
    found = []
    for one in figures:
        size = f"{one['role_assignments']} role assignments"
        if one["disabled_ratio"] > DISABLED_RATIO:
            found.append(f"{size}: disabled after {one['disabled_ratio']} of its bound")
        if one["contained_ratio"] > CONTAINED_RATIO:
            found.append(f"{size}: contained after {one['contained_ratio']} of its bound")
        if one["peak_memory_mb"] > MEMORY_MB:
            found.append(f"{size}: {one['peak_memory_mb']} MB at the peak")
    if figures[-1]["speed_up"] < SPEED_UP:
        found.append(f"only {figures[-1]['speed_up']} times as fast as one call after another")
    return found


def fleet_over_budget(one: Recovery) -> list[str]:
    """What costs more in a fleet than it may."""
    found = []
    if one["ratio"] > RECOVERY_RATIO:
        found.append(f"fleet: recovered after {one['ratio']} of its bound")
    if one["calls_per_moved"] > CALLS_PER_MOVED:
        found.append(f"fleet: {one['calls_per_moved']} calls for each ServiceAccount that is moved")
    if one["peak_memory_mb"] > FLEET_MEMORY_MB:
        found.append(f"fleet: {one['peak_memory_mb']} MB at the peak")
    if one["most_actions"] > ACTIONS:
        found.append(f"fleet: {one['most_actions_of']} schedules {one['most_actions']} actions")
    return found


def main() -> int:
    """Print the figures as JSON, and as a table on standard error; 1 where one is over its budget."""
    cost = import_cost()
    figures = [asyncio.run(response.measure(size)) for size in response.SIZES]
    fleet = asyncio.run(recovery.measure())
    over = [*over_budget(figures), *fleet_over_budget(fleet)]
    if cost["ratio"] > BUDGET:
        over.append(f"importing costs {cost['ratio']} of the bare SDKs")
    document = {
        "import_cost": {**cost, "budget": BUDGET},
        "response": figures,
        "recovery": fleet,
        "over": over,
    }
    sys.stdout.write(json.dumps(document, indent=2) + "\n")
    sys.stderr.write(f"{page.table(figures)}\n\n{page.fleet_table(fleet)}\n")
    return int(bool(over))


if __name__ == "__main__":
    raise SystemExit(main())
