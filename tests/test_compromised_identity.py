"""The order of the playbook is the product. These tests pin the order, on the real Durable executor."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from playbooks import compromised_identity as playbook
from playbooks import containment, levers
from tests.a_rehearsed_incident import (
    ANSWERS,
    BESIDE,
    CLUSTERS,
    LEVERS,
    PLANNED,
    POLICY,
    SWEPT_AFTER,
    consent,
    moved,
    order,
    phases,
    run,
    told,
)
from tests.rehearsal import START, Rehearsal, hours, rehearse


def test_respond_goes_all_the_way_in_this_order() -> None:
    done = run("respond", events=consent("grant"))

    assert done.outcome["outcome"] == "recovered"
    pulled = len(LEVERS)
    first = ["check_guards", "disable_service_principal", "take_snapshot", "tell_later"]
    assert done.timeline[:4] == first
    assert set(done.timeline[4 : 4 + pulled]) == LEVERS
    proof = {"verify_containment", *BESIDE}
    assert set(done.timeline[4 + pulled : 4 + pulled + len(proof)]) == proof
    rest = ["", *done.timeline[4 + pulled + len(proof) :]]
    assert rest[1] == "state_residual"
    assert set(rest[2:5]) == {"list_clusters", "collect_activity_log", "collect_logs"}
    assert rest[5:8] == ["survey_clusters", "trace_footprint", "draw_plan"]
    assert rest[8:11] == ["tell_people", "read_answers", "record_consent"]
    rest = rest[1:]
    assert rest[10:13] == ["preflight_clusters", "evict_clusters", "check_footholds"]
    assert rest[13:15] == ["create_identity", "federate_identity"]
    assert rest[15:17] == ["grant_roles", "give_permissions"]
    assert rest[17:20] == ["rewire_wave"] * 2 + ["recheck_clusters"]
    assert moved(done) == [["aks-1"], ["aks-2", "aks-3"]]
    assert rest[20:] == [
        "write_report",
        "tell_people",
        "seal_evidence",
        *SWEPT_AFTER * 2,
        "verify_containment",
        "write_report",
        "tell_people",
        "seal_evidence",
        "release_principal",
    ]
    assert phases(done) == [
        "guarding",
        "containing",
        "verifying_containment",
        "collecting_evidence",
        "awaiting_consent",
        "preflight",
        "evicting",
        "rebuilding",
        "rewiring",
        "rechecking",
        "reporting",
        "watching",
        "closed",
    ]


def test_logs_are_swept_again_after_45_minutes_and_when_the_last_issued_token_has_expired() -> None:
    done = run("contain")

    until = datetime.fromisoformat(done.outcome["clock"]["residual until"])
    assert until - START >= hours(24)
    held = [one["facts"]["until"] for name, one in done.orders if name == "hold_containment"]
    assert [datetime.fromisoformat(one) for one in held] == [START + hours(0.75), until]
    swept = [one["facts"]["sweep"] for name, one in done.orders if name == "collect_logs"]
    assert swept == ["sweep-1", "sweep-2", "sweep-3"]
    assert done.outcome["sweeps"] == ["sweep-2", "sweep-3"]


def test_what_remains_is_said_wherever_containment_is() -> None:
    open_path = {"status": "done", "detail": "", "remaining": ["vm-batch can ask for tokens"]}
    done = run("contain", {"verify_containment": open_path})

    assert done.outcome["outcome"] == "partly_contained"
    assert done.outcome["remaining"] == ["vm-batch can ask for tokens"]
    assert told(done)[0] == "partly_contained"


def test_a_lever_that_is_refused_leaves_its_command_with_the_people() -> None:
    refused = {"status": "refused", "detail": "403", "by_hand": ["az role assignment delete"]}
    done = run("contain", {"remove_role_assignments": refused})

    assert done.outcome["outcome"] == "partly_contained"
    assert done.outcome["by_hand"] == ["az role assignment delete"]


def test_an_alert_alone_does_not_take_away_more_than_the_policy_allows() -> None:
    many = {"status": "done", "detail": "", "removals": 501}
    done = run("respond", {"take_snapshot": many})

    assert "disable_service_principal" in done.timeline
    assert not LEVERS & set(done.timeline)
    assert done.outcome["outcome"] == "not_contained"


def test_a_held_incident_goes_on_when_a_responder_calls() -> None:
    many = {"status": "done", "detail": "", "removals": 501}

    def call(status: dict[str, Any]) -> tuple[str, Any] | None:
        return (containment.CALLED, {}) if status["phase"] == "held" else None

    done = run("contain", {"take_snapshot": many}, call)

    assert set(done.timeline) >= LEVERS
    assert done.outcome["outcome"] == "contained"
    written = [one["facts"]["name"] for name, one in done.orders if name == "write_report"]
    assert written == ["report-held", "report", "report-closed"]


def test_a_held_incident_keeps_the_evidence_while_it_waits() -> None:
    done = run("contain", {"take_snapshot": {"status": "done", "detail": "", "removals": 501}})

    held = done.timeline.index("write_report")
    assert {"collect_logs", "survey_clusters", "trace_footprint"} <= set(done.timeline[:held])


def test_a_held_incident_that_nobody_takes_up_ends_with_the_last_token() -> None:
    done = run("contain", {"take_snapshot": {"status": "done", "detail": "", "removals": 501}})

    assert done.ended_at >= START + hours(24)
    assert "held" in phases(done)


@pytest.mark.parametrize("mode", ["plan", "contain", "respond"])
def test_what_is_not_supported_is_refused_in_every_mode(mode: str) -> None:
    payload = order(mode)
    payload["incident"]["principal"]["kind"] = "unsupported"
    refused = {"check_guards": {"status": "refused", "detail": "one of Microsoft's own"}}
    done = rehearse(playbook.compromised_identity, payload, {**ANSWERS, **refused})

    assert done.timeline == ["check_guards", "tell_later", "tell_people", "release_principal"]
    assert done.outcome["outcome"] == "refused"


def test_a_plan_says_that_it_would_be_refused() -> None:
    done = run("plan", {"check_guards": {"status": "refused", "detail": "protected: 1111"}})

    assert done.outcome["outcome"] == "planned"
    assert done.outcome["remaining"] == ["It would be refused: protected: 1111"]


def test_commands_come_with_whatever_step_has_some_for_a_person() -> None:
    found = {"status": "done", "detail": "vm-batch", "by_hand": ["az vm identity remove"]}
    done = run("contain", {"confirm_compromised": found})

    assert done.outcome["by_hand"] == ["az vm identity remove"]


def test_a_responder_may_take_away_more() -> None:
    payload = order("contain")
    payload["incident"]["signal"]["source"] = "responder"
    many = {"status": "done", "detail": "", "removals": 501}
    done = rehearse(playbook.compromised_identity, payload, {**ANSWERS, "take_snapshot": many})

    assert set(done.timeline) >= LEVERS


@pytest.mark.parametrize("kind", sorted(set(levers.LEVERS) - {"application"}))
def test_every_kind_of_principal_has_its_own_levers(kind: Any) -> None:
    payload = order("respond")
    payload["incident"]["principal"]["kind"] = kind
    unbuilt = {"draw_plan": {"status": "nothing_to_do", "detail": "not rebuilt", "clusters": []}}
    done = rehearse(playbook.compromised_identity, payload, {**ANSWERS, **unbuilt})

    tables = (levers.FIRST, levers.LEVERS, levers.BESIDE)
    named = {one._function._name for table in tables for one in table[kind]}
    every = {one._function._name for table in tables for row in table.values() for one in row}
    others = every - named
    assert set(done.timeline) >= named
    assert not set(done.timeline) & others
    assert "create_identity" not in done.timeline
    assert done.outcome["outcome"] == "contained"


def test_contain_never_rebuilds() -> None:
    done = run("contain", events=consent("grant"))

    assert "record_consent" not in done.timeline
    assert "create_identity" not in done.timeline
    assert done.outcome["outcome"] == "contained"


def test_plan_asks_every_lever_what_it_would_do_and_ends_at_once() -> None:
    """That none of them can write meanwhile is the HTTP layer's doing: see test_levers.py."""
    done = run("plan")

    assert not {"evict_clusters", "create_identity", "verify_containment"} & set(done.timeline)
    asked = LEVERS | {"disable_service_principal", "take_snapshot", "draw_plan", "write_report"}
    assert asked <= set(done.timeline)
    assert done.outcome["outcome"] == "planned"
    assert done.ended_at == START


def test_a_guard_that_refuses_stops_everything_and_tells_people() -> None:
    done = run("respond", {"check_guards": {"status": "refused", "detail": "protected"}})

    assert done.timeline == ["check_guards", "tell_later", "tell_people", "release_principal"]
    assert done.outcome["outcome"] == "refused"


def test_a_guard_that_fails_is_a_refusal() -> None:
    done = run("respond", {"check_guards": {"status": "failed", "detail": "can't read"}})

    assert done.outcome["outcome"] == "refused"
    assert not LEVERS & set(done.timeline)


def test_nothing_is_destroyed_without_a_snapshot() -> None:
    done = run("respond", {"take_snapshot": {"status": "failed", "detail": "Graph is down"}})

    assert "disable_service_principal" in done.timeline
    assert not LEVERS & set(done.timeline)
    assert done.outcome["outcome"] == "not_contained"


@pytest.mark.parametrize("lever", sorted(LEVERS | BESIDE))
@pytest.mark.parametrize("status", ["failed", "refused"])
def test_a_failing_lever_never_stops_the_others(lever: str, status: str) -> None:
    done = run("contain", {lever: {"status": status, "detail": "CanNotDelete lock"}})

    assert set(done.timeline) >= LEVERS | {"verify_containment", "draw_plan", "write_report"}


def test_a_switch_that_is_busy_keeps_no_other_lever_waiting() -> None:
    answers = iter([{"status": "failed", "retry": True, "detail": "503"}])
    done = run(
        "contain", {"disable_service_principal": lambda _o: next(answers, {"status": "done"})}
    )

    again = done.timeline.index("disable_service_principal", 2)
    assert set(done.timeline[again + 1 : again + 1 + len(LEVERS)]) == LEVERS
    assert "disabled" in done.outcome["clock"]
    assert done.outcome["outcome"] == "contained"


def test_what_time_can_fix_is_tried_again_boundedly() -> None:
    busy = {"status": "failed", "retry": True, "detail": "429"}
    done = run("contain", {"remove_role_assignments": busy})

    assert done.timeline.count("remove_role_assignments") == POLICY["retries"]["attempts"]
    assert done.timeline.count("remove_federated_credentials") == 1


def test_unproven_containment_is_never_called_contained_and_never_rebuilt() -> None:
    unproven = {"status": "failed", "detail": "a token was issued"}
    done = run("respond", {"verify_containment": unproven}, consent("grant"))

    assert done.timeline.count("verify_containment") > 1
    assert done.outcome["outcome"] == "not_contained"
    assert "contained" not in done.outcome["clock"]
    assert "create_identity" not in done.timeline


def test_an_unreachable_cluster_is_said_to_be_so() -> None:
    refs = [{"ref": CLUSTERS[0], "acts": True, "reason": ""},
            {"ref": CLUSTERS[1], "acts": False, "reason": "unreachable: timeout"}]  # fmt: skip
    done = run("respond", {"draw_plan": {**PLANNED, "clusters": refs}}, consent("grant"))

    assert done.outcome["outcome"] == "partly_recovered"
    assert done.outcome["clusters"]["aks-2"]["detail"] == "unreachable: timeout"


@pytest.mark.parametrize("mode", ["contain", "respond"])
def test_a_busy_channel_holds_nothing_up_and_is_told_beside_the_playbook(mode: str) -> None:
    busy = {"status": "failed", "retry": True, "detail": "429", "after_s": 30}
    done, well = run(mode, {"tell_people": busy}), run(mode, {})  # nobody answers in time

    told = [one for name, one in done.orders if name == "tell_people"]
    late = [one for name, one in done.orders if name == "tell_later"]
    opened, *late = late
    assert opened["notice"] == "opened"
    assert [one["notice_key"] for one in late] == [one["notice_key"] for one in told]
    assert all(one["facts"]["first"] == busy for one in late)
    both = [[one for one in each.timeline if one != "tell_later"] for each in (done, well)]
    assert both[0] == both[1]
    assert done.ended_at - well.ended_at < timedelta(seconds=1)
    assert done.alive == []


def test_a_status_never_outgrows_what_durable_takes_however_much_is_left_to_people() -> None:
    machines = [
        f"az rest --method PATCH --url /subscriptions/vm-{n}/{'x' * 200}" for n in range(60)
    ]
    found = {"status": "refused", "detail": "é" * 2_000, "by_hand": machines}
    done = run("contain", dict.fromkeys(LEVERS, found))

    longest = max(
        len(json.dumps(one, ensure_ascii=False).encode("utf-16-le")) for one in done.statuses
    )
    assert longest <= 16 * 1024
    assert done.statuses[-1]["by_hand"][-1].endswith("more: see the report")
    report = next(one for name, one in done.orders if name == "write_report")
    assert report["facts"]["by_hand"] == machines


def test_a_lever_that_the_host_loses_is_pulled_again_and_takes_no_sibling_along() -> None:
    lost, busy = iter([True]), iter([True])

    def vanish(_order: dict[str, Any]) -> dict[str, Any]:
        return {"lost": "worker died"} if next(lost, False) else {"status": "done", "detail": ""}

    def throttled(_order: dict[str, Any]) -> dict[str, Any]:
        if next(busy, False):
            return {"status": "failed", "retry": True, "detail": "429"}
        return {"status": "done", "detail": ""}

    answers = {"deactivate_application": vanish, "remove_key_vault_policies": throttled}
    done = run("contain", answers)

    assert done.timeline.count("deactivate_application") == 2
    assert done.timeline.count("remove_key_vault_policies") == 2
    assert done.timeline.count("remove_role_assignments") == 1
    assert done.outcome["outcome"] == "contained"


def test_a_lever_that_is_lost_every_time_is_named_alone() -> None:
    done = run("contain", {"deactivate_application": {"lost": "worker died"}})

    attempts = POLICY["retries"]["attempts"]
    assert done.timeline.count("deactivate_application") == attempts
    assert len(done.outcome["remaining"]) == 1
    assert "the host lost this step" in done.outcome["remaining"][0]


def opened(done: Rehearsal) -> list[dict[str, Any]]:
    return [one for name, one in done.orders if name == "tell_later" and one["notice"] == "opened"]


@pytest.mark.parametrize("mode", ["plan", "contain", "respond"])
def test_people_hear_once_that_there_is_an_incident_whatever_becomes_of_it(mode: str) -> None:
    refused = {"check_guards": {"status": "refused", "detail": "protected"}}
    for answers in ({}, refused):
        (told,) = opened(run(mode, answers))
        assert told["facts"]["Asked for"] == mode
        assert "first" not in told["facts"]


def test_no_lever_waits_for_the_news_that_there_is_an_incident() -> None:
    done = run("contain")
    at = done.timeline.index("tell_later")
    assert done.timeline[at - 2 : at] == ["disable_service_principal", "take_snapshot"]
    # The next levers are begun by what the first one answers, while nobody has told anybody yet.
    begun = {name: count for name, count in done.answered if name == "disable_service_principal"}
    assert begun == {"disable_service_principal": at + 1}


def test_an_incident_that_was_held_is_not_opened_a_second_time() -> None:
    unwritten = iter([{"status": "failed", "detail": "no space"}])
    answers = {"take_snapshot": lambda _o: next(unwritten, ANSWERS["take_snapshot"])}
    called: list[str] = []

    def call(status: dict[str, Any]) -> tuple[str, Any] | None:
        if status["phase"] != "held" or called:
            return None
        called.append("once")
        return containment.CALLED, {"by": None}

    done = run("contain", answers, call)
    assert done.timeline.count("take_snapshot") == 2
    assert len(opened(done)) == 1
