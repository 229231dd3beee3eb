"""Access policies: every vault in sight, the identity's own alone, and gone only when it reads back."""

from typing import Any

import pytest

from responders import key_vault_policies
from responders.cloud import Cloud, read_only
from responders.errors import ContractChangedError, RefusedError, TransientError
from tests.azure_fake import (
    OURSELVES,
    RESOURCE_GRAPH,
    SUBSCRIPTION,
    TENANT,
    FakeAzure,
    Say,
    Seen,
    page,
    problem,
)
from tests.sandbox_fixture import RunningSandbox
from tests.suspects import CLIENT, OBJECT, suspect

LIST = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.KeyVault/vaults"
VAULT = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv-orders"
)
SECRETS = {"secrets": ["get", "list"], "keys": []}


def _policy(object_id: str = OBJECT, **more: object) -> dict[str, Any]:
    return {"tenantId": TENANT, "objectId": object_id, "permissions": SECRETS, **more}


class Vault:
    """One vault that heeds what is taken out of it."""

    def __init__(self, azure: FakeAzure, *policies: dict[str, Any], at: str = VAULT) -> None:
        self.at, self.policies = at, list(policies)
        self.rbac = False
        azure.on("GET", at, lambda _: Say(200, self.content()))
        azure.on("PUT", f"{at}/accessPolicies/remove", self.remove)

    def content(self) -> dict[str, Any]:
        properties = {"accessPolicies": self.policies, "enableRbacAuthorization": self.rbac}
        return {"id": self.at, "name": "kv", "properties": properties}

    def remove(self, seen: Seen) -> Say:
        out = seen.body["properties"]["accessPolicies"]
        self.policies = [one for one in self.policies if one not in out]
        return Say(200, {})


@pytest.fixture(autouse=True)
def _one_subscription(azure: FakeAzure) -> None:
    azure.on("GET", "/subscriptions", page({"subscriptionId": SUBSCRIPTION}))
    azure.on("GET", LIST, page())
    azure.on("POST", RESOURCE_GRAPH, Say(200, {"data": [], "resultTruncated": "false"}))


def _listed(azure: FakeAzure, *vaults: Vault) -> None:
    azure.on("GET", LIST, lambda _: page(*(one.content() for one in vaults)))


async def test_its_own_policies_go_and_those_of_others_stay(azure: FakeAzure, cloud: Cloud) -> None:
    vault = Vault(azure, _policy(OURSELVES), _policy(OBJECT.upper()))
    _listed(azure, vault)
    assert [one["permissions"] for one in await key_vault_policies.read_all(cloud, suspect())] == [
        SECRETS
    ]
    result = await key_vault_policies.remove_all(cloud, suspect())
    assert result["status"] == "done"
    assert vault.policies == [_policy(OURSELVES)]
    assert result["changes"] == [
        {
            "object": f"access policy of {OBJECT.upper()} in {VAULT}",
            "before": "secrets: get list",
            "after": "removed",
        }
    ]
    assert result["items"][0]["vault_id"] == VAULT
    again = await key_vault_policies.remove_all(cloud, suspect())
    assert (again["status"], again["items"]) == ("nothing_to_do", [])


async def test_an_application_that_users_go_through_is_taken_out_too(
    azure: FakeAzure, cloud: Cloud
) -> None:
    compound = _policy(OURSELVES, applicationId=CLIENT)
    vault = Vault(azure, compound)
    _listed(azure, vault)
    await key_vault_policies.remove_all(cloud, suspect())
    assert azure.writes()[0].body == {"properties": {"accessPolicies": [compound]}}
    assert vault.policies == []


async def test_a_vault_that_rbac_decides_for_is_none_of_ours(
    azure: FakeAzure, cloud: Cloud
) -> None:
    vault = Vault(azure, _policy())
    vault.rbac = True
    _listed(azure, vault)
    assert (await key_vault_policies.remove_all(cloud, suspect()))["status"] == "nothing_to_do"


async def test_a_policy_without_permissions_lets_nobody_in(azure: FakeAzure, cloud: Cloud) -> None:
    vault = Vault(azure, _policy(permissions={"secrets": [], "keys": None}))
    _listed(azure, vault)
    assert (await key_vault_policies.remove_all(cloud, suspect()))["status"] == "nothing_to_do"


async def test_a_vault_that_only_resource_graph_shows_is_read_and_cleaned(
    azure: FakeAzure, cloud: Cloud
) -> None:
    vault = Vault(azure, _policy())
    azure.on("POST", RESOURCE_GRAPH, Say(200, {"data": [{"id": VAULT}]}))
    assert (await key_vault_policies.remove_all(cloud, suspect()))["status"] == "done"
    assert vault.policies == []


async def test_half_of_the_subscriptions_is_not_the_whole(azure: FakeAzure, cloud: Cloud) -> None:
    vault = Vault(azure, _policy())
    azure.on("POST", RESOURCE_GRAPH, Say(200, {"data": [{"id": VAULT}]}))
    azure.on("GET", LIST, problem(403, "AuthorizationFailed"))
    with pytest.raises(RefusedError):
        await key_vault_policies.read_all(cloud, suspect())
    with read_only(), pytest.raises(RefusedError):
        await key_vault_policies.remove_all(cloud, suspect())
    result = await key_vault_policies.remove_all(cloud, suspect())
    assert (result["status"], len(result["items"])) == ("refused", 1)
    assert vault.policies == []
    azure.on("GET", LIST, problem(503, "ServerBusy"))
    with pytest.raises(TransientError):
        await key_vault_policies.remove_all(cloud, suspect())


async def test_a_subscription_that_never_had_vaults_is_empty(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("GET", LIST, problem(409, "MissingSubscriptionRegistration"))
    assert await key_vault_policies.read_all(cloud, suspect()) == []


async def test_without_resource_graph_the_lists_are_enough(azure: FakeAzure, cloud: Cloud) -> None:
    vault = Vault(azure, _policy())
    _listed(azure, vault)
    azure.on("POST", RESOURCE_GRAPH, problem(403, "AuthorizationFailed"))
    assert (await key_vault_policies.remove_all(cloud, suspect()))["status"] == "done"


async def test_one_vault_that_is_locked_does_not_keep_the_others(
    azure: FakeAzure, cloud: Cloud
) -> None:
    locked, free = Vault(azure, _policy()), Vault(azure, _policy(), at=f"{VAULT}-2")
    _listed(azure, locked, free)
    azure.on("PUT", f"{VAULT}/accessPolicies/remove", problem(409, "ScopeLocked", "lock 'prod'"))
    result = await key_vault_policies.remove_all(cloud, suspect())
    assert result["status"] == "refused"
    assert [one["vault_id"] for one in result["items"]] == [f"{VAULT}-2"]
    assert "lock 'prod'" in result["detail"]


async def test_a_lost_race_is_read_again(azure: FakeAzure, cloud: Cloud) -> None:
    vault = Vault(azure, _policy())
    _listed(azure, vault)
    azure.on("PUT", f"{VAULT}/accessPolicies/remove", problem(409, "ConflictError"), vault.remove)
    assert (await key_vault_policies.remove_all(cloud, suspect()))["status"] == "done"


async def test_one_that_still_reads_back_is_not_called_removed(
    azure: FakeAzure, cloud: Cloud
) -> None:
    vault = Vault(azure, _policy())
    _listed(azure, vault)
    azure.on("PUT", f"{VAULT}/accessPolicies/remove", Say(200, {}))
    with pytest.raises(TransientError, match="still read back"):
        await key_vault_policies.remove_all(cloud, suspect())


async def test_a_plan_removes_nothing_and_shows_each(azure: FakeAzure, cloud: Cloud) -> None:
    vault = Vault(azure, _policy())
    _listed(azure, vault)
    with read_only():
        planned = await key_vault_policies.remove_all(cloud, suspect())
    assert (planned["status"], len(planned["changes"])) == ("planned", 1)
    assert azure.writes() == []


async def test_what_is_no_vault_is_not_believed(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", LIST, page({"id": VAULT}))
    with pytest.raises(ContractChangedError):
        await key_vault_policies.read_all(cloud, suspect())


def test_a_person_can_do_it_by_hand() -> None:
    find, remove = key_vault_policies.by_hand(suspect())
    assert OBJECT in find
    assert remove == f"az keyvault delete-policy --name <vault> --object-id {OBJECT}"


# --- sandbox ------------------------------------------------------------------------------------


async def test_the_vault_of_the_sandbox_lets_the_suspect_in_no_more_and_its_neighbour_still(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    sandbox.control("POST", "delays", {"resource_graph": 0})
    victim, neighbour = (
        suspect(object_id=ids["object_id"], app_id=ids["app_id"])
        for ids in (sandbox.seed["orders_api"], sandbox.seed["payments_identity"])
    )
    (before,) = await key_vault_policies.read_all(sandbox_cloud, victim)
    assert before["permissions"]["secrets"] == ["get", "list"]
    with read_only():
        planned = await key_vault_policies.remove_all(sandbox_cloud, victim)
    assert planned["status"] == "planned"
    runs = [await key_vault_policies.remove_all(sandbox_cloud, victim) for _ in range(2)]
    assert [one["status"] for one in runs] == ["done", "nothing_to_do"]
    assert len(await key_vault_policies.read_all(sandbox_cloud, neighbour)) == 1
