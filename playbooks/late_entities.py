"""Playbook: a security alert came without its entities, which arrive minutes later.

Starts    when `triggers.late_signals` was given an alert of Sentinel or Defender that names nobody yet
Asks      nobody
Undo      none needed: what it starts has its own
Runbook   docs/how-to/sentinel-incident.md
"""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from playbooks.orders import Json

# After the alert. Entities are known to be six to ten minutes late:
# https://github.com/Azure/Azure-Sentinel/issues/4661
ASKED_AFTER_MINUTES = (2, 5, 10, 15)
# Functions of `triggers`, which playbooks can't import: only they may hand a signal in.
LOOK, GIVE_UP = "look_for_entities", "give_up_on_entities"
_RETRY = df.RetryOptions(first_retry_interval_in_milliseconds=2_000, max_number_of_attempts=5)

bp = df.Blueprint()


@bp.orchestration_trigger(context_name="context")
def late_entities(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """Ask again at each of these moments, then say loudly that it was in vain."""
    signal: Json = context.get_input(expected_type=dict)
    came = context.current_utc_datetime
    asked: Json = {"found": False, "why": "nobody asked"}
    for minutes in ASKED_AFTER_MINUTES:
        yield context.create_timer(came + timedelta(minutes=minutes))
        try:
            asked = yield context.call_activity_with_retry(LOOK, _RETRY, signal)
        except Exception:  # noqa: BLE001 - a lost activity reaches 1.7 as a bare Exception
            asked = {"found": False, "why": "the host lost the question, again and again"}
        context.set_custom_status({"asked_after_minutes": minutes, **asked})
        if asked["found"]:
            return asked
    # People are told where nothing came of it; a channel that fails for now is tried again.
    told: Json = yield context.call_activity_with_retry(
        GIVE_UP, _RETRY, {"signal": signal, "why": asked["why"]}
    )
    return {**asked, **told}
