"""Nobody waits for hours in a drill: the clocks of sandbox and host are put forward, and it is said."""

from datetime import UTC, datetime, timedelta

from drill.options import Json
from drill.training_ground import TrainingGround
from drill.watching import Screen

_SPARE = timedelta(seconds=5)  # clocks of two processes


async def let_it_be_over(status: Json, ground: TrainingGround, screen: Screen) -> None:
    """Where an incident waits until stolen tokens have expired, they have."""
    until = status.get("trusted_after")
    if status["phase"] != "waiting_out" or until is None:
        return
    now = datetime.now(UTC) + timedelta(seconds=ground.ahead_s)
    left = datetime.fromisoformat(until) + _SPARE - now
    if left > timedelta(minutes=1):
        said = f"clocks put forward by {left}, to {until}; the host was stopped meanwhile"
        screen.move("waiting", said)
        await ground.let_pass(left.total_seconds())
