"""Every lever of one principal at once: they write to the same two objects, each gets through, none meets another.

Entra answers overlapping writes to one object with conflicts, and so does the sandbox.
"""

import asyncio
from typing import Literal

import pytest

from responders import (
    app_roles,
    applications,
    credentials,
    federated_credentials,
    memberships,
    oauth_grants,
    owners,
    principals,
    service_principals,
)
from responders.cloud import Cloud
from responders.fan_out import failures, fan_out
from responders.model import MANAGED, Hint, Principal, StepResult
from tests.sandbox_fixture import RunningSandbox

TRUSTS, SECRETS = 5, 3


async def _crowd(cloud: Cloud, principal: Principal) -> None:
    """Many trusts and secrets, as an intruder who plays safe leaves them."""
    base = f"/applications/{principal['application_object_id']}"
    for number in range(TRUSTS):
        await cloud.graph.post(
            f"{base}/federatedIdentityCredentials",
            {
                "name": f"planted-{number}",
                "issuer": "https://token.actions.githubusercontent.com",
                "subject": f"repo:planted/{number}:ref:refs/heads/main",
                "audiences": ["api://AzureADTokenExchange"],
            },
        )
    for path in (base, f"/servicePrincipals/{principal['object_id']}"):
        for number in range(SECRETS):
            body = {"passwordCredential": {"displayName": f"planted-{number}"}}
            await cloud.graph.post(f"{path}/addPassword", body)


async def _remove_trusts(cloud: Cloud, principal: Principal) -> StepResult:
    return await federated_credentials.remove_all(cloud, principal["application_object_id"] or "")


async def test_levers_that_write_to_the_same_object_all_get_through(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    object_id = sandbox.seed["orders_api"]["object_id"]
    principal = await principals.resolve(sandbox_cloud, {"object_id": object_id})
    application_id = principal["application_object_id"] or ""
    await _crowd(sandbox_cloud, principal)
    sandbox.control("POST", "delays", {"directory_writes": 0.08})
    levers = (
        service_principals.ensure_disabled,
        applications.deactivate,
        credentials.remove_from_application,
        credentials.remove_from_service_principal,
        owners.remove_all,
        app_roles.remove_all,
        oauth_grants.remove_all,
        memberships.remove_all,
        _remove_trusts,
    )
    outcomes = await fan_out(
        levers, lambda lever: lever(sandbox_cloud, principal), at_once=len(levers)
    )
    assert failures(outcomes) == []
    assert [one["url"] for one in sandbox.record() if one["status"] == 409] == []
    left = await asyncio.gather(
        federated_credentials.read_all(sandbox_cloud, application_id),
        credentials.read_all(sandbox_cloud, principal),
        owners.read_all(sandbox_cloud, principal),
        app_roles.read_all(sandbox_cloud, principal),
        oauth_grants.read_all(sandbox_cloud, principal),
        memberships.read_all(sandbox_cloud, principal),
    )
    assert list(left) == [[], [], [], [], [], []]
    assert not await service_principals.is_enabled(sandbox_cloud, object_id)
    assert await applications.is_deactivated(sandbox_cloud, application_id)


@pytest.mark.parametrize(
    ("seeded", "key", "first"),
    [
        ("partner_sync", "object_id", ["app_roles", "oauth_grants", "enabled", "credentials"]),
        ("payments_identity", "object_id", []),
        ("legacy_job", "app_id", ["enabled", "credentials"]),
    ],
)
async def test_every_kind_of_principal_is_emptied_once(
    sandbox: RunningSandbox,
    sandbox_cloud: Cloud,
    seeded: str,
    key: Literal["object_id", "app_id"],
    first: list[str],
) -> None:
    hint: Hint = {"app_id": sandbox.seed[seeded]["app_id"]}
    if key == "object_id":
        hint = {"object_id": sandbox.seed[seeded]["object_id"]}
    principal = await principals.resolve(sandbox_cloud, hint)
    runs = [await _statuses(sandbox_cloud, principal) for _ in range(2)]
    assert {name for name, status in runs[0].items() if status == "done"} == set(first)
    assert set(runs[1].values()) == {"nothing_to_do"}


async def _statuses(cloud: Cloud, principal: Principal) -> dict[str, str]:
    """How each lever of this kind of principal ended."""
    found: dict[str, str] = {}
    if principal["kind"] != "application_without_principal":
        found["app_roles"] = (await app_roles.remove_all(cloud, principal))["status"]
        found["oauth_grants"] = (await oauth_grants.remove_all(cloud, principal))["status"]
        found["memberships"] = (await memberships.remove_all(cloud, principal))["status"]
    if principal["kind"] not in MANAGED:
        both = (credentials.remove_from_application, credentials.remove_from_service_principal)
        of_keys = [(await remove(cloud, principal))["status"] for remove in both]
        found["enabled"] = (await service_principals.ensure_disabled(cloud, principal))["status"]
        found["credentials"] = min(of_keys)  # "done" comes before "nothing_to_do"
        found["owners"] = (await owners.remove_all(cloud, principal))["status"]
    return found
