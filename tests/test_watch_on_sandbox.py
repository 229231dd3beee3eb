"""The time after containment, on the sandbox: what somebody undoes is undone again, and the bundle stays whole."""

from typing import Any

import pytest

from responders import bundles
from responders.evidence_folder import EvidenceFolder
from tests.in_process import Driven, InProcess

pytestmark = [pytest.mark.timeout(120), pytest.mark.slow]
GRAPH = "https://graph.microsoft.com"


async def watching(world: InProcess, **watch: Any) -> Driven:
    """An incident about orders-api that has reached its watch, with few checks in it."""
    order = await world.alert(world.sandbox.described["seed"]["orders_api"]["object_id"])
    policy = order["policy"]["watch"]
    order["policy"]["watch"] = {**policy, "check_every_minutes": 600, **watch}
    order["policy"]["verification"]["attempts"] = 3  # what is undone stays so: no use in waiting
    driven = world.start(order)
    await driven.until("watching")
    return driven


def undo(world: InProcess) -> None:
    """An administrator, or somebody with her session, switches the service principal on again."""
    seed = world.sandbox.described["seed"]
    body = {"user": "rosa", "audience": GRAPH}
    token = world.sandbox.control("POST", "sign-in", body)["access_token"]
    url = f"{world.sandbox.endpoints['graph']}/v1.0/servicePrincipals/{seed['orders_api']['object_id']}"
    answer = world.sandbox.http.patch(
        url, json={"accountEnabled": True}, headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 204, answer.text


def is_enabled(world: InProcess) -> bool:
    object_id = world.sandbox.described["seed"]["orders_api"]["object_id"]
    found = world.sandbox.control("GET", "state")["servicePrincipals"]
    return bool(next(one["accountEnabled"] for one in found if one["id"] == object_id))


async def test_an_undisturbed_watch_ends_contained_with_three_sweeps_and_a_whole_bundle(
    in_process: InProcess,
) -> None:
    driven = await watching(in_process)
    run = await driven.until()

    assert run.outcome["outcome"] == "contained"
    assert run.outcome["reversals"] == []
    assert run.outcome["sweeps"] == ["sweep-2", "sweep-3"]
    folder = f"incidents/{driven.order['incident']['incident_id']}"
    assert bundles.verify(EvidenceFolder(in_process.evidence), folder) == []


async def test_a_service_principal_that_is_enabled_again_is_disabled_again_and_people_are_told(
    in_process: InProcess,
) -> None:
    driven = await watching(in_process)
    undo(in_process)
    run = await driven.until()

    assert not is_enabled(in_process)
    assert run.outcome["outcome"] == "contained"
    assert len(run.outcome["reversals"]) == 1
    told = [one["notice"] for name, one in run.orders if name == "tell_people"]
    assert told == ["contained", "reversed", "contained_again", "closed"]


async def test_where_the_policy_says_alert_it_stays_as_it_is_and_the_incident_is_not_contained(
    in_process: InProcess,
) -> None:
    driven = await watching(in_process, on_reversal="alert")
    undo(in_process)
    run = await driven.until()

    assert is_enabled(in_process)
    assert run.outcome["outcome"] == "not_contained"
