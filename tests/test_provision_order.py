"""Each identity wholly or not at all: what follows waits for what it rests on, and a failure takes everything back."""

from typing import Any

import pytest

from playbooks import provision_identity as playbook
from tests.rehearsal import Json, rehearse

BOUNDS = {"attempts": 3, "wait_seconds": 1, "max_wait_seconds": 2, "token_exchange": True}
POLICY = {
    "retries": {"attempts": 2, "first_wait_seconds": 1},
    "verification": BOUNDS,
    "recovery": {"healthy_within_seconds": 60},
}
RUN = {
    "run_id": "run-provision_identity-20260101T000000-aaaaaa",
    "playbook": "provision_identity",
    "mode": "apply",
    "parameters": {"declarations": {"a.yaml": "x" * 1000}, "only": [], "remove_undeclared": False},
    "accepted": [],
}
ORDER: Json = {"run": RUN, "policy": POLICY, "facts": {"path": "plan", "name": "orders"}}
IDENTITY = {"app_id": "c", "object_id": "o"}
MADE = {"status": "done", "detail": "c", "identity": IDENTITY}
FAILED = {"status": "failed", "detail": "AADSTS700213"}
STEPS = [
    "make_identity",
    "trust_accounts",
    "grant_declared_roles",
    "wire_accounts",
    "prove_accounts",
    "label_workloads",
    "check_labelled",
    "record_identity",
]


def one(**answers: Json) -> Any:
    return rehearse(playbook.provision_one, ORDER, {"make_identity": MADE, **answers})


def test_pods_are_labelled_when_a_token_was_got_and_it_is_recorded_last() -> None:
    run = one()

    assert run.timeline == STEPS
    assert run.outcome["status"] == "done"


@pytest.mark.parametrize("broken", STEPS[1:])
@pytest.mark.parametrize("how", ["failed", "refused"])
def test_whatever_fails_everything_is_taken_back(broken: str, how: str) -> None:
    run = one(**{broken: {"status": how, "detail": "why"}})

    assert run.timeline[-1] == "undo_identity"
    assert run.outcome["status"] == how
    assert run.outcome["detail"] == f"{broken}: why; undone"
    assert run.orders[-1][1]["facts"]["identity"] == IDENTITY


def test_an_identity_that_was_perhaps_made_is_looked_for_and_taken_back() -> None:
    run = one(make_identity={"status": "failed", "detail": "lost"})

    assert run.timeline == ["make_identity", "undo_identity"]
    assert "identity" not in run.orders[-1][1]["facts"]


def test_what_could_not_be_taken_back_is_never_called_undone() -> None:
    run = one(prove_accounts=FAILED, undo_identity={"status": "refused", "detail": "kill switch"})

    assert run.outcome["status"] == "failed"
    assert "NOT wholly undone: kill switch" in run.outcome["detail"]
    assert run.outcome["by_hand"] == ["kill switch"]


def test_a_trust_that_is_not_seen_yet_is_waited_for() -> None:
    tries = iter([FAILED, FAILED, {"status": "done", "detail": ""}])

    run = one(prove_accounts=lambda _order: next(tries))  # type: ignore[arg-type]

    assert run.timeline.count("prove_accounts") == 3
    assert run.outcome["status"] == "done"


def test_what_is_not_proven_is_said() -> None:
    unproven = {"status": "nothing_to_do", "detail": "token_exchange is off", "unproven": True}

    assert "token_exchange is off" in one(prove_accounts=unproven).outcome["detail"]


DRAWN = {
    "status": "done",
    "detail": "",
    "over": False,
    "path": "plan",
    "plan_hash": "h",
    "enable": [{"name": "aks-weu", "resource_id": "r"}],
    "names": [f"identity-{number}" for number in range(7)],
}


def whole(**answers: Any) -> Any:
    ended = {"status": "done", "outcome": "done", "summary": "s", "counts": {}, "tell": False}
    given = {
        "read_declarations": {"status": "done", "detail": "", "path": "declared", "parts": 2},
        "read_identities": lambda order: {
            "status": "done", "detail": "", "path": f"part-{order['facts']['part']}"
        },
        "draw_identity_plan": DRAWN,
        "provision_one": {"of": "identity", "status": "done", "detail": ""},
        "end_run": ended,
        **answers,
    }  # fmt: skip
    return rehearse(playbook.provision_identity, ORDER, given)


def order_of(run: Any, step: str) -> Json:
    found: Json = next(order for name, order in run.orders if name == step)
    return found


def test_clusters_are_switched_on_before_identities_are_made() -> None:
    run = whole()

    assert run.timeline.index("enable_one_cluster") < run.timeline.index("provision_one")
    assert run.timeline.count("provision_one") == 7
    answers = order_of(run, "conclude_provisioning")["facts"]["answers"]
    assert sorted(answers) == DRAWN["names"]


def test_the_documents_are_handed_to_the_first_step_and_no_other() -> None:
    run = whole()

    assert order_of(run, "read_declarations")["run"]["parameters"]
    assert order_of(run, "provision_one")["run"]["parameters"] == {}


def test_the_plan_is_drawn_from_every_part() -> None:
    facts = order_of(whole(), "draw_identity_plan")["facts"]

    assert facts["identities"] == ["part-0", "part-1"]


@pytest.mark.parametrize(
    "drawn",
    [
        {"status": "refused", "detail": "the plan is another one by now"},
        {"status": "done", "detail": "", "over": True, "document": "d"},
    ],
)
def test_a_plan_that_is_refused_or_empty_changes_nothing(drawn: Json) -> None:
    run = whole(draw_identity_plan=drawn)

    assert not {"enable_one_cluster", "provision_one"} & set(run.timeline)
    assert order_of(run, "end_run")["facts"]["answer"] == drawn


def test_a_part_that_can_not_be_read_is_no_empty_part() -> None:
    run = whole(read_identities={"status": "failed", "detail": "throttled"})

    assert "draw_identity_plan" not in run.timeline
    assert order_of(run, "end_run")["facts"]["answer"]["detail"] == "throttled"


def test_an_identity_whose_part_broke_is_not_called_done() -> None:
    run = whole(provision_one={"lost": "worker died"})

    answers = order_of(run, "conclude_provisioning")["facts"]["answers"]
    assert {one["status"] for one in answers.values()} == {"failed"}
