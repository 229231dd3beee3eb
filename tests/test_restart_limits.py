"""A restart of other teams' workloads takes nobody below what a budget keeps, and skips nothing in silence."""

from typing import Any

import pytest

from responders import restart_limits
from responders.restart_limits import unfinished, why_not
from responders.workload_objects import Kind

BUDGET = {
    "metadata": {"name": "keep", "namespace": "shop"},
    "spec": {"selector": {"matchLabels": {"app": "a"}}},
    "status": {"disruptionsAllowed": 0},
}


def test_a_cron_job_has_no_pods_to_replace() -> None:
    """It says no observedGeneration: waiting for that would never end."""
    assert unfinished("CronJob", {"metadata": {"generation": 2}, "spec": {}}) == ""


def workload(*, namespace: str = "shop", owned: bool = False, **spec: Any) -> Any:
    metadata: dict[str, Any] = {"name": "a", "namespace": namespace, "generation": 2}
    if owned:
        metadata["ownerReferences"] = [{"controller": True, "uid": "u", "kind": "Rollout"}]
    template = {"metadata": {"labels": {"app": "a"}}}
    return {"metadata": metadata, "spec": {"replicas": 4, "template": template, **spec}}


def said(kind: Kind, found: Any, *budgets: Any) -> tuple[str, str] | None:
    reported = why_not("weu", kind, found, list(budgets))
    return None if reported is None else (reported["why"], reported["by_hand"])


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
def test_what_rolls_out_is_restarted(kind: Kind) -> None:
    assert said(kind, workload()) is None


@pytest.mark.parametrize(
    ("kind", "found", "why", "command"),
    [
        ("Deployment", workload(namespace="kube-system"), "AKS runs it", ""),
        ("ReplicaSet", workload(owned=True), "controller that Firebreak", "get replicaset a"),
        ("Pod", workload(), "a bare pod", "delete pod a"),
        ("Job", workload(), "runs to its end", ""),
        ("CronJob", workload(), "runs to its end", ""),
        ("Deployment", workload(paused=True), "paused", "rollout resume deployment/a"),
        ("DaemonSet", workload(updateStrategy={"type": "OnDelete"}), "OnDelete", "delete pod"),
    ],
)
def test_what_is_not_restarted_says_why(kind: Kind, found: Any, why: str, command: str) -> None:
    answer = said(kind, found)

    assert answer is not None
    assert why in answer[0]
    assert command in answer[1]
    assert not command or answer[1].startswith("kubectl --context weu -n shop ")


@pytest.mark.parametrize(
    ("kind", "spec", "blocked"),
    [
        ("Deployment", {}, True),  # a quarter of four
        ("Deployment", {"replicas": 3}, False),  # rounds down to none: new pods first
        ("Deployment", {"strategy": {"rollingUpdate": {"maxUnavailable": 0}}}, False),
        ("Deployment", {"strategy": {"rollingUpdate": {"maxUnavailable": 1}}}, True),
        ("Deployment", {"replicas": 1, "strategy": {"type": "Recreate"}}, True),
        ("StatefulSet", {"replicas": 3}, True),
    ],
)
def test_a_budget_without_room_blocks_a_rollout_that_takes_pods_down(
    kind: Kind, spec: Any, blocked: bool
) -> None:
    answer = said(kind, workload(**spec), BUDGET)

    assert (answer is not None) == blocked


@pytest.mark.parametrize(
    "budget",
    [
        {**BUDGET, "status": {"disruptionsAllowed": 1}},
        {**BUDGET, "metadata": {"name": "keep", "namespace": "elsewhere"}},
        {**BUDGET, "spec": {"selector": {"matchLabels": {"app": "b"}}}},
    ],
)
def test_a_budget_with_room_or_of_others_blocks_nobody(budget: Any) -> None:
    assert restart_limits.blocking("StatefulSet", workload(), [budget]) == ""


@pytest.mark.parametrize(
    ("kind", "status", "over"),
    [
        ("Deployment", {"updatedReplicas": 4, "availableReplicas": 4, "replicas": 4}, True),
        ("Deployment", {"updatedReplicas": 4, "availableReplicas": 4, "replicas": 5}, False),
        ("Deployment", {"updatedReplicas": 4, "availableReplicas": 3, "replicas": 4}, False),
        (
            "DaemonSet",
            {"desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 2},
            True,
        ),
        (
            "DaemonSet",
            {"desiredNumberScheduled": 2, "updatedNumberScheduled": 1, "numberAvailable": 2},
            False,
        ),
    ],
)
def test_a_rollout_is_over_when_every_pod_is_new_and_available(
    kind: Kind, status: Any, over: bool
) -> None:
    seen = {**workload(), "status": {"observedGeneration": 2, **status}}
    unseen = {**workload(), "status": {"observedGeneration": 1, **status}}

    assert (unfinished(kind, seen) == "") == over
    assert unfinished(kind, unseen)
