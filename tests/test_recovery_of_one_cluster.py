"""In one cluster: the foothold is evicted, then the identity is moved and proven."""

from typing import Any

import pytest

from playbooks import foothold, waves
from tests.a_rehearsed_incident import CLUSTERS, IDENTITY, POLICY, order
from tests.rehearsal import Rehearsal, rehearse

EVICTION = ["quarantine_workloads", "capture_pods", "evict_workloads", "check_evicted"]


def evict(answers: dict[str, Any], **recovery: Any) -> Rehearsal:
    payload = {**order("respond"), "cluster": CLUSTERS[0]}
    payload["policy"] = {**POLICY, "recovery": {**POLICY["recovery"], **recovery}}
    return rehearse(foothold.evict_cluster, payload, answers)


def test_a_cluster_is_fenced_in_and_captured_before_anything_is_stopped() -> None:
    done = evict({})

    assert done.timeline == EVICTION
    assert done.outcome["status"] == "done"


def test_pods_that_could_not_be_captured_are_not_stopped() -> None:
    done = evict({"capture_pods": {"status": "refused", "detail": "pods/log is forbidden"}})

    assert done.timeline == EVICTION[:2]
    assert done.outcome["detail"].startswith("not captured")


def test_a_fence_that_could_not_be_built_stops_no_eviction_and_is_said() -> None:
    done = evict({"quarantine_workloads": {"status": "refused", "detail": "forbidden"}})

    assert done.timeline == EVICTION
    assert (done.outcome["status"], done.outcome["detail"]) == (
        "done",
        "evicted; not quarantined: forbidden",
    )


def test_pods_that_do_not_go_are_an_eviction_that_failed() -> None:
    done = evict({"check_evicted": {"status": "failed", "detail": "a pod is left"}})

    assert done.timeline.count("check_evicted") > 1
    assert done.outcome["status"] == "failed"
    assert done.outcome["detail"].startswith("not evicted, so not moved: a pod is left")


def test_quarantine_and_gitops_owners_are_a_choice_of_the_policy() -> None:
    assert evict({}, quarantine=False).timeline == EVICTION[1:]
    assert evict({}, gitops="suspend").timeline == ["suspend_owners", *EVICTION]


@pytest.mark.parametrize(
    ("playbook", "step", "of"),
    [
        (foothold.evict_clusters, "evict_cluster", "eviction"),
        (waves.rewire_wave, "rewire_cluster", "move"),
    ],
)
def test_one_cluster_that_breaks_leaves_the_other_clusters_answers(
    playbook: Any, step: str, of: str
) -> None:
    def one(order: dict[str, Any]) -> dict[str, Any]:
        broken = order["cluster"]["name"] == "aks-2"
        return {"lost": "worker died"} if broken else {"of": of, "status": "done", "detail": ""}

    payload = {**order("respond"), "clusters": CLUSTERS}
    done = rehearse(playbook, payload, {step: one})

    assert [each["status"] for each in done.outcome["answers"]] == ["done", "failed", "done"]


STEPS = [
    "write_manifest_patches",
    "create_service_accounts",
    "prove_new_identity",
    "lift_quarantine",
    "move_consumers",
    "move_workloads",
    "check_workloads",
    "retire_service_accounts",
    "prove_old_subjects_refused",
]


def rewire(answers: dict[str, Any]) -> Rehearsal:
    payload = {**order("respond"), "cluster": CLUSTERS[0], "identity": IDENTITY}
    return rehearse(waves.rewire_cluster, payload, answers)


def test_a_cluster_is_moved_only_after_the_new_identity_is_proven_there() -> None:
    done = rewire({})

    assert done.timeline == STEPS
    assert done.outcome["status"] == "done"


@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_fails_ends_the_cluster_there(step: str) -> None:
    done = rewire({step: {"status": "refused", "detail": "forbidden"}})

    assert done.timeline == STEPS[: STEPS.index(step) + 1]
    assert (done.outcome["status"], done.outcome["detail"]) == ("refused", f"{step}: forbidden")


@pytest.mark.parametrize("step", ["move_consumers", "move_workloads", "check_workloads"])
def test_what_only_a_person_can_do_holds_up_nothing_else(step: str) -> None:
    left = {"status": "refused", "by_hand_only": True, "detail": "a Job"}
    done = rewire({step: left})

    assert done.timeline == STEPS
    assert (done.outcome["status"], done.outcome["detail"]) == ("by_hand", f"{step}: a Job")


def test_a_rollout_that_is_stuck_for_good_is_not_waited_for() -> None:
    stuck = {"status": "failed", "final": True, "detail": "ProgressDeadlineExceeded"}
    done = rewire({"check_workloads": stuck})

    assert done.timeline.count("check_workloads") == 1
    assert done.outcome["status"] == "failed"


def test_a_move_that_nobody_proved_says_so() -> None:
    unasked = {"status": "nothing_to_do", "detail": "", "unproven": "token_exchange is off"}
    done = rewire({"prove_new_identity": unasked, "prove_old_subjects_refused": unasked})

    assert (done.outcome["status"], done.outcome["detail"]) == ("unproven", "token_exchange is off")


def test_propagation_is_waited_for() -> None:
    answers = iter([{"status": "failed", "detail": "AADSTS70021"}] * 3)
    done = rewire({"prove_new_identity": lambda _o: next(answers, {"status": "done"})})

    assert done.timeline.count("prove_new_identity") == 4
    assert done.outcome["status"] == "done"
