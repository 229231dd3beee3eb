"""A rehearsal, with real processes: it ends as the tenant's incident would, and is red where its plan is another one.

What it defends: what broke is told with its seconds, what is left to people is named, nothing rests on the app's word.
"""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from drill.options import ROOT, Options
from drill.screens import Screen
from drill.twins.comparing import compared
from drill.twins.outages import Outage, Outages, Runner
from drill.twins.panel import findings
from drill.twins.playing import Mode, Rehearsed, run_twin
from tests.sandbox_fixture import RunningSandbox
from tests.twins import exported

PLAN = {
    "incident_id": "inc-1",
    "display_name": "orders-api-r111111",
    "graph": "a",
    "clusters": [{"survey": {"reachable": False, "reason": "it gave no answer"}}],
    "trusts": ["https://there/x/"],
}


def _text(rehearsed: Rehearsed) -> str:
    console = Console(file=io.StringIO(), width=200)
    console.print(findings(rehearsed.found))
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


async def rehearse(folder: Path, mode: Mode) -> Rehearsed:
    screen = Screen(Console(file=io.StringIO(), width=160))
    drilled = folder / "drill"
    drilled.mkdir()
    options = Options(timeout_s=150)
    return await run_twin(folder / "twin.json", mode, options, screen, drilled)


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_a_rehearsal_ends_as_the_incident_would(
    sandbox: RunningSandbox, tmp_path: Path
) -> None:
    sandbox.no_delays()
    await exported(sandbox, sandbox.seed["orders_api"]["object_id"], tmp_path)

    rehearsed = await rehearse(tmp_path, "respond")

    wrong = [one for one in rehearsed.outcome.verdict["facts"] if not one["holds"]]
    assert not wrong, wrong
    assert rehearsed.outcome.incident["outcome"] == "recovered"
    times, workloads = rehearsed.found["times"], rehearsed.found["workloads"]
    assert {one["workload"] for one in workloads} == {
        "aks-frc shop Deployment/orders-api",
        "aks-neu shop Deployment/orders-api",
        "aks-weu shop Deployment/orders-api",
        "aks-weu shop Deployment/orders-worker",
    }
    for one in workloads:
        cut, stopped, back = one["no_tokens_from_s"], one["stopped_s"], one["back_s"]
        assert cut is not None
        assert stopped is not None
        assert back is not None
        assert cut == times["disabled_s"]
        assert cut < stopped < back
        assert one["without_s"] == pytest.approx(back - cut, abs=0.2)
    assert any("set-policy" in one for one in rehearsed.found["by_hand"])
    text = _text(rehearsed)
    assert "These are the sandbox's seconds" in text
    kept = json.loads((rehearsed.outcome.folder / "rehearsal.json").read_text())
    assert kept["figures"]["pace"]["pod_ready"] > 0


@pytest.mark.timeout(240)
@pytest.mark.exhaustive
async def test_a_managed_identity_is_contained_and_the_plan_of_a_doctored_file_is_red(
    sandbox: RunningSandbox, tmp_path: Path
) -> None:
    sandbox.no_delays()
    await exported(sandbox, sandbox.seed["payments_identity"]["object_id"], tmp_path)
    path = tmp_path / "twin.json"
    edited = json.loads(path.read_text())
    edited["azure"]["role_assignments"] = []
    path.write_text(json.dumps(edited))

    rehearsed = await rehearse(tmp_path, "contain")

    wrong = [one["fact"] for one in rehearsed.outcome.verdict["facts"] if not one["holds"]]
    assert wrong == ["the plan is the one that was drawn in the tenant"]
    assert all(one["back_s"] is None for one in rehearsed.found["workloads"])


def test_the_command_line_rehearses_no_file_that_was_edited_wrongly(tmp_path: Path) -> None:
    path = tmp_path / "twin.json"
    path.write_text('{"schema_version": 1, "surprise": true}')

    command = [sys.executable, "-m", "cli", "drill", "--twin", "--from", str(path)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert run.returncode == 1
    assert "surprise" in run.stderr
    assert "firebreak twin export" in run.stderr
    assert run.stdout == ""


def test_only_what_has_to_be_other_is_put_right_before_plans_are_compared() -> None:
    export = {"plan": PLAN, "graph": {"nodes": ["https://there/x/"]}}
    here = json.loads(
        json.dumps(PLAN)
        .replace("inc-1", "inc-2")
        .replace("r111111", "r222222")
        .replace("https://there/", "https://here/")
        .replace("it gave no answer", "connection refused")
    )
    graph, issuers = {"nodes": ["https://here/x/"]}, {"https://there/x/": "https://here/x/"}

    assert compared(export, here, graph, issuers) == []
    here["trusts"].append("https://here/y/")
    assert compared(export, here, graph, issuers) == [
        "plan/trusts/0001: nothing there, 'https://here/y/' here"
    ]
    assert compared(export, None, None, issuers) != []


def test_a_workload_is_back_when_as_many_pods_run_with_another_identity() -> None:
    outages = Outages.__new__(Outages)
    outages.app_id = "old"
    runner = Runner("aks", "shop", "Deployment", "web", (("app", "web"),))
    outages.found = {runner: Outage(2)}

    def pods(*client_ids: str) -> dict[str, object]:
        return {"aks": {"pods": [_pod(one) for one in client_ids]}}

    moments = (pods("old", "old"), pods("old"), pods(), pods("new"), pods("new", "new"))
    for second, clusters in enumerate(moments):
        outages.note(clusters, float(second))  # type: ignore[arg-type]

    assert outages.found[runner] == Outage(2, stopped_s=2.0, back_s=4.0)


def _pod(client_id: str) -> dict[str, object]:
    env = [{"name": "AZURE_CLIENT_ID", "value": client_id}]
    return {
        "metadata": {"namespace": "shop", "name": "web", "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "web", "env": env}]},
        "status": {"phase": "Running"},
    }
