"""The rules by which a random world is judged, where a mistake of theirs would hide one of the product's."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from fuzz.oracle import nothing_opens
from fuzz.report_rules import says_the_same

SAID = {"aks-1": {"status": "by_hand", "detail": "kubectl delete pod"}}
VM = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm-1"
AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("told", "same"),
    [
        (SAID, True),
        ({"aks-1": {"status": "by_hand", "detail": "kubectl del…"}}, True),
        ({"aks-1": {"status": "by_hand", "detail": "kubectl del"}}, False),
        ({"aks-1": {"status": "by_hand", "detail": "kubectl get…"}}, False),
        ({"aks-1": {"status": "done", "detail": "kubectl del…"}}, False),
        ({}, False),
    ],
)
def test_a_status_that_is_cut_says_what_the_report_says_and_nothing_else(
    told: Any, same: bool
) -> None:
    assert says_the_same(told, SAID) is same


@pytest.mark.parametrize(
    ("machine", "why", "after", "fine"),
    [
        ("vm-2", "", timedelta(hours=23), True),
        ("vm-1", "", timedelta(hours=25), False),
        ("vm-1", "gets new tokens after that time too", timedelta(hours=25), True),
        ("vm-2", "gets new tokens after that time too", timedelta(hours=25), False),
    ],
)
def test_what_opens_after_the_stated_time_is_wrong_but_for_a_machine_that_is_named(
    machine: str, why: str, after: timedelta, fine: bool
) -> None:
    until = (AT + timedelta(hours=24)).isoformat()
    exposures = [{"resource": "Kubernetes, databases", "until": until, "why": why}]
    opens: Any = SimpleNamespace(
        move="open",
        who="victim",
        what="cluster",
        how=f"code on {machine} as f333 for aks",
        at=AT + after,
    )
    played: Any = SimpleNamespace(
        victim=SimpleNamespace(object_id="victim"),
        status={"exposures": exposures, "remaining": [f"1 can: {VM}"]},
        claims=[SimpleNamespace(at=AT)],
        restored_at=None,
        deeds=[opens],
        planted_after=lambda _since: [],
    )

    assert (list(nothing_opens(played)) == []) is fine
