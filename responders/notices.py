"""Responder: the Teams channel, through a Workflows webhook.

Stops    nothing
Leaves   one card per notice; accepted (202) is not posted: Power Automate works later
Undo     none: a card can't be taken back
Needs    the webhook URL in FIREBREAK_TEAMS_WEBHOOK_URL, a secret
Source   https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook
"""

import asyncio
import re
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from responders.calls import azure_call
from responders.cloud import Cloud
from responders.errors import ContractChangedError, RefusedError, TransientError
from responders.model import Json, StepResult
from responders.read_only import telling_people

if TYPE_CHECKING:
    import httpx

_ANSWER_S = 15  # the workflow answers before it works; what is slower is tried again later, beside the playbook
_CARD = "application/vnd.microsoft.card.adaptive"
# "If more than four requests are made in a second, the client connection is throttled." Of one process: across
# instances the answer 429 and the schedule of the retries hold it.
# https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using#rate-limiting-for-connectors
_APART_S = 0.26
_LONGEST_LINE_S = (
    10.0  # waiting for its turn; longer, and the card takes the schedule of the retries
)
# A channel's own answer can stand in the body of a 200.
# https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using#rate-limiting-for-connectors
_INNER = re.compile(r"HTTP error (\d{3})")
# What the platform hands over where it can't resolve a reference.
# https://learn.microsoft.com/azure/app-service/app-service-key-vault-references#troubleshooting-key-vault-references
_UNRESOLVED = "@Microsoft.KeyVault("
_BODY = 2_000  # characters of an answer that are looked at

_next_turn: WeakKeyDictionary[asyncio.AbstractEventLoop, float] = WeakKeyDictionary()


def wrapped(content: Json, shape: str) -> Json:
    """The body that the flow expects: a message with the card attached, or the card itself.

    Which one is decided by the flow's template, and a flow fails without telling on the other one.
    """
    if shape == "card":
        return content
    attached = {"contentType": _CARD, "contentUrl": None, "content": content}
    return {"type": "message", "attachments": [attached]}


def is_unresolved(url: str) -> bool:
    """Whether the platform could not put the secret where the setting refers to it."""
    return url.startswith(_UNRESOLVED)


async def send(cloud: Cloud, content: Json) -> StepResult:
    """Hand the card to the workflow.

    Raises `TransientError` where it is throttled or nobody answers, `RefusedError` where the webhook is dead. The URL
    holds a signature: it appears in no message of an error.
    """
    url = cloud.settings.teams_webhook_url
    if not url:
        return {
            "status": "refused",
            "detail": "FIREBREAK_TEAMS_WEBHOOK_URL is not set: nobody told",
        }
    if is_unresolved(url):
        said = (
            "the Key Vault reference of FIREBREAK_TEAMS_WEBHOOK_URL leads to no secret: nobody told"
        )
        return {"status": "refused", "detail": f"{said}. docs/how-to/deploy.md, step 3"}
    waiting = _wait_for_turn()
    if waiting > _LONGEST_LINE_S:
        raise TransientError("more cards at once than the channel takes", after_s=int(waiting))
    await asyncio.sleep(waiting)
    async with azure_call("the Teams workflow", seconds=_ANSWER_S):
        with telling_people():
            response = await cloud.http.post(
                url, json=wrapped(content, cloud.settings.teams_webhook_shape)
            )
    return _judged(response)


def _wait_for_turn() -> float:
    """Seconds until this process may send again; takes that turn, unless it is too far away."""
    loop = asyncio.get_running_loop()
    now = loop.time()
    turn = max(now, _next_turn.get(loop, 0.0))
    if turn - now <= _LONGEST_LINE_S:
        _next_turn[loop] = turn + _APART_S
    return turn - now


def _judged(response: "httpx.Response") -> StepResult:
    inner = _INNER.search(response.text[:_BODY]) if response.status_code == 200 else None
    status = int(inner[1]) if inner else response.status_code
    answer = f"the Teams workflow answered {status}{' in its body' if inner else ''}"
    if status in {408, 429} or status >= 500:
        after = response.headers.get("Retry-After", "")
        raise TransientError(answer, after_s=int(after) if after.isdecimal() else None)
    if status in {401, 403, 404, 410}:
        raise RefusedError(f"{answer}: renew FIREBREAK_TEAMS_WEBHOOK_URL")
    if status not in {200, 202}:
        raise ContractChangedError(answer)
    return {"status": "done", "detail": f"{answer}: accepted, which is not yet posted"}
