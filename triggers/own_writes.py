"""What Firebreak itself wrote raises alerts and events, too: they are kept, and start nothing."""

from responders.cloud import Cloud
from responders.model import Signal

WHY = "Firebreak's own write"
# A log alert's actor is not looked at here: intake compares it with what was restored.
_OF_OPERATIONS = {
    "activity-log-alert",
    "federated-credential-write",
    "federated-credential-delete",
    "role-assignment-write",
    "role-assignment-delete",
    "list-keys",
}


async def marked(signal: Signal) -> Signal:
    """The signal, inert where it is about a write of our own. Raises where nobody can say who we are."""
    if signal["kind"] not in _OF_OPERATIONS or "actor" not in signal:
        return signal
    if signal["actor"] not in await (await Cloud.connect()).own_object_ids():
        return signal
    return {**signal, "inert": WHY}
