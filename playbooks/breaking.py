"""An orchestration that breaks is told on every channel, and then breaks: Durable marks it failed, nothing hides it.

What a step does wrong is an answer that a playbook judges. This is for the playbook itself: a defect, or an answer that
nobody thought of. Nothing would be said of the incident any more, and nobody would watch it.
"""

from collections.abc import Callable, Generator
from functools import wraps
from typing import Any

import azure.durable_functions as df

from playbooks import telling_later
from playbooks.orders import Json, Order
from responders.redaction import scrub

Playbook = Callable[[df.DurableOrchestrationContext], Generator[Any, Any, Json]]
FAILED = "failed"
_SAID = 300  # characters of an error


def told(playbook: Playbook) -> Playbook:
    """The same orchestration. Where it raises, people hear of it, its status says so, and the error goes on."""

    @wraps(playbook)
    def run(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json]:
        try:
            return (yield from playbook(context))
        except Exception as error:
            yield from _tell(context, playbook.__name__, error)
            raise

    return run


def _tell(
    context: df.DurableOrchestrationContext, name: str, error: Exception
) -> Generator[Any, Any, None]:
    """Once for each kind of part: where twenty clusters break alike, one card is enough."""
    order: Order = context.get_input(expected_type=dict)
    status: Json = dict(context.custom_status or {})
    facts = {
        "Broken": name.replace("_", " "),
        "While": str(status.get("phase", "")).replace("_", " ") or "it ran",
        "Error": scrub(f"{type(error).__name__}: {error}")[:_SAID],
    }
    if "cluster" in order:
        facts["Cluster"] = order["cluster"]["name"]
    context.set_custom_status({**status, "phase": FAILED, "outcome": FAILED})
    broken: Order = {
        **order,
        "notice": FAILED,
        "notice_key": f"{FAILED}-{name}",
        "at": context.current_utc_datetime.isoformat(timespec="milliseconds"),
        "facts": facts,
    }
    yield from telling_later.tell(context, broken)
