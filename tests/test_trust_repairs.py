"""A trust is mended where it is still the one that was looked at, and read back; anything else is left alone."""

from typing import Any

import pytest

from playbooks.alerts import repairs
from responders import trust_repairs, trusts
from responders.errors import ConflictError, RefusedError, TransientError
from responders.read_only import read_only
from tests.a_principal import APPLICATION, MANAGED, PRINCIPAL
from tests.a_wired_workload import AUDIENCE, ISSUER, SUBJECT, sound, trust

KEY = "00000000-0000-0000-0000-0000000000e1"
SLIP = {**trust(issuer=ISSUER[:-1]), "id": KEY}
RIGHT = {**trust(), "id": KEY}
IDENTITY = (
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i"
)


class Cloud:
    """Trusts of one identity, and what was written."""

    def __init__(self, *found: Any) -> None:
        self.trusts = [dict(one) for one in found]
        self.written: list[tuple[str, Any]] = []
        self.conflicts = 0
        self.forgets = False
        self.graph = self.arm = self

    async def patch(self, path: str, body: Any) -> None:
        if self.conflicts:
            self.conflicts -= 1
            raise ConflictError("409")
        self.written.append((path, body))
        if not self.forgets:
            self.trusts[0] |= body

    async def put(self, path: str, _version: str, body: Any) -> Any:
        self.written.append((path, body))
        self.trusts[0] |= body["properties"]
        return {}


@pytest.fixture(autouse=True)
def reads(monkeypatch: pytest.MonkeyPatch) -> None:
    async def read(cloud: Any, _holder: Any) -> Any:
        return [dict(one) for one in cloud.trusts]

    monkeypatch.setattr(trusts, "read", read)
    monkeypatch.setattr("responders.patience.DEFAULT_S", 0.2)


async def mend(cloud: Cloud, principal: Any = PRINCIPAL) -> Any:
    return await trust_repairs.mend(cloud, principal, SLIP, RIGHT)  # type: ignore[arg-type]


async def test_an_applications_trust_is_patched_and_read_back() -> None:
    cloud = Cloud(SLIP)

    done = await mend(cloud)

    assert done["status"] == "done"
    ((path, body),) = cloud.written
    assert path == f"/applications/{APPLICATION}/federatedIdentityCredentials/{KEY}"
    assert body == {"issuer": ISSUER, "subject": SUBJECT, "audiences": [AUDIENCE]}
    assert done["items"] == [{"before": SLIP, "after": RIGHT}]


async def test_a_managed_identitys_trust_is_put_under_its_own_name() -> None:
    cloud = Cloud(SLIP)

    done = await mend(cloud, {**MANAGED, "resource_id": IDENTITY})

    assert done["status"] == "done"
    assert cloud.written[0][0] == f"{IDENTITY}/federatedIdentityCredentials/orders"


async def test_what_is_right_already_is_not_written() -> None:
    cloud = Cloud(RIGHT)

    assert (await mend(cloud))["status"] == "nothing_to_do"
    assert cloud.written == []


@pytest.mark.parametrize(
    "found",
    [
        [],
        [{**SLIP, "subject": "system:serviceaccount:bank:payments"}],
        [{**SLIP, "audiences": ["x"]}],
        [SLIP, {**RIGHT, "name": "twin"}],
    ],
)
async def test_what_was_changed_since_is_left_alone(found: list[Any]) -> None:
    cloud = Cloud(*found)

    with pytest.raises(RefusedError):
        await mend(cloud)
    assert cloud.written == []


async def test_a_plan_says_it_and_writes_nothing() -> None:
    cloud = Cloud(SLIP)

    with read_only():
        planned = await mend(cloud)

    assert (planned["status"], cloud.written) == ("planned", [])
    assert planned["changes"][0]["before"].startswith(ISSUER[:-1])


async def test_a_lost_race_is_run_again_and_what_does_not_read_back_is_not_done() -> None:
    raced, forgetful = Cloud(SLIP), Cloud(SLIP)
    raced.conflicts, forgetful.forgets = 1, True

    assert (await mend(raced))["status"] == "done"
    with pytest.raises(TransientError):
        await mend(forgetful)


def test_only_a_slip_of_an_existing_service_account_may_be_mended() -> None:
    slip, other, planted, fits = sound(), sound(), sound(), sound()
    slip["identity"]["trusts"] = [trust(issuer=ISSUER[:-1])]  # type: ignore[index]
    other["identity"]["trusts"] = [trust(subject="system:serviceaccount:shop:orders-app")]  # type: ignore[index]
    planted["identity"]["trusts"] = [trust(issuer=ISSUER[:-1])]  # type: ignore[index]
    planted["wiring"]["account"] = None

    ((repair),) = repairs.possible(slip)
    assert (repair["before"]["issuer"], repair["after"]["issuer"]) == (ISSUER[:-1], ISSUER)
    assert [repairs.possible(one) for one in (other, planted, fits)] == [[], [], []]
