"""Risk: confirmed when it reads back; a missing licence is no failure, a missing permission is."""

import pytest

from responders import principals, risk
from responders.cloud import Cloud, read_only
from responders.errors import RefusedError, TransientError
from tests.a_principal import MANAGED, OBJECT, PRINCIPAL, WITHOUT_PRINCIPAL
from tests.azure_fake import FakeAzure, Say, problem
from tests.sandbox_fixture import RunningSandbox

BASE = "/v1.0/identityProtection/riskyServicePrincipals"
ONE, CONFIRM = f"{BASE}/{OBJECT}", f"{BASE}/confirmCompromised"
NONE = problem(404, "Request_ResourceNotFound")
BUSY = problem(429, "TooManyRequests")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(risk, "PACE_S", 0.002)


def _state(state: str) -> Say:
    return Say(200, {"id": OBJECT, "riskState": state})


async def test_it_is_done_when_it_reads_back(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", ONE, NONE, _state("atRisk"), _state("confirmedCompromised"))
    azure.on("POST", CONFIRM, Say(204))
    result = await risk.confirm_compromised(cloud, PRINCIPAL)
    assert result["status"] == "done"
    assert (result["changes"][0]["before"], result["changes"][0]["after"]) == (
        "none",
        "confirmedCompromised",
    )
    assert [one.body for one in azure.writes()] == [{"servicePrincipalIds": [OBJECT]}]


async def test_a_busy_tenant_is_asked_again_but_not_for_ever(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("GET", ONE, NONE, _state("confirmedCompromised"))
    azure.on("POST", CONFIRM, BUSY, BUSY, Say(204))
    assert (await risk.confirm_compromised(cloud, PRINCIPAL))["status"] == "done"

    azure.on("GET", ONE, NONE)
    azure.on("POST", CONFIRM, BUSY)
    with pytest.raises(TransientError, match="429"):
        await risk.confirm_compromised(cloud, PRINCIPAL)
    assert len(azure.asked("POST", CONFIRM)) < 15


async def test_without_the_licence_it_is_skipped(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", ONE, problem(403, "Forbidden", "Your tenant is not licensed for this feature."))
    result = await risk.confirm_compromised(cloud, PRINCIPAL)
    assert result["status"] == "nothing_to_do"
    assert result["detail"].startswith("skipped: not licensed")


async def test_a_missing_permission_is_no_missing_licence(azure: FakeAzure, cloud: Cloud) -> None:
    denied = problem(403, "Forbidden", "You cannot perform the requested operation.")
    azure.on("GET", ONE, denied)
    with pytest.raises(RefusedError):
        await risk.confirm_compromised(cloud, PRINCIPAL)


async def test_one_that_does_not_read_back_is_not_done(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", ONE, NONE)
    azure.on("POST", CONFIRM, Say(204))
    with pytest.raises(TransientError, match="does not read back"):
        await risk.confirm_compromised(cloud, PRINCIPAL)


async def test_managed_identities_are_out_of_scope(azure: FakeAzure, cloud: Cloud) -> None:
    result = await risk.confirm_compromised(cloud, MANAGED)
    assert (result["status"], "out of scope" in result["detail"]) == ("nothing_to_do", True)
    result = await risk.confirm_compromised(cloud, WITHOUT_PRINCIPAL)
    assert result["status"] == "nothing_to_do"
    assert azure.seen == []


async def test_a_plan_only_reads(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", ONE, NONE)
    with read_only():
        assert (await risk.confirm_compromised(cloud, PRINCIPAL))["status"] == "planned"
    assert azure.writes() == []


# --- sandbox ------------------------------------------------------------------------------------


async def test_a_second_run_finds_nothing_to_do(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    sandbox.control("POST", "limits", {"identity_protection": 1000})
    object_id = sandbox.seed["orders_api"]["object_id"]
    principal = await principals.resolve(sandbox_cloud, {"object_id": object_id})
    runs = [await risk.confirm_compromised(sandbox_cloud, principal) for _ in range(2)]
    assert [one["status"] for one in runs] == ["done", "nothing_to_do"]


async def test_a_tenant_without_the_licence_says_so(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    sandbox.control("POST", "licences", {"workload_id_premium": False})
    object_id = sandbox.seed["orders_api"]["object_id"]
    principal = await principals.resolve(sandbox_cloud, {"object_id": object_id})
    result = await risk.confirm_compromised(sandbox_cloud, principal)
    assert result["detail"].startswith("skipped: not licensed")


def test_by_hand_names_the_principal() -> None:
    assert OBJECT in risk.by_hand(PRINCIPAL)[0]
