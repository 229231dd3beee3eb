"""Trigger: quiet-day playbooks by the clock, as policy.toml [schedules] and [[scheduled]] say.

A run that was missed while the app was down is made up for once, by the platform. Times are UTC: on Linux the plan that
the app runs on takes no other time zone.
https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer
"""

from datetime import UTC, datetime
from typing import NamedTuple

import azure.durable_functions as df
import azure.functions as func
import structlog
from pydantic import ValidationError

from playbooks.policy import PolicyError, Scheduled
from playbooks.runs.catalogue import PLAYBOOKS
from playbooks.runs.model import Json, RunMode
from triggers import intake, starting_runs
from triggers.refusals import fields
from triggers.starting_runs import BusyError, Wanted

bp = df.Blueprint()
_log = structlog.get_logger("firebreak.schedules")


class Planned(NamedTuple):
    """What a timer starts."""

    playbook: str
    mode: RunMode
    parameters: Json


def _scheduled(name: str, schedule: str, what: Planned) -> None:
    """One timer function for one schedule: the platform has one schedule per function."""

    async def run(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:
        structlog.contextvars.clear_contextvars()
        minute = datetime.now(UTC).replace(second=0, microsecond=0)
        wanted = Wanted(
            playbook=what.playbook,
            mode=what.mode,
            parameters=what.parameters,
            by={"object_id": "", "name": "schedule"},
            started_by="schedule",
            reason="made up for: the app was down" if timer.past_due else "as scheduled",
            key=f"{minute.isoformat()} {name}",  # two timers of one moment are one run
        )
        try:
            await starting_runs.start(client, wanted)
        except BusyError as busy:
            _log.warning("scheduled run skipped", schedule=name, why=str(busy))

    run.__name__ = f"run_{name}"
    registered = bp.timer_trigger(arg_name="timer", schedule=schedule)
    registered(bp.durable_client_input(client_name="client")(run))


def planned(one: Scheduled, where: str = "policy.toml") -> Planned:
    """What a row of `[[scheduled]]` starts. Raises `PolicyError` for a playbook or parameters that do not exist."""
    playbook = PLAYBOOKS.get(one.playbook)
    if playbook is None:
        said = f"no playbook {one.playbook!r:.60}; there are: {', '.join(sorted(PLAYBOOKS))}"
        raise PolicyError(where, [{"key": f"scheduled.{one.name}.playbook", "message": said}])
    try:
        playbook.understood(one.parameters)
    except ValidationError as problem:
        problems = [
            {
                "key": f"scheduled.{one.name}.parameters.{wrong['field']}",
                "message": wrong["message"],
            }
            for wrong in fields(problem)
        ]
        raise PolicyError(where, problems) from problem
    return Planned(one.playbook, one.mode, one.parameters)


def _register() -> None:
    policy = intake.policy()
    for playbook, schedule in policy.schedules.model_dump().items():
        if schedule:
            _scheduled(playbook, schedule, Planned(playbook, "apply", {}))
    for one in policy.scheduled:
        _scheduled(f"scheduled_{one.name}", one.schedule, planned(one))


_register()
