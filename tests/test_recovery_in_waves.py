"""Clusters move canary first, then in waves, and one that breaks holds back what it should."""

import json
from datetime import datetime
from typing import Any

import pytest

from playbooks import compromised_identity as playbook
from playbooks import surveying
from tests.a_rehearsed_incident import (
    ANSWERS,
    CLUSTERS,
    FAILED,
    PLANNED,
    POLICY,
    but,
    consent,
    group,
    many,
    moved,
    order,
    run,
)
from tests.rehearsal import START, Rehearsal, hours, rehearse


def states(done: Rehearsal) -> dict[str, str]:
    return {name: one["status"] for name, one in done.outcome["clusters"].items()}


def test_a_failing_canary_holds_the_other_clusters_back() -> None:
    done = run("respond", {"rewire_wave": but(aks_1=FAILED)}, consent("grant"))

    assert moved(done) == [["aks-1"]]
    assert done.outcome["outcome"] == "partly_recovered"
    assert states(done) == {"aks-1": "failed", "aks-2": "refused", "aks-3": "refused"}
    assert "canary aks-1" in done.outcome["clusters"]["aks-2"]["detail"]


def test_a_canary_that_leaves_something_to_a_person_is_no_failure() -> None:
    by_hand = {"status": "by_hand", "detail": "a Job"}
    done = run("respond", {"rewire_wave": but(aks_1=by_hand)}, consent("grant"))

    assert moved(done) == [["aks-1"], ["aks-2", "aks-3"]]
    assert states(done) == {"aks-1": "by_hand", "aks-2": "done", "aks-3": "done"}
    assert done.outcome["outcome"] == "partly_recovered"


def test_one_broken_cluster_after_the_canary_leaves_the_others_moved() -> None:
    done = run("respond", {"rewire_wave": but(aks_2=FAILED)}, consent("grant"))

    assert states(done) == {"aks-1": "done", "aks-2": "failed", "aks-3": "done"}
    assert done.outcome["outcome"] == "partly_recovered"


def test_a_wave_that_breaks_is_not_known_to_be_done() -> None:
    def wave(order: dict[str, Any]) -> dict[str, Any]:
        return group(order) if len(order["clusters"]) == 1 else {"lost": "worker died"}

    done = run("respond", {"rewire_wave": wave}, consent("grant"))

    assert states(done) == {"aks-1": "done", "aks-2": "failed", "aks-3": "failed"}
    assert done.outcome["outcome"] == "partly_recovered"


def test_where_nothing_is_asked_for_a_token_nobody_says_recovered() -> None:
    unasked = {"status": "unproven", "detail": "token_exchange is off"}
    every = but(aks_1=unasked, aks_2=unasked, aks_3=unasked)
    done = run("respond", {"rewire_wave": every}, consent("grant"))

    assert moved(done) == [["aks-1"], ["aks-2", "aks-3"]]
    assert done.outcome["outcome"] == "partly_recovered"
    assert "recovered" not in done.outcome["clock"]
    assert not any(one["resumable"] for one in done.statuses), "going on would change nothing"


def test_commands_of_every_cluster_are_handed_over() -> None:
    stuck = {**FAILED, "by_hand": ["kubectl rollout resume deployment/x"]}
    done = run("respond", {"rewire_wave": but(aks_2=stuck)}, consent("grant"))

    assert "kubectl rollout resume deployment/x" in done.outcome["by_hand"]


def test_the_card_says_how_many_clusters_are_recovered_and_what_comes_next() -> None:
    done = run("respond", {"rewire_wave": but(aks_2=FAILED)}, consent("grant"))

    (card,) = [one for name, one in done.orders if one.get("notice") == "partly_recovered"]
    lines = card["facts"]["lines"]
    assert lines[0] == "2 of 3 clusters are recovered and proven"
    assert lines[1].startswith("aks-2: failed pods not ready. Next: look at what is named")


def test_an_identity_that_no_cluster_uses_is_made_and_not_called_recovered() -> None:
    unused = "no ServiceAccount here names the old client id"
    refs = [{"ref": one, "acts": False, "reason": unused} for one in CLUSTERS]
    done = run("respond", {"draw_plan": {**PLANNED, "clusters": refs}}, consent("grant"))

    assert "create_identity" in done.timeline
    assert done.outcome["outcome"] == "partly_recovered"
    assert done.outcome["clusters"]["proof"]["status"] == "unproven"


def test_waves_have_the_size_that_the_policy_says() -> None:
    payload, answers = many(8, wave_size=3)
    done = rehearse(playbook.compromised_identity, payload, answers, consent("grant"))

    assert [len(one) for one in moved(done)] == [1, 3, 3, 1]
    assert done.outcome["outcome"] == "recovered"


def test_after_more_failures_than_the_policy_allows_no_wave_is_begun() -> None:
    payload, answers = many(7, wave_size=2, most_failed_clusters=1)
    answers["rewire_wave"] = but(aks_1=FAILED, aks_2=FAILED)
    done = rehearse(playbook.compromised_identity, payload, answers, consent("grant"))

    assert moved(done) == [["aks-0"], ["aks-1", "aks-2"]]
    assert states(done)["aks-3"] == states(done)["aks-6"] == "refused"
    assert "most_failed_clusters" in done.outcome["clusters"]["aks-3"]["detail"]


def test_fifty_clusters_cost_one_orchestration_few_actions() -> None:
    payload, answers = many(50)
    done = rehearse(playbook.compromised_identity, payload, answers, consent("grant"))

    assert [len(one) for one in moved(done, "preflight_clusters")] == [10] * 5
    assert [len(one) for one in moved(done, "survey_clusters")] == [10] * 5
    assert len(done.timeline) < 100
    longest = max(
        len(json.dumps(one, ensure_ascii=False).encode("utf-16-le")) for one in done.statuses
    )
    assert longest <= 16 * 1024
    assert len(done.statuses[-1]["clusters"]) == 50


def test_a_cluster_that_is_not_ready_is_left_alone_and_the_others_go_on() -> None:
    refused = {"status": "refused", "detail": "the webhook is not ready"}
    done = run("respond", {"preflight_clusters": but(aks_1=refused)}, consent("grant"))

    assert moved(done, "evict_clusters") == [["aks-2", "aks-3"]]
    assert moved(done) == [["aks-2"], ["aks-3"]]
    assert states(done)["aks-1"] == "refused"
    assert done.outcome["outcome"] == "partly_recovered"


def test_the_canary_that_the_policy_names_is_not_exchanged_for_another() -> None:
    payload = order("respond")
    payload["policy"] = {**POLICY, "recovery": {**POLICY["recovery"], "canary_cluster": "aks-1"}}
    refused = {"status": "refused", "detail": "the webhook is not ready"}
    answers = {**ANSWERS, "preflight_clusters": but(aks_1=refused)}
    done = rehearse(playbook.compromised_identity, payload, answers, consent("grant"))

    assert moved(done, "evict_clusters") == []
    assert "create_identity" not in done.timeline
    assert set(states(done).values()) == {"refused"}
    assert "canary of policy.toml" in done.outcome["clusters"]["aks-2"]["detail"]


def test_where_no_cluster_is_ready_nothing_is_changed_anywhere() -> None:
    bad = {"status": "failed", "detail": "no answer"}
    every = but(aks_1=bad, aks_2=bad, aks_3=bad)
    done = run("respond", {"preflight_clusters": every}, consent("grant"))

    assert moved(done, "evict_clusters") == []
    assert "create_identity" not in done.timeline
    assert done.outcome["outcome"] == "partly_recovered"


def test_what_a_controller_put_back_minutes_later_is_not_recovered() -> None:
    back = {"status": "failed", "reverted": True, "detail": "shop/orders-api names the old id"}
    done = run("respond", {"recheck_clusters": but(aks_2=back)}, consent("grant"))

    assert states(done) == {"aks-1": "done", "aks-2": "reverted", "aks-3": "done"}
    assert "gitops/" in done.outcome["clusters"]["aks-2"]["next"]
    assert done.outcome["outcome"] == "partly_recovered"


def test_moved_clusters_are_looked_at_again_after_the_minutes_of_the_policy() -> None:
    done = run("respond", events=consent("grant"))

    entered = [one["phase"] for one in done.statuses]
    assert "rechecking" in entered
    recovered = datetime.fromisoformat(done.outcome["clock"]["recovered"])
    assert recovered - START >= hours(POLICY["recovery"]["recheck_minutes"] / 60)


@pytest.mark.parametrize("status", ["failed", "refused"])
def test_clusters_that_could_not_be_listed_are_not_no_clusters(status: str) -> None:
    unread = {"status": status, "detail": "ARM answered 403"}
    done = run("respond", {"list_clusters": unread}, consent("grant"))

    assert "draw_plan" not in done.timeline
    assert "create_identity" not in done.timeline
    assert done.outcome["outcome"] == "contained"
    assert "could not be listed" in done.outcome["clusters"]["all"]["detail"]


def test_every_listed_cluster_is_in_the_plan_whether_its_survey_came_or_not() -> None:
    done = run("contain", {"survey_clusters": {"answers": []}})

    (drawn,) = [one for name, one in done.orders if name == "draw_plan"]
    assert [one["name"] for one in drawn["facts"]["clusters"]] == ["aks-1", "aks-2", "aks-3"]


def test_clusters_that_do_not_answer_are_asked_again_beside_the_others() -> None:
    lost = {"status": "failed", "retry": True, "detail": "no answer"}
    payload = {**order("contain"), "clusters": CLUSTERS}
    done = rehearse(surveying.survey_clusters, payload, {"survey_cluster": lost})

    attempts = POLICY["retries"]["attempts"]
    assert done.timeline == ["survey_cluster"] * 3 * attempts
    assert [one["status"] for one in done.outcome["answers"]] == ["failed"] * 3
