"""Cards fit Teams, whatever the incident; the webhook's URL is a secret and its answers are judged."""

import json
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from responders import notices
from responders.errors import ContractChangedError, RefusedError, TransientError

URL = "https://teams.example/workflows/1?sig=very-secret"


def cloud(status: int, sent: list[Any] | None = None) -> Any:
    def handle(request: httpx.Request) -> httpx.Response:
        if sent is not None:
            sent.append(json.loads(request.content))
        return httpx.Response(status)

    client = httpx.AsyncClient(transport=httpx.MockTransport(handle))
    return SimpleNamespace(http=client, settings=SimpleNamespace(teams_webhook_url=URL))


@pytest.mark.parametrize("lines", [0, 1, 50, 5_000])
def test_every_card_fits_the_limit_of_teams(lines: int) -> None:
    card = notices.card("t" * 900, "bad", [("f", "v" * 900)] * 10, ["x" * 900] * lines, "https://a")

    assert len(json.dumps(card).encode()) <= notices.BUDGET_B


def test_lines_that_do_not_fit_are_counted() -> None:
    card = notices.card("t", "good", [], ["x" * 400] * 500, "")

    body = card["attachments"][0]["content"]["body"]
    texts = ["".join(run["text"] for run in block["inlines"]) for block in body]
    shown = sum(text.startswith("x") for text in texts)
    assert f"and {500 - shown} more" in texts[-1]


def test_a_card_opens_pages_and_submits_nothing() -> None:
    content = notices.card("t", "asking", [], [], "https://a")["attachments"][0]["content"]

    assert [action["type"] for action in content["actions"]] == ["Action.OpenUrl"]


async def test_accepted_is_called_accepted() -> None:
    sent: list[Any] = []
    result = await notices.send(cloud(202, sent), {"type": "message"})

    assert result["status"] == "done"
    assert "not yet posted" in result["detail"]
    assert sent == [{"type": "message"}]


@pytest.mark.parametrize(
    ("status", "error"),
    [
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
        await notices.send(cloud(status), {})
    assert "very-secret" not in str(caught.value)


async def test_a_missing_webhook_is_said_and_not_hidden() -> None:
    nobody = SimpleNamespace(settings=SimpleNamespace(teams_webhook_url=""))

    assert (await notices.send(nobody, {}))["status"] == "refused"  # type: ignore[arg-type]


async def test_a_channel_that_cannot_be_reached_is_tried_again_and_its_url_is_not_told() -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route", request=request)

    client = httpx.AsyncClient(transport=httpx.MockTransport(broken))
    settings = SimpleNamespace(teams_webhook_url=URL)
    with pytest.raises(TransientError) as caught:
        await notices.send(SimpleNamespace(http=client, settings=settings), {})  # type: ignore[arg-type]
    assert "very-secret" not in str(caught.value)


def test_a_planted_name_becomes_no_link_and_hides_nothing() -> None:
    name = "[Approve here](https://evil.example) \u202etxt.exe"
    card = notices.card(name, "bad", [("Identity", name)], [name], "")

    body = card["attachments"][0]["content"]["body"]
    assert {block["type"] for block in body} == {"RichTextBlock"}
    assert "\u202e" not in json.dumps(card, ensure_ascii=False)
