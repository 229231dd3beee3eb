"""What people are told about signals that no incident tells of: one card each, by a playbook that tries again."""

import azure.durable_functions as df
import structlog

from playbooks.journaled import as_data
from responders import cards, notices
from responders.cloud import Cloud
from responders.evidence import digest
from responders.model import Json, Signal, StepResult
from triggers import intake

bp = df.Blueprint()
_PLAYBOOK = "signal_notice"


async def tell(client: df.DurableOrchestrationClient, signal: Signal, title: str, why: str) -> None:
    """Have people told, once for each signal."""
    key = digest("\n".join((signal["source"], signal["signal_id"])).encode())[:24]
    if await intake.is_known(client, f"told-{key}"):
        return
    policy = intake.policy().frozen()
    order = {"signal": signal, "title": title, "why": why, "policy": policy}
    await client.start_new(_PLAYBOOK, instance_id=f"told-{key}", client_input=order)


@bp.activity_trigger(input_name="order")
async def tell_about_signal(order: dict) -> Json:  # type: ignore[type-arg]  # the worker wants it bare
    """Tell: a card about a signal that nothing came of."""
    structlog.contextvars.clear_contextvars()
    return await as_data(send(order["signal"], order["title"], order["why"]))


async def send(signal: Signal, title: str, why: str) -> StepResult:
    """One card. Raises where time can fix it."""
    rows = [
        ("Signal", signal["title"]),
        ("From", f"{signal['source']} {signal['kind']} {signal['severity']}".rstrip()),
        ("Id", signal["signal_id"]),
        ("Why", why),
    ]
    now = "Nothing was started. Look at it, and open an incident about the identity by hand."
    card = cards.content(cards.Card(title, "bad", now, rows))
    return await notices.send(await Cloud.connect(), card)
