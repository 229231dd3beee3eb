"""Trusts of a managed identity: one write at a time, none is left, and nobody's race loses one."""

import time
from itertools import pairwise
from typing import Any

import pytest

from responders import identity_trusts
from responders.cloud import Cloud, read_only
from responders.errors import ContractChangedError, NotFoundError, TransientError
from tests.azure_fake import FakeAzure, Say, Seen, page, problem
from tests.sandbox_fixture import RunningSandbox
from tests.suspects import IDENTITY, suspect

ALL = f"{IDENTITY}/federatedIdentityCredentials"
OF_IDENTITY = suspect("user_assigned_identity")
ISSUER = "https://issuer.example/"


def _trust(name: str, **properties: object) -> dict[str, Any]:
    plain = {"issuer": ISSUER, "subject": f"system:serviceaccount:x:{name}", "audiences": ["api"]}
    return {"id": f"{ALL}/{name}", "name": name, "properties": plain | properties}


class Identity:
    """What it trusts, until it is deleted; a write at a time."""

    def __init__(self, azure: FakeAzure, *trusts: dict[str, Any]) -> None:
        self.trusts = {one["name"]: one for one in trusts}
        self.azure = azure
        azure.on("GET", ALL, lambda _: page(*self.trusts.values()))
        for name in self.trusts:
            azure.on("DELETE", f"{ALL}/{name}", self.delete)

    def delete(self, seen: Seen) -> Say:
        gone = self.trusts.pop(seen.path.rpartition("/")[2], None)
        return Say(200 if gone else 204)


def _flexible() -> dict[str, Any]:
    found = _trust("flexible", claimsMatchingExpression={"value": "claims['sub'] matches 'x*'"})
    del found["properties"]["subject"]
    return found


async def test_all_go_one_after_the_other_and_the_list_is_read_again(
    azure: FakeAzure, cloud: Cloud
) -> None:
    Identity(azure, *(_trust(f"t{number}") for number in range(20)))
    result = await identity_trusts.remove_all(cloud, OF_IDENTITY)
    assert result["status"] == "done"
    assert len(result["items"]) == len(result["changes"]) == 20
    assert result["changes"][0] == {
        "object": f"federated credential t0 of {IDENTITY}",
        "before": f"trusts {ISSUER} system:serviceaccount:x:t0",
        "after": "deleted",
    }
    assert [one.method for one in azure.seen[-2:]] == ["GET", "GET"]
    assert azure.writes()[0].query == {"api-version": identity_trusts.API_VERSION}
    again = await identity_trusts.remove_all(cloud, OF_IDENTITY)
    assert (again["status"], again["items"]) == ("nothing_to_do", [])


async def test_never_two_writes_at_once(azure: FakeAzure, cloud: Cloud) -> None:
    identity = Identity(azure, _trust("a"), _trust("b"), _trust("c"))
    arrived: list[float] = []

    def slow(seen: Seen) -> Say:
        arrived.append(time.monotonic())
        return Say(identity.delete(seen).status, after_s=0.03)

    for name in list(identity.trusts):
        azure.on("DELETE", f"{ALL}/{name}", slow)
    await identity_trusts.remove_all(cloud, OF_IDENTITY)
    assert min(later - before for before, later in pairwise(arrived)) >= 0.03


async def test_a_write_of_somebody_else_is_waited_for_and_the_list_read_anew(
    azure: FakeAzure, cloud: Cloud
) -> None:
    identity = Identity(azure, _trust("a"), _trust("b"))

    def plant(_: Seen) -> Say:
        identity.trusts["planted"] = _trust("planted")
        azure.on("DELETE", f"{ALL}/planted", identity.delete)
        return problem(409, "Conflict")

    azure.on("DELETE", f"{ALL}/a", plant, identity.delete)
    result = await identity_trusts.remove_all(cloud, OF_IDENTITY)
    assert {one["name"] for one in result["items"]} == {"a", "b", "planted"}
    after = [one.method for one in azure.seen][3:]  # two lists and the conflict
    assert after[:2] == ["GET", "GET"]
    assert identity.trusts == {}


async def test_a_race_without_end_ends_and_is_not_called_done(
    azure: FakeAzure, cloud: Cloud
) -> None:
    Identity(azure, _trust("a"))
    azure.on("DELETE", f"{ALL}/a", problem(409, "Conflict"))
    with pytest.raises(TransientError, match="another writer"):
        await identity_trusts.remove_all(cloud, OF_IDENTITY)
    assert 1 < len(azure.asked("DELETE", f"{ALL}/a")) < 20


async def test_one_that_still_reads_back_is_not_called_deleted(
    azure: FakeAzure, cloud: Cloud
) -> None:
    Identity(azure, _trust("a"))
    azure.on("DELETE", f"{ALL}/a", Say(200))
    with pytest.raises(TransientError, match="still listed"):
        await identity_trusts.remove_all(cloud, OF_IDENTITY)


async def test_one_that_is_locked_does_not_keep_the_others(azure: FakeAzure, cloud: Cloud) -> None:
    Identity(azure, _trust("a"), _trust("b"))
    azure.on("DELETE", f"{ALL}/a", problem(409, "ScopeLocked", "lock 'prod'"))
    result = await identity_trusts.remove_all(cloud, OF_IDENTITY)
    assert result["status"] == "refused"
    assert [one["name"] for one in result["items"]] == ["b"]
    assert "lock 'prod'" in result["detail"]
    assert len(azure.asked("DELETE", f"{ALL}/a")) == 1


async def test_throttling_ends_this_run_and_the_next_one_goes_on(
    azure: FakeAzure, cloud: Cloud
) -> None:
    identity = Identity(azure, _trust("a"), _trust("b"))
    storm = problem(429, "TooManyRequests", Retry_After="30")
    azure.on("DELETE", f"{ALL}/b", storm, identity.delete)
    with pytest.raises(TransientError):
        await identity_trusts.remove_all(cloud, OF_IDENTITY)
    result = await identity_trusts.remove_all(cloud, OF_IDENTITY)
    assert [one["name"] for one in result["items"]] == ["b"]


async def test_a_flexible_one_that_only_the_preview_lists_goes_too(
    azure: FakeAzure, cloud: Cloud
) -> None:
    identity = Identity(azure, _trust("a"), _flexible())

    def listed(seen: Seen) -> Say:
        preview = seen.query["api-version"] == identity_trusts.PREVIEW
        return page(*(one for one in identity.trusts.values() if preview or one["name"] == "a"))

    azure.on("GET", ALL, listed)
    read = {one["name"]: one for one in await identity_trusts.read_all(cloud, IDENTITY)}
    assert read["flexible"]["subject"] is None
    assert read["flexible"]["claims_matching_expression"] == {"value": "claims['sub'] matches 'x*'"}
    result = await identity_trusts.remove_all(cloud, OF_IDENTITY)
    assert identity.trusts == {}
    assert "claims['sub'] matches 'x*'" in result["detail"]


async def test_without_the_preview_the_stable_list_stands_and_that_is_said(
    azure: FakeAzure, cloud: Cloud
) -> None:
    identity = Identity(azure, _trust("a"))

    def listed(seen: Seen) -> Say:
        if seen.query["api-version"] == identity_trusts.PREVIEW:
            return problem(400, "NoRegisteredProviderFound")
        return page(*identity.trusts.values())

    azure.on("GET", ALL, listed)
    result = await identity_trusts.remove_all(cloud, OF_IDENTITY)
    assert result["status"] == "done"
    assert "flexible ones could not be asked for" in result["detail"]


async def test_a_plan_deletes_nothing_and_shows_each(azure: FakeAzure, cloud: Cloud) -> None:
    Identity(azure, _trust("a"), _trust("b"))
    with read_only():
        result = await identity_trusts.remove_all(cloud, OF_IDENTITY)
    assert (result["status"], len(result["changes"])) == ("planned", 2)
    assert azure.writes() == []


async def test_an_identity_that_is_gone_has_no_trusts_but_is_no_empty_list(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("GET", ALL, problem(404, "ResourceNotFound"))
    assert (await identity_trusts.remove_all(cloud, OF_IDENTITY))["status"] == "nothing_to_do"
    with pytest.raises(NotFoundError):
        await identity_trusts.read_all(cloud, IDENTITY)


async def test_what_cannot_be_read_is_not_empty(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", ALL, problem(503, "ServerBusy"))
    with pytest.raises(TransientError):
        await identity_trusts.remove_all(cloud, OF_IDENTITY)
    azure.on("GET", ALL, page({"name": "x"}))
    with pytest.raises(ContractChangedError):
        await identity_trusts.remove_all(cloud, OF_IDENTITY)


async def test_other_principals_have_none_here(cloud: Cloud) -> None:
    for one in (suspect(), suspect("system_assigned_identity")):
        result = await identity_trusts.remove_all(cloud, one)
        assert result["status"] == "nothing_to_do"


def test_a_person_can_do_it_by_hand() -> None:
    read, delete = identity_trusts.by_hand(OF_IDENTITY)
    assert ALL in read
    assert f"{ALL}/<name>" in delete


# --- sandbox ------------------------------------------------------------------------------------


async def test_the_sandbox_shows_none_left_and_no_write_met_another(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    sandbox.control("POST", "delays", {"identity_writes": 0.02})
    seeded = sandbox.seed["payments_identity"]
    identity = suspect("user_assigned_identity", resource_id=seeded["resource_id"])
    before = await identity_trusts.read_all(sandbox_cloud, seeded["resource_id"])
    assert {one["subject"] for one in before} == {"system:serviceaccount:payments:payments"}
    assert len(before) == 2

    with read_only():
        planned = await identity_trusts.remove_all(sandbox_cloud, identity)
    assert planned["status"] == "planned"
    runs = [await identity_trusts.remove_all(sandbox_cloud, identity) for _ in range(2)]
    assert [one["status"] for one in runs] == ["done", "nothing_to_do"]
    assert await identity_trusts.read_all(sandbox_cloud, seeded["resource_id"]) == []
    statuses = [one["status"] for one in sandbox.record() if one["method"] == "DELETE"]
    assert statuses == [200, 200]


async def test_a_flexible_one_in_the_sandbox_goes_too(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    resource_id = sandbox.seed["payments_identity"]["resource_id"]
    planted = {
        "issuer": "https://token.actions.githubusercontent.com",
        "audiences": ["api://AzureADTokenExchange"],
        "claimsMatchingExpression": {
            "value": "claims['sub'] matches 'repo:evil/*'",
            "languageVersion": 1,
        },
    }
    await sandbox_cloud.arm.put(
        f"{resource_id}/federatedIdentityCredentials/planted",
        identity_trusts.PREVIEW,
        {"properties": planted},
    )
    result = await identity_trusts.remove_all(
        sandbox_cloud, suspect("user_assigned_identity", resource_id=resource_id)
    )
    assert "claims['sub'] matches 'repo:evil/*'" in result["detail"]
    assert await identity_trusts.read_all(sandbox_cloud, resource_id) == []
