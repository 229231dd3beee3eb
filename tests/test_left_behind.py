"""Pods that carry a client id which their ServiceAccount names no more stand still, and nothing else tells of them."""

from typing import Any

import pytest

from responders import left_behind, service_accounts, workloads
from responders.model import Consumer
from tests.cluster_objects import (
    CLIENT_ID,
    account,
    deployment,
    inventory,
    metadata,
    owned_by,
    template,
)

Json = dict[str, Any]
ELSEWHERE = account(client_id="00000000-0000-4000-8000-00000000beef")
INJECTED = {"env": [{"name": "AZURE_CLIENT_ID", "value": CLIENT_ID.lower()}]}


def pod(
    owner: Json | None, name: str = "orders-api-1", kind: str = "StatefulSet", **more: Any
) -> Json:
    phase = more.pop("phase", "Running")
    owners = [] if owner is None else owned_by(owner, kind)
    made = template(container=more.pop("container", INJECTED))
    about = metadata(name, ownerReferences=owners, **more)
    return {"metadata": about, "spec": made["spec"], "status": {"phase": phase}}


SET = deployment()  # a StatefulSet looks the same from here


def found(accounts: Json = ELSEWHERE, **lists: list[Json]) -> list[Consumer]:
    read = inventory(**{"serviceaccounts": [accounts], "statefulsets": [SET], **lists})
    return left_behind.find(read, workloads.find(read, service_accounts.find(read)))


def test_a_workload_whose_pods_name_it_and_whose_account_does_not_is_for_a_person() -> None:
    (one,) = found(pods=[pod(SET), pod(SET, "orders-api-2")])

    assert (one["kind"], one["namespace"], one["name"]) == ("Workload", "shop", "orders-api")
    assert not one["patchable"]
    assert "ServiceAccount orders-api named when they were made" in one["by_hand"]
    assert "-n shop rollout restart statefulset/orders-api" in one["by_hand"]


def test_what_nothing_rolls_out_is_deleted_pod_by_pod() -> None:
    job = {**deployment(), "status": {}}
    (one,) = found(statefulsets=[], jobs=[job], pods=[pod(job, kind="Job")])

    assert "delete pod orders-api-1" in one["by_hand"]


@pytest.mark.parametrize(
    "pods",
    [
        [],
        [pod(SET, container={"env": [{"name": "AZURE_CLIENT_ID", "value": "another"}]})],
        [pod(SET, deletionTimestamp="2026-01-01T00:00:00Z")],
        [pod(SET, phase="Succeeded")],
        [pod(None)],  # a bare one is its own template, and found as such
    ],
    ids=["none", "another identity", "on its way out", "over", "bare"],
)
def test_others_are_not(pods: list[Json]) -> None:
    assert found(pods=pods) == []


def test_what_still_runs_as_the_identity_is_moved_and_no_consumer_beside_itself() -> None:
    assert found(account(), pods=[pod(SET)]) == []


def test_a_template_that_names_it_is_found_as_such() -> None:
    named = deployment(pods=template("other", container=INJECTED))

    assert found(statefulsets=[named], pods=[pod(named)]) == []
