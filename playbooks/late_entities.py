"""Playbook: a security alert came without its entities, which arrive minutes later.

Starts    when `triggers.late_signals` was given an alert of Sentinel or Defender that names nobody yet
Asks      nobody
Undo      none needed: what it starts has its own
Runbook   docs/how-to/sentinel-incident.md
"""

from collections.abc import Generator
from datetime import datetime, timedelta
from typing import Any, cast

import azure.durable_functions as df

from playbooks.orders import Json, Order
from playbooks.settling import perform_one

# After the alert came, however late a busy host begins to wait. Entities are known to be six to ten minutes late:
# https://github.com/Azure/Azure-Sentinel/issues/4661
ASKED_AFTER_MINUTES = (2, 5, 10, 15)
# Functions of `triggers`, which playbooks can't import: only they may hand a signal in.
LOOK, GIVE_UP = "look_for_entities", "give_up_on_entities"

bp = df.Blueprint()


@bp.orchestration_trigger(context_name="context")
def late_entities(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """Ask again at each of these moments, then say loudly that it was in vain."""
    order: Json = context.get_input(expected_type=dict)
    # One that an earlier version began says nothing of it.
    came = (
        datetime.fromisoformat(order["came"]) if "came" in order else context.current_utc_datetime
    )
    asked: Json = {"found": False, "why": "nobody asked"}
    for minutes in ASKED_AFTER_MINUTES:
        yield context.create_timer(came + timedelta(minutes=minutes))
        try:
            asked = yield context.call_activity(LOOK, order["signal"])
        except Exception:  # noqa: BLE001 - a lost activity reaches 1.7 as a bare Exception
            asked = {"found": False, "why": "the host lost the question"}
        context.set_custom_status({"asked_after_minutes": minutes, **asked})
        if asked["found"]:
            return asked
    told = yield from perform_one(context, GIVE_UP, cast(Order, {**order, "why": asked["why"]}))
    return {**asked, "told": told["status"]}
