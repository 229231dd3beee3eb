"""Nothing is rebuilt without a yes to this very plan."""

from typing import Any

import pytest

from tests.a_rehearsed_incident import consent, phases, run


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
