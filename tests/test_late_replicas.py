"""An incident on a day on which every replica of Azure is late: nothing is lost, nothing believed too early."""

import pytest

from tests.in_process import InProcess
from tests.test_rebuild_on_sandbox import _kubelets_take_their_time, asked, seeded

pytestmark = [pytest.mark.timeout(180), pytest.mark.slow]
__all__ = ["_kubelets_take_their_time"]  # a fixture that is always in use
LATE = {
    "directory": 1.0,
    "directory_reads": 0.7,
    "federation": 1.5,
    "replication": 1.0,
    "role_assignment_reads": 1.0,
    "role_assignments": 1.5,
    "vault_policies": 1.0,
}


@pytest.mark.parametrize("attacked", ["orders_api", "payments_identity"])
async def test_a_recovery_waits_for_late_replicas(in_process: InProcess, attacked: str) -> None:
    in_process.sandbox.control("POST", "delays", LATE)

    driven = await asked(in_process, {"object_id": seeded(in_process, attacked)["object_id"]})
    driven.agree()
    await driven.until("watching", "closed")

    assert driven.status["outcome"] == "recovered", driven.status["clusters"]
    left = [
        name
        for name, answer in driven.answers
        if "bug in Firebreak" in str(answer.get("detail", ""))
    ]
    assert left == []
