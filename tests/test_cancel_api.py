"""The call that ends an incident: handed over once, with who said it and why; nothing is ended that is over."""

import json
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import pytest

from playbooks.orders import CANCEL, cancelled_path
from tests.test_ways_in import (
    INCIDENT,
    FakeClient,
    answered,
    call,
    client,
    settings,
    signed_in,
)
from triggers import intake, people, responder_api

__all__ = ["client", "settings"]


async def cancel(client: FakeClient, *roles: str, body: Any = None) -> tuple[int, dict[str, Any]]:
    request = func.HttpRequest(
        "POST",
        f"/api/incidents/{INCIDENT}/cancel",
        headers={**signed_in(*(roles or (people.RESPOND,))), "Content-Type": "application/json"},
        route_params={"incident_id": INCIDENT},
        body=json.dumps(body or {"reason": "it was a test"}).encode(),
    )
    return answered(await call(responder_api.cancel_incident, request, client))


def stands(client: FakeClient, runtime: str, phase: str) -> None:
    client.statuses[INCIDENT] = SimpleNamespace(
        runtime_status=SimpleNamespace(name=runtime), custom_status={"phase": phase}
    )


async def test_the_word_is_handed_over_with_who_said_it_why_and_when(client: FakeClient) -> None:
    stands(client, "Running", "watching")

    status, body = await cancel(client)

    assert (status, body["phase"]) == (202, "watching")
    ((_, name, said),) = client.events
    assert name == CANCEL
    assert (said["by"]["name"], said["reason"], said["phase"]) == (
        "rosa@contoso.example",
        "it was a test",
        "watching",
    )
    assert intake.store().get_json(cancelled_path(INCIDENT)) == said


async def test_the_first_word_stands_and_a_second_one_harms_nothing(client: FakeClient) -> None:
    stands(client, "Running", "rewiring")

    await cancel(client)
    status, _ = await cancel(client, body={"reason": "me too"})

    assert status == 202
    assert intake.store().get_json(cancelled_path(INCIDENT))["reason"] == "it was a test"


@pytest.mark.parametrize("runtime", ["Completed", "Failed", "Terminated"])
async def test_what_is_over_is_not_ended_again(client: FakeClient, runtime: str) -> None:
    stands(client, runtime, "closed")

    status, body = await cancel(client)

    assert (status, body["code"], client.events) == (409, "Over", [])
    assert not intake.store().exists(cancelled_path(INCIDENT))


async def test_nobody_ends_what_there_is_not_or_without_the_role_or_without_a_reason(
    client: FakeClient,
) -> None:
    assert (await cancel(client))[0] == 404
    stands(client, "Running", "watching")
    assert (await cancel(client, people.READ))[0] == 403
    assert (await cancel(client, people.APPROVE))[0] == 403
    assert (await cancel(client, body={"reason": ""}))[0] == 400
    assert (await cancel(client, body={"reason": "enough", "force": True}))[0] == 400
    assert client.events == []
