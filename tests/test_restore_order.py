"""The order in which an identity is given back, and what keeps "restored" from being said."""

from typing import Any

from playbooks import restore_identity as playbook
from tests.a_rehearsed_incident import CLUSTERS, order
from tests.rehearsal import Rehearsal, rehearse

ASKED = {
    "restore_id": "restore-1",
    "plan_hash": "a" * 64,
    "chosen": [],
    "by": {"object_id": "o", "name": "rosa"},
    "reason": "a false alarm",
    "at": "2026-01-01T00:00:00+00:00",
}
MADE = {"kind": "application", "object_id": "o", "app_id": "new", "display_name": "n"}


def ended(asked: Any) -> Any:
    """What the step that writes the ending down says of it."""
    missing = asked["facts"]["missing"]
    outcome = "partly_restored" if missing else "restored"
    told = {"outcome": outcome, "detail": "", "missing": missing, "never": [], "by_hand": []}
    return {"status": "done", "detail": "", "restored": told}


def restore(**answers: Any) -> Rehearsal:
    begun = {"status": "done", "detail": "", "clusters": CLUSTERS[:2], "successor": MADE}
    asked = {**order("respond"), "facts": {"requested": ASKED, "alone": True}}
    said = {"begin_restore": begun, "end_restore": ended, **answers}
    return rehearse(playbook.restore_identity, asked, said)


def test_what_recovery_made_goes_first_and_the_door_opens_last() -> None:
    names = restore().timeline

    assert names.index("take_back_cluster") < names.index("retire_successor")
    assert names.index("retire_successor") < names.index("return_role_assignments")
    assert names.index("return_trusts") < names.index("reactivate_application")
    assert names.index("reactivate_application") < names.index("enable_service_principal")
    assert names.index("enable_service_principal") < names.index("verify_restored")


def test_restored_is_said_when_the_workloads_run_again_and_not_before() -> None:
    done = restore()

    assert done.outcome["outcome"] == "restored"
    assert done.timeline.count("check_taken_back") == 2
    assert done.timeline.index("verify_restored") < done.timeline.index("check_taken_back")


def test_a_rollout_that_takes_time_is_waited_for() -> None:
    asked: list[Any] = []

    def slowly(one: Any) -> Any:
        asked.append(one)
        return {"status": "failed" if len(asked) < 3 else "done", "detail": "1 of 2"}

    done = restore(check_taken_back=slowly)

    assert done.outcome["outcome"] == "restored"
    assert len(asked) == 4


def test_a_rollout_that_hangs_is_named() -> None:
    done = restore(check_taken_back={"status": "failed", "detail": "orders-api: 1 of 2"})

    assert done.outcome["outcome"] == "partly_restored"
    assert done.outcome["missing"] == [
        f"cluster {one['name']}: orders-api: 1 of 2" for one in CLUSTERS[:2]
    ]
