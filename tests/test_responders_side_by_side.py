"""Every lever of one application at once: they write to the same two objects, and each of them gets through.

Entra answers overlapping writes to one object with conflicts, and so does the sandbox.
"""

import asyncio

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
from responders.model import Principal, StepResult
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
    sandbox.control("POST", "delays", {"directory_writes": 0.02})
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
    assert any(one["status"] == 409 for one in sandbox.record()), "nothing met: the test is none"
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
