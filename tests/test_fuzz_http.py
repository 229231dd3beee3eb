"""The HTTP surface under fire: calls drawn from its own description, by everybody and nobody, against the real app."""

from pathlib import Path

import pytest

from drill.training_ground import Layout, opened
from fuzz import http_run


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_whatever_is_sent_is_answered_as_described_and_begins_nothing(tmp_path: Path) -> None:
    layout = Layout(folder=tmp_path, host_environment={})
    async with opened(layout) as ground:
        judged = await http_run.run(ground, examples=5, seed=1)
        log = ground.host.log.read_text()

    assert judged.held, http_run.told(judged)
    statuses = {status for _, status in judged.surface.answers}
    assert statuses >= {200, 400, 401, 403, 404}, "it got past the door"
    assert "http function failed" not in log
