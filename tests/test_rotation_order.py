"""No old trust goes before the new one is proven and everything runs by it; what fails before that is put back."""

from typing import Any

import pytest

from playbooks import rotate_federation as playbook
from tests.rehearsal import Json, rehearse

BOUNDS = {"attempts": 3, "wait_seconds": 1, "max_wait_seconds": 2, "token_exchange": True}
POLICY = {
    "retries": {"attempts": 2, "first_wait_seconds": 1},
    "verification": BOUNDS,
    "recovery": {"healthy_within_seconds": 60, "most_failed_clusters": 1},
}
RUN = {
    "run_id": "run-rotate_federation-x",
    "mode": "apply",
    "parameters": {"label": "q4", "method": "new_subject"},
}
ORDER: Json = {"run": RUN, "policy": POLICY, "facts": {"path": "plan", "cluster": {"name": "a"}}}
FIRST = [
    "create_successors",
    "trust_successors",
    "prove_successors",
    "move_to_successors",
    "check_moved",
]
LAST = ["retire_predecessors", "untrust_predecessors", "prove_predecessors_refused"]
FAILED = {"status": "failed", "detail": "why", "final": True}


def one(**answers: Any) -> Any:
    return rehearse(playbook.rotate_one_cluster, ORDER, answers)


def test_the_old_trust_goes_last() -> None:
    run = one()

    assert run.timeline == [*FIRST, *LAST]
    assert run.outcome["status"] == "done"


@pytest.mark.parametrize("broken", FIRST)
def test_what_fails_while_the_old_trusts_are_there_is_put_back_and_they_stay(broken: str) -> None:
    run = one(**{broken: FAILED})

    moved = FIRST.index(broken) >= FIRST.index("move_to_successors")
    back = ["move_back", "check_moved_back"] if moved else []
    assert run.timeline == [*FIRST[: FIRST.index(broken) + 1], *back, "undo_successors"]
    assert run.outcome["detail"] == f"{broken}: why; undone, everything runs as before"
    assert run.outcome["status"] == "failed"


def test_new_trusts_stay_while_something_may_still_run_by_them() -> None:
    run = one(check_moved=FAILED, check_moved_back=FAILED)

    assert "undo_successors" not in run.timeline
    assert "NOT wholly undone: check_moved_back" in run.outcome["detail"]


@pytest.mark.parametrize("broken", LAST)
def test_what_fails_once_the_new_trusts_carry_everything_is_said_and_not_put_back(
    broken: str,
) -> None:
    run = one(**{broken: {"status": "refused", "detail": "locked"}})

    assert not {"move_back", "undo_successors"} & set(run.timeline)
    assert run.outcome["status"] == "refused"


def test_a_trust_that_is_not_seen_yet_is_waited_for_before_anything_is_moved() -> None:
    tries = iter([{"status": "failed", "detail": "AADSTS700213"}, {"status": "done", "detail": ""}])

    run = one(prove_successors=lambda _order: next(tries))

    assert run.timeline.count("prove_successors") == 2
    assert run.outcome["status"] == "done"


CLUSTERS = [{"name": name, "resource_id": name} for name in ("a", "b", "c", "d")]


def whole(**answers: Any) -> Any:
    read = {"status": "done", "detail": "", "path": "identity", "app_id": "x", "clusters": CLUSTERS}
    drawn = {
        "status": "done", "detail": "", "over": False, "path": "plan", "marker": "m",
        "plan_hash": "h", "clusters": CLUSTERS, "unread": [],
    }  # fmt: skip
    ended = {"status": "done", "outcome": "done", "summary": "s", "counts": {}, "tell": False}
    given = {
        "read_rotated_identity": read,
        "read_rotated_cluster": {"status": "done", "detail": "", "path": "p"},
        "draw_rotation_plan": drawn,
        "rotate_one_cluster": {"status": "done", "detail": ""},
        "end_run": ended,
        **answers,
    }
    return rehearse(playbook.rotate_federation, ORDER, given)


def answers_of(run: Any) -> list[str]:
    order = next(order for name, order in run.orders if name == "conclude_rotation")
    return [one["status"] for one in order["facts"]["answers"]]


def failing(*names: str) -> Any:
    return lambda order: (
        {"status": "failed", "detail": "AADSTS700213"}
        if order["facts"]["cluster"]["name"] in names
        else {"status": "done", "detail": ""}
    )


def test_clusters_go_one_after_the_other_and_what_is_unused_goes_at_the_end() -> None:
    run = whole()

    assert run.timeline.count("rotate_one_cluster") == 4
    assert run.timeline.index("remove_the_rest") > max(
        number for number, one in enumerate(run.timeline) if one == "rotate_one_cluster"
    )


def test_where_the_canary_fails_no_other_cluster_is_begun_and_nothing_is_removed() -> None:
    run = whole(rotate_one_cluster=failing("a"))

    assert run.timeline.count("rotate_one_cluster") == 1
    assert "remove_the_rest" not in run.timeline
    assert answers_of(run) == ["failed", "refused", "refused", "refused"]


def test_after_too_many_failures_the_next_is_not_begun() -> None:
    assert answers_of(whole(rotate_one_cluster=failing("b"))) == ["done", "failed", "done", "done"]
    assert answers_of(whole(rotate_one_cluster=failing("b", "c"))) == [
        "done",
        "failed",
        "failed",
        "refused",
    ]


def test_a_cluster_whose_part_broke_is_not_called_done() -> None:
    assert answers_of(whole(rotate_one_cluster={"lost": "worker died"}))[0] == "failed"


def test_a_cluster_that_could_not_be_read_is_no_cluster_without_users() -> None:
    run = whole(read_rotated_cluster={"status": "failed", "detail": "throttled"})

    assert "draw_rotation_plan" not in run.timeline


def test_a_plan_that_is_refused_changes_nothing() -> None:
    run = whole(draw_rotation_plan={"status": "refused", "detail": "another plan"})

    assert not {"rotate_one_cluster", "remove_the_rest"} & set(run.timeline)


def keys(**answers: Any) -> Any:
    run = {**RUN, "parameters": {"label": "q4", "method": "signing_keys"}}
    read = {"status": "done", "detail": "", "path": "identity", "app_id": "x", "clusters": CLUSTERS}
    drawn = {"over": False, "path": "plan", "plan_hash": "h", "clusters": CLUSTERS}
    ended = {"status": "done", "outcome": "done", "summary": "s", "counts": {}, "tell": False}
    given = {
        "read_rotated_identity": read,
        "read_key_cluster": {"status": "done", "detail": "", "path": "p"},
        "draw_key_plan": {"status": "done", "detail": "", **drawn},
        "turn_cluster_keys": {"status": "done", "detail": ""},
        "end_run": ended,
        **answers,
    }
    return rehearse(playbook.rotate_federation, {**ORDER, "run": run}, given)


def test_keys_are_turned_cluster_by_cluster_and_no_trust_is_touched() -> None:
    run = keys()

    assert run.timeline.count("turn_cluster_keys") == 4
    assert not {"draw_rotation_plan", "rotate_one_cluster", "remove_the_rest"} & set(run.timeline)


def test_where_the_canarys_keys_are_not_turned_no_other_clusters_are() -> None:
    run = keys(turn_cluster_keys=failing("a"))

    assert run.timeline.count("turn_cluster_keys") == 1


def test_without_consent_no_key_is_turned() -> None:
    run = keys(draw_key_plan={"status": "refused", "detail": "rotate-keys:a"})

    assert "turn_cluster_keys" not in run.timeline


def test_a_clusters_keys_are_turned_twice_before_anything_is_restarted() -> None:
    order = {**ORDER, "facts": {"cluster": {"name": "a"}, "app_id": "x", "identity": "i"}}
    listed = {"status": "done", "detail": "", "batches": 2, "remaining": [], "by_hand": []}
    recorded = {"status": "done", "detail": "", "at": "2026-01-01"}
    proof = {"status": "done", "detail": "", "max_age_s": 10}

    run = rehearse(
        playbook.turn_cluster_keys,
        order,
        {
            "list_key_users": listed,
            "record_cluster_keys": recorded,
            "prove_cluster_keys_gone": proof,
        },
    )

    assert run.timeline == [
        "record_cluster_keys",
        "rotate_cluster_keys",
        "rotate_cluster_keys",
        "list_key_users",
        *["restart_key_users", "check_key_users"] * 2,
        "prove_cluster_keys_gone",
    ]
    assert run.outcome["status"] == "done"
