"""A whole incident with its evidence in blobs: every step gets along with that store, and what is left verifies.

The folder is what all the other incidents of the tests write to.
"""

import pytest

from playbooks.journaled import open_store
from responders import bundles
from tests.in_process import InProcess, in_process
from tests.report_schema import faults
from tests.sandbox_fixture import RunningSandbox

__all__ = ["in_process"]


@pytest.mark.slow  # an incident of forty steps, over a real socket to the storage
async def test_the_evidence_of_a_whole_incident_in_blobs_is_intact(
    in_process: InProcess, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIREBREAK_EVIDENCE", sandbox.seed["evidence"]["container_url"])
    order = await in_process.alert(sandbox.seed["orders_api"]["object_id"])
    driven = in_process.start(order)
    await driven.until("watching")
    sealed = await driven.steps["seal_evidence"]({**order, "facts": {"after": "test"}})

    folder, store = f"incidents/{order['incident']['incident_id']}", open_store()
    assert bundles.verify(store, folder, manifest_sha256=sealed["manifest"]["sha256"]) == []
    assert {f"{folder}/report.html", f"{folder}/snapshot.json"} <= set(store.list(folder))
    assert faults(store.get_json(f"{folder}/report.json")) == []
    assert not in_process.evidence.exists()
