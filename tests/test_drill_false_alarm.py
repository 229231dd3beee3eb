"""The drill of a false alarm with real processes: green as it stands, red as soon as the app only pretends."""

from pathlib import Path

import pytest

from drill.false_alarm import FALSE_ALARMS, run_false_alarm
from drill.options import ROOT, Options
from drill.results import Outcome
from tests.test_drill import sabotaged, screen, violations

# Two processes start, and a whole incident runs, and is taken back.
pytestmark = [pytest.mark.timeout(240), pytest.mark.slow]


# ID Protection has one request a second for the whole tenant, and its 429 says nothing of when.
# https://learn.microsoft.com/graph/throttling-limits
_PACED = "VIOLATION retry-after: 429 without Retry-After"


async def drill(name: str, folder: Path, app: Path = ROOT) -> Outcome:
    folder.mkdir(exist_ok=True)
    return await run_false_alarm(
        FALSE_ALARMS[name], Options(app=app, timeout_s=120), screen(), folder
    )


def red(outcome: Outcome) -> set[str]:
    return {one["fact"] for one in outcome.verdict["facts"] if not one["holds"]}


@pytest.mark.parametrize(
    "name",
    ["false-alarm", pytest.param("false-alarm-managed-identity", marks=pytest.mark.exhaustive)],
)
async def test_a_false_alarm_is_taken_back_with_traffic_as_published(
    name: str, tmp_path: Path
) -> None:
    outcome = await drill(name, tmp_path)

    assert red(outcome) == set()
    assert len(outcome.verdict["facts"]) == 7
    others = [one for one in violations(tmp_path / "traffic.jsonl").splitlines() if one != _PACED]
    assert others == []


@pytest.mark.exhaustive
async def test_roles_that_are_only_said_to_be_given_back_are_seen(tmp_path: Path) -> None:
    app = sabotaged(tmp_path / "app", "role_assignments.ensure")
    policy = (app / "policy.toml").read_text()
    (app / "policy.toml").unlink()  # the proof waits ten minutes by it for what never comes
    (app / "policy.toml").write_text(policy.replace("attempts = 30", "attempts = 2"))
    outcome = await drill("false-alarm", tmp_path / "drill", app)

    assert "as before, but for the credentials that are listed" in red(outcome)
    assert "it says that it is restored" in red(outcome)
