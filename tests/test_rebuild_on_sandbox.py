"""From alert to recovered, in one process on the sandbox: what the successor is, and what it may."""

import asyncio
import json
import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from drill.scenarios import SCENARIOS
from drill.staging import stage
from responders.model import Hint
from tests.in_process import Clock, Driven, InProcess
from tests.scenario_play import Stage

pytestmark = pytest.mark.timeout(120)
ROSA = {"object_id": "rosa", "name": "Rosa"}


@pytest.fixture(autouse=True)
def _kubelets_take_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pods of the sandbox become ready in real time, which a jump of its clock does not bring on."""
    jump = Clock.jump

    async def slower(clock: Clock, to: datetime) -> None:
        if to - clock.now() < timedelta(minutes=1):  # a longer one waits for no pod
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
    order = await world.call(hint, mode="respond")
    order["policy"]["watch"]["check_every_minutes"] = 12 * 60  # what is watched is tested elsewhere
    driven = world.start(order)
    await driven.until("awaiting_consent")
    return driven


def proofs(driven: Driven) -> str:
    said = [answer["detail"] for step, answer in driven.answers if step == "prove_new_identity"]
    return "; ".join(said)


async def test_a_managed_identity_comes_back_under_a_new_name_with_its_trusts_and_roles(
    in_process: InProcess,
) -> None:
    old = seeded(in_process, "payments_identity")
    driven = await asked(in_process, {"object_id": old["object_id"]})
    driven.agree()
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
    assert "gets a token and reads blobs of stordersprod/orders" in proofs(driven)
    assert len(answers["federate_identity"]["detail"].split(", ")) == 2
    assert answers["prove_old_subjects_refused"]["status"] == "done"


async def test_a_service_account_that_nothing_trusts_is_left_to_a_person_and_holds_up_no_other(
    in_process: InProcess,
) -> None:
    """As one that has its tokens by an identity binding, or one that named the client id and never worked."""
    old = seeded(in_process, "payments_identity")
    notes = {"azure.workload.identity/client-id": old["app_id"]}
    about = {"name": "stray", "namespace": "payments", "annotations": notes}
    account = {"serviceaccounts": [{"metadata": about}]}
    in_process.sandbox.control("POST", "seed", {"clusters": {"aks-weu": account}})
    driven = await asked(in_process, {"object_id": old["object_id"]})
    driven.agree()
    await driven.until("watching", "closed")

    found = driven.status["clusters"]["aks-weu"]
    assert (found["status"], driven.status["outcome"]) == ("by_hand", "partly_recovered"), found
    assert "the plan has no trust for payments/stray" in found["detail"]
    assert any(
        "federated credential for system:serviceaccount:payments:stray-r" in one
        for one in driven.status["by_hand"]
    )
    running = {
        (pod["spec"]["serviceAccountName"].partition("-r")[0], pod["status"]["phase"])
        for pod in state(in_process)["clusters"]["aks-weu"]["pods"]
        if pod["metadata"]["namespace"] == "payments"
    }
    assert running == {("payments", "Running")}
    others = {one["status"] for name, one in driven.status["clusters"].items() if name != "aks-weu"}
    assert others == {"done"}


def plan_of(world: InProcess, driven: Driven) -> dict[str, Any]:
    path = world.evidence / f"incidents/{driven.order['incident']['incident_id']}/plan.json"
    found: dict[str, Any] = json.loads(path.read_text())
    return found


async def test_what_a_person_chooses_comes_back_and_what_nobody_chose_does_not(
    in_process: InProcess,
) -> None:
    old = seeded(in_process, "orders_api")
    driven = await asked(in_process, {"object_id": old["object_id"]})
    plan = plan_of(in_process, driven)
    groups = [one for one in plan["choices"] if one["what"] == "group membership"]
    others = [one for one in plan["choices"] if one not in groups]
    assert groups and others
    driven.agree(chosen=[one["key"] for one in groups])
    await driven.until("watching", "closed")

    assert driven.status["outcome"] == "recovered", driven.status["clusters"]
    made = driven.status["identity"]
    now = state(in_process)
    joined = {
        group for group, members in now["groupMembers"].items() if made["object_id"] in str(members)
    }
    assert joined == {one["restores"]["item"]["id"] for one in groups}
    roles = [one for one in now["appRoleAssignments"] if one["principalId"] == made["object_id"]]
    assert len(roles) == len(plan["app_roles"])
    granted = [one for one in now["oauth2PermissionGrants"] if one["clientId"] == made["object_id"]]
    assert granted == []
    by_hand = driven.status["by_hand"]
    said = [one for one in by_hand if one.startswith("# not chosen")]
    assert "aks-weu shop/orders-api" in said[0]
    assert any("oauth2PermissionGrants" in one and made["object_id"] in one for one in said[1:])
    assert not any("member add" in one for one in by_hand), "the groups were chosen"


async def test_what_firebreak_may_not_give_is_said_with_the_command_and_the_rest_goes_on(
    in_process: InProcess,
) -> None:
    old = seeded(in_process, "orders_api")
    driven = await asked(in_process, {"object_id": old["object_id"]})
    plan = plan_of(in_process, driven)
    groups = [one["key"] for one in plan["choices"] if one["what"] == "group membership"]
    fault = {"service": "graph", "method": "POST", "path": "/members/", "status": 403, "times": 99}
    in_process.sandbox.control("POST", "faults", fault)
    driven.agree(chosen=groups)
    await driven.until("watching", "closed")

    assert driven.status["outcome"] == "partly_recovered"
    made = driven.status["identity"]["object_id"]
    commands = [one for one in driven.status["by_hand"] if f"--member-id {made}" in one]
    assert len(commands) == len(groups)
    answers = dict(driven.answers)
    assert answers["give_permissions"]["status"] == "refused"
    assert answers["rewire_cluster"]["status"] == "done"


async def test_the_sign_ins_of_both_identities_are_told_when_their_rows_are_there(
    in_process: InProcess,
) -> None:
    driven = await asked(in_process, {"object_id": seeded(in_process, "orders_api")["object_id"]})
    driven.agree()
    await driven.until("closed")

    seen = [one for step, one in driven.answers if step == "collect_successor_sign_ins"]
    assert len(seen) == 2
    assert seen[0]["strange"] == []
    count = re.match(r"new identity: (\d+) sign-ins by its trusts", seen[0]["detail"])
    assert count is not None and int(count[1]) > 0, seen[0]["detail"]
    assert " 0 accepted" in seen[0]["detail"]


@pytest.mark.parametrize("name", ["rogue-fic-on-app", "rogue-fic-on-identity"])
async def test_what_an_attacker_planted_is_in_the_plan_as_planted_and_in_no_list_of_what_comes_back(
    scenario_stage: Stage, name: str
) -> None:
    """The log of the window tells the planted trust from the old ones: no confirmation is needed for those."""
    world = scenario_stage.in_process
    await stage(SCENARIOS[name], scenario_stage, lambda *_: None)
    victim = SCENARIOS[name].victim(scenario_stage.described).object_id
    plan = plan_of(world, await asked(world, {"object_id": victim}))

    planted = [
        one
        for one in plan["left_out"]
        if one["what"] == "federated credential" and one["suspicious"]
    ]
    assert len(planted) == 1
    assert "inside the compromise window" in planted[0]["reason"]
    issuers = {one["survey"]["cluster"]["issuer_url"] for one in plan["clusters"]}
    assert {one["issuer"] for one in plan["federated_credentials"]} <= issuers
    assert len(plan["federated_credentials"]) >= 2
    assert plan["confirmations"] == []
