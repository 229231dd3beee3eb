"""The order of the playbook is the product. These tests pin the order, on the real Durable executor."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from playbooks import compromised_identity as playbook
from playbooks import containment, foothold, holding, levers, policy, surveying, waves
from tests.rehearsal import START, Rehearsal, hours, rehearse

PLAN_HASH = "ab" * 32


def group(order: dict[str, Any], **answers: dict[str, Any]) -> dict[str, Any]:
    """The answer of a group's orchestration: done, but for the clusters that are named."""
    good = {"status": "done", "detail": ""}
    names = [one["name"].replace("-", "_") for one in order["clusters"]]
    return {"answers": [answers.get(name, good) for name in names]}


def moved(done: Rehearsal, step: str = "rewire_wave") -> list[list[str]]:
    """The clusters of each group, as they were begun."""
    return [[one["name"] for one in to["clusters"]] for name, to in done.orders if name == step]


def but(**answers: dict[str, Any]) -> Any:
    """What a group's orchestration answers where not every cluster is done."""
    return lambda order: group(order, **answers)


CLUSTERS = [
    {"name": name, "resource_id": f"/{name}", "location": "x", "issuer_url": f"https://{name}/"}
    for name in ("aks-1", "aks-2", "aks-3")
]
PLANNED = {
    "status": "done",
    "detail": "plan.json",
    "plan_hash": PLAN_HASH,
    "refederation": {"vector": "unknown", "method": "new_subject", "longest_token_s": 3600},
    "choices": ["grant-1"],
    "confirmations": ["risk-1"],
    "irreversible": 0,
    "clusters": [{"ref": one, "acts": True, "reason": ""} for one in CLUSTERS],
}
IDENTITY = {"app_id": "new", "application_object_id": "a", "object_id": "o", "display_name": "n"}
ANSWERS: dict[str, Any] = {
    "list_clusters": {"status": "done", "detail": "", "clusters": CLUSTERS},
    "draw_plan": PLANNED,
    "create_identity": {"status": "done", "detail": "", "identity": IDENTITY},
    "take_snapshot": {"status": "done", "detail": "snapshot.json", "removals": 7},
    "state_residual": lambda order: {
        "status": "done",
        "detail": "",
        "exposures": [{"resource": "Azure", "until": "later", "why": "w"}],
        "deadline": (
            datetime.fromisoformat(order["facts"]["contained_at"]) + hours(24)
        ).isoformat(),
    },
    "hold_containment": {"holds": True, "reached": True, "detail": "held"},
    "survey_clusters": group,
    "preflight_clusters": group,
    "evict_clusters": group,
    "check_footholds": group,
    "rewire_wave": group,
    "resurvey_clusters": group,
    "amend_plan": {"status": "nothing_to_do", "detail": "every cluster is as the plan says"},
    "recheck_clusters": group,
}
SWEPT = [
    "hold_containment",
    "collect_activity_log",
    "collect_logs",
    "trace_footprint",
    "seal_evidence",
]
SWEPT_AFTER = [
    *SWEPT[:-1],
    "collect_successor_sign_ins",
    "judge_rebuilt",
    SWEPT[-1],
]  # of a recovery
LEVERS = {step._function._name for step in levers.LEVERS["application"]}
BESIDE = {step._function._name for step in levers.BESIDE["application"]}
POLICY = policy.load(Path(__file__).parent.parent / "policy.toml").frozen()
POLICY["recovery"]["resumable_days"] = 1  # no longer than the watch, except where a test says so


def order(mode: str) -> dict[str, Any]:
    """An order as intake makes it."""
    principal = {
        "kind": "application",
        "object_id": "11111111-1111-1111-1111-111111111111",
        "app_id": "22222222-2222-2222-2222-222222222222",
        "application_object_id": "33333333-3333-3333-3333-333333333333",
        "display_name": "orders-api",
        "tenant_id": "t",
        "owner_tenant_id": "t",
        "service_principal_type": "Application",
        "resource_id": None,
        "unsupported_because": None,
    }
    signal = {
        "source": "test",
        "signal_id": "1",
        "fired_at": START.isoformat(),
        "title": "alert",
        "severity": "Sev0",
        "hint": {},
    }
    incident = {
        "incident_id": "inc-20260101-0123456789ab",
        "mode": mode,
        "principal": principal,
        "signal": signal,
        "opened_at": START.isoformat(),
        "window_start": (START - hours(24)).isoformat(),
    }
    return {"incident": incident, "policy": POLICY}


def waiting(days: int = 3, **verification: Any) -> dict[str, Any]:
    """An order whose recovery can be resumed for longer than the incident is watched."""
    recovery = {**POLICY["recovery"], "resumable_days": days}
    checks = {**POLICY["verification"], **verification}
    return {
        **order("respond"),
        "policy": {**POLICY, "recovery": recovery, "verification": checks},
    }


def consent(decision: str, plan_hash: str = PLAN_HASH, **more: Any) -> Any:
    """Answers the question as soon as it is asked, once."""
    asked: list[str] = []

    def on_status(status: dict[str, Any]) -> tuple[str, Any] | None:
        if asked or status["phase"] != "awaiting_consent" or "decision" in status["consent"]:
            return None
        asked.append(status["consent"]["event"])
        said = {"decision": decision, "plan_hash": plan_hash, "confirmed": ["risk-1"], **more}
        return status["consent"]["event"], said

    return on_status


def run(mode: str, answers: dict[str, Any] | None = None, events: Any = None) -> Rehearsal:
    return rehearse(
        playbook.compromised_identity,
        order(mode),
        {**ANSWERS, **(answers or {})},
        events or (lambda _status: None),
    )


def phases(rehearsal: Rehearsal) -> list[str]:
    seen = [status["phase"] for status in rehearsal.statuses]
    return [phase for n, phase in enumerate(seen) if n == 0 or seen[n - 1] != phase]


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


BROKEN = {"holds": False, "detail": "service principal is disabled: accountEnabled is true"}
HELD = {"holds": True, "reached": True, "detail": "held"}


def told(done: Rehearsal) -> list[str]:
    return [one["notice"] for name, one in done.orders if name == "tell_people"]


def test_a_lever_that_somebody_undoes_during_the_watch_is_pulled_again_and_told() -> None:
    answers = iter([BROKEN])
    done = run("contain", {"hold_containment": lambda _o: next(answers, HELD)})

    assert done.timeline.count("disable_service_principal") == 2
    assert done.timeline.count("remove_federated_credentials") == 2
    assert told(done) == ["contained", "reversed", "contained_again", "closed"]
    assert done.outcome["outcome"] == "contained"
    assert done.outcome["reversals"] == [BROKEN["detail"]]


def test_where_policy_says_alert_a_reversal_is_told_and_nothing_is_touched() -> None:
    payload = order("contain")
    payload["policy"] = {**POLICY, "watch": {**POLICY["watch"], "on_reversal": "alert"}}
    done = rehearse(playbook.compromised_identity, payload, {**ANSWERS, "hold_containment": BROKEN})

    assert done.timeline.count("disable_service_principal") == 1
    assert told(done)[:2] == ["contained", "reversed"]
    assert done.timeline.count("hold_containment") == 1
    assert done.outcome["outcome"] == "not_contained"
    assert done.ended_at >= START + hours(24)


def test_whoever_undoes_containment_again_and_again_is_met_by_a_person() -> None:
    done = run("contain", {"hold_containment": BROKEN})

    assert done.timeline.count("disable_service_principal") == 5
    assert done.outcome["outcome"] == "not_contained"


def test_activity_after_containment_is_told() -> None:
    found = {"status": "done", "detail": "", "after_containment": ["sign-in from 203.0.113.9"]}
    done = run("contain", {"trace_footprint": found})

    assert told(done).count("active_after") == 2


def hold(verify: Any) -> Rehearsal:
    facts = {"until": (START + hours(24)).isoformat()}
    return rehearse(
        holding.hold_containment,
        {**order("contain"), "facts": facts},
        {"verify_containment": verify},
    )


def test_the_watch_reads_every_lever_back_at_the_rhythm_of_the_policy() -> None:
    done = hold({"status": "done", "detail": ""})

    assert done.timeline == ["verify_containment"] * 40
    assert done.ended_at == START + hours(10)
    assert done.outcome == {"holds": True, "reached": False, "detail": "held"}


def test_the_watch_ends_at_the_first_lever_that_stays_undone() -> None:
    done = hold({"status": "failed", "detail": "accountEnabled is true"})

    assert done.outcome == {"holds": False, "detail": "accountEnabled is true"}
    assert done.ended_at - START < hours(1)


def test_one_late_answer_during_the_watch_is_no_alarm() -> None:
    answers = iter(["done", "failed", "done"])
    done = hold(lambda _o: {"status": next(answers, "done"), "detail": ""})

    assert done.outcome["holds"]


def test_containment_that_does_not_hold_at_the_very_end_is_told() -> None:
    proofs = iter(["done"])

    def verify(_order: Any) -> dict[str, Any]:
        return {"status": next(proofs, "failed"), "detail": "accountEnabled is true"}

    done = run("contain", {"verify_containment": verify})

    assert done.outcome["outcome"] == "not_contained"
    assert told(done)[-2:] == ["reopened", "closed"]


LAGS = {
    "status": "done",
    "detail": "",
    "lags": True,
    "unasked": ["the token endpoint refuses: not asked: whether other trusts are refused"],
}


def contained_at(done: Rehearsal) -> datetime:
    return datetime.fromisoformat(done.outcome["clock"]["contained"])


def test_a_replica_that_lags_is_asked_again_before_contained_is_said() -> None:
    answers = iter([LAGS, LAGS])
    proven = {"status": "done", "detail": "", "unasked": []}
    done = run("contain", {"verify_containment": lambda _o: next(answers, proven)})

    assert done.outcome["outcome"] == "contained"
    assert done.outcome["unasked"] == []
    assert timedelta(seconds=2) <= contained_at(done) - START < timedelta(seconds=10)


def test_a_replica_that_lags_on_is_named_and_keeps_nobody_waiting() -> None:
    done = run("contain", {"verify_containment": LAGS})

    assert done.outcome["outcome"] == "contained"
    assert done.outcome["unasked"] == LAGS["unasked"]
    assert timedelta(seconds=30) < contained_at(done) - START < timedelta(seconds=70)


def test_a_lever_that_is_undone_while_a_replica_lags_is_waited_for_as_ever() -> None:
    undone = {"status": "failed", "detail": "1 left"}
    answers = iter([LAGS, *[undone] * 9])
    proven = {"status": "done", "detail": "", "unasked": []}
    done = run("contain", {"verify_containment": lambda _o: next(answers, proven)})

    assert done.outcome["outcome"] == "contained"
    assert contained_at(done) - START > timedelta(minutes=1)


def test_the_watch_does_not_ask_again_because_a_replica_lags() -> None:
    assert hold(LAGS).timeline == ["verify_containment"] * 40


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


def test_silence_is_a_no() -> None:
    done = run("respond")

    assert "create_identity" not in done.timeline
    assert "evict_clusters" not in done.timeline
    assert done.outcome["outcome"] == "contained"
    assert done.outcome["consent"]["decision"] == "none"


@pytest.mark.parametrize("decision", ["deny", "maybe", "", "GRANT"])
def test_anything_but_a_yes_is_a_no(decision: str) -> None:
    done = run("respond", events=consent(decision))

    assert "create_identity" not in done.timeline
    assert done.outcome["outcome"] == "contained"


def test_consent_to_another_plan_is_a_no() -> None:
    done = run("respond", events=consent("grant", plan_hash="cd" * 32))

    assert "create_identity" not in done.timeline


@pytest.mark.parametrize(
    "said", [{"confirmed": []}, {"confirmed": ["risk-2"]}, {"chosen": ["grant-1", "grant-2"]}]
)
def test_a_yes_that_does_not_fit_the_plan_is_a_no(said: dict[str, Any]) -> None:
    """Whoever raises the event: the playbook doesn't rely on the API alone to have looked."""
    done = run("respond", events=consent("grant", **said))

    assert "create_identity" not in done.timeline
    assert done.outcome["outcome"] == "contained"


def test_whoever_signs_in_as_the_new_identity_with_a_secret_is_said_to_people() -> None:
    strange = {"status": "done", "detail": "", "strange": ["somebody signed in with a secret"]}
    done = run("respond", {"collect_successor_sign_ins": strange}, consent("grant"))

    assert done.outcome["remaining"] == ["somebody signed in with a secret"]
    assert done.outcome["outcome"] == "recovered"


def test_a_trust_that_a_late_row_says_was_planted_takes_recovered_back() -> None:
    said = "Rebuilt, but made in the compromise window: trust t"
    found = {"status": "done", "detail": said, "late": [said], "by_hand": ["az rest DELETE t"]}
    done = run("respond", {"judge_rebuilt": found}, consent("grant"))

    assert told(done).count("rebuilt_in_window") == 1, "said once, not at each sweep"
    assert said in done.outcome["remaining"]
    assert "az rest DELETE t" in done.outcome["by_hand"]
    assert done.outcome["outcome"] == "partly_recovered"


@pytest.mark.parametrize("status", ["refused", "nothing_to_do"])
def test_without_a_plan_that_can_be_carried_out_nobody_is_asked_and_the_reason_is_told(
    status: str,
) -> None:
    none = {"status": status, "detail": "Entra allows 20", "clusters": []}
    done = run("respond", {"draw_plan": none}, consent("grant"))

    assert "awaiting_consent" not in phases(done)
    assert "create_identity" not in done.timeline
    assert "Entra allows 20" in done.outcome["clusters"]["plan"]["detail"]


def test_a_yes_may_name_choices_of_the_plan() -> None:
    done = run("respond", events=consent("grant", chosen=["grant-1"]))

    recorded = next(one["facts"] for name, one in done.orders if name == "record_consent")
    assert recorded["chosen"] == ["grant-1"]
    assert "create_identity" in done.timeline


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


FAILED = {"status": "failed", "detail": "pods not ready"}


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


def many(count: int, **recovery: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """An order and the answers of a tenant with so many clusters."""
    payload = order("respond")
    payload["policy"] = {**POLICY, "recovery": {**POLICY["recovery"], **recovery}}
    refs = [{**CLUSTERS[0], "name": f"aks-{n}", "resource_id": f"/aks-{n}"} for n in range(count)]
    plan = {**PLANNED, "clusters": [{"ref": one, "acts": True, "reason": ""} for one in refs]}
    listed = {"status": "done", "detail": "", "clusters": refs}
    return payload, {**ANSWERS, "list_clusters": listed, "draw_plan": plan}


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


# Resuming


def resumes(*moments: str) -> Any:
    """A person who consents, and then says go on at the first status with such a phase, once for each."""
    agree, waiting = consent("grant"), list(moments)

    def on_status(status: dict[str, Any]) -> tuple[str, Any] | None:
        if waiting and status["resumable"] and status["phase"] == waiting[0]:
            waiting.pop(0)
            return status["resume"]["event"], {
                "reason": "mended",
                "by": {"object_id": "rosa", "name": "rosa"},
            }
        return agree(status)  # type: ignore[no-any-return]

    return on_status


def once(**answers: dict[str, Any]) -> Any:
    """These answers the first time a group of these clusters is asked, then all are done."""
    left = dict(answers)

    def answer(order: dict[str, Any]) -> dict[str, Any]:
        now = {name: left.pop(name) for name in list(left) if name in _keys(order)}
        return group(order, **now)

    return answer


def _keys(order: dict[str, Any]) -> set[str]:
    return {one["name"].replace("-", "_") for one in order["clusters"]}


@pytest.mark.parametrize("phase", ["watching", "awaiting_resume"])
def test_a_recovery_that_is_half_done_goes_on_when_a_person_says_so(phase: str) -> None:
    answers = {**ANSWERS, "rewire_wave": once(aks_2=FAILED)}
    done = rehearse(playbook.compromised_identity, waiting(), answers, resumes(phase))

    assert moved(done) == [["aks-1"], ["aks-2", "aks-3"], ["aks-2"]]
    assert moved(done, "preflight_clusters") == [["aks-1", "aks-2", "aks-3"], ["aks-2"]]
    assert moved(done, "evict_clusters") == [["aks-1", "aks-2", "aks-3"]], "evicted once"
    assert done.timeline.count("record_resume") == 1
    assert done.outcome["outcome"] == "recovered"
    assert not done.outcome["resumable"]
    assert "recovered" in told(done)
    written = [one["facts"]["name"] for name, one in done.orders if name == "write_report"]
    assert "report-resumed-1" in written


OTHER_HASH = "ef" * 32
ONE_AWAY = [
    {"ref": CLUSTERS[0], "acts": True, "reason": ""},
    {"ref": CLUSTERS[1], "acts": False, "reason": "unreachable: timeout"},
]
AMENDED = {
    **PLANNED,
    "plan_hash": OTHER_HASH,
    "clusters": [{**one, "acts": True, "reason": ""} for one in ONE_AWAY],
    "number": 2,
    "changed": ["aks-2: can be reached now"],
}


def resumed_with(decision: str) -> Rehearsal:
    """A cluster was unreachable when the plan was drawn; it answers, and a person says go on."""
    first = resumes("watching")

    def on_status(status: dict[str, Any]) -> tuple[str, Any] | None:
        asked = status["consent"] or {}
        again = asked.get("plan_hash") == OTHER_HASH and asked.get("heard") == 0
        if status["phase"] == "awaiting_consent" and again and "decision" not in asked:
            given = {"decision": decision, "plan_hash": OTHER_HASH, "confirmed": ["risk-1"]}
            return asked["event"], given
        return first(status)  # type: ignore[no-any-return]

    answers = {"draw_plan": {**PLANNED, "clusters": ONE_AWAY}, "amend_plan": AMENDED}
    return run("respond", answers, on_status)


def test_a_cluster_that_the_plan_could_not_see_is_asked_for_anew_and_then_moved() -> None:
    done = resumed_with("grant")

    assert moved(done, "resurvey_clusters") == [["aks-2"]]
    assert moved(done) == [["aks-1"], ["aks-2"]]
    assert done.outcome["outcome"] == "recovered"
    cards = [one["notice_key"] for name, one in done.orders if name == "tell_people"]
    assert "asking-2" in cards
    kept = [one.get("plan_number", 1) for name, one in done.orders if name == "record_consent"]
    assert kept == [1, 2]


def test_a_plan_that_was_drawn_anew_and_not_agreed_to_moves_nothing_more() -> None:
    done = resumed_with("deny")

    assert moved(done) == [["aks-1"]]
    assert done.outcome["outcome"] == "partly_recovered"
    assert "no other one was agreed to" in done.outcome["clusters"]["aks-2"]["detail"]


def test_a_plan_that_can_not_be_drawn_anew_is_no_reason_to_act() -> None:
    refused = {"status": "refused", "detail": "stolen tokens would be shut out another way now"}
    answers = {"draw_plan": {**PLANNED, "clusters": ONE_AWAY}, "amend_plan": refused}
    done = run("respond", answers, resumes("watching"))

    assert moved(done) == [["aks-1"]]
    assert "another way" in done.outcome["clusters"]["aks-2"]["detail"]


def test_what_nobody_chose_is_said_once_and_as_it_is_after_the_last_answer() -> None:
    said = iter([["# not chosen: sg-1", "# not chosen: az x"], ["# not chosen: sg-2"]])
    answers = {
        **ANSWERS,
        "rewire_wave": once(aks_2={**FAILED, "by_hand": ["kubectl x"]}),
        "give_permissions": lambda _o: {"status": "done", "detail": "", "not_chosen": next(said)},
    }
    done = rehearse(playbook.compromised_identity, waiting(), answers, resumes("watching"))

    assert done.outcome["outcome"] == "recovered"
    assert done.outcome["by_hand"] == ["kubectl x", "# not chosen: sg-2"]
    reports = [one["facts"] for name, one in done.orders if name == "write_report"]
    assert "# not chosen: sg-1" in reports[0]["by_hand"]


def test_it_can_be_resumed_as_often_as_it_takes() -> None:
    answers = iter([FAILED, FAILED])

    def wave(order: dict[str, Any]) -> dict[str, Any]:
        if [one["name"] for one in order["clusters"]] == ["aks-1"]:
            return {"answers": [next(answers, {"status": "done", "detail": ""})]}
        return group(order)

    done = run("respond", {"rewire_wave": wave}, resumes("watching", "watching"))

    assert moved(done) == [["aks-1"], ["aks-1"], ["aks-1"], ["aks-2", "aks-3"]]
    assert done.outcome["outcome"] == "recovered"


def test_a_recovery_that_nobody_resumes_waits_as_long_as_the_policy_says() -> None:
    answers = {**ANSWERS, "rewire_wave": but(aks_2=FAILED)}
    done = rehearse(playbook.compromised_identity, waiting(14), answers, consent("grant"))

    entered = phases(done)
    assert entered[entered.index("watching") + 1] == "awaiting_resume"
    assert entered[-1] == "closed"
    assert done.ended_at - START >= hours(24 * 14)
    assert done.outcome["outcome"] == "partly_recovered"
    assert not done.outcome["resumable"]
    assert len(done.timeline) < 200


def test_what_is_recovered_waits_for_nobody() -> None:
    done = run("respond", events=consent("grant"))

    assert "awaiting_resume" not in phases(done)
    assert done.ended_at - START < hours(26)


def test_containment_is_still_checked_while_only_a_resume_is_waited_for() -> None:
    proofs = iter(["done"] * 3)  # through containment, the watch, and one check after it

    def verify(_order: Any) -> dict[str, Any]:
        return {"status": next(proofs, "failed"), "detail": "accountEnabled is true"}

    answers = {**ANSWERS, "rewire_wave": but(aks_2=FAILED), "verify_containment": verify}
    payload = waiting(attempts=1)
    done = rehearse(playbook.compromised_identity, payload, answers, consent("grant"))

    assert "reversed" in told(done)
    assert done.outcome["outcome"] == "not_contained"


def test_nothing_is_rebuilt_beside_an_identity_that_is_open() -> None:
    broken = {"holds": False, "detail": "accountEnabled is true"}
    unproven = iter([{"status": "done", "detail": ""}])
    answers = {
        **ANSWERS,
        "rewire_wave": but(aks_2=FAILED),
        "hold_containment": broken,
        "verify_containment": lambda _o: next(
            unproven, {"status": "failed", "detail": "a token was issued"}
        ),
    }
    payload = waiting(attempts=1)
    done = rehearse(playbook.compromised_identity, payload, answers, resumes("awaiting_resume"))

    assert "record_resume" in done.timeline
    assert moved(done) == [["aks-1"], ["aks-2", "aks-3"]]
    assert "not_resumed" in told(done)


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


# One cluster

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


def test_an_eviction_that_breaks_leaves_the_other_clusters_answers() -> None:
    def one(order: dict[str, Any]) -> dict[str, Any]:
        broken = order["cluster"]["name"] == "aks-2"
        done = {"of": "eviction", "status": "done", "detail": ""}
        return {"lost": "worker died"} if broken else done

    payload = {**order("respond"), "clusters": CLUSTERS}
    done = rehearse(foothold.evict_clusters, payload, {"evict_cluster": one})

    assert [one["status"] for one in done.outcome["answers"]] == ["done", "failed", "done"]


def test_a_move_that_breaks_leaves_the_other_clusters_answers() -> None:
    def one(order: dict[str, Any]) -> dict[str, Any]:
        broken = order["cluster"]["name"] == "aks-2"
        done = {"of": "move", "status": "done", "detail": ""}
        return {"lost": "worker died"} if broken else done

    payload = {**order("respond"), "clusters": CLUSTERS}
    done = rehearse(waves.rewire_wave, payload, {"rewire_cluster": one})

    assert [one["status"] for one in done.outcome["answers"]] == ["done", "failed", "done"]


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


def test_what_is_given_to_it_during_the_watch_does_not_hold() -> None:
    answers = iter([["nobody owns it: a"], ["nobody owns it: a", "nobody owns it: b"]])
    facts = {"until": (START + hours(24)).isoformat(), "open": ["nobody owns it: a"]}
    done = rehearse(
        holding.hold_containment,
        {**order("contain"), "facts": facts},
        {"verify_containment": lambda _o: {"status": "done", "detail": "", "open": next(answers)}},
    )

    assert done.outcome == {"holds": False, "detail": "given since: nobody owns it: b"}
    assert done.timeline == ["verify_containment"] * 2


def test_the_watch_knows_what_was_open_when_containment_was_proven() -> None:
    proof = {"status": "done", "detail": "", "open": ["no directory role: r"]}
    done = run("contain", {"verify_containment": proof})

    held = [one["facts"]["open"] for name, one in done.orders if name == "hold_containment"]
    assert held == [["no directory role: r"]] * 2


def test_what_a_repeated_containment_leaves_open_is_not_called_contained() -> None:
    broken = iter([BROKEN])
    proofs = iter([{"status": "done", "detail": ""}])
    left = {"status": "done", "detail": "", "remaining": ["nobody owns it: 1 left: b"]}
    answers = {
        "hold_containment": lambda _o: next(broken, HELD),
        "verify_containment": lambda _o: next(proofs, left),
    }
    done = run("contain", answers)

    assert done.outcome["outcome"] == "partly_contained"
    again = next(one for name, one in done.orders if one.get("notice") == "contained_again")
    assert again["facts"]["lines"] == ["Remains: nobody owns it: 1 left: b"]


def test_every_containment_that_fails_is_told_under_a_name_of_its_own() -> None:
    many = {"status": "done", "detail": "", "removals": 501}

    def call(status: dict[str, Any]) -> tuple[str, Any] | None:
        return (containment.CALLED, {}) if status["phase"] == "held" else None

    failed = {"status": "failed", "detail": "accountEnabled is true"}
    done = run("contain", {"take_snapshot": many, "verify_containment": failed}, call)

    keys = [
        one["notice_key"]
        for name, one in done.orders
        if name == "tell_people" and "accountEnabled is true" in one["facts"].get("lines", [])
    ]
    assert keys[0] == "not_contained-1"
    assert len(keys) == len(set(keys))


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
