"""Signing keys are rotated twice, no less and no more, whatever is repeated: counted on the sandbox's own issuer."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from playbooks import key_turns
from playbooks.journaled import open_store
from responders import restarts, signing_key_rotations
from responders.cloud import Cloud
from responders.errors import TransientError
from tests.agreed import agree
from tests.in_process import InProcess, activities

EVICTED = "2026-01-01T00:00:00+00:00"


@pytest.fixture
async def order(in_process: InProcess) -> Any:
    """An order about one cluster, whose incident has a plan that people agreed to."""
    seed = in_process.sandbox.described["seed"]
    opened = await in_process.call({"object_id": seed["orders_api"]["object_id"]}, mode="respond")
    listed = await activities()["list_clusters"](dict(opened))
    ref = next(one for one in listed["clusters"] if one["name"] == "aks-weu")
    agree(open_store(), opened["incident"], {"clusters": [{"survey": {"cluster": ref}}]})
    return {**opened, "cluster": ref, "facts": {"since": EVICTED}}


async def step(name: str, order: Any, **facts: Any) -> Any:
    return await activities()[name]({**order, "facts": {**order["facts"], **facts}})


async def kids(order: Any) -> frozenset[str]:
    return (await signing_key_rotations.published(await Cloud.connect(), order["cluster"])).kids


@pytest.fixture(autouse=True)
def rotations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The clusters that Azure was asked to rotate, each time."""
    asked: list[str] = []
    real = signing_key_rotations.rotate

    async def counted(cloud: Any, cluster: Any) -> None:
        asked.append(cluster["name"])
        await real(cloud, cluster)

    monkeypatch.setattr(signing_key_rotations, "POLL_S", 0.05)
    monkeypatch.setattr(signing_key_rotations, "rotate", counted)
    return asked


async def test_after_two_rotations_no_key_of_before_is_left(order: Any) -> None:
    before = await kids(order)
    await step("record_signing_keys", order)

    for turn in (1, 2):
        assert (await step("rotate_signing_keys", order, turn=turn))["status"] == "done"

    assert not before & await kids(order)
    proof = await step("prove_keys_gone", order)
    assert proof["status"] == "done"
    assert proof["max_age_s"] == 10


async def test_one_rotation_is_not_enough_and_is_said_not_to_be(order: Any) -> None:
    await step("record_signing_keys", order)
    await step("rotate_signing_keys", order, turn=1)

    proof = await step("prove_keys_gone", order)

    assert proof["status"] == "failed"
    assert "still published" in proof["detail"]


async def test_repeating_each_turn_makes_two_rotations_in_all(
    rotations: list[str], order: Any
) -> None:
    await step("record_signing_keys", order)
    for turn in (1, 1, 2, 2, 1):
        assert (await step("rotate_signing_keys", order, turn=turn))["status"] == "done"
        await step("record_signing_keys", order)

    assert len(await kids(order)) == 2
    assert len(rotations) == 2


async def test_a_crash_after_a_rotation_and_before_its_record_makes_no_third_one(
    rotations: list[str], order: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await step("record_signing_keys", order)
    real = signing_key_rotations.rotate

    async def lost(cloud: Any, cluster: Any) -> None:
        await real(cloud, cluster)
        raise TransientError("the worker died here")

    monkeypatch.setattr(signing_key_rotations, "rotate", lost)
    assert (await step("rotate_signing_keys", order, turn=1))["retry"]
    monkeypatch.setattr(signing_key_rotations, "rotate", real)

    assert (await step("rotate_signing_keys", order, turn=1))["status"] == "done"
    assert len(rotations) == 1


async def test_a_rotation_whose_key_is_not_seen_yet_is_not_made_again(
    rotations: list[str], order: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await step("record_signing_keys", order)
    old = await signing_key_rotations.published(await Cloud.connect(), order["cluster"])

    async def stale(_cloud: Any, _cluster: Any) -> Any:
        return old

    monkeypatch.setattr(signing_key_rotations, "published", stale)
    for _ in range(3):
        assert (await step("rotate_signing_keys", order, turn=1))["retry"]

    assert len(rotations) == 1


async def test_whoever_holds_tokens_is_restarted_and_aks_itself_is_not(
    in_process: InProcess, order: Any
) -> None:
    listed = await step("list_token_users", order)
    path = listed["detail"].partition(":")[0]
    users = open_store().get_json(path)

    assert {one["name"] for one in users["restart"]} >= {"orders-api", "billing-api"}
    assert all(one["namespace"] != "kube-system" for one in users["restart"])
    assert any("kube-system" in one["what"] for one in users["report"])

    assert (await step("restart_token_users", order, batch=0))["status"] == "done"
    assert (await step("restart_token_users", order, batch=0))["status"] == "nothing_to_do"
    state = in_process.sandbox.control("GET", "state")["clusters"][order["cluster"]["name"]]
    stamped = [
        one["metadata"]["name"]
        for one in state["deployments"]
        if restarts.RESTARTED in (one["spec"]["template"]["metadata"].get("annotations") or {})
    ]
    assert sorted(stamped) == sorted(one["name"] for one in users["restart"])


async def test_what_a_later_eviction_finds_begins_anew(order: Any) -> None:
    for since in (EVICTED, "2026-01-02T00:00:00+00:00"):
        later = {**order, "facts": {"since": since}}
        before = await kids(order)
        await step("record_signing_keys", later)
        for turn in (1, 2):
            await step("rotate_signing_keys", later, turn=turn)
        assert not before & await kids(order)


async def test_a_rotation_that_fails_after_it_was_accepted_is_no_rotation(
    order: Any, in_process: InProcess, rotations: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    in_process.sandbox.control("POST", "cluster-operations", {"fail": ["aks-weu"]})
    before = await kids(order)
    await step("record_signing_keys", order)

    failed = await step("rotate_signing_keys", order, turn=1)

    assert (failed["status"], failed.get("retry")) == ("failed", True), failed
    assert "InternalOperationError" in failed["detail"]
    assert "bug in Firebreak" not in failed["detail"]
    assert await kids(order) == before
    monkeypatch.setattr(key_turns, "_PUBLISHED_WITHIN", timedelta())  # the wait for its key is over
    assert (await step("rotate_signing_keys", order, turn=1))["status"] == "done"
    assert len(rotations) == 2


async def test_a_rotation_that_failed_after_it_was_accepted_is_made_again_at_once(
    in_process: InProcess, rotations: list[str], order: Any
) -> None:
    await step("record_signing_keys", order)
    in_process.sandbox.control("POST", "cluster-operations", {"fail": ["aks-weu"]})

    assert (await step("rotate_signing_keys", order, turn=1))["retry"]
    assert (await step("rotate_signing_keys", order, turn=1))["status"] == "done"

    assert rotations == ["aks-weu", "aks-weu"]
    assert len(await kids(order)) == 2  # the old one and one new one


async def test_a_cluster_whose_rotations_azure_gives_up_is_a_persons_at_once(
    in_process: InProcess, rotations: list[str], order: Any
) -> None:
    await step("record_signing_keys", order)
    answers = []
    for _ in range(3):
        in_process.sandbox.control("POST", "cluster-operations", {"fail": ["aks-weu"]})
        answers.append(await step("rotate_signing_keys", order, turn=1))

    assert [one["status"] for one in answers] == ["failed", "failed", "refused"]
    assert "provisioningState is failed" in answers[-1]["detail"]
    assert len(rotations) == 2, "no third one while it is not known why"


async def test_a_recovery_that_is_resumed_goes_on_from_the_restarts(
    rotations: list[str], order: Any
) -> None:
    """What the first run did is known by the cluster's eviction, which a resume does not move."""
    for _ in range(2):
        recorded = await step("record_signing_keys", order)
        for turn in (1, 2):
            assert (await step("rotate_signing_keys", order, turn=turn))["status"] == "done"
        await step("list_token_users", order)
        restarted = await step("restart_token_users", order, batch=0)

    assert len(rotations) == 2
    assert restarted["status"] == "nothing_to_do", "nobody is restarted twice"
    assert recorded["at"] < datetime.now(UTC).isoformat()


async def test_in_the_sandbox_firebreak_may_rotate(order: Any) -> None:
    cloud = await Cloud.connect()

    assert await signing_key_rotations.missing_right(cloud, order["cluster"]) == ""


@pytest.mark.parametrize(
    ("blocks", "may"),
    [
        ([], False),
        ([{"actions": ["*/read"], "notActions": []}], False),
        ([{"actions": ["*"], "notActions": []}], True),
        ([{"actions": ["Microsoft.ContainerService/managedClusters/*"], "notActions": []}], True),
        ([{"actions": ["*"], "notActions": ["*/rotateServiceAccountSigningKeys/action"]}], False),
        (
            [
                {"actions": ["*"], "notActions": ["Microsoft.ContainerService/*"]},
                {
                    "actions": [
                        "microsoft.containerservice/managedclusters/rotateserviceaccountsigningkeys/action"
                    ]
                },
            ],
            True,
        ),
    ],
)
async def test_a_right_is_what_one_role_gives_and_does_not_take(
    blocks: list[dict[str, Any]], may: bool
) -> None:
    async def listed(_path: str, _version: str) -> list[dict[str, Any]]:
        return blocks

    async def acting_as(_hand: str) -> Any:
        return cloud

    cloud: Any = SimpleNamespace(arm=SimpleNamespace(list=listed), acting_as=acting_as)
    cluster: Any = {"name": "aks-weu", "resource_id": "/x"}

    missing = await signing_key_rotations.missing_right(cloud, cluster)

    assert (missing == "") == may
    assert may or "Signing Key Rotator" in missing
