"""`python -m bench.audit`: an audit of a big company's tenant, at the latencies of a real cloud.

20,000 applications, 50,000 role assignments, 50 clusters. Against it the same asked one by one, as a script does: for
each federated application its trusts, its owners, its service principal, and its role assignments in each subscription.
That is measured for some of them, eight at a time as the audit itself reads, and multiplied.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TypedDict

import httpx

from bench import fleet
from bench.chains import service_of
from bench.response import latencies, peak_mb
from drill.options import DrillError, Json
from drill.responder import Responder
from drill.training_ground import Layout, TrainingGround, opened

APPLICATIONS, FEDERATED, ASSIGNMENTS, SUBSCRIPTIONS = 20_000, 6_000, 50_000, 13
IDENTITIES = 100
SAMPLE = 40  # applications that are asked one by one
_AT_ONCE = 8
_WITHIN_S = 900.0
_POLL_S = 0.5
# Budgets: of the calls and of the time of one after the other, and of memory.
CALLS_RATIO, TIME_RATIO, MEMORY_MB = 0.05, 0.1, 400.0


class Audited(TypedDict):
    """One audit of the whole tenant."""

    applications: int
    federated: int
    role_assignments: int
    clusters: int
    findings: int
    unread: list[str]  # but for the logs, which are empty here
    seconds: float
    calls: dict[str, int]
    one_by_one_calls: int
    calls_ratio: float
    one_by_one_seconds: float  # by those that were measured
    time_ratio: float
    peak_memory_mb: float
    progress: list[str]  # phases that were seen, in their order


async def measure() -> Audited:
    """Raises `DrillError` where the audit does not end, or reads less than there is."""
    with tempfile.TemporaryDirectory(prefix="firebreak-bench-") as folder:
        options = ["--clusters", str(fleet.CLUSTERS)]
        layout = Layout(folder=Path(folder), host_environment={}, sandbox_options=options)
        async with opened(layout) as ground:
            await _fill(ground)
            return await _audited(ground)


async def _fill(ground: TrainingGround) -> None:
    control = ground.control
    await control.record_no_bodies()
    await fleet.build(
        ground
    )  # clusters, all alike: 200 ServiceAccounts with the crowd's client ids
    await control.crowd(
        applications=APPLICATIONS,
        federated=FEDERATED,
        accounts=fleet.ACCOUNTS,
        subscriptions=SUBSCRIPTIONS,
        assignments=ASSIGNMENTS,
    )
    names = [
        {"name": f"workload-{number:03d}", "resourceGroup": "rg-orders"}
        for number in range(IDENTITIES)
    ]
    await control.seed({"userAssignedIdentities": names})
    await control.no_delays()
    await control.set_latency(latencies(ground))


async def _audited(ground: TrainingGround) -> Audited:
    person = await Responder.sign_in(ground)
    before = len(await ground.control.traffic())
    began = time.monotonic()
    body: Json = {"mode": "apply", "reason": "measured", "parameters": {}}
    run_id = str(
        (await person.call("POST", "/api/playbooks/audit_identities/runs", body))["run_id"]
    )
    phases = await _until_ended(ground, person, run_id)
    seconds = time.monotonic() - began
    calls = Counter(service_of(one) for one in (await ground.control.traffic())[before:])
    report = (await person.call("GET", f"/api/runs/{run_id}/report"))["document"]
    read = report["data"]["read"]
    if read["applications"] < APPLICATIONS or read["role_assignments"] < ASSIGNMENTS:
        raise DrillError(f"the audit read less than there is: {read}")
    each, each_calls = await _one_by_one(ground)
    asked = {name: calls[name] for name in ("graph", "arm", "kubernetes", "loganalytics")}
    named = FEDERATED * each_calls
    return {
        "applications": read["applications"],
        "federated": report["data"]["identities"],
        "role_assignments": read["role_assignments"],
        "clusters": read["clusters"],
        "findings": len(report["findings"]),
        "unread": [one for one in report["unread"] if "the table has no row" not in one],
        "seconds": round(seconds, 1),
        "calls": asked,
        "one_by_one_calls": named,
        "calls_ratio": round(sum(asked.values()) / named, 3),
        "one_by_one_seconds": round(each * FEDERATED, 1),
        "time_ratio": round(seconds / (each * FEDERATED), 3),
        "peak_memory_mb": peak_mb(ground),
        "progress": phases,
    }


async def _until_ended(ground: TrainingGround, person: Responder, run_id: str) -> list[str]:
    phases: list[str] = []
    began = time.monotonic()
    deadline = began + _WITHIN_S
    while time.monotonic() < deadline:
        ground.check()
        status = await person.call("GET", f"/api/runs/{run_id}")
        if not phases or phases[-1] != status["phase"]:
            phases.append(str(status["phase"]))
            sys.stderr.write(f"{time.monotonic() - began:6.1f} s  {status['phase']}\n")
        if status["phase"] == "ended":
            return phases
        if status["phase"] == "failed":
            break
        await asyncio.sleep(_POLL_S)
    raise DrillError(f"{run_id} is {phases[-1:]} after {_WITHIN_S:.0f} s: {status['steps'][-2:]}")


async def _one_by_one(ground: TrainingGround) -> tuple[float, int]:
    """Seconds and calls for one application, asked for by itself as Firebreak's own identity."""
    endpoints, seeded = ground.described["endpoints"], ground.described["seed"]
    arm, graph = endpoints["arm"], endpoints["graph"]
    own = seeded["firebreak"]["containment"]["app_id"]
    tokens = {
        origin: await ground.control.sign_in_app(own, audience)
        for origin, audience in (
            (graph, "https://graph.microsoft.com"),
            (arm, "https://management.azure.com/"),
        )
    }

    async def get(origin: str, path: str) -> Json:
        headers = {"Authorization": f"Bearer {tokens[origin]}"}
        answer = await ground.http.get(origin + path, headers=headers)
        if not answer.is_success:
            raise DrillError(f"{path}: {answer.status_code} {answer.text[:200]}")
        found: Json = answer.json()
        return found

    crowd = "startswith(displayName,'crowd-')"
    listed = await get(graph, f"/v1.0/applications?$top={SAMPLE}&$select=id,appId&$filter={crowd}")

    subscriptions = (await get(arm, "/subscriptions?api-version=2022-12-01"))["value"]
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(application: Json) -> None:
        async with gate:
            at = f"/v1.0/applications/{application['id']}"
            await get(graph, f"{at}/federatedIdentityCredentials")
            await get(graph, f"{at}/owners")
            principal = await get(graph, f"/v1.0/servicePrincipals(appId='{application['appId']}')")
            for each in subscriptions:
                path = f"{each['id']}/providers/Microsoft.Authorization/roleAssignments"
                query = f"?api-version=2022-04-01&$filter=principalId eq '{principal['id']}'"
                await get(arm, path + query)

    began = time.monotonic()
    try:
        await asyncio.gather(*(one(each) for each in listed["value"]))
    except httpx.HTTPError as error:
        raise DrillError(f"one by one: {error}") from error
    return (time.monotonic() - began) / len(listed["value"]), 3 + len(subscriptions)


def over_budget(one: Audited) -> list[str]:
    """What costs more than it may."""
    found = []
    if one["calls_ratio"] > CALLS_RATIO:
        found.append(f"audit: {one['calls_ratio']} of the calls of one by one")
    if one["time_ratio"] > TIME_RATIO:
        found.append(f"audit: {one['time_ratio']} of the time of one by one")
    if one["peak_memory_mb"] > MEMORY_MB:
        found.append(f"audit: {one['peak_memory_mb']} MB at the peak")
    if one["unread"]:
        found.append(f"audit: {len(one['unread'])} things could not be read: {one['unread'][0]}")
    if not any(" of " in phase for phase in one["progress"]):
        found.append("audit: no progress was shown")
    return found


def main() -> int:
    """Print the figures as JSON; 1 where one is over its budget."""
    audited = asyncio.run(measure())
    over = over_budget(audited)
    sys.stdout.write(json.dumps({**audited, "over": over}, indent=2) + "\n")
    return int(bool(over))


if __name__ == "__main__":
    raise SystemExit(main())
