"""What runs in a tenant goes on after an upgrade: today's orchestrators ask for what they asked for in every release.

Where one of these fails, an incident that is open while you deploy would break. Keep the old way for the old version
(`if context.version ...`), and count `defaultVersion` in host.json up. See docs/how-to/upgrade.md.
"""

import json
from pathlib import Path

import pytest

from tests import recorded
from tests.in_process import orchestrations
from tests.recorded import ChangedError, Recorded

# What the SDK says of an event that nobody waits for any more; in production it is a line in the log.
pytestmark = pytest.mark.filterwarnings("ignore:Potential duplicate Task completion")
_RECORDINGS = [
    path for release in recorded.releases() for path in sorted(release.glob("*.json.xz"))
]


def named(path: Path) -> str:
    return f"{path.parent.name}/{path.name.partition('.')[0]}"


def test_there_are_recordings_and_they_cover_what_an_incident_is_made_of() -> None:
    names = {one["name"] for path in _RECORDINGS for one in recorded.of(path)}

    assert {
        "compromised_identity",
        "hold_containment",
        "rewire_cluster",
        "restore_identity",
    } <= names


@pytest.mark.parametrize("path", _RECORDINGS, ids=named)
def test_every_recorded_orchestration_replays_on_the_code_of_today(path: Path) -> None:
    for one in recorded.of(path):
        recorded.replay(one, orchestrations()[one["name"]]._function._func)


def test_no_recording_holds_a_secret() -> None:
    """They come from the sandbox, whose tokens are real JWTs and whose keys are real keys."""
    for path in _RECORDINGS:
        text = json.dumps(recorded.of(path))
        assert "eyJ" not in text
        assert "PRIVATE KEY" not in text
        assert "sig=" not in text


def changed(one: Recorded, position: int, name: str) -> Recorded:
    actions = [*one["actions"]]
    actions[position] = {**actions[position], "name": name}
    return {**one, "actions": actions}


def test_a_step_that_came_or_went_or_moved_is_noticed() -> None:
    (path,) = [one for one in _RECORDINGS[:50] if named(one).endswith("/respond")][-1:]
    (incident,) = [one for one in recorded.of(path) if one["name"] == "compromised_identity"]
    orchestrator = orchestrations()["compromised_identity"]._function._func
    steps = [at for at, one in enumerate(incident["actions"]) if one["kind"] == 0]

    with pytest.raises(ChangedError, match="it was"):
        recorded.replay(changed(incident, steps[3], "another_step"), orchestrator)
    without = [one for at, one in enumerate(incident["actions"]) if at != steps[3]]
    with pytest.raises(ChangedError):
        recorded.replay({**incident, "actions": without}, orchestrator)
    more = [*incident["actions"], *[{"kind": 0, "name": "one_more"}] * 500]
    with pytest.raises(ChangedError):
        recorded.replay({**incident, "actions": more}, orchestrator)  # type: ignore[typeddict-item]
