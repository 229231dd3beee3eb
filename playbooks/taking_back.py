"""The ear of an incident that waits, for whoever says that it was a false alarm: the restore runs inside it.

So the principal stays the incident's meanwhile, what is reported joins it, and where the restore is refused the watch
goes on as if nothing had been said.
"""

import json
from collections.abc import Generator
from typing import Any

import azure.durable_functions as df

from playbooks.orders import Json, Order
from playbooks.progress import Progress
from playbooks.restore_identity import restore_identity
from playbooks.restoring import RESTORE, restoring_id


class RestoredError(Exception):
    """Containment was taken back, so there is nothing left to watch. Ends the incident, however deep it waits."""

    def __init__(self, outcome: str, detail: str) -> None:
        super().__init__(detail)
        self.outcome, self.detail = outcome, detail


class Restorable:
    """One incident, and the order to take it back. `call` is the task that the order ends."""

    def __init__(
        self, context: df.DurableOrchestrationContext, order: Order, progress: Progress
    ) -> None:
        self._context, self._order, self._progress = context, order, progress
        self._call: Any = None

    @property
    def call(self) -> Any:
        """Waited for from the first time on that somebody asks: one wait, or Durable would have to choose."""
        if self._call is None:
            self._call = self._context.wait_for_external_event(RESTORE)
        return self._call

    def answer(self, outcome: str) -> Generator[Any, Any, str]:
        """Restore. Returns the incident's outcome where it stays contained; else raises `RestoredError`."""
        said = self.call.result
        # The Python client encodes twice: https://github.com/Azure/azure-functions-durable-python/issues/295
        asked: Json = json.loads(said) if isinstance(said, str) else said
        self._call = None
        instance = restoring_id(self._order["incident"]["incident_id"], asked["restore_id"])
        facts = {"requested": asked, "alone": False, "clock": self._progress.clock}
        self._progress.note(phase="restoring", restoring=instance)
        try:
            ended: Json = yield self._context.call_sub_orchestrator(
                restore_identity, {**self._order, "facts": facts}, instance, expected_type=dict
            )
        except Exception as error:  # noqa: BLE001 - a failed sub-orchestration is a bare Exception
            broke = f"the restore broke ({type(error).__name__}); how far it came is in the journal"
            ended = {"outcome": "partly_restored", "detail": broke}
        self._progress.note(restoring=None)
        if ended["outcome"] == "restore_refused":
            return outcome
        if "contained" in ended:  # a responder stopped it
            return str(ended["contained"])
        raise RestoredError(str(ended["outcome"]), str(ended["detail"]))
