"""Who may publish to a custom topic: whoever has its key, or a token of Entra and the role at the topic.

Faithful    a topic may refuse keys (`disableLocalAuth`); a token has to be for Event Grid; the role counts at the
            topic and above it, as late as any role does
Choice      403 where the role is missing: the words are Event Grid's own, no page names their status
Source      https://learn.microsoft.com/azure/event-grid/authenticate-with-microsoft-entra-id
            https://learn.microsoft.com/azure/event-grid/authenticate-with-access-keys-shared-access-signatures
"""

import hmac

from sandbox.arm.access import allows
from sandbox.entra import resources
from sandbox.entra.bearer import InvalidTokenError, authenticate
from sandbox.settings import pretend_secret
from sandbox.web import Call
from sandbox.world import World

SEND = "Microsoft.EventGrid/events/send/action"
# Take tokens alone.
WITHOUT_KEYS = frozenset({"incidents"})


def key(topic: str) -> str:
    """A topic's access key."""
    return pretend_secret(f"event grid topic {topic}")


def refusal(world: World, call: Call, topic: str, resource_id: str) -> tuple[int, str] | None:
    """Why this caller may not publish, as a status and Event Grid's words; None where it may."""
    if "aeg-sas-key" in call.headers:
        if topic in WITHOUT_KEYS:
            return 401, "Local authentication is disabled for the resource: use Microsoft Entra ID."
        right = hmac.compare_digest(call.headers["aeg-sas-key"].encode(), key(topic).encode())
        return None if right else (401, "The request did not contain a valid key.")
    try:
        caller = authenticate(world, call, [resources.EVENT_GRID])
    except InvalidTokenError as invalid:
        return 401, f"The request did not contain a valid key or access token: {invalid}."
    if allows(world, caller.object_id, SEND, resource_id, data_action=True):
        return None
    return 403, (
        "The principal associated with access token presented with the incoming request does not have permission "
        f"to send data to {resource_id}."
    )
