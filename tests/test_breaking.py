"""A playbook that breaks itself is told, marked failed, and not hidden: no incident ends in silence."""

import ast
from pathlib import Path
from typing import Any

import pytest

from playbooks import compromised_identity as playbook
from playbooks import containment, foothold, holding, restore_identity
from tests.a_rehearsed_incident import ANSWERS, CLUSTERS, order
from tests.rehearsal import Rehearsal, rehearse

PLAYBOOKS = Path(__file__).parent.parent / "playbooks"
# About no incident: they have nobody's principal, or tell by themselves.
WITHOUT_INCIDENT = {"tell_later", "late_entities"}


def broken(*_args: Any, **_more: Any) -> Any:
    raise ValueError("odd answer for ?sig=hunter2hunter2")


def told(run: Rehearsal) -> list[dict[str, Any]]:
    return [one for name, one in run.orders if name == "tell_people" and one["notice"] == "failed"]


def broken_incident(monkeypatch: pytest.MonkeyPatch, **answers: Any) -> Rehearsal:
    monkeypatch.setattr(containment, "contain", broken)
    return rehearse(
        playbook.compromised_identity, order("contain"), {**ANSWERS, **answers}, may_break=True
    )


def test_an_incident_whose_playbook_breaks_is_told_and_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = broken_incident(monkeypatch)

    (card,) = told(run)
    assert card["notice_key"] == "failed-compromised_identity"
    assert card["facts"]["While"] == "guarding"
    assert card["facts"]["Error"].startswith("ValueError: odd answer")
    assert "hunter2" not in str(card)
    assert (run.statuses[-1]["phase"], run.statuses[-1]["outcome"]) == ("failed", "failed")
    assert "odd answer" in run.broke


def test_a_channel_that_is_down_then_does_not_keep_it_from_failing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    busy = {"status": "failed", "retry": True, "detail": "429"}
    run = broken_incident(monkeypatch, tell_people=busy)

    assert [one["notice"] for name, one in run.orders if name == "tell_later"] == ["failed"]
    assert "odd answer" in run.broke


def test_a_restore_that_breaks_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restore_identity, "_not_running", broken)
    asked = {"restore_id": "r-1"}
    payload = {**order("contain"), "facts": {"requested": asked, "alone": True}}
    begun: dict[str, Any] = {"status": "done", "detail": "", "clusters": [], "successor": None}
    run = rehearse(
        restore_identity.restore_identity, payload, {"begin_restore": begun}, may_break=True
    )

    assert [one["notice_key"] for one in told(run)] == ["failed-restore_identity"]
    assert "odd answer" in run.broke


def test_a_part_that_breaks_names_its_cluster_and_its_parent_hears_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(foothold, "perform_one", broken)
    payload = {**order("contain"), "cluster": CLUSTERS[0]}
    run = rehearse(foothold.evict_cluster, payload, {}, may_break=True)

    (card,) = told(run)
    assert (card["facts"]["Broken"], card["facts"]["Cluster"]) == ("evict cluster", "aks-1")
    assert "odd answer" in run.broke


def test_a_watch_that_breaks_is_told_and_the_incident_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(holding, "until_done", broken)
    until = {"until": "2026-01-01T01:00:00+00:00"}
    run = rehearse(
        holding.hold_containment, {**order("contain"), "facts": until}, {}, may_break=True
    )
    assert [one["notice_key"] for one in told(run)] == ["failed-hold_containment"]

    lost = {"hold_containment": {"lost": "it broke"}}
    rest = rehearse(playbook.compromised_identity, order("contain"), {**ANSWERS, **lost})
    assert rest.broke == ""
    assert rest.outcome["reversals"]


def test_what_works_is_as_it_was() -> None:
    run = rehearse(playbook.compromised_identity, order("contain"), ANSWERS)
    assert (told(run), run.broke, run.outcome["outcome"]) == ([], "", "contained")


def orchestrations() -> dict[str, list[str]]:
    """Every orchestration of an incident, with its decorators; a run of a quiet-day playbook is none."""
    found = {}
    for path in PLAYBOOKS.glob("*.py"):
        text = path.read_text()
        if "from playbooks.runs" in text or "from playbooks.running" in text:
            continue
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef):
                marks = [ast.unparse(one) for one in node.decorator_list]
                if any("orchestration_trigger" in one for one in marks):
                    found[node.name] = marks
    return found


def test_every_orchestration_of_an_incident_tells_when_it_breaks() -> None:
    silent = {name for name, marks in orchestrations().items() if "breaking.told" not in marks}
    assert silent == WITHOUT_INCIDENT
