"""Responder: the Teams channel, through a Workflows webhook.

Stops    nothing
Leaves   one card per notice; accepted (202) is not posted: Power Automate works later
Undo     none: a card can't be taken back
Needs    the webhook URL in FIREBREAK_TEAMS_WEBHOOK_URL, a secret
Source   https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook
"""

import json

from responders.calls import azure_call
from responders.cloud import Cloud
from responders.errors import ContractChangedError, RefusedError, TransientError
from responders.model import Json, StepResult
from responders.read_only import telling_people
from responders.untrusted import visible

# 28 KB is the limit of the whole message with Teams' own wrapping; a body of 24,453 B has failed.
BUDGET_B = 20_000
_ANSWER_S = 30  # the workflow answers before it works
_MOST_LINES = 60  # nobody reads more on a phone at night
_COLORS = {"good": "Good", "bad": "Attention", "asking": "Warning"}


def card(
    title: str,
    mood: str,
    facts: list[tuple[str, str]],
    lines: list[str],
    url: str,
    *,
    picture: str = "",
) -> Json:
    """An Adaptive Card in the message that Workflows expects, always under the size limit.

    Lines that don't fit are counted, never silently dropped. Only `Action.OpenUrl`: link previews press GET links.
    """
    shown = min(len(lines), _MOST_LINES)
    links = [("Open the incident", url), ("See who breaks", picture)]
    while True:
        message = _message(title, mood, facts, lines[:shown], len(lines) - shown, links)
        if len(json.dumps(message).encode()) <= BUDGET_B or not shown:
            return message
        shown -= 1


def _message(
    title: str,
    mood: str,
    facts: list[tuple[str, str]],
    lines: list[str],
    hidden: int,
    links: list[tuple[str, str]],
) -> Json:
    body = [_text(_run(title[:200], weight="Bolder", size="Medium", color=_COLORS[mood]))]
    body += [_text(_run(f"{name}  ", weight="Bolder"), _run(value[:300])) for name, value in facts]
    body += [_text(_run(line[:400])) for line in lines]
    if hidden:
        body.append(_text(_run(f"… and {hidden} more: see the incident.", isSubtle=True)))
    content: Json = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": body,
    }
    opens = [{"type": "Action.OpenUrl", "title": name, "url": url} for name, url in links if url]
    if opens:
        content["actions"] = opens
    return {
        "type": "message",
        "attachments": [
            {
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": None,
                "content": content,
            }
        ],
    }


def _text(*runs: Json) -> Json:
    """One paragraph. Not a TextBlock: that reads Markdown, so a planted name could become a link.

    https://adaptivecards.io/explorer/TextRun.html
    """
    return {"type": "RichTextBlock", "inlines": list(runs)}


def _run(text: str, **look: object) -> Json:
    return {"type": "TextRun", "text": visible(text), **look}


async def send(cloud: Cloud, message: Json) -> StepResult:
    """Hand the card to the workflow. Raises `TransientError` on 429 and 5xx.

    The URL holds a signature: it appears in no message of an error.
    """
    url = cloud.settings.teams_webhook_url
    if not url:
        return {
            "status": "refused",
            "detail": "FIREBREAK_TEAMS_WEBHOOK_URL is not set: nobody told",
        }
    async with azure_call("the Teams workflow", seconds=_ANSWER_S):
        with telling_people():
            response = await cloud.http.post(url, json=message)
    answer = f"the Teams workflow answered {response.status_code}"
    if response.status_code == 429 or response.status_code >= 500:
        raise TransientError(answer)
    if response.status_code in {401, 403, 404}:
        raise RefusedError(f"{answer}: renew FIREBREAK_TEAMS_WEBHOOK_URL")
    if response.status_code not in {200, 202}:
        raise ContractChangedError(answer)
    return {"status": "done", "detail": f"{answer}: accepted, which is not yet posted"}
