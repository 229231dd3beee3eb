"""A storm of alerts makes one incident for each identity, answers every call in time, and loses nothing.

The host is killed in the middle of it. What senders do then is what action groups do: they send again.
"""

from pathlib import Path

import pytest

from bench.storm import LIMIT_S, Storm, blow


@pytest.mark.slow
@pytest.mark.timeout(2_400)
@pytest.mark.parametrize(
    "storm",
    [
        pytest.param(Storm(alerts=300, identities=12, within_s=10, kills=1), id="small, killed"),
        pytest.param(
            Storm(alerts=10_000, identities=100), id="whole", marks=pytest.mark.exhaustive
        ),
        pytest.param(
            Storm(alerts=10_000, identities=100, kills=3),
            id="whole, killed",
            marks=pytest.mark.exhaustive,
        ),
    ],
)
async def test_every_alert_of_a_storm_is_kept_with_the_one_incident_of_its_identity(
    storm: Storm, tmp_path: Path
) -> None:
    counted = await blow(tmp_path, storm)

    assert (counted.incidents, counted.of) == (storm.identities, storm.identities)
    assert dict(counted.records) == {"accepted": storm.alerts}
    assert counted.kept == storm.alerts
    assert counted.messages == 0
    assert counted.slowest_s < LIMIT_S
    assert set(counted.heard.answers) <= {"202 accepted", "202 queued"}
