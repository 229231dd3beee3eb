"""Which pods count as stale, and which of them a rollout restarts."""

from typing import Any

import pytest

from playbooks.alerts import stale_pods
from playbooks.troubleshooting.model import Facts
from tests.a_wired_workload import pod, sound

OTHER = "00000000-0000-0000-0000-0000000000ff"


def facts(*pods: Any, **word: Any) -> Facts:
    found = sound()
    found["wiring"]["pods"] = list(pods) or [pod()]
    if word:
        said = {"pod": "orders-api-1", "container": "app", "count": 1, "code": 700024, **word}
        found["wiring"]["words"] = [said]  # type: ignore[list-item]
    return found


def test_a_sound_pod_is_not_stale() -> None:
    assert stale_pods.of(facts()) == []


def test_a_pod_of_another_client_id_is_and_its_deployment_is_named_once() -> None:
    (one,) = stale_pods.of(facts(pod("a", OTHER), pod("b", OTHER), pod("c")))

    assert (one["kind"], one["name"], one["pods"]) == ("Deployment", "orders-api", ["a", "b"])


@pytest.mark.parametrize(
    ("word", "stale"),
    [
        ({"last": "2026-11-27T01:30:00.123456789Z"}, True),
        ({"last": "2026-11-20T01:30:00.123456789Z"}, False),
        ({"last": "2026-11-27T01:30:00Z", "code": 700213}, False),
    ],
)
def test_a_pod_that_said_of_late_that_its_token_had_expired_is(
    word: dict[str, Any], stale: bool
) -> None:
    assert bool(stale_pods.of(facts(**word))) == stale


@pytest.mark.parametrize("made_by", ["", "Job/nightly", "ReplicaSet/odd"])
def test_what_no_rollout_restarts_is_a_persons(made_by: str) -> None:
    (one,) = stale_pods.of(facts({**pod("a", OTHER), "made_by": made_by}))

    assert one["kind"] == ""
    assert "delete pod a" in one["by_hand"]


@pytest.mark.parametrize("gone", [{"finished": True}, {"terminating": True}])
def test_what_is_on_its_way_out_is_left_alone(gone: dict[str, bool]) -> None:
    assert stale_pods.of(facts({**pod("a", OTHER), **gone})) == []


def test_each_workload_is_a_finding_of_its_own() -> None:
    seen = facts(pod("a", OTHER), {**pod("b", OTHER), "made_by": "StatefulSet/db"})

    found = stale_pods.findings(seen, stale_pods.of(seen))

    assert len({(one["rule"], one["subject"]) for one in found}) == 2
