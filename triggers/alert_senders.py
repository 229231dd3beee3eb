"""What the senders of single alerts have in common: known, parsed, kept and decided about, answered.

Each sender's functions stand in a module of its own, since the worker wants every function spelt out.
"""

from collections.abc import Callable
from typing import NamedTuple

import azure.durable_functions as df
import azure.functions as func

from responders import tracing
from responders.model import Authenticated, Signal
from triggers import late_signals, own_writes
from triggers.machine_callers import known_by
from triggers.receiving import Later
from triggers.signal_answers import answered, said


class Sender(NamedTuple):
    """Who sends, and in which format."""

    parse: Callable[[bytes, Authenticated], Signal]  # raises `UnreadableError`
    fix: str  # what a sender is pointed at whose alert names nobody
    action_groups: bool = False  # whether Azure Monitor's action groups send it

    async def take(
        self,
        req: func.HttpRequest,
        client: df.DurableOrchestrationClient,
        later: Later,
        *,
        by_key: bool,
    ) -> func.HttpResponse:
        """What became of the alert, as its sender hears it."""

        async def work() -> func.HttpResponse:
            tracing.came_from(req.headers)
            known = await known_by(req, by_key=by_key, action_groups=self.action_groups)
            signal = await own_writes.marked(self.parse(req.get_body(), known))
            return said(await late_signals.receive(signal, client, later), self.fix)

        return await answered(work)
