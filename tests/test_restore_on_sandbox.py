"""A false alarm is taken back: the world equals the one before it, minus what is never revived."""

import json
from collections import Counter
from typing import cast

import pytest

from drill.differences import differences
from playbooks.containment import CALLED
from playbooks.journaled import open_store
from playbooks.orders import Order
from playbooks.restoring import RESTORE, plans
from playbooks.restoring.model import RestorePlan
from playbooks.steps import cluster_undos, restorable
from responders.cloud import Cloud, read_only
from responders.model import Hint
from tests import restore_orders
from tests.in_process import Driven, InProcess, Step
from tests.rehearsal import Json, Rehearsal

pytestmark = [pytest.mark.timeout(120), pytest.mark.slow]


def normal(world: InProcess) -> Json:
    """The sandbox's state, in the form that two of them are compared in."""
    return dict(world.sandbox.control("GET", "state?form=normal"))


async def contained(world: InProcess, hint: Hint) -> Driven:
    """An incident that has contained, investigated, and is watching."""
    order = await world.call(hint, "contain")
    order["policy"]["verification"]["attempts"] = 3
    driven = world.start(order)
    await driven.until("watching")
    return driven


async def drawn(driven: Driven) -> RestorePlan:
    """The plan, as the API would answer it, kept where the API keeps it."""
    store, incident = open_store(), driven.order["incident"]
    with read_only():
        plan = await restorable.draw(await Cloud.connect(), store, incident)
    path = restorable.shown_path(incident, plans.plan_hash(plan))
    if not store.exists(path):
        store.put_json(path, plan)
    return plan


def ordered(driven: Driven, plan: RestorePlan, chosen: set[str], name: str = "one") -> Order:
    """The order of people who read this plan."""
    store, incident, policy = open_store(), driven.order["incident"], driven.order["policy"]
    requested = restore_orders.ordered(
        store, incident, policy, plan, chosen=chosen, restore_id=f"restore-{name}"
    )
    facts: Json = {"requested": requested, "alone": True}
    return cast(Order, {**driven.order, "facts": facts})


async def restore(
    world: InProcess, driven: Driven, *, everything: bool = True, name: str = "one"
) -> Rehearsal:
    """Ask for the plan, choose everything that it offers, and carry it out."""
    plan = await drawn(driven)
    chosen = plans.choices(plan) if everything else set()
    order = ordered(driven, plan, chosen, name)
    return await world.start(order, playbook="restore_identity").until()


def never(plan: RestorePlan) -> set[str]:
    return {one["key"].partition(":")[2] for one in plan["pieces"] if one["verdict"] == "never"}


async def test_after_a_false_alarm_the_world_is_as_before_but_for_the_credentials_that_are_listed(
    in_process: InProcess,
) -> None:
    before = normal(in_process)
    ids = in_process.sandbox.seed["orders_api"]
    driven = await contained(in_process, {"object_id": ids["object_id"]})
    listed = never(await drawn(driven))
    run = await restore(in_process, driven)

    assert run.outcome["outcome"] == "restored", run.outcome
    found = differences(before, normal(in_process))
    assert {one.path[2] for one in found} <= {"passwordCredentials", "keyCredentials"}
    assert {one.path[3] for one in found if one.kind == "removed"} == listed
    assert len(found) == len(listed) == 2


@pytest.mark.exhaustive
async def test_a_managed_identity_comes_back_whole(in_process: InProcess) -> None:
    before = normal(in_process)
    ids = in_process.sandbox.seed["payments_identity"]
    driven = await contained(in_process, {"object_id": ids["object_id"]})
    assert differences(before, normal(in_process)) != []
    run = await restore(in_process, driven)

    assert run.outcome["outcome"] == "restored", run.outcome
    assert list(map(str, differences(before, normal(in_process)))) == []


@pytest.mark.exhaustive
async def test_a_world_that_changed_after_the_order_is_refused_with_the_difference_and_untouched(
    in_process: InProcess,
) -> None:
    ids = in_process.sandbox.seed["orders_api"]
    driven = await contained(in_process, {"object_id": ids["object_id"]})
    plan = await drawn(driven)
    add_secret(in_process)
    between = normal(in_process)
    order = ordered(driven, plan, plans.choices(plan))
    run = await in_process.start(order, playbook="restore_identity").until()

    assert run.outcome["outcome"] == "restore_refused"
    assert "added since" in run.outcome["detail"]
    assert differences(between, normal(in_process)) == []


@pytest.mark.exhaustive
async def test_while_somebody_elses_secret_is_on_it_the_door_stays_closed(
    in_process: InProcess,
) -> None:
    ids = in_process.sandbox.seed["orders_api"]
    driven = await contained(in_process, {"object_id": ids["object_id"]})
    add_secret(in_process)
    run = await restore(in_process, driven)

    assert run.outcome["outcome"] == "partly_restored"
    assert any("not opened" in one for one in run.outcome["missing"])
    found = in_process.sandbox.control("GET", "state")["servicePrincipals"]
    assert [one["accountEnabled"] for one in found if one["id"] == ids["object_id"]] == [False]


@pytest.mark.exhaustive
async def test_a_restore_that_runs_again_finds_everything_there(in_process: InProcess) -> None:
    ids = in_process.sandbox.seed["payments_identity"]
    driven = await contained(in_process, {"object_id": ids["object_id"]})
    await restore(in_process, driven)
    between = normal(in_process)
    again = await restore(in_process, driven, name="two")

    assert again.outcome["outcome"] == "restored"
    assert differences(between, normal(in_process)) == []


@pytest.mark.exhaustive
async def test_a_responder_who_calls_meanwhile_has_it_contained_again(
    in_process: InProcess,
) -> None:
    ids = in_process.sandbox.seed["orders_api"]
    driven = await contained(in_process, {"object_id": ids["object_id"]})
    plan = await drawn(driven)
    order = ordered(driven, plan, plans.choices(plan))
    order["policy"]["watch"]["check_every_minutes"] = 24 * 60  # what it watches is tested elsewhere
    restoring = in_process.start(order, playbook="restore_identity")
    restoring.raise_event(CALLED, {"at": "now"})
    run = await restoring.until()

    assert run.outcome["outcome"] == "partly_restored"
    assert "contained again: " in run.outcome["detail"]
    assert "enable_service_principal" not in run.timeline
    assert (
        "verify_containment" in run.timeline[run.timeline.index("end_restore") :]
    )  # it is watched
    assert run.timeline[-1] == "release_restore"


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", ["orders_api", "payments_identity"])
async def test_each_step_whose_answer_a_crash_lost_does_nothing_twice(
    in_process: InProcess, seed: str
) -> None:
    before = normal(in_process)
    ids = in_process.sandbox.seed[seed]
    driven = await contained(in_process, {"object_id": ids["object_id"]})
    plan, written = await drawn(driven), len(in_process.sandbox.record())
    restoring = in_process.start(
        ordered(driven, plan, plans.choices(plan)), playbook="restore_identity"
    )
    restoring.steps = {name: twice(step) for name, step in restoring.steps.items()}
    run = await restoring.until()

    assert run.outcome["outcome"] == "restored", run.outcome
    gone = never(plan)
    left = [one for one in differences(before, normal(in_process)) if one.path[-1] not in gone]
    assert list(map(str, left)) == []
    writes = [
        (one["method"], one["url"], json.dumps(one["request_body"], sort_keys=True))
        for one in in_process.sandbox.record()[written:]
        if one["method"] in {"POST", "PUT", "PATCH", "DELETE"} and one["status"] in {201, 204}
    ]
    assert writes
    assert [one for one, count in Counter(writes).items() if count > 1] == []


def twice(step: Step) -> Step:
    """The host was killed when the step had done its work, and before its answer was kept: it runs again."""

    async def again(order: Json) -> Json:
        await step(order)
        return await step(order)

    return again


def add_secret(world: InProcess) -> None:
    """An administrator adds one, or somebody with her session."""
    seed, graph = world.sandbox.seed["orders_api"], world.sandbox.endpoints["graph"]
    token = world.sandbox.sign_in("rosa", "https://graph.microsoft.com")
    url = f"{graph}/v1.0/applications/{seed['application_object_id']}/addPassword"
    body = {"passwordCredential": {"displayName": "added since"}}
    answer = world.sandbox.http.post(url, json=body, headers={"Authorization": f"Bearer {token}"})
    assert answer.is_success, answer.text


def asked(driven: Driven, plan: RestorePlan, chosen: set[str]) -> Json:
    """What the API raises as an event: the order of a person who read this plan."""
    return dict(ordered(driven, plan, chosen)["facts"]["requested"])


async def test_an_incident_that_is_watched_restores_itself_and_ends(in_process: InProcess) -> None:
    before = normal(in_process)
    ids = in_process.sandbox.seed["payments_identity"]
    driven = await contained(in_process, {"object_id": ids["object_id"]})
    plan = await drawn(driven)
    driven.raise_event(RESTORE, asked(driven, plan, plans.choices(plan)))
    run = await driven.until()

    assert run.outcome["outcome"] == "restored"
    assert list(map(str, differences(before, normal(in_process)))) == []
    assert driven.status["phase"] == "closed"
    told = [one["notice"] for name, one in run.orders if name == "tell_people"]
    assert "reversed" not in told
    assert run.timeline[-1] == "release_principal"


@pytest.mark.exhaustive
async def test_a_restore_that_is_refused_leaves_the_watch_as_it_was(in_process: InProcess) -> None:
    ids = in_process.sandbox.seed["payments_identity"]
    driven = await contained(in_process, {"object_id": ids["object_id"]})
    plan, between = await drawn(driven), normal(in_process)
    driven.raise_event(RESTORE, asked(driven, plan, set()) | {"plan_hash": "0" * 64})
    await driven.until_answered("begin_restore")

    assert (driven.is_done, driven.status["phase"]) == (False, "watching")
    assert differences(between, normal(in_process)) == []
    assert [answer["status"] for name, answer in driven.answers if name == "begin_restore"] == [
        "refused"
    ]


@pytest.mark.exhaustive
async def test_an_incident_that_is_held_can_be_taken_back(in_process: InProcess) -> None:
    before = normal(in_process)
    ids = in_process.sandbox.seed["orders_api"]
    order = await in_process.alert(ids["object_id"])
    order["policy"]["guards"]["most_removals_per_run"] = 1
    driven = in_process.start(order)
    await driven.until("held")
    plan = await drawn(driven)
    assert {"credential"} <= {one.partition(":")[0] for one in plans.choices(plan)}
    driven.raise_event(RESTORE, asked(driven, plan, plans.choices(plan)))
    run = await driven.until()

    assert run.outcome["outcome"] == "restored", run.outcome
    assert list(map(str, differences(before, normal(in_process)))) == []


async def half_recovered(world: InProcess, seed: str) -> Driven:
    """A recovery whose canary is moved and does not come up healthy: the other clusters were only evicted."""
    ids = world.sandbox.seed[seed]
    order = await world.call({"object_id": ids["object_id"]}, "respond")
    order["policy"]["verification"]["attempts"] = 3
    sick: Json = {"status": "failed", "detail": "it does not come up", "final": True}
    driven = world.start(order, {"check_workloads": sick})
    await driven.until("awaiting_consent")
    driven.agree()
    await driven.until("watching")
    assert driven.status["outcome"] == "partly_recovered"
    return driven


@pytest.mark.parametrize(
    "seed", ["orders_api", pytest.param("payments_identity", marks=pytest.mark.exhaustive)]
)
async def test_a_recovery_that_stopped_half_way_is_taken_back_with_what_it_had_made(
    in_process: InProcess, seed: str
) -> None:
    before = normal(in_process)
    driven = await half_recovered(in_process, seed)
    plan = await drawn(driven)
    assert {one["verdict"] for one in plan["clusters"]} == {"restore"}
    order = ordered(driven, plan, plans.choices(plan))
    run = await in_process.start(order, playbook="restore_identity").until()

    assert run.outcome["outcome"] == "restored", run.outcome
    made = cluster_undos.successor_in(open_store(), order["incident"])
    left = [one for one in differences(before, normal(in_process)) if one.after != {}]
    assert [one for one in map(str, left) if not is_expected(one, made, never(plan))] == []
    assert is_closed(in_process, made)


def is_expected(found: str, made: Json, credentials: set[str]) -> bool:
    """The identity that recovery made stays, closed, and its ServiceAccounts; exposed credentials stay gone."""
    kept = {
        f"applications/{made['application_object_id']}: added",
        f"servicePrincipals/{made['object_id']}: added",
        f"resources/{str(made['resource_id']).lower()}: added",
    }
    successor = (
        "/serviceaccounts/" in found and f"-{made['display_name'].rpartition('-')[2]}" in found
    )
    revived = any(found.endswith(f"{one}: removed") for one in credentials)
    return found in kept or revived or (successor and found.endswith(": added"))


def is_closed(world: InProcess, made: Json) -> bool:
    """Nobody signs in as it, nothing trusts into it, it has no role, and no ServiceAccount names it."""
    state = world.sandbox.control("GET", "state")
    roles = [one["properties"]["principalId"] for one in state["roleAssignments"]]
    trusts = [one["applicationId"] for one in state["federatedCredentials"]]
    below = f"{str(made['resource_id']).lower()}/federatedidentitycredentials/"
    trusts += [
        made["object_id"] for one in state["resources"] if one["id"].lower().startswith(below)
    ]
    named = [
        account["metadata"]["name"]
        for cluster in state["clusters"].values()
        for account in cluster["serviceaccounts"]
        if made["app_id"] in (account["metadata"].get("annotations") or {}).values()
    ]
    (principal,) = [one for one in state["servicePrincipals"] if one["id"] == made["object_id"]]
    enabled = principal["accountEnabled"] and made["kind"] == "application"
    opens = {made["object_id"], made["application_object_id"]} & {*roles, *trusts}
    return not (enabled or opens or named)
