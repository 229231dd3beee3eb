"""An order to restore is bound to a plan that was read; signals from before its end start nothing again."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import pytest

from playbooks.restoring import RESTORE, consents, plans
from playbooks.restoring.model import RestorePlan
from playbooks.steps import restorable
from responders import claims, notices, restorations
from responders.cloud import Cloud
from responders.errors import RefusedError, TransientError
from tests import restore_orders
from tests.restore_world import incident, trust, world
from tests.test_ways_in import (
    INES,
    OBJECT_ID,
    PRINCIPAL,
    ROSA,
    FakeClient,
    alert,
    answered,
    call,
    open_incident,
    send_alert,
    settings,
    signed_in,
)
from triggers import intake, people, restore_api, restore_asking, status

__all__ = ["settings"]  # a fixture of every test here as well
OURSELVES = "55555555-5555-5555-5555-555555555555"
FOREIGN = trust(issuer="https://token.actions.githubusercontent.com")
INCIDENT = incident(object_id=OBJECT_ID)
ID = INCIDENT["incident_id"]


@pytest.fixture
def client() -> FakeClient:
    found = FakeClient()
    found.statuses[ID] = durable("Completed")
    return found


def durable(runtime: str, phase: str = "closed", **told: Any) -> Any:
    return SimpleNamespace(
        runtime_status=SimpleNamespace(name=runtime),
        input_={"incident": INCIDENT, "policy": intake.policy().frozen()},
        custom_status={"phase": phase, **told},
    )


@pytest.fixture(autouse=True)
def plan(monkeypatch: pytest.MonkeyPatch) -> list[RestorePlan]:
    """What the world makes: the last one, so that a test may let it change."""
    drawn = [plans.draw(world({"federated_credentials": [FOREIGN]}), [], None)]

    async def draw(*_: Any) -> RestorePlan:
        return drawn[-1]

    monkeypatch.setattr(restorable, "draw", draw)
    return drawn


async def send(
    client: FakeClient,
    body: Any,
    *,
    role: str = people.APPROVE,
    incident_id: str = ID,
    by: str = ROSA,
) -> tuple[int, dict[str, Any]]:
    request = func.HttpRequest(
        "POST",
        f"/api/incidents/{incident_id}/restore",
        headers=signed_in(role, by=by),
        route_params={"incident_id": incident_id},
        body=json.dumps(body).encode(),
    )
    return answered(await call(restore_api.restore_incident, request, client))


PLAN = {"mode": "plan", "reason": "false alarm"}


async def order(client: FakeClient, **more: Any) -> tuple[int, dict[str, Any]]:
    """As two people give it, one after the other."""
    await one_orders(client, INES, **more)
    return await one_orders(client, ROSA, **more)


async def one_orders(client: FakeClient, by: str, **more: Any) -> tuple[int, dict[str, Any]]:
    _, shown = await send(client, PLAN, by=by)
    body = {"mode": "apply", "reason": "false alarm", "plan_hash": shown["plan_hash"], **more}
    return await send(client, body, by=by)


async def test_a_plan_is_shown_with_its_choices_and_starts_nothing(
    client: FakeClient, plan: list[RestorePlan]
) -> None:
    status, shown = await send(client, PLAN)

    assert (status, shown["plan_hash"]) == (200, plans.plan_hash(plan[-1]))
    assert shown["choices"] == ["trust:weu"]
    assert (client.started, client.events) == ([], [])


async def test_an_order_starts_one_restore_however_often_it_is_sent(client: FakeClient) -> None:
    first = await order(client, chosen=["trust:weu"])
    again = await order(client, chosen=["trust:weu"])

    assert first[0] == 202
    assert again == first
    ((instance, started),) = client.started
    assert instance == f"{ID}-{first[1]['restore_id']}"
    asked = started["facts"]["requested"]
    assert (asked["chosen"], asked["by"]["name"]) == (["trust:weu"], "ines@contoso.example")
    names = [one["approver"]["name"] for one in asked["approvals"]]
    assert names == ["ines@contoso.example", "rosa@contoso.example"]
    assert (
        claims.take(intake.store(), OBJECT_ID, {"incident_id": "other"})["incident_id"] == instance
    )


async def test_another_world_is_answered_with_the_difference_and_starts_nothing(
    client: FakeClient, plan: list[RestorePlan]
) -> None:
    _, shown = await send(client, PLAN)
    plan.append(
        plans.draw(
            world({"federated_credentials": [FOREIGN]}, standing={"enabled": True}), [], None
        )
    )
    body = {"mode": "apply", "reason": "false alarm", "plan_hash": shown["plan_hash"]}
    status, said = await send(client, body)

    assert (status, said["code"]) == (409, "WorldChanged")
    assert [one["object"] for one in said["diff"]] == ["enabled:accountEnabled"]
    assert said["plan_hash"] == plans.plan_hash(plan[-1])
    assert client.started == []


@pytest.mark.parametrize(
    ("body", "role", "code"),
    [
        (PLAN, people.RESPOND, (403, "NotAllowed")),
        ({**PLAN, "mode": "apply"}, people.APPROVE, (400, "BadRequest")),
        ({"mode": "plan"}, people.APPROVE, (400, "BadRequest")),
        ({**PLAN, "force": True}, people.APPROVE, (400, "BadRequest")),
        ({**PLAN, "mode": "apply", "plan_hash": "0" * 64}, people.APPROVE, (409, "WorldChanged")),
    ],
)
async def test_a_bad_order_gets_a_clear_answer_and_starts_nothing(
    client: FakeClient, body: Any, role: str, code: tuple[int, str]
) -> None:
    status, said = await send(client, body, role=role)

    assert (status, said["code"]) == code
    assert client.started == []


async def test_what_the_plan_does_not_offer_can_not_be_chosen(client: FakeClient) -> None:
    status, said = await order(client, chosen=["credential:k"])

    assert (status, said["code"], client.started) == (400, "UnknownChoice", [])


async def test_nobody_restores_what_never_was_an_incident(client: FakeClient) -> None:
    assert (await send(client, PLAN, incident_id="inc-20260101-000000000000"))[0] == 404
    assert (await send(client, PLAN, incident_id="../x"))[0] == 404


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (RefusedError("no snapshot"), (409, "NothingToRestore")),
        (TransientError("503"), (503, "TryAgain")),
    ],
)
async def test_what_can_not_be_looked_at_is_not_begun(
    client: FakeClient, monkeypatch: pytest.MonkeyPatch, problem: Exception, code: tuple[int, str]
) -> None:
    async def broken(*_: Any) -> RestorePlan:
        raise problem

    monkeypatch.setattr(restorable, "draw", broken)
    status, said = await send(client, PLAN)

    assert (status, said["code"]) == code


async def test_an_incident_that_acts_comes_to_rest_first(client: FakeClient) -> None:
    client.statuses[ID] = durable("Running", "evicting")
    status, said = await order(client)

    assert (status, said["code"]) == (409, "NotNow")
    assert (client.started, client.events) == ([], [])


@pytest.mark.parametrize("phase", ["watching", "held"])
async def test_an_incident_that_waits_is_told_to_restore(client: FakeClient, phase: str) -> None:
    client.statuses[ID] = durable("Running", phase)
    status, said = await order(client)

    assert status == 202
    ((target, name, asked),) = client.events
    assert (target, name, asked["restore_id"]) == (ID, RESTORE, said["restore_id"])
    assert client.started == []


async def test_another_open_incident_about_the_principal_goes_first(client: FakeClient) -> None:
    claims.take(intake.store(), OBJECT_ID, {"incident_id": "inc-20260102-aaaaaaaaaaaa"})
    client.statuses["inc-20260102-aaaaaaaaaaaa"] = durable("Running", "watching")
    status, said = await order(client)

    assert (status, said["code"], client.started) == (409, "AnotherIncident", [])


# --- how many people --------------------------------------------------------------------------


async def test_one_person_opens_no_identity_and_the_status_says_who_is_needed(
    client: FakeClient,
) -> None:
    state, said = await one_orders(client, ROSA)
    again = await one_orders(client, ROSA)

    assert (state, said["begun"], said["approvals"], said["needs"]) == (202, False, 1, 2)
    assert (again[1]["begun"], again[1]["approvals"]) == (False, 1)
    assert (client.started, client.events) == ([], [])
    assert (said["told"], len(client.told)) == ("people are being told: teams", 1), "told once"
    assert "another person is needed" in client.told[0]["title"]
    shown = status.read(intake.store(), client.statuses[ID])
    assert shown is not None
    assert shown["restore_asked"]["so_far"].startswith("1 of 2: rosa@contoso.example")
    assert shown["restores"] == []


async def test_a_channel_that_does_not_answer_loses_no_order(
    client: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(*_: Any) -> Any:
        raise TransientError("the workflow answered 503")

    async def broken(*_: Any, **_more: Any) -> str:
        raise RuntimeError("the storage account is gone")

    with monkeypatch.context() as patch:
        patch.setattr(notices, "send", busy)
        patch.setattr(client, "start_new", broken)
        first = (await one_orders(client, ROSA))[1]
    assert (first["approvals"], "503" in first["told"]) == (1, True)
    assert (await one_orders(client, INES))[1]["begun"] is True


async def test_who_had_it_done_is_one_of_two_and_never_the_only_one(client: FakeClient) -> None:
    client.statuses[ID] = durable("Completed", requesters=[{"object_id": ROSA, "name": "rosa"}])
    assert (await one_orders(client, ROSA))[1]["begun"] is False
    assert (await one_orders(client, INES))[1]["begun"] is True


async def test_where_one_is_enough_it_is_not_who_had_it_done(
    client: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone(monkeypatch)
    client.statuses[ID] = durable("Completed", requesters=[{"object_id": ROSA, "name": "rosa"}])
    status, said = await one_orders(client, ROSA)

    assert (status, said["code"], client.started) == (403, "RequesterMayNotApprove", [])
    assert (await one_orders(client, INES))[1]["begun"] is True


def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The policy of a team of one."""
    now = intake.policy()
    consent = now.consent.model_copy(update={"people_for_restore": 1})
    changed = now.model_copy(update={"consent": consent})
    monkeypatch.setattr(intake, "policy", lambda: changed)


async def test_others_choose_the_same_or_it_is_no_second_order(client: FakeClient) -> None:
    await one_orders(client, ROSA, chosen=["trust:weu"])
    status, said = await one_orders(client, INES)

    assert (status, said["code"], said["chosen"]) == (409, "OtherChoice", ["trust:weu"])
    assert client.started == []


async def test_in_another_world_the_first_order_is_void(
    client: FakeClient, plan: list[RestorePlan]
) -> None:
    await one_orders(client, ROSA)
    changed = world({"federated_credentials": [FOREIGN]}, standing={"enabled": True})
    plan.append(plans.draw(changed, [], None))

    other = (await one_orders(client, INES))[1]
    assert (other["begun"], other["approvals"]) == (False, 1)
    assert client.started == []
    assert (await one_orders(client, ROSA))[1]["begun"] is True


async def test_an_order_that_nobody_joined_in_time_is_none(
    client: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await one_orders(client, ROSA)
    monkeypatch.setattr(restore_asking, "is_over", lambda asking: asking["number"] == 1)

    assert status.read(intake.store(), client.statuses[ID])["restore_asked"] is None  # type: ignore[index]
    late = (await one_orders(client, INES))[1]
    assert (late["begun"], late["approvals"], client.started) == (False, 1, [])
    assert (await one_orders(client, ROSA))[1]["begun"] is True


async def test_an_answer_after_its_time_does_not_count(client: FakeClient) -> None:
    await one_orders(client, ROSA)
    asking = consents.newest(intake.store(), INCIDENT)
    assert asking is not None
    late = (datetime.fromisoformat(asking["expires_at"]) + timedelta(seconds=1)).isoformat()
    said = restore_orders.said(INES, asking["plan_hash"], [], late)
    consents.keep(intake.store(), INCIDENT, asking, said)

    assert consents.judge(intake.store(), INCIDENT, asking) is None


async def refuse(client: FakeClient, plan_hash: str, by: str = INES) -> tuple[int, dict[str, Any]]:
    body = {"mode": "refuse", "reason": "it was none", "plan_hash": plan_hash}
    return await send(client, body, by=by)


async def test_one_no_ends_it_and_another_round_begins_at_one(
    client: FakeClient, plan: list[RestorePlan]
) -> None:
    now = plans.plan_hash(plan[-1])
    assert (await refuse(client, now))[1]["code"] == "NotAsked"
    await one_orders(client, ROSA)
    assert (await refuse(client, "0" * 64))[1]["code"] == "StalePlan"
    status, said = await refuse(client, now)

    assert (status, said["refused"], said["begun"]) == (202, True, False)
    assert (await refuse(client, now))[1]["code"] == "NotAsked"
    assert (await one_orders(client, INES))[1]["approvals"] == 1
    assert client.started == []


async def test_an_event_alone_opens_nothing(client: FakeClient, tmp_path: Any) -> None:
    """Whoever holds Durable's key can raise one; what people said lies in the evidence."""
    store, policy = intake.store(), intake.policy().frozen()
    drawn = plans.draw(world(), [], None)
    forged: Any = {"restore_id": "restore-one", "plan_hash": plans.plan_hash(drawn), "chosen": []}
    assert "no order" in consents.why_not(store, INCIDENT, forged, policy)
    alone = restore_orders.ordered(store, INCIDENT, policy, drawn, people=1)
    assert "too few people" in consents.why_not(store, INCIDENT, alone, policy)
    whole = restore_orders.ordered(store, INCIDENT, policy, drawn)
    assert consents.why_not(store, INCIDENT, whole, policy) == ""
    more: Any = {**whole, "chosen": ["trust:weu"]}
    assert "another restore" in consents.why_not(store, INCIDENT, more, policy)


async def test_how_each_restore_stands_is_in_the_status(client: FakeClient) -> None:
    base = f"incidents/{ID}/restore"
    store = intake.store()
    store.put_json(f"{base}/plan-0123.json", {})
    store.put_json(f"{base}/restore-a/plan.json", {})
    store.put_json(f"{base}/restore-a/outcome.json", {"outcome": "restored", "ended_at": "2026"})
    store.put_json(f"{base}/restore-b/plan.json", {})
    shown = status.read(store, client.statuses[ID])

    assert shown is not None
    assert [(one["restore_id"], one["outcome"]) for one in shown["restores"]] == [
        ("restore-a", "restored"),
        ("restore-b", None),
    ]


# --- its own re-trigger --------------------------------------------------------------------------


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """A restore of the principal that ended a minute ago, by us."""
    moment = datetime.now(UTC) - timedelta(minutes=1)
    restored = {"restore_id": "restore-1", "ended_at": moment.isoformat()}
    restorations.record(intake.store(), OBJECT_ID, ID, restored)

    async def connect() -> Any:
        async def own() -> set[str]:
            return {OURSELVES}

        return SimpleNamespace(own_object_ids=own)

    monkeypatch.setattr(Cloud, "connect", staticmethod(connect))
    return moment


def fired(moment: datetime, **dimensions: str) -> dict[str, Any]:
    named = {"ServicePrincipalId": OBJECT_ID, **dimensions}
    return alert(named, firedDateTime=moment.isoformat(), alertId=f"/alerts/{dimensions}")


async def test_what_fired_before_the_end_of_a_restore_is_kept_and_starts_nothing(
    client: FakeClient, ended: datetime
) -> None:
    status, said = await send_alert(client, fired(ended - timedelta(minutes=5)))

    assert (status, said["incident_id"], client.started) == (202, ID, [])
    assert len(intake.store().list(f"incidents/{ID}/signals")) == 1


async def test_what_fires_later_opens_an_incident(client: FakeClient, ended: datetime) -> None:
    await send_alert(client, fired(ended + timedelta(seconds=1)))

    assert len(client.started) == 1


async def test_an_echo_of_our_own_writes_starts_nothing_another_actor_does(
    client: FakeClient, ended: datetime
) -> None:
    await send_alert(client, fired(ended + timedelta(seconds=30), Caller=OURSELVES))
    assert client.started == []

    await send_alert(client, fired(ended + timedelta(seconds=30), Caller=PRINCIPAL["app_id"]))
    assert len(client.started) == 1


async def test_a_responder_is_always_heard(client: FakeClient, ended: datetime) -> None:
    wanted = {"object_id": OBJECT_ID, "mode": "contain", "reason": "it was one after all"}
    status, _ = await open_incident(client, wanted)

    assert (status, len(client.started)) == (202, 1)
    assert ended < datetime.now(UTC)


async def test_a_responder_who_calls_during_a_restore_stops_it(client: FakeClient) -> None:
    _, said = await order(client)
    holder = f"{ID}-{said['restore_id']}"
    client.statuses[holder] = durable("Running", "restoring")
    wanted = {"object_id": OBJECT_ID, "mode": "contain", "reason": "it was one after all"}
    status, joined = await open_incident(client, wanted)

    assert (status, joined["incident_id"]) == (202, ID)
    assert [(target, name) for target, name, _ in client.events] == [(holder, "responder-call")]


async def test_an_alert_during_a_restore_is_kept_with_the_incident(client: FakeClient) -> None:
    _, said = await order(client)
    client.statuses[f"{ID}-{said['restore_id']}"] = durable("Running", "restoring")
    _, joined = await send_alert(client, alert())

    assert (joined["incident_id"], joined["joined"], joined["status"]) == (ID, True, "accepted")
    kept = await asyncio.to_thread(intake.store().list, f"incidents/{ID}/signals")
    assert (len(kept), len(client.started), client.events) == (1, 1, [])
