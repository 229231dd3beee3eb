"""Playbook: people are told about a signal that started nothing and should have. A channel that fails is tried again.

Starts    when `triggers.signal_notices` has something to tell that no incident tells
Asks      nobody
Undo      none: a card can't be taken back
Runbook   docs/how-to/alertmanager.md
"""

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df

from playbooks.orders import Json, Order
from playbooks.settling import perform_one

# A function of `triggers`, which playbooks can't import.
TELL = "tell_about_signal"

bp = df.Blueprint()


@bp.orchestration_trigger(context_name="context")
def signal_notice(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """One card."""
    order: Order = context.get_input(expected_type=dict)
    return (yield from perform_one(context, TELL, order))
