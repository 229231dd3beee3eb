"""With App Service authentication off, the pretend tenant's tokens prove who calls: found by metadata alone."""

import azure.functions as func
import pytest

from tests.in_process import InProcess
from triggers import people
from triggers.people import APPROVE, READ, RESPOND

GRAPH = "https://graph.microsoft.com"
WEBHOOK = "461e8683-5575-4561-ac7f-899cc907d62a"


def request(token: str) -> func.HttpRequest:
    return func.HttpRequest("GET", "/", headers={"Authorization": f"Bearer {token}"}, body=b"")


def app_only(world: InProcess, app_id: str) -> str:
    said = {"app_id": app_id, "audience": "api://firebreak"}
    return str(world.sandbox.control("POST", "sign-in", said)["access_token"])


async def test_a_responder_is_who_the_tenant_says(in_process: InProcess) -> None:
    rosa = await people.caller(request(in_process.sandbox.sign_in("rosa", "api://firebreak")))

    assert rosa.object_id == in_process.sandbox.seed["users"]["rosa"]["object_id"]
    assert (rosa.name, rosa.roles) == ("rosa@contoso.com", frozenset({RESPOND, APPROVE}))
    assert (rosa.via, rosa.is_application) == ("token", False)


async def test_an_application_reads_and_responds_and_never_approves(in_process: InProcess) -> None:
    bot = await people.caller(
        request(app_only(in_process, in_process.sandbox.seed["incident_bot"]["app_id"]))
    )

    assert bot.is_application
    bot.must_be(READ)
    bot.must_be(RESPOND)
    with pytest.raises(people.NotAllowedError):
        bot.must_be(APPROVE)


async def test_the_sender_of_secure_webhooks_is_known_by_its_client_id(
    in_process: InProcess,
) -> None:
    sender = await people.caller(request(app_only(in_process, WEBHOOK)))

    assert (sender.app_id, sender.roles) == (WEBHOOK, frozenset({"ActionGroupsSecureWebhook"}))
    with pytest.raises(people.NotAllowedError):
        sender.must_be(READ)


async def test_a_token_for_another_api_proves_nothing_here(in_process: InProcess) -> None:
    with pytest.raises(people.NotSignedInError, match="InvalidAudience"):
        await people.caller(request(in_process.sandbox.sign_in("rosa", GRAPH)))


async def test_without_a_registration_no_token_is_believed(
    in_process: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = in_process.sandbox.sign_in("rosa", "api://firebreak")
    monkeypatch.delenv("FIREBREAK_API_AUDIENCE")
    with pytest.raises(people.NotSignedInError, match="FIREBREAK_API_AUDIENCE"):
        await people.caller(request(token))
