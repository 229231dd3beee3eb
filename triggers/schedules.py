"""Trigger: quiet-day playbooks by the clock, as policy.toml [schedules] says.

A run that was missed while the app was down is made up for once, by the platform. Times are UTC: on Linux the plan that
the app runs on takes no other time zone.
https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer
"""

from datetime import UTC, datetime

import azure.durable_functions as df
import azure.functions as func
import structlog

from triggers import intake, starting_runs
from triggers.starting_runs import BusyError, Wanted

bp = df.Blueprint()
_log = structlog.get_logger("firebreak.schedules")


def _scheduled(playbook: str, schedule: str) -> None:
    """One timer function for one playbook: the platform has one schedule per function."""

    async def run(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:
        structlog.contextvars.clear_contextvars()
        minute = datetime.now(UTC).replace(second=0, microsecond=0)
        wanted = Wanted(
            playbook=playbook,
            mode="apply",
            parameters={},
            by={"object_id": "", "name": "schedule"},
            started_by="schedule",
            reason="made up for: the app was down" if timer.past_due else "as scheduled",
            key=f"{minute.isoformat()} {playbook}",  # two timers of one moment are one run
        )
        try:
            await starting_runs.start(client, wanted)
        except BusyError as busy:
            _log.warning("scheduled run skipped", playbook=playbook, why=str(busy))

    run.__name__ = f"run_{playbook}"
    registered = bp.timer_trigger(arg_name="timer", schedule=schedule)
    registered(bp.durable_client_input(client_name="client")(run))


for _name, _schedule in intake.policy().schedules.model_dump().items():
    if _schedule:
        _scheduled(_name, _schedule)
