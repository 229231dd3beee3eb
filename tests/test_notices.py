"""The webhook's URL is a secret, its answers are judged, and what time can fix is said to be so."""

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from responders import notices
from responders.errors import ContractChangedError, RefusedError, TransientError
from tests.one_module import instead

URL = "https://teams.example/workflows/1?sig=very-secret"
CARD = {"type": "AdaptiveCard", "version": "1.5"}


def cloud(
    answer: int | httpx.Response, sent: list[Any] | None = None, shape: str = "message"
) -> Any:
    def handle(request: httpx.Request) -> httpx.Response:
        if sent is not None:
            sent.append(json.loads(request.content))
        return answer if isinstance(answer, httpx.Response) else httpx.Response(answer)

    client = httpx.AsyncClient(transport=httpx.MockTransport(handle))
    known = SimpleNamespace(teams_webhook_url=URL, teams_webhook_shape=shape)
    return SimpleNamespace(http=client, settings=known)


async def test_accepted_is_called_accepted() -> None:
    result = await notices.send(cloud(202), CARD)

    assert result["status"] == "done"
    assert "not yet posted" in result["detail"]


@pytest.mark.parametrize("shape", ["message", "card"])
async def test_each_flow_gets_the_body_that_it_expects(shape: str) -> None:
    sent: list[Any] = []
    await notices.send(cloud(202, sent, shape), CARD)

    (body,) = sent
    if shape == "card":
        assert body == CARD
    else:
        (attached,) = body["attachments"]
        assert body["type"] == "message"
        assert attached["content"] == CARD


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (408, TransientError),
        (429, TransientError),
        (503, TransientError),
        (401, RefusedError),
        (404, RefusedError),
        (302, ContractChangedError),
    ],
)
async def test_any_other_answer_is_an_error_without_the_url(
    status: int, error: type[Exception]
) -> None:
    with pytest.raises(error) as caught:
        await notices.send(cloud(status), CARD)
    assert "very-secret" not in str(caught.value)


async def test_a_throttle_says_after_how_long() -> None:
    with pytest.raises(TransientError) as caught:
        await notices.send(cloud(httpx.Response(429, headers={"Retry-After": "37"})), CARD)
    assert caught.value.after_s == 37


@pytest.mark.parametrize(("inner", "error"), [(429, TransientError), (413, ContractChangedError)])
async def test_a_failure_in_the_body_of_a_success_is_a_failure(
    inner: int, error: type[Exception]
) -> None:
    text = (
        "Webhook message delivery failed with error: Microsoft Teams endpoint returned "
        f"HTTP error {inner} with ContextId tcid=1"
    )
    with pytest.raises(error, match=f"{inner} in its body"):
        await notices.send(cloud(httpx.Response(200, text=text)), CARD)


async def test_no_more_than_four_cards_go_out_in_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[float] = []
    real = asyncio.sleep

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await real(0)

    instead(monkeypatch, notices, asyncio, sleep=sleep)
    channel = cloud(202)
    for _ in range(5):
        await notices.send(channel, CARD)

    assert max(waits) > 0.9  # the fifth is in the next second


async def test_more_than_the_channel_takes_is_told_later_instead_of_waiting() -> None:
    loop = asyncio.get_running_loop()
    notices._next_turn[loop] = loop.time() + 60
    with pytest.raises(TransientError) as caught:
        await notices.send(cloud(202), CARD)
    assert caught.value.after_s is not None
    assert 55 <= caught.value.after_s <= 60


async def test_a_missing_webhook_is_said_and_not_hidden() -> None:
    nobody = SimpleNamespace(settings=SimpleNamespace(teams_webhook_url=""))

    assert (await notices.send(nobody, CARD))["status"] == "refused"  # type: ignore[arg-type]


async def test_a_reference_that_leads_to_no_secret_is_said_and_called_by_nobody() -> None:
    reference = "@Microsoft.KeyVault(SecretUri=https://kv.vault.azure.net/secrets/teams-webhook)"
    channel: Any = SimpleNamespace(settings=SimpleNamespace(teams_webhook_url=reference))

    answer = await notices.send(channel, CARD)

    assert answer["status"] == "refused"
    assert "no secret" in answer["detail"]


async def test_a_channel_that_cannot_be_reached_is_tried_again_and_its_url_is_not_told() -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route", request=request)

    channel = cloud(202)
    channel.http = httpx.AsyncClient(transport=httpx.MockTransport(broken))
    with pytest.raises(TransientError) as caught:
        await notices.send(channel, CARD)
    assert "very-secret" not in str(caught.value)
