"""The whole road, with real processes: a drill is green as it stands, and red as soon as the app only pretends.

The sabotaged apps lie throughout: a lever is left alone and the proof that would notice says that all is well. So
nothing but the drill's own eyes can find it.
"""

import asyncio
import io
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from rich.console import Console

from drill.contain import run_scenario
from drill.options import ROOT, DrillError, Json, Options
from drill.recover import run_recovery
from drill.rehearsal import run_drill
from drill.responder import Responder
from drill.results import Outcome
from drill.scenarios import SCENARIOS
from drill.scenarios.recoveries import RECOVERIES
from drill.screens import Screen
from drill.training_ground import TrainingGround
from tests import one_trace
from tests.collector import Collector

VALIDATOR = ROOT.parent / "shared" / "specs" / "validate_traffic.py"
# Two processes start, and a whole incident runs.
pytestmark = [pytest.mark.timeout(180), pytest.mark.slow]

LIES = """
import inspect
from responders import {modules}

async def pretend(*arguments, **keywords):
    return {{"status": "done", "detail": "pretended"}}

{patches}
"""


def screen() -> Screen:
    return Screen(Console(file=io.StringIO(), width=120))


async def drill(folder: Path, app: Path = ROOT, faults: Sequence[Json] = ()) -> Outcome:
    options = Options(folder=folder, app=app, faults=faults, timeout_s=120)
    return await run_drill(options, screen())


def sabotaged(folder: Path, *pretended: str) -> Path:
    """The real app, in which these functions of responders only say that they did it."""
    folder.mkdir()
    for name in ("triggers", "playbooks", "responders", "host.json", "policy.toml"):
        (folder / name).symlink_to(ROOT / name)
    modules = sorted({name.split(".")[0] for name in pretended})
    patches = "\n".join(f"{name} = pretend" for name in pretended)
    (folder / "sabotage.py").write_text(LIES.format(modules=", ".join(modules), patches=patches))
    source = (ROOT / "function_app.py").read_text()
    (folder / "function_app.py").write_text(f"import sabotage\n{source}")
    return folder


def red(outcome: Outcome) -> set[str]:
    return {fact["fact"] for fact in outcome.verdict["facts"] if not fact["holds"]}


@pytest.fixture
def collector() -> Iterator[Collector]:
    listening = Collector()
    yield listening
    listening.close()


async def closed(outcome: Outcome, ground: TrainingGround) -> str:
    """The incident of a drill is watched for a day: a person ends it."""
    rosa, incident_id = await Responder.sign_in(ground), str(outcome.incident["incident_id"])
    path = f"/api/incidents/{incident_id}"
    headers = {"Authorization": f"Bearer {rosa.token}"}
    said = {"reason": "the drill is over"}
    call = ground.http.post(f"{rosa.origin}{path}/cancel", json=said, headers=headers)
    assert (await call).status_code == 202
    for _ in range(300):
        shown = (await ground.http.get(rosa.origin + path, headers=headers)).json()
        if shown["phase"] == "closed":
            return incident_id
        await asyncio.sleep(0.1)
    raise AssertionError(shown["phase"])


async def test_a_drill_is_green_is_one_trace_and_leaves_its_verdict_report_and_traffic(
    tmp_path: Path, collector: Collector
) -> None:
    async def traced(outcome: Outcome, ground: TrainingGround) -> None:
        incident_id = await closed(outcome, ground)
        spans = await one_trace.of_this_ground(collector, ground, incident_id)
        switch = one_trace.child_of(
            spans, "disable_service_principal", "PATCH /v1.0/servicePrincipals/{id}"
        )
        assert switch.attributes["http.response.status_code"] == 204
        (root,) = [one for one in spans if one.name == "incident"]
        assert root.attributes["firebreak.seconds_to_disabled"] < 15
        assert {"disabled", "contained", "recovered"} <= {
            name.removeprefix("firebreak.seconds_to_") for name in root.attributes
        }
        hands = {one.attributes.get("firebreak.hand") for one in spans}
        assert {"containment", "rebuild"} <= hands
        # The app's log and spans know of each of its calls, and of no other one: the drill's own that mint tokens as
        # Firebreak, and a thief's.
        log = "\n".join(one.read_text() for one in ground.host_logs)
        drills = await one_trace.untold(collector, ground, log)
        assert {(method, url.rpartition("/")[2]) for method, url in drills} == {("POST", "token")}
        stolen = await ground.control.sign_in_app(
            ground.described["seed"]["firebreak"]["containment"]["app_id"],
            "https://graph.microsoft.com",
        )
        url = f"{ground.described['endpoints']['graph']}/v1.0/organization"
        await ground.http.get(url, headers={"Authorization": f"Bearer {stolen}"})
        assert await one_trace.untold(collector, ground, log) == [*drills, ("GET", url)]

    to = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    options = Options(folder=tmp_path, timeout_s=120, host_environment=to)
    outcome = await run_drill(options, screen(), afterwards=traced)

    assert red(outcome) == set()
    assert outcome.verdict["passed"]
    assert json.loads((tmp_path / "verdict.json").read_text())["passed"] is True
    assert "# Incident" in (tmp_path / "incident-report.md").read_text()
    assert len((tmp_path / "traffic.jsonl").read_text().splitlines()) > 100
    assert violations(tmp_path / "traffic.jsonl") == ""
    times = outcome.verdict["times"]
    assert times["disabled_s"] is not None
    assert times["disabled_s"] < 15


# What the extract of Microsoft's descriptions can't judge: two operations that it left out, and a type that the
# description itself states too narrowly, since an "object" there is an array in the format that we ask for.
# https://learn.microsoft.com/graph/api/rbacapplication-list-roleassignments
# https://learn.microsoft.com/graph/api/group-delete-members, group-post-members
# https://learn.microsoft.com/azure/governance/resource-graph/concepts/work-with-data#formatting-results
UNJUDGED = (
    re.compile(r"no-operation: GET /v1.0/roleManagement/directory/roleAssignments$"),
    re.compile(r"no-operation: (DELETE|POST) /v1.0/groups/[^/]+/members/([^/]+/)?\$ref$"),
    re.compile(r"resp-schema: \$\.data: \["),
)


def violations(traffic: Path) -> str:
    """What in the traffic is not as Microsoft and Kubernetes publish it; nothing where that can't be asked."""
    if not VALIDATOR.exists():
        return ""
    command = [sys.executable, str(VALIDATOR), str(traffic)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    if checked.returncode not in {0, 1}:
        return checked.stdout + checked.stderr
    found = [line.strip() for line in checked.stdout.splitlines() if "   VIOLATION" in line]
    assert found or checked.returncode == 0, checked.stdout
    return "\n".join(line for line in found if not any(known.search(line) for known in UNJUDGED))


def test_the_published_api_descriptions_are_at_hand() -> None:
    """Says by its skip that the traffic of the drill above was not held against them."""
    if not VALIDATOR.exists():
        pytest.skip(f"{VALIDATOR} is not there: recorded traffic was not checked")


def test_traffic_that_is_not_as_published_is_noticed(tmp_path: Path) -> None:
    if not VALIDATOR.exists():
        pytest.skip(f"{VALIDATOR} is not there")
    wrong = {
        "service": "graph",
        "method": "PATCH",
        "url": "https://localhost/v1.0/servicePrincipals/1",
        "request_headers": {},
        "request_body": {"accountEnabledd": False},
        "status": 204,
        "response_headers": {},
        "response_body": None,
    }
    (tmp_path / "traffic.jsonl").write_text(json.dumps(wrong) + "\n")

    assert "accountEnabledd" in violations(tmp_path / "traffic.jsonl")


BAD_DAY: list[Json] = [
    {"service": "graph", "method": "PATCH", "kind": "status", "status": 503},
    {"service": "graph", "method": "GET", "kind": "status", "status": 429, "retry_after": 1},
    {"service": "graph", "method": "DELETE", "kind": "status", "status": 503, "after": True},
    {"service": "arm", "method": "DELETE", "kind": "reset", "after": True},
    {"service": "loganalytics", "kind": "status", "status": 504},
    {"service": "kube-aks-neu", "kind": "reset"},
    {"service": "kube-aks-weu", "method": "PATCH", "kind": "status", "status": 500, "after": True},
    {"service": "teams", "kind": "status", "status": 429},
]


async def test_a_drill_is_green_on_a_bad_day_too(tmp_path: Path) -> None:
    """Refused, cut off, answered wrongly after the deed was done: once each, where it hurts."""
    outcome = await drill(tmp_path, faults=BAD_DAY)

    assert red(outcome) == set()


PROOF = "verifications.containment"
# One lever of containment and one of recovery, with a real host; every other one is left out in test_scenarios.py.


@pytest.mark.parametrize(
    ("pretended", "fact"),
    [
        pytest.param(
            "role_assignments.remove_all",
            "access tokens issued before the alert read nothing",
            id="roles",
        ),
        pytest.param(
            "service_accounts.retire",
            "no ServiceAccount names the old client id",
            id="accounts",
        ),
    ],
)
async def test_a_lever_that_is_not_pulled_turns_the_drill_red(
    tmp_path: Path, pretended: str, fact: str
) -> None:
    app = sabotaged(tmp_path / "app", pretended, PROOF)

    outcome = await drill(tmp_path / "drill", app)

    assert not outcome.verdict["passed"]
    assert fact in red(outcome)


async def test_another_attack_is_contained_by_a_real_host_without_a_question(
    tmp_path: Path,
) -> None:
    options = Options(folder=tmp_path, timeout_s=120)

    outcome = await run_scenario(SCENARIOS["second-app"], options, screen(), tmp_path)

    assert red(outcome) == set()
    assert outcome.incident["consent"] is None
    assert violations(tmp_path / "traffic.jsonl") == ""


def pids_of(folder: Path) -> list[int]:
    """The processes that said they were ready."""
    files = (folder / "sandbox" / "sandbox.json", folder / "host" / "host.json")
    return [json.loads(file.read_text())["pid"] for file in files if file.exists()]


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping_a_drill_stops_everything_that_it_started(
    tmp_path: Path, number: signal.Signals
) -> None:
    command = [sys.executable, "-m", "drill", "--folder", str(tmp_path / "drill")]
    # A shell has what runs in the background ignore SIGINT: who starts the tests so would see the drill go on.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, before)
    deadline = time.monotonic() + 60
    while len(pids_of(tmp_path / "drill")) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    pids = pids_of(tmp_path / "drill")

    process.send_signal(number)
    told, _ = process.communicate(timeout=30)

    assert len(pids) == 2
    assert not any(is_alive(pid) for pid in pids)
    assert process.returncode == 130
    assert "Stopped; sandbox and host are down." in told


async def test_a_drill_refuses_a_folder_that_another_one_used(tmp_path: Path) -> None:
    (tmp_path / "verdict.json").write_text("{}")

    with pytest.raises(DrillError, match="not empty"):
        await drill(tmp_path)


async def test_an_app_that_does_not_load_is_told_about_with_its_log(tmp_path: Path) -> None:
    app = sabotaged(tmp_path / "app", PROOF)
    (app / "function_app.py").write_text("raise RuntimeError('no such thing')\n")

    with pytest.raises(DrillError, match="The host ended") as told:
        await drill(tmp_path / "drill", app)

    assert "no such thing" in str(told.value)


@pytest.mark.exhaustive
async def test_a_drill_where_not_all_can_be_moved_is_green_and_half_done(tmp_path: Path) -> None:
    """A cluster that is down, a broken webhook, Git, a budget, and every shape of workload."""
    options = Options(folder=tmp_path, sandbox_options=["--world", "multi-cluster"], timeout_s=150)

    outcome = await run_drill(options, screen())

    assert red(outcome) == set()
    assert outcome.incident["outcome"] == "partly_recovered"


# Resumed twice, and so long that it has no time to spare where others work beside it.
_LONG = [pytest.mark.exhaustive, pytest.mark.timeout(500)]


@pytest.mark.parametrize(
    "name",
    [
        "recover-wait-out",
        *(pytest.param(one, marks=_LONG) for one in RECOVERIES if one != "recover-wait-out"),
    ],
)
async def test_a_recovery_survives_a_host_that_is_stopped_and_clocks_that_jump(
    tmp_path: Path, name: str
) -> None:
    options = Options(folder=tmp_path, timeout_s=150)

    outcome = await run_recovery(RECOVERIES[name], options, screen(), tmp_path)

    assert red(outcome) == set()
    assert violations(tmp_path / "traffic.jsonl") == ""
