"""An attack is told from breakage by where sign-ins came from, what was answered and what was used; doubt is doubt."""

from pathlib import Path
from typing import Any

import pytest

from playbooks import policy
from playbooks.alerts.sign_in_judging import Seen, depth, judge

SINCE = "2026-11-27T12:00:00"
BEFORE, NOW, LATER = "2026-11-27T09:00:00Z", "2026-11-27T12:10:00Z", "2026-11-27T12:20:00Z"
OURS, STRANGER, ELSEWHERE = "10.0.0.4", "203.0.113.66", "198.51.100.9"
RULES = {"on_taken": "contain", "on_attempts": "plan"}


def row(code: int, address: str = OURS, at: str = NOW, **more: str) -> dict[str, Any]:
    return {"ResultType": str(code), "IPAddress": address, "TimeGenerated": at, **more}


def usual() -> dict[str, Any]:
    return row(0, at=BEFORE, FederatedCredentialId="T1")


def judged(*rows: dict[str, Any], secrets: bool = False, **more: Any) -> Any:
    more.setdefault("held", ["t1"])
    return judge(Seen(rows=[usual(), *rows], since=SINCE, secrets=secrets, **more))


@pytest.mark.parametrize("code", [70021, 700211, 700213, 700016, 90061, 7000272, 700024, 7000215])
def test_what_fails_from_its_own_addresses_is_breakage(code: int) -> None:
    found = judged(*[row(code)] * 50)

    assert (found["kind"], found["failures"]) == ("breakage", 50)
    assert f"50 times AADSTS{code}" in found["because"][1]


@pytest.mark.parametrize("code", [7000215, 7000222, 700027, 50027])
def test_guesses_from_elsewhere_are_attempts(code: int) -> None:
    found = judged(row(code, STRANGER), row(code, ELSEWHERE))

    assert (found["kind"], found["addresses"]) == ("attempts", [ELSEWHERE, STRANGER])
    assert "though it has neither secret nor key" in found["because"][0]


def test_a_guess_and_then_a_token_from_there_is_somebody_who_got_in() -> None:
    found = judged(row(7000215, STRANGER), row(0, STRANGER, LATER, FederatedCredentialId="T1"))

    assert found["kind"] == "taken"
    assert STRANGER in found["because"][0]


def test_a_token_and_then_a_guess_from_there_is_not_that() -> None:
    found = judged(row(0, STRANGER, FederatedCredentialId="T1"), row(7000215, STRANGER, LATER))

    assert found["kind"] == "attempts"


@pytest.mark.parametrize("code", [70021, 700211, 700213, 90061])
def test_a_new_cluster_whose_trust_came_late_is_no_attack(code: int) -> None:
    found = judged(row(code, ELSEWHERE), row(0, ELSEWHERE, LATER, FederatedCredentialId="T1"))

    assert found["kind"] == "unknown"


def test_the_first_tokens_of_a_new_workload_are_no_attack() -> None:
    rows = [row(7000215, ELSEWHERE), row(0, ELSEWHERE, LATER, ServicePrincipalCredentialKeyId="k")]

    assert judge(Seen(rows=rows, since=SINCE, held=["k"], secrets=True))["kind"] == "unknown"


def test_a_token_by_a_credential_that_it_does_not_have_is_somebody_who_got_in() -> None:
    found = judged(row(700213), row(0, STRANGER, FederatedCredentialId="planted"))

    assert found["kind"] == "taken"
    assert "which it does not have" in found["because"][0]


def test_a_trust_that_was_rotated_away_within_the_window_is_no_attack() -> None:
    found = judged(row(700213), row(0, OURS, FederatedCredentialId="the one before"))

    assert found["kind"] == "breakage"


def test_of_a_managed_identity_whose_trusts_are_all_ours_no_id_is_compared() -> None:
    found = judged(
        row(700213), row(0, OURS, FederatedCredentialId="a name of the log's"), held=None
    )

    assert found["kind"] == "breakage"


@pytest.mark.parametrize(
    "rows",
    [
        [row(700213, STRANGER)],
        [row(700213), row(7000112, STRANGER)],
    ],
)
def test_failures_from_where_nobody_knows_are_doubt(rows: list[dict[str, Any]]) -> None:
    assert judged(*rows)["kind"] == "unknown"


def test_a_log_that_could_not_be_read_is_doubt_and_never_quiet() -> None:
    assert judged(row(700213), unread=["x"])["kind"] == "unknown"
    assert judged(unread=["x"])["kind"] == "unknown"
    assert judged()["kind"] == "quiet"


def test_a_log_that_could_not_be_read_hides_no_thief_who_was_seen() -> None:
    rows = [row(7000215, STRANGER), row(0, STRANGER, LATER, FederatedCredentialId="t1")]

    assert judged(*rows, unread=["one of the two logs"])["kind"] == "taken"


@pytest.mark.parametrize(
    ("kind", "most", "mode"),
    [
        ("taken", "respond", "contain"),
        ("taken", "contain", "contain"),
        ("taken", "plan", "plan"),
        ("attempts", "respond", "plan"),
        ("breakage", "respond", ""),
        ("unknown", "respond", ""),
        ("quiet", "respond", ""),
    ],
)
def test_an_incident_goes_as_deep_as_the_evidence_and_its_sender_let_it(
    kind: Any, most: str, mode: str
) -> None:
    found = {"kind": kind, "because": [], "addresses": [], "failures": 1}

    assert depth(found, RULES, most) == mode  # type: ignore[arg-type]


def test_a_sender_with_a_key_goes_no_deeper_than_contain() -> None:
    found = {"kind": "taken", "because": [], "addresses": [], "failures": 1}

    assert depth(found, {**RULES, "on_taken": "respond"}, "contain") == "contain"  # type: ignore[arg-type]


def test_rows_that_say_nothing_are_left_out() -> None:
    odd: list[dict[str, Any]] = [
        {},
        {"ResultType": "interrupted"},
        {"ResultType": None, "TimeGenerated": NOW},
    ]

    assert judged(*odd)["kind"] == "quiet"


@pytest.mark.parametrize(
    ("rule", "named"),
    [
        ('playbook = "failing_sign_ins"\nmode = "contain"', "one of plan, apply"),
        ('playbook = "compromised_identity"\nmode = "apply"', "one of plan, contain, respond"),
        ('playbook = "health_check"\nmode = "apply"', "playbook"),
    ],
)
def test_a_rule_with_a_mode_that_its_playbook_does_not_have_is_an_error(
    rule: str, named: str
) -> None:
    text = (Path(__file__).parent.parent / "policy.toml").read_text()

    with pytest.raises(policy.PolicyError, match=named):
        policy.parse(f'{text}\n[[signals]]\nsource = "alertmanager"\n{rule}\n')
