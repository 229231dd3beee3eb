"""A name that the identity had before is trusted only when tokens of before are worthless: these tests pin when."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from playbooks import compromised_identity as playbook
from playbooks import rotations
from tests.a_rehearsed_incident import (
    ANSWERS,
    CLUSTERS,
    PLANNED,
    but,
    consent,
    group,
    moved,
    order,
    resumes,
)
from tests.rehearsal import START, Rehearsal, rehearse

NAMES = [one["name"] for one in CLUSTERS]
DONE = {"status": "done", "detail": ""}
NOBODY = {**DONE, "until": "", "unread": []}


def recover(
    method: str,
    *,
    longest_s: int = 7200,
    vector: str = "unknown",
    events: Any = None,
    **answers: Any,
) -> Rehearsal:
    chosen = {"vector": vector, "method": method, "longest_token_s": longest_s}
    said = {
        **ANSWERS,
        "draw_plan": {**PLANNED, "refederation": chosen},
        "look_for_requests": NOBODY,
        "hold_containment": held,
        "check_footholds": group,
        "check_still_evicted": group,
        "rotate_clusters": group,
        **answers,
    }
    return rehearse(
        playbook.compromised_identity, order("respond"), said, events or consent("grant")
    )


def held(order: Any) -> Any:
    """The real one ends when its time has come; here it is asked until then."""
    return {"holds": True, "reached": True, "detail": order["facts"]["until"]}


def trusted(done: Rehearsal) -> list[Any]:
    """The issuers that the new identity was made to trust."""
    return [one["facts"]["trusted"] for name, one in done.orders if name == "federate_identity"]


def waits(done: Rehearsal) -> list[datetime]:
    """Until when containment was held before there was a new identity."""
    before = done.orders[: done.timeline.index("create_identity")]
    return [
        datetime.fromisoformat(one["facts"]["until"])
        for name, one in before
        if name == "hold_containment"
    ]


def test_a_new_name_waits_for_nothing() -> None:
    done = recover("new_subject")

    assert waits(done) == []
    assert done.outcome["outcome"] == "recovered"


def test_the_wait_is_the_longest_token_after_the_eviction_and_some_minutes_for_clocks() -> None:
    done = recover("wait_out")

    (until,) = waits(done)
    evicted = datetime.fromisoformat(done.outcome["clock"]["evicted"])
    assert timedelta(0) <= until - evicted - timedelta(hours=2, minutes=5) < timedelta(seconds=1)
    assert done.timeline.index("evict_clusters") < done.timeline.index("check_footholds")
    assert done.outcome["outcome"] == "recovered"
    assert [one["phase"] for one in done.statuses].count("waiting_out") >= 1


def test_nobody_is_trusted_before_the_wait_is_over() -> None:
    names = recover("wait_out").timeline

    assert names.index("look_for_requests") < names.index("create_identity")
    assert names.index("create_identity") < names.index("federate_identity")


def test_a_cluster_where_an_intruder_may_request_tokens_is_not_trusted() -> None:
    bad = {"status": "refused", "detail": "User eve may still request tokens"}

    done = recover("wait_out", check_footholds=but(aks_1=bad))

    assert trusted(done) == [[one["issuer_url"] for one in CLUSTERS[1:]]]
    assert moved(done, "check_still_evicted") == [NAMES[1:]]
    assert done.outcome["clusters"][NAMES[0]]["status"] == "refused"
    assert done.outcome["outcome"] == "partly_recovered"


def test_a_new_name_helps_nothing_where_an_intruder_may_request_tokens() -> None:
    bad = {"status": "refused", "detail": "User eve may still request tokens"}

    done = recover("new_subject", check_footholds=but(aks_1=bad))

    assert trusted(done) == [[one["issuer_url"] for one in CLUSTERS[1:]]]
    assert done.outcome["clusters"][NAMES[0]]["status"] == "refused"
    assert done.outcome["outcome"] == "partly_recovered"


def test_what_runs_again_during_the_wait_is_not_trusted() -> None:
    runs = {"status": "failed", "detail": "2 pods are left"}

    done = recover("wait_out", check_still_evicted=but(aks_2=runs))

    assert done.outcome["clusters"][NAMES[1]]["detail"].startswith("it runs again: 2 pods")
    assert CLUSTERS[1]["issuer_url"] not in trusted(done)[0]


def test_a_token_that_was_requested_meanwhile_prolongs_the_wait() -> None:
    later = START + timedelta(days=2)
    answers = [{**DONE, "until": later.isoformat(), "unread": []}, NOBODY]

    done = recover("wait_out", look_for_requests=lambda _order: answers.pop(0))

    assert len(waits(done)) == 2
    assert waits(done)[1] == later + timedelta(minutes=5)
    assert done.outcome["outcome"] == "recovered"


def test_whoever_keeps_requesting_tokens_is_met_by_a_person() -> None:
    days = iter(range(2, 9))

    def requested(_order: Any) -> Any:
        return {**DONE, "until": (START + timedelta(days=next(days))).isoformat(), "unread": []}

    done = recover("wait_out", look_for_requests=requested)

    assert len(waits(done)) == 3
    assert trusted(done) == [[]]
    assert {one["status"] for one in done.outcome["clusters"].values()} == {"refused"}


def test_an_audit_log_that_could_not_be_read_stays_with_the_incident() -> None:
    done = recover("wait_out", look_for_requests={**NOBODY, "unread": ["not known: AKSAudit"]})

    assert "not known: AKSAudit" in done.outcome["remaining"]


def test_containment_that_does_not_hold_while_waiting_ends_the_recovery() -> None:
    proofs = [{**DONE, "remaining": []}]

    def verify(_order: Any) -> Any:
        return proofs.pop() if proofs else {"status": "refused", "detail": "enabled"}

    holds = [False]

    def undone(order: Any) -> Any:
        return {**held(order), "holds": holds.pop() if holds else True}

    done = recover("wait_out", hold_containment=undone, verify_containment=verify)

    assert trusted(done) == [[]]
    assert {one["status"] for one in done.outcome["clusters"].values()} == {"failed"}
    assert done.outcome["outcome"] == "not_contained"


def test_an_accepted_risk_waits_for_nothing_and_says_until_when() -> None:
    done = recover("accept_risk")

    assert waits(done) == []
    evicted = datetime.fromisoformat(done.outcome["clock"]["evicted"])
    until = datetime.fromisoformat(done.outcome["clock"]["risk accepted until"])
    assert timedelta(seconds=-1) < until - evicted - timedelta(hours=2) <= timedelta(0)
    assert done.outcome["outcome"] == "recovered"


@pytest.mark.parametrize("method", ["wait_out", "accept_risk"])
def test_a_cluster_that_was_not_evicted_is_not_trusted(method: str) -> None:
    runs = {"status": "refused", "detail": "a pod that nobody may delete"}
    done = recover(method, evict_clusters=but(aks_3=runs))

    assert CLUSTERS[2]["issuer_url"] not in trusted(done)[0]


AGED = (START + timedelta(days=3)).isoformat()
RECORDED = (START + timedelta(minutes=1)).isoformat()
ROTATED = {
    **DONE,
    "aged": AGED,
    "recorded": RECORDED,
    "remaining": ["a Job"],
    "by_hand": ["kubectl delete pod x"],
}


def every(answer: dict[str, Any], **but_for: dict[str, Any]) -> Any:
    """A group that answers so for each of its clusters, but for those that are named."""
    names = [one.replace("-", "_") for one in NAMES]
    return but(**{**dict.fromkeys(names, answer), **but_for})


def test_rotation_waits_until_copies_of_the_old_keys_have_aged_out() -> None:
    done = recover("rotate_keys", rotate_clusters=every(ROTATED))

    assert moved(done, "rotate_clusters") == [NAMES[:1], NAMES[1:]]
    assert [one.isoformat() for one in waits(done)] == [AGED]
    assert done.outcome["outcome"] == "recovered"
    assert done.outcome["remaining"].count("a Job") == len(CLUSTERS)
    assert "kubectl delete pod x" in done.outcome["by_hand"]


def test_a_token_that_was_requested_after_the_rotation_is_waited_for() -> None:
    later = datetime.fromisoformat(AGED) + timedelta(hours=3)
    answers = [{**DONE, "until": later.isoformat(), "unread": []}, NOBODY]

    done = recover(
        "rotate_keys",
        rotate_clusters=every(ROTATED),
        look_for_requests=lambda _order: answers.pop(0),
    )

    assert waits(done) == [datetime.fromisoformat(AGED), later + timedelta(minutes=5)]
    looks = [one["facts"] for name, one in done.orders if name == "look_for_requests"]
    assert {one["since"] for one in looks} == {RECORDED}, "a token of the keys before opens nothing"
    assert len({one["sweep"] for one in looks}) == 2, "what an earlier sweep read is not read again"
    assert done.outcome["outcome"] == "recovered"


def test_a_token_that_was_requested_and_has_expired_is_waited_for_no_longer() -> None:
    over = {**DONE, "until": (START - timedelta(days=1)).isoformat(), "unread": []}

    done = recover("rotate_keys", rotate_clusters=every(ROTATED), look_for_requests=over)

    assert len(waits(done)) == 1
    assert done.outcome["outcome"] == "recovered"


def test_no_key_is_rotated_where_an_intruder_may_request_tokens_by_the_new_ones() -> None:
    bad = {"status": "refused", "detail": "User eve may still request tokens"}

    done = recover("rotate_keys", check_footholds=but(aks_1=bad), rotate_clusters=every(ROTATED))

    assert NAMES[0] not in [name for group in moved(done, "rotate_clusters") for name in group]
    assert trusted(done) == [[one["issuer_url"] for one in CLUSTERS[1:]]]
    assert done.outcome["clusters"][NAMES[0]]["status"] == "refused"
    assert done.outcome["outcome"] == "partly_recovered"


def test_where_the_canarys_rotation_fails_no_other_cluster_is_begun() -> None:
    failed = {"status": "failed", "detail": "rotate_signing_keys: locked"}

    done = recover("rotate_keys", rotate_clusters=every(failed))

    assert moved(done, "rotate_clusters") == [NAMES[:1]]
    assert trusted(done) == [[]]
    assert [done.outcome["clusters"][one]["status"] for one in NAMES] == [
        "failed",
        "refused",
        "refused",
    ]


def test_a_cluster_whose_rotation_failed_is_not_trusted_and_the_others_are() -> None:
    bad = {"status": "failed", "detail": "locked"}

    done = recover("rotate_keys", rotate_clusters=every(ROTATED, aks_2=bad))

    assert trusted(done) == [[CLUSTERS[0]["issuer_url"], CLUSTERS[2]["issuer_url"]]]


def test_a_resumed_recovery_is_told_of_the_eviction_that_was_and_not_of_itself() -> None:
    bad = {"status": "failed", "detail": "restart_token_users: web: not yet"}
    answers = [every(ROTATED), every(ROTATED, aks_2=bad), every(ROTATED)]
    calls: list[Any] = []

    def rotated(order: Any) -> Any:
        calls.append(order)
        return answers[len(calls) - 1](order)

    done = recover("rotate_keys", events=resumes("watching"), rotate_clusters=rotated)

    assert [[one["name"] for one in call["clusters"]] for call in calls] == [
        NAMES[:1],
        NAMES[1:],
        NAMES[1:2],
    ]
    again = calls[2]["facts"]["evicted"]
    assert again.items() <= calls[1]["facts"]["evicted"].items()
    assert done.outcome["outcome"] == "recovered"


def rotate_one(**answers: Any) -> Rehearsal:
    wanted = {**order("respond"), "cluster": CLUSTERS[0], "facts": {"since": START.isoformat()}}
    listed = {**DONE, "batches": 2, "remaining": [], "by_hand": []}
    kept = {**DONE, "at": RECORDED}
    said = {
        "record_signing_keys": kept,
        "list_token_users": listed,
        "prove_keys_gone": {**DONE, "max_age_s": 60},
        **answers,
    }
    return rehearse(rotations.rotate_cluster, wanted, said)


def test_a_cluster_is_rotated_twice_then_restarted_batch_by_batch_then_proven() -> None:
    done = rotate_one()

    assert done.timeline == [
        "record_signing_keys",
        "rotate_signing_keys",
        "rotate_signing_keys",
        "list_token_users",
        "restart_token_users",
        "check_restarted",
        "restart_token_users",
        "check_restarted",
        "prove_keys_gone",
    ]
    turns = [one["facts"]["turn"] for name, one in done.orders if name == "rotate_signing_keys"]
    assert turns == [1, 2]
    assert done.outcome["recorded"] == RECORDED
    assert datetime.fromisoformat(done.outcome["aged"]) >= START + timedelta(seconds=60)


def test_nothing_is_rotated_before_the_old_keys_are_written_down() -> None:
    done = rotate_one(record_signing_keys={"status": "refused", "detail": "no issuer"})

    assert done.timeline == ["record_signing_keys"]
    assert done.outcome["status"] == "refused"


def test_a_batch_that_does_not_come_back_ends_the_restarts() -> None:
    done = rotate_one(check_restarted={"status": "failed", "detail": "web: not yet"})

    assert done.timeline.count("restart_token_users") == 1
    assert "prove_keys_gone" not in done.timeline
    assert "batch 1 of 2" in done.outcome["detail"]
