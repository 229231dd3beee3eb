"""What a person sees of a drill: the same story live, line by line, and as a picture."""

import io
from pathlib import Path
from typing import Any

from rich.console import Console

from drill.screens import Screen
from drill.verdict.judgement import judge
from drill.verdict_panel import verdict
from tests.drill_scene import scene

Json = dict[str, Any]


def incident(phase: str, status: str = "done") -> Json:
    step = {
        "step": "remove_role_assignments",
        "target": "5c1c3a4e-8f0b-4c55-9a43-2f6cf0e4b1aa",
        "status": status,
        "duration_ms": 321,
    }
    return {
        "phase": phase,
        "opened_at": "2026-08-01T10:00:00+00:00",
        "disabled_at": "2026-08-01T10:00:02+00:00",
        "contained_at": None,
        "steps": [step],
    }


def screen(*, terminal: bool) -> tuple[Screen, io.StringIO]:
    written = io.StringIO()
    console = Console(file=written, width=100, force_terminal=terminal, highlight=False)
    return Screen(console), written


def consent() -> Json:
    trust = {"subject": "system:serviceaccount:shop:orders-api-r2", "name": "aks-weu-shop"}
    grant = {"role_name": "Reader", "scope": "/subscriptions/s/resourceGroups/rg-orders"}
    planted = {
        "what": "grant",
        "name": "Owner at /",
        "reason": "made inside the compromise window",
        "suspicious": True,
    }
    plan = {
        "display_name": "orders-api-r2",
        "federated_credentials": [trust],
        "grants": [grant],
        "choices": [
            {"key": "g", "what": "grant", "name": "Owner at /x", "reason": "owner-level"},
        ],
        "confirmations": [{"key": "risk", "sentence": "a stolen token stays good"}],
        "left_out": [planted],
        "irreversible": ["aks-weu: Pod shop/loader is deleted"],
    }
    return {"plan_hash": "ab" * 32, "plan": plan, "needs": 2}


def test_without_a_terminal_each_change_is_one_line() -> None:
    shown, written = screen(terminal=False)

    for status in ("unknown", "done", "done"):
        shown.incident(incident("containing", status), {})
    shown.incident(incident("watching"), {"disabled": 2.04})
    shown.close()

    lines = [line.strip() for line in written.getvalue().splitlines()]
    lines = [line for line in lines if line]
    assert lines[0] == "phase containing"
    assert sum("remove_role_assignments" in line for line in lines) == 1
    assert lines[-1] == "phase watching"


def test_on_a_terminal_the_last_table_stays() -> None:
    shown, written = screen(terminal=True)

    shown.incident(incident("containing", "unknown"), {})
    shown.incident(incident("watching"), {"disabled": 2.04})
    shown.heading("Verdict", "")

    tail = written.getvalue().rsplit("Verdict", 1)[0]
    assert "321 ms" in tail
    assert "disabled 2.0 s" in tail


def test_a_step_that_was_kept_is_not_shown_again() -> None:
    shown, written = screen(terminal=True)
    shown.incident(incident("awaiting_consent"), {})
    shown.heading("Consent", "")
    later = incident("watching")
    later["steps"].append({**later["steps"][0], "step": "create_identity", "duration_ms": 777})

    shown.incident(later, {})
    shown.close()

    after = written.getvalue().rsplit("Consent", 1)[1]
    assert "777 ms" in after
    assert "321 ms" not in after


def test_the_plan_shows_what_comes_back_and_what_does_not() -> None:
    shown, written = screen(terminal=False)

    shown.plan(consent())

    text = written.getvalue()
    assert "system:serviceaccount:shop:orders-api-r2" in text
    assert "Reader at rg-orders" in text
    assert "Owner at /" in text
    assert "ab" * 32 in text


def test_a_red_fact_shows_what_was_expected_and_what_was_seen() -> None:
    _, written = screen(terminal=False)
    console = Console(file=written, width=120)

    console.print(verdict(judge(scene(credential_replays={}))))

    text = written.getvalue()
    assert "expected refused by the token endpoint" in text
    assert "could not look" in text
    assert "2 of " in text
    assert "do not hold" in text


def test_the_picture_stands_alone(tmp_path: Path) -> None:
    shown, _ = screen(terminal=False)
    shown.heading("Incident", "inc-1")
    shown.incident(incident("watching"), {"disabled": 2.04})
    shown.plan(consent())

    shown.save_picture(tmp_path / "drill.svg")

    picture = (tmp_path / "drill.svg").read_text()
    assert "remove" in picture
    assert picture.count("http") == 1  # the namespace: nothing is fetched
    assert "<script" not in picture
