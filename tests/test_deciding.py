"""What starts what is the policy's word; a key never carries further than containment."""

from pathlib import Path
from typing import Any

import pytest

from playbooks import policy
from responders.model import Signal
from triggers.deciding import decide

SHIPPED = policy.load(Path(__file__).parent.parent / "policy.toml")


def signal(source: str, kind: str, severity: str = "", **more: Any) -> Any:
    made: dict[str, Any] = {
        "source": source,
        "kind": kind,
        "signal_id": "1",
        "fired_at": "2026-01-01T00:00:00+00:00",
        "title": "t",
        "severity": severity,
        "confidence": "medium",
        "authenticated": "token",
        "hint": {},
        **more,
    }
    return made


@pytest.mark.parametrize(
    ("came", "mode"),
    [
        (signal("azure-monitor", "log-alert", "Sev0"), "respond"),
        (signal("azure-monitor", "log-alert", "Sev2"), "contain"),
        (signal("azure-monitor", "log-alert", "Sev3"), "plan"),
        (signal("azure-monitor", "activity-log-alert", "Sev4"), "plan"),
        (signal("event-grid", "custom"), "contain"),
        (signal("event-grid", "role-assignment-write"), "record"),
        (signal("alertmanager", "HighIdentityAuthenticationFailures", "critical"), "apply"),
        (signal("alertmanager", "TokenExpirationWarning", "critical"), "apply"),
        (signal("alertmanager", "DiskIsFull", "critical"), "record"),
        (signal("sentinel", "incident", "High"), "contain"),
        (signal("sentinel", "incident", "High", confidence="low"), "plan"),
        (signal("defender", "security-alert", "Low"), "plan"),
        (signal("firebreak", "failing_sign_ins", asked="contain"), "contain"),
        (signal("responder", "call", asked="respond"), "respond"),
        (signal("responder", "call"), "plan"),
    ],
)
def test_the_shipped_table_decides(came: Signal, mode: str) -> None:
    assert decide(came, SHIPPED).mode == mode


@pytest.mark.parametrize("known_by", ["key", "system"])
def test_a_key_carries_as_far_as_containment(known_by: str) -> None:
    decided = decide(signal("azure-monitor", "log-alert", "Sev0", authenticated=known_by), SHIPPED)

    assert (decided.mode, decided.wanted, decided.capped) == ("contain", "respond", True)
    assert "without an Entra token" in decided.why


def test_what_no_rule_is_about_starts_nothing_and_says_so() -> None:
    decided = decide(signal("alertmanager", "DiskIsFull", "critical"), SHIPPED)

    assert (decided.playbook, decided.rule_index) == (None, None)
    assert "DiskIsFull critical" in decided.why


def test_what_can_start_nothing_is_recorded_whatever_the_rules_say() -> None:
    decided = decide(signal("azure-monitor", "log-alert", "Sev0", inert="it was resolved"), SHIPPED)

    assert (decided.mode, decided.why) == ("record", "it was resolved")


def test_the_first_rule_that_covers_decides_and_is_named() -> None:
    decided = decide(signal("azure-monitor", "log-alert", "Sev1"), SHIPPED)

    assert decided.rule_index == 1
    assert "rule 2" in decided.why
