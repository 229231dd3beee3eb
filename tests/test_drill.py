"""The whole road, with real processes: a drill is green as it stands, and red as soon as the app only pretends.

The sabotaged apps lie throughout: a lever is left alone and the proof that would notice says that all is well. So
nothing but the drill's own eyes can find it.
"""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from drill.options import ROOT, Options
from drill.rehearsal import run_drill
from drill.results import Outcome
from drill.screens import Screen

pytestmark = pytest.mark.timeout(180)  # two processes start, and a whole incident runs

LIES = """
import inspect
from responders import {modules}

async def pretend(*arguments, **keywords):
    return {{"status": "done", "detail": "pretended"}}

{patches}
"""


def screen() -> Screen:
    return Screen(Console(file=io.StringIO(), width=120))


async def drill(folder: Path, app: Path = ROOT) -> Outcome:
    return await run_drill(Options(folder=folder, app=app, timeout_s=120), screen())


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


async def test_a_drill_is_green_and_leaves_its_verdict_report_and_traffic(tmp_path: Path) -> None:
    outcome = await drill(tmp_path)

    assert red(outcome) == set()
    assert outcome.verdict["passed"]
    assert json.loads((tmp_path / "verdict.json").read_text())["passed"] is True
    assert "# Incident" in (tmp_path / "incident-report.md").read_text()
    assert len((tmp_path / "traffic.jsonl").read_text().splitlines()) > 100
    times = outcome.verdict["times"]
    assert times["disabled_s"] is not None
    assert times["disabled_s"] < 15


PROOF = "verifications.containment"


@pytest.mark.parametrize(
    ("pretended", "fact"),
    [
        pytest.param(
            "credentials.remove_from_application",
            "the old application has no secret and no key",
            id="secrets",
        ),
        pytest.param(
            "federated_credentials.remove_all",
            "the old application trusts no issuer",
            id="trusts",
        ),
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
