"""A tenant has more than one subscription, and an identity may hold something in each of them."""

from typing import Any

import pytest

from tests.arm_caller import ArmCaller, as_firebreak, as_user
from tests.in_process import InProcess
from tests.sandbox_fixture import RunningSandbox

SECOND = "11111111-2222-4333-8444-555555555555"
SCOPE = f"/subscriptions/{SECOND}"


def planted(sandbox: RunningSandbox, **more: Any) -> dict[str, Any]:
    """A second subscription with a storage account that orders-api reads."""
    sandbox.control(
        "POST",
        "seed",
        {
            "subscriptions": [
                {"displayName": "Contoso Test", "id": SECOND, "managementGroup": "mg-platform"}
            ],
            "resourceGroups": [{"name": "rg-second", "subscriptionId": SECOND}],
        },
    )
    where = {"resourceGroup": "rg-second", "subscriptionId": SECOND}
    made: dict[str, Any] = sandbox.control(
        "POST", "seed", {"storageAccounts": [{"name": "stsecond", **where}], **more}
    )
    reader = {
        "scope": made["storageAccounts"][0]["id"],
        "role": "Storage Blob Data Reader",
        "principalId": sandbox.seed["orders_api"]["object_id"],
    }
    sandbox.control("POST", "seed", {"roleAssignments": [reader]})
    return made


@pytest.fixture
def arm(sandbox: RunningSandbox) -> ArmCaller:
    sandbox.no_delays()
    planted(sandbox)
    return as_firebreak(sandbox)


def test_who_reads_at_the_root_sees_both_and_who_reads_in_one_sees_one(arm: ArmCaller) -> None:
    def seen(caller: ArmCaller) -> set[str]:
        listed = caller("GET", "/subscriptions", version="2022-12-01").json()["value"]
        return {each["subscriptionId"] for each in listed}

    first = arm.sandbox.described["subscription_id"]
    assert seen(arm) == {first, SECOND}
    assert seen(as_user(arm.sandbox, "dana")) == {first}


def test_each_subscription_lists_its_own_grants_and_inherits_from_above(arm: ArmCaller) -> None:
    orders = arm.sandbox.seed["orders_api"]["object_id"]
    roles = "providers/Microsoft.Authorization/roleAssignments"
    found = arm("GET", f"{SCOPE}/{roles}", filter=f"principalId eq '{orders}'").json()["value"]
    assert [each["properties"]["scope"].startswith(SCOPE) for each in found] == [True]
    own = arm("GET", f"{SCOPE}/{roles}").json()["value"]
    assert any("managementGroups" in each["properties"]["scope"] for each in own)


@pytest.mark.parametrize(
    "wrong",
    [
        {"subscriptions": [{"displayName": "x", "managementGroup": "nowhere"}]},
        {"subscriptions": [{"displayName": "x", "id": SECOND}]},
        {"resourceGroups": [{"name": "x", "subscriptionId": "nowhere"}]},
    ],
)
def test_a_subscription_that_makes_no_sense_is_refused(arm: ArmCaller, wrong: object) -> None:
    origin = arm.sandbox.endpoints["control"]
    assert arm.sandbox.http.post(f"{origin}/sandbox/seed", json=wrong).status_code == 400


@pytest.mark.slow
async def test_containment_reaches_into_every_subscription(in_process: InProcess) -> None:
    planted(in_process.sandbox)
    orders = in_process.sandbox.seed["orders_api"]["object_id"]
    driven = in_process.start(await in_process.call({"object_id": orders}, mode="contain"))

    await driven.until("watching", "closed")

    assert driven.status["outcome"] == "contained", driven.status
    left = in_process.sandbox.control("GET", "state/roleAssignments")
    assert orders not in {each["properties"]["principalId"] for each in left}


@pytest.mark.slow
def _hold_in_the_first_alone(sandbox: RunningSandbox) -> None:
    role, own = "Firebreak Containment", sandbox.seed["firebreak"]["containment"]["object_id"]
    state = sandbox.control("GET", "state")
    (found,) = [one["id"] for one in state["customRoles"] if one["properties"]["roleName"] == role]
    held = [
        one["id"]
        for one in state["roleAssignments"]
        if one["properties"]["principalId"] == own
        and one["properties"]["roleDefinitionId"].endswith(found.rpartition("/")[2])
    ]
    for one in held:
        assert as_firebreak(sandbox)("DELETE", one).status_code == 200
    first = f"/subscriptions/{sandbox.described['subscription_id']}"
    root = f"/providers/Microsoft.Management/managementGroups/{sandbox.tenant_id}"
    given = [(role, first), ("Reader", root)]
    wish = [{"principalId": own, "role": name, "scope": scope} for name, scope in given]
    sandbox.control("POST", "seed", {"roleAssignments": wish})


async def test_an_identity_where_firebreak_lacks_a_right_is_not_called_contained(
    in_process: InProcess,
) -> None:
    """It reads everywhere, and takes away in the first subscription alone."""
    _hold_in_the_first_alone(in_process.sandbox)
    where = {"resourceGroup": "rg-second", "subscriptionId": SECOND}
    made = planted(in_process.sandbox, userAssignedIdentities=[{"name": "id-far", **where}])
    identity = made["userAssignedIdentities"][0]
    trust = {"identityId": identity["resource_id"], "name": "far", "subject": "me"}
    issuer = in_process.sandbox.seed["clusters"]["aks-weu"]["issuer"]
    in_process.sandbox.control(
        "POST", "seed", {"identityCredentials": [{**trust, "issuer": issuer}]}
    )
    order = await in_process.call({"object_id": identity["object_id"]}, mode="contain")
    driven = in_process.start(order)

    await driven.until("watching", "closed")

    assert driven.status["outcome"] == "not_contained", driven.status
    deletes = [one for one in driven.status["by_hand"] if "--method delete" in one]
    assert any(f"{identity['resource_id']}/federatedIdentityCredentials/" in one for one in deletes)
