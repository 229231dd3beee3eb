"""Responder: a custom topic of Event Grid, for whoever builds on what happens to incidents.

Stops    nothing
Leaves   one event per notice; what the topic has taken is not yet delivered to a subscriber
Undo     none: an event can't be taken back
Needs    NEEDS, below
Source   https://learn.microsoft.com/azure/event-grid/authenticate-with-microsoft-entra-id
         https://learn.microsoft.com/azure/event-grid/post-to-custom-topic
"""

import json
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from responders.answers import parse_body
from responders.calls import azure_call
from responders.cloud import Cloud
from responders.errors import ContractChangedError, RefusedError, TransientError
from responders.model import Json, StepResult
from responders.needs import AzureNeed, Needs
from responders.read_only import telling_people

if TYPE_CHECKING:
    import httpx

API_VERSION = "2018-01-01"  # the only one of publishing
_ANSWER_S = 15
# https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md#32-structured-content-mode
_ONE_EVENT = "application/cloudevents+json; charset=utf-8"
_PUBLIC = "https://eventgrid.azure.net"
# The end of a topic's host says which cloud it is in. What its tokens are for is documented for the public cloud alone;
# the others follow the rule of their own endpoints.
# https://learn.microsoft.com/azure/azure-government/compare-azure-government-global-azure
# https://docs.azure.cn/en-us/event-grid/post-to-custom-topic
_OF_CLOUD = {
    ".eventgrid.azure.us": "https://eventgrid.azure.us",
    ".eventgrid.azure.cn": "https://eventgrid.azure.cn",
}
NEEDS: Final = Needs(
    azure=(
        AzureNeed(
            "Microsoft.EventGrid/events/send/action",
            "publish events of incidents",
            data=True,
            scope="topic",
            only_with="FIREBREAK_EVENT_GRID_TOPIC",
        ),
    ),
)


async def publish(cloud: Cloud, event: Json) -> StepResult:
    """Hand one CloudEvent to the topic of the settings.

    Raises `TransientError` where it is throttled or nobody answers, `RefusedError` where topic or role is missing.
    """
    topic = cloud.settings.event_grid_topic
    if not topic:
        return {"status": "refused", "detail": "FIREBREAK_EVENT_GRID_TOPIC is not set"}
    token = await cloud.get_token(scope(topic))
    headers = {"Authorization": f"Bearer {token}", "Content-Type": _ONE_EVENT}
    content = json.dumps(event, ensure_ascii=False).encode()
    async with azure_call("the Event Grid topic", seconds=_ANSWER_S):
        with telling_people():
            response = await cloud.http.post(
                topic, params={"api-version": API_VERSION}, content=content, headers=headers
            )
    return _judged(response)


def scope(topic: str) -> str:
    """What a token for this topic is asked for."""
    host = urlsplit(topic).hostname or ""
    named = (one for end, one in _OF_CLOUD.items() if host.endswith(end))
    return f"{next(named, _PUBLIC)}/.default"


def _judged(response: "httpx.Response") -> StepResult:
    status = response.status_code
    if status == 200:
        return {"status": "done", "detail": "published: the topic took it"}
    answer = f"the Event Grid topic answered {status} {_said(response)}".rstrip()
    if status in {408, 429} or status >= 500:
        after = response.headers.get("Retry-After", "")
        raise TransientError(answer, after_s=int(after) if after.isdecimal() else None)
    if status in {401, 403}:
        todo = "give Firebreak's identity the role EventGrid Data Sender at the topic"
        raise RefusedError(f"{answer}. {todo}")
    if status == 404:
        raise RefusedError(f"{answer}. Correct FIREBREAK_EVENT_GRID_TOPIC")
    raise ContractChangedError(answer)


def _said(response: "httpx.Response") -> str:
    try:
        code, message = parse_body(response.json())
    except ValueError:
        return ""
    return " ".join(f"{code} {message}".split())[:300]
