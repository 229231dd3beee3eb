"""From alert to recovered, in one process on the sandbox: what the successor is, and what it may."""

import asyncio
from datetime import datetime
from typing import Any

import pytest

from playbooks.consents import consent_event
from responders.model import Hint
from tests.in_process import Clock, Driven, InProcess

pytestmark = pytest.mark.timeout(120)
ROSA = {"object_id": "rosa", "name": "Rosa"}


@pytest.fixture(autouse=True)
def _kubelets_take_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pods of the sandbox become ready in real time, which a jump of its clock does not bring on."""
    jump = Clock.jump

    async def slower(clock: Clock, to: datetime) -> None:
        await asyncio.sleep(0.2)
        await jump(clock, to)

    monkeypatch.setattr(Clock, "jump", slower)


def seeded(world: InProcess, name: str) -> dict[str, Any]:
    found: dict[str, Any] = world.sandbox.described["seed"][name]
    return found


def state(world: InProcess) -> dict[str, Any]:
    found: dict[str, Any] = world.sandbox.control("GET", "state")
    return found


async def asked(world: InProcess, hint: Hint) -> Driven:
    """An incident that a responder opened, at the moment when it asks for consent."""
    driven = world.start(await world.call(hint, mode="respond"))
    await driven.until("awaiting_consent")
    return driven


def agree(driven: Driven, **more: Any) -> None:
    plan_hash = driven.status["consent"]["plan_hash"]
    said = {"decision": "grant", "plan_hash": plan_hash, "approver": ROSA, "reason": "read"}
    driven.raise_event(consent_event(plan_hash), {**said, "chosen": [], "confirmed": [], **more})


async def test_a_managed_identity_comes_back_under_a_new_name_with_its_trusts_and_roles(
    in_process: InProcess,
) -> None:
    old = seeded(in_process, "payments_identity")
    driven = await asked(in_process, {"object_id": old["object_id"]})
    agree(driven)
    await driven.until("watching", "closed")

    assert driven.status["outcome"] == "recovered", driven.status["clusters"]
    made = driven.status["identity"]
    now = state(in_process)
    name = made["resource_id"].rpartition("/")[2]
    assert name.startswith("id-payments-r")
    grants = [
        one["properties"]
        for one in now["roleAssignments"]
        if one["properties"]["principalId"] == made["object_id"]
    ]
    assert [one["principalType"] for one in grants] == ["ServicePrincipal"]
    answers = dict(driven.answers)
    assert len(answers["federate_identity"]["detail"].split(", ")) == 2
    assert answers["prove_old_subjects_refused"]["status"] == "done"
