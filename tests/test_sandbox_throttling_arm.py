"""Throttling of ARM: a storm of calls is refused with the time to wait, and nothing is done that was refused."""

import pytest

from tests.arm_caller import ArmCaller, as_firebreak, as_user
from tests.sandbox_fixture import RunningSandbox

GROUPS = "2021-04-01"
TYPE = "providers/Microsoft.Authorization/roleAssignments"


@pytest.fixture
def arm(sandbox: RunningSandbox) -> ArmCaller:
    sandbox.no_delays()
    return as_firebreak(sandbox)


def _limit(arm: ArmCaller, **limits: float) -> None:
    arm.sandbox.control("POST", "limits", limits)


def _read(arm: ArmCaller) -> int:
    return arm("GET", f"{arm.subscription}/resourcegroups", version=GROUPS).status_code


def test_what_is_left_is_told_by_kind_and_by_area(arm: ArmCaller) -> None:
    remaining = "x-ms-ratelimit-remaining"
    first = arm("GET", f"{arm.subscription}/resourcegroups", version=GROUPS)
    second = arm("GET", f"{arm.subscription}/resourcegroups/none", version=GROUPS)
    assert first.headers[f"{remaining}-subscription-reads"] == "249"
    assert second.status_code == 404
    assert second.headers[f"{remaining}-subscription-reads"] in ("248", "249")
    tenant = arm("GET", "/subscriptions", version="2022-12-01")
    assert tenant.headers[f"{remaining}-tenant-reads"] == "249"
    gone = arm("DELETE", f"{arm.group}/{TYPE}/7a1bd2dc-5b5d-4c8e-9a52-7f1c2b3d4e5f")
    assert gone.headers[f"{remaining}-subscription-deletes"] == "199"


def test_an_empty_bucket_says_when_there_is_enough_again(arm: ArmCaller) -> None:
    _limit(arm, arm_reads=2, arm_reads_refill=0.1)
    assert [_read(arm), _read(arm)] == [200, 200]
    refused = arm("GET", f"{arm.subscription}/resourcegroups", version=GROUPS)
    assert refused.status_code == 429
    assert refused.json()["error"]["code"] == "SubscriptionRequestsThrottled"
    wait_s = int(refused.headers["retry-after"])
    assert 8 <= wait_s <= 10
    arm.sandbox.control("POST", "clock", {"advance_seconds": wait_s})
    assert [_read(arm), _read(arm)] == [200, 429]


def test_a_refused_delete_deletes_nothing_and_leaves_no_activity(arm: ArmCaller) -> None:
    _limit(arm, arm_deletes=0, arm_deletes_refill=0)
    orders = arm.sandbox.seed["orders_api"]["object_id"]
    listed = f"{arm.subscription}/{TYPE}"
    held = arm("GET", listed, filter=f"principalId eq '{orders}'").json()["value"]
    assert arm("DELETE", held[0]["id"]).status_code == 429
    assert arm("GET", listed, filter=f"principalId eq '{orders}'").json()["value"] == held
    assert arm.sandbox.control("GET", "state/activity") == []


def test_each_caller_and_each_area_has_a_bucket_of_its_own(arm: ArmCaller) -> None:
    _limit(arm, arm_reads=1, arm_reads_refill=0)
    assert [_read(arm), _read(arm)] == [200, 429]
    assert _read(as_user(arm.sandbox, "dana")) == 200
    assert arm("GET", "/subscriptions", version="2022-12-01").status_code == 200
    tenant = arm("GET", "/tenants", version="2022-12-01")
    assert tenant.json()["error"]["code"] == "TenantRequestsThrottled"


def test_calls_about_one_identity_are_counted_whoever_makes_them(arm: ArmCaller) -> None:
    _limit(arm, managed_identity_reads=0.5)
    identity = arm.sandbox.seed["payments_identity"]["resource_id"]
    assert arm("GET", identity, version="2024-11-30").status_code == 200
    refused = as_user(arm.sandbox, "dana")("GET", identity, version="2024-11-30")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
    arm.sandbox.control("POST", "clock", {"advance_seconds": 2})
    assert arm("GET", identity, version="2024-11-30").status_code == 200
