"""A method is the policy's, its consequences are the clusters': how long, who can still mint, what to confirm."""

from pathlib import Path
from typing import Any

import pytest

from playbooks import plans, policy, refederation
from playbooks.plan_model import Method, Plan
from playbooks.vectors import Judgement
from responders.model import Vector
from tests.snapshot import snapshot
from tests.test_plans import INCIDENT, LOGGED, account, survey, trust, workload

POLICY = policy.load(Path(__file__).parent.parent / "policy.toml").frozen()
HOLDER = {"who": "User eve", "binding": "RoleBinding shop/eve", "created": None, "by_hand": ""}


def judged(vector: Vector = "unknown", requested: str = "") -> Judgement:
    return {"vector": vector, "because": "a row", "requested": requested}


def draw(method: Method, *surveys: Any, said: Judgement | None = None) -> Plan:
    said = said or judged()
    chosen = {**POLICY["recovery"]["refederation"], said["vector"]: method}
    wanted = {**POLICY, "recovery": {**POLICY["recovery"], "refederation": chosen}}
    taken = snapshot(federated_credentials=[trust()])
    return plans.draw(INCIDENT, taken, list(surveys) or [known()], wanted, said, LOGGED)


def known(name: str = "weu", **more: Any) -> Any:
    """A cluster where nobody but Firebreak may request tokens."""
    return survey(name, **{"minters": [], **more})


@pytest.mark.parametrize("vector", ["credential", "cluster", "unknown"])
def test_the_policy_says_the_method_for_each_vector(vector: Vector) -> None:
    plan = draw("wait_out", said=judged(vector))

    assert plan["refederation"]["vector"] == vector
    assert plan["refederation"]["method"] == "wait_out"
    assert plan["refederation"]["because"] == "a row"


@pytest.mark.parametrize("method", ["wait_out", "rotate_keys", "accept_risk"])
def test_three_methods_keep_the_subject_and_the_rights_in_the_cluster(method: Method) -> None:
    own = {
        "kind": "RoleBinding",
        "namespace": "shop",
        "name": "reader",
        "role": "Role/reader",
        "via": "itself",
        "created": "2025-01-01T00:00:00Z",
    }
    plan = draw(method, known(bindings=[own]))

    assert plan["clusters"][0]["new_names"] == {"shop/orders-api": "orders-api"}
    (wanted,) = plan["federated_credentials"]
    assert wanted["subject"] == account()["subject"]
    assert plan["left_out"] == []


def test_a_new_subject_is_a_new_name_and_needs_no_confirmation() -> None:
    plan = draw("new_subject")

    assert plan["clusters"][0]["new_names"]["shop/orders-api"].startswith("orders-api-r")
    assert plan["confirmations"] == []


@pytest.mark.parametrize("minters", [[HOLDER], None], ids=["somebody", "nobody knows"])
@pytest.mark.parametrize("method", ["new_subject", "wait_out", "rotate_keys", "accept_risk"])
def test_who_may_request_tokens_is_a_risk_that_a_person_takes_by_name(
    method: Method, minters: Any
) -> None:
    confirmed = draw(method, known(minters=minters))["confirmations"]

    (said,) = [one for one in confirmed if one["key"] == refederation.REQUESTED]
    assert ("User eve" if minters else "not known") in said["sentence"]
    nobody = draw(method, known(minters=[]))["confirmations"]
    assert refederation.REQUESTED not in [one["key"] for one in nobody]


def test_waiting_lasts_as_long_as_the_longest_projected_token() -> None:
    longest = {**workload(), "longest_token_s": 7200}
    plan = draw("wait_out", known(workloads=[workload(), longest]))

    assert plan["refederation"]["longest_token_s"] == 7200
    assert "until 2 h after the last pod was stopped" in plan["refederation"]["explained"]


@pytest.mark.parametrize(
    ("surveys", "said"),
    [
        ([known()], judged(requested="2 tokens were requested")),
        ([known(minters=[HOLDER])], judged()),
        ([known(minters=None)], judged()),
        ([known(), known("neu", minters=None)], judged()),
    ],
    ids=["requested", "may be requested", "not readable", "not asked in one cluster"],
)
def test_where_tokens_can_be_requested_the_wait_is_a_day(surveys: Any, said: Judgement) -> None:
    plan = draw("wait_out", *surveys, said=said)

    assert plan["refederation"]["longest_token_s"] == 24 * 3600


def test_a_cluster_that_is_left_alone_makes_nobody_wait() -> None:
    away = survey("neu", reachable=False, reason="no answer")

    assert draw("wait_out", known(), away)["refederation"]["longest_token_s"] == 3600


@pytest.mark.parametrize("method", ["new_subject", "wait_out", "rotate_keys", "accept_risk"])
def test_whoever_may_still_request_tokens_is_named_by_every_method(method: Method) -> None:
    explained = draw(method, known(minters=[HOLDER]))["refederation"]["explained"]

    assert "weu: User eve by RoleBinding shop/eve" in explained


def test_rotation_is_confirmed_cluster_by_cluster() -> None:
    away = survey("neu", reachable=False, reason="no answer")
    plan = draw("rotate_keys", known(), known("frc"), away)

    assert [one["key"] for one in plan["confirmations"]] == ["rotate-keys-frc", "rotate-keys-weu"]
    assert "also of other teams" in plan["confirmations"][0]["sentence"]
    assert "Both old and new keys remain valid for 24 hours" in plan["refederation"]["explained"]


def test_an_accepted_risk_names_whose_tokens_and_how_long() -> None:
    (risk,) = draw("accept_risk")["confirmations"]

    assert risk["key"] == refederation.ACCEPT_RISK
    assert "weu shop/orders-api" in risk["sentence"]
    assert "at most 1 h after the last pod was stopped" in risk["sentence"]


def test_a_card_says_vector_method_and_what_to_confirm() -> None:
    told = refederation.lines(draw("accept_risk"))

    assert [one.partition(":")[0] for one in told] == [
        "Vector",
        "Re-federation",
        "To confirm (accept-risk)",
    ]


@pytest.mark.parametrize(
    ("consent", "said"),
    [
        ({"decision": "grant", "confirmed": ["accept-risk"]}, "Confirmed by rosa: Risk accepted"),
        ({"decision": "deny", "confirmed": ["accept-risk"]}, "To confirm (accept-risk)"),
        ({"decision": "grant", "confirmed": []}, "To confirm (accept-risk)"),
    ],
)
def test_the_report_says_who_took_a_risk_on_and_nobody_did_without_a_yes(
    consent: dict[str, Any], said: str
) -> None:
    told = refederation.lines(draw("accept_risk"), {**consent, "approver": {"name": "rosa"}})

    assert told[-1].startswith(said)
