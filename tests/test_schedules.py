"""What runs by the clock is what policy.toml says, and what can't run stops the app at its start."""

from typing import Any

import pytest

from playbooks.policy import PolicyError, Scheduled
from tests.registered import functions


def row(**changed: Any) -> Scheduled:
    given = {
        "name": "weekly_look",
        "playbook": "health_check",
        "schedule": "0 0 3 * * 1",
        "mode": "plan",
        "parameters": {"clusters": ["aks-weu"]},
    }
    return Scheduled.model_validate({**given, **changed})


def test_each_schedule_of_the_shipped_policy_has_a_timer() -> None:
    timers = {
        name: function.get_trigger().schedule
        for name, function in functions().items()
        if function.get_trigger().type == "timerTrigger"
    }
    from triggers import intake  # noqa: PLC0415 - reads the policy, as `functions` did

    for playbook, schedule in intake.policy().schedules.model_dump().items():
        assert timers.get(f"run_{playbook}", "") == schedule


def planned(one: Scheduled) -> Any:
    functions()
    from triggers import schedules  # noqa: PLC0415 - reads the policy, as `functions` did

    return schedules.planned(one)


def test_a_row_of_its_own_starts_with_its_parameters() -> None:
    assert planned(row()) == ("health_check", "plan", {"clusters": ["aks-weu"]})


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"playbook": "drop_database"}, "scheduled.weekly_look.playbook"),
        ({"parameters": {"cluster": "x"}}, "scheduled.weekly_look.parameters.cluster"),
    ],
)
def test_what_could_never_run_is_an_error_of_the_policy(changed: Any, key: str) -> None:
    with pytest.raises(PolicyError, match=key):
        planned(row(**changed))


@pytest.mark.parametrize(
    "changed",
    [{"schedule": ""}, {"schedule": "0 0 3 * *"}, {"name": "Run It"}, {"mode": "respond"}],
)
def test_a_row_that_makes_no_sense_is_refused(changed: Any) -> None:
    with pytest.raises(ValueError, match="validation error"):
        row(**changed)
