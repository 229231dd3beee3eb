"""Key vaults: who reads a secret is decided by policies that no role assignment shows, and every read leaves a row."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from sandbox.arm.definitions import new_role_assignment
from sandbox.entra.bearer import Caller
from sandbox.keyvault.decisions import Wish, decide
from sandbox.loganalytics.tables import SCHEMAS
from sandbox.seed import azure, directory, names
from sandbox.server import services
from sandbox.world import World
from tests.arm_caller import ArmCaller, as_firebreak, as_user, managed_identity_token
from tests.sandbox_entra_calls import SEEDED_SECRET, ask
from tests.sandbox_fixture import RunningSandbox

VAULT = "https://vault.azure.net"
VERSION = "2023-07-01"
SECRET = "secrets/db-password"
Read = Callable[..., httpx.Response]


@pytest.fixture
def arm(sandbox: RunningSandbox) -> ArmCaller:
    sandbox.no_delays()
    return as_firebreak(sandbox)


@pytest.fixture
def read(arm: ArmCaller) -> Read:
    """Calls the vault as orders-api, or with another token."""
    sandbox = arm.sandbox
    orders = ask(sandbox, client_secret=SEEDED_SECRET, scope=f"{VAULT}/.default").json()

    def call(path: str = SECRET, *, token: str = "", version: str = "7.4", **more: Any) -> Any:
        return sandbox.http.request(
            more.pop("method", "GET"),
            f"{sandbox.endpoints['keyvault']}/kv-orders/{path}",
            params={"api-version": version},
            headers={"authorization": f"Bearer {token or orders['access_token']}"},
            **more,
        )

    return call


def _vault(arm: ArmCaller) -> str:
    return f"{arm.group}/providers/Microsoft.KeyVault/vaults/kv-orders"


def _policies(arm: ArmCaller) -> list[dict[str, Any]]:
    answer = arm("GET", _vault(arm), version=VERSION)
    return list(answer.json()["properties"]["accessPolicies"])


def _change(arm: ArmCaller, kind: str, *policies: dict[str, Any]) -> httpx.Response:
    body = {"properties": {"accessPolicies": list(policies)}}
    return arm("PUT", f"{_vault(arm)}/accessPolicies/{kind}", version=VERSION, json=body)


def _policy(arm: ArmCaller, object_id: str, *secrets: str) -> dict[str, Any]:
    permissions = {"secrets": list(secrets)}
    return {"tenantId": arm.sandbox.tenant_id, "objectId": object_id, "permissions": permissions}


def _orders(arm: ArmCaller) -> str:
    return str(arm.sandbox.seed["orders_api"]["object_id"])


def _rows(arm: ArmCaller) -> list[dict[str, Any]]:
    return list(arm.sandbox.control("GET", "state/logs/AZKVAuditLogs"))


def test_a_policy_opens_a_secret_and_its_removal_closes_it(arm: ArmCaller, read: Read) -> None:
    opened = read()
    assert opened.status_code == 200
    assert opened.json()["value"]
    (mine,) = [each for each in _policies(arm) if each["objectId"] == _orders(arm)]

    removed = _change(arm, "remove", mine)
    assert removed.status_code == 200
    left = [each["objectId"] for each in removed.json()["properties"]["accessPolicies"]]
    assert _orders(arm) not in left
    assert left == [each["objectId"] for each in _policies(arm)]
    closed = read()
    assert (closed.status_code, closed.json()["error"]["innererror"]["code"]) == (
        403,
        "AccessDenied",
    )
    assert _change(arm, "remove", mine).status_code == 200


def test_a_vault_honours_a_removed_policy_for_a_while(arm: ArmCaller, read: Read) -> None:
    arm.sandbox.control("POST", "delays", {"vault_policies": 60})
    _change(arm, "remove", _policy(arm, _orders(arm), "get", "list"))
    assert read().status_code == 200
    arm.sandbox.control("POST", "clock", {"advance_seconds": 61})
    assert read().status_code == 403


def test_policies_are_added_to_taken_from_and_replaced(arm: ArmCaller, read: Read) -> None:
    orders = _orders(arm)

    def held() -> list[str]:
        (mine,) = [each for each in _policies(arm) if each["objectId"] == orders]
        return list(mine["permissions"]["secrets"])

    _change(arm, "add", _policy(arm, orders, "Set"))
    assert held() == ["get", "list", "Set"]
    _change(arm, "remove", _policy(arm, orders, "get"))
    assert held() == ["list", "Set"]
    assert read().status_code == 403
    _change(arm, "replace", _policy(arm, orders, "get"))
    assert held() == ["get"]
    assert read().status_code == 200
    assert read("secrets").status_code == 403
    assert len(_policies(arm)) == 2


def test_a_policy_for_a_group_lets_its_members_in(arm: ArmCaller, read: Read) -> None:
    _change(arm, "remove", _policy(arm, _orders(arm), "get", "list"))
    readers = arm.sandbox.seed["groups"]["sg-data-readers"]["object_id"]
    assert read().status_code == 403
    _change(arm, "add", _policy(arm, readers, "get"))
    assert read().status_code == 200


def test_changing_policies_takes_a_right_and_leaves_an_activity_row(arm: ArmCaller) -> None:
    refused = _change(as_user(arm.sandbox, "dana"), "add", _policy(arm, _orders(arm), "set"))
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "AuthorizationFailed")
    _change(arm, "add", _policy(arm, _orders(arm), "set"))
    row = arm.sandbox.control("GET", "state/logs/AzureActivity")[-1]
    assert row["OperationNameValue"] == "MICROSOFT.KEYVAULT/VAULTS/ACCESSPOLICIES/WRITE"
    assert row["Caller"] == arm.sandbox.seed["firebreak"]["object_id"]


def test_bad_policies_are_refused(arm: ArmCaller) -> None:
    good = _policy(arm, _orders(arm), "get")
    for wrong in (
        {**good, "permissions": {"secrets": ["read"]}},
        {**good, "permissions": {"passwords": ["get"]}},
        {**good, "tenantId": _orders(arm)},
        {**good, "objectId": ""},
        {**good, "name": "orders-api"},
    ):
        assert _change(arm, "add", wrong).status_code == 400, wrong
    assert _change(arm, "subtract", good).status_code == 400
    none = f"{_vault(arm)}-none/accessPolicies/add"
    body = {"properties": {"accessPolicies": [good]}}
    assert arm("PUT", none, version=VERSION, json=body).status_code == 404
    assert len(_policies(arm)) == 2


def test_vaults_are_listed_with_their_policies(arm: ArmCaller) -> None:
    for scope in (arm.subscription, arm.group):
        listed = arm("GET", f"{scope}/providers/Microsoft.KeyVault/vaults", version=VERSION)
        (vault,) = listed.json()["value"]
        assert vault["id"] == _vault(arm)
        assert vault["properties"]["enableRbacAuthorization"] is False
        assert len(vault["properties"]["accessPolicies"]) == 2


def test_a_list_names_secrets_and_shows_no_value(arm: ArmCaller, read: Read) -> None:
    listed = read("secrets")
    assert [each["id"].rsplit("/", 1)[1] for each in listed.json()["value"]] == ["db-password"]
    assert read().json()["value"] not in listed.text


def test_versions_stay_when_a_new_one_is_set(arm: ArmCaller, read: Read) -> None:
    old = read().json()
    assert read(method="PUT", json={"value": "new"}).status_code == 403
    _change(arm, "add", _policy(arm, _orders(arm), "set"))
    assert read(method="PUT", json={"value": "new"}).status_code == 200

    assert read().json()["value"] == "new"
    assert read(f"{SECRET}/{old['id'].rsplit('/', 1)[1]}").json()["value"] == old["value"]
    assert len(read(f"{SECRET}/versions").json()["value"]) == 2
    assert read("secrets/none").json()["error"]["code"] == "SecretNotFound"
    assert read(f"{SECRET}/0123").status_code == 404


def test_only_a_token_for_key_vault_is_taken_and_the_challenge_says_so(
    arm: ArmCaller, read: Read
) -> None:
    for token in (arm.token, "nonsense"):
        refused = read(token=token)
        assert refused.status_code == 401
        assert f'resource="{VAULT}"' in refused.headers["www-authenticate"]
    mine = managed_identity_token(arm.sandbox, VAULT)
    assert (
        read(token=mine).status_code == 403
    )  # Key Vault Contributor manages vaults, and reads none
    assert read(version="1.0").status_code == 400


def test_every_read_leaves_a_row_and_so_does_a_refused_one(arm: ArmCaller, read: Read) -> None:
    read()
    read("secrets/none")
    read(token=arm.sandbox.sign_in("vera", VAULT))
    rows = _rows(arm)
    assert [each["OperationName"] for each in rows] == ["SecretGet"] * 3
    assert [each["HttpStatusCode"] for each in rows] == [200, 404, 403]
    assert rows[0].keys() <= SCHEMAS["AZKVAuditLogs"].keys()
    claim = rows[0]["Identity"]["claim"]
    assert claim["http://schemas.microsoft.com/identity/claims/objectidentifier"] == _orders(arm)
    assert claim["appid"] == arm.sandbox.seed["orders_api"]["app_id"]
    assert rows[0]["Id"].endswith("/kv-orders/secrets/db-password")
    assert rows[0]["IsAccessPolicyMatch"] is True
    assert rows[2]["ResultSignature"] == "Forbidden(AccessDenied)"


def test_no_record_and_no_state_shows_a_secrets_value(arm: ArmCaller, read: Read) -> None:
    value = read().json()["value"]
    assert len(value) > 20
    assert arm.sandbox.record()[-1]["response_body"] == "[redacted]"
    assert value not in str(arm.sandbox.record())
    assert value not in str(arm.sandbox.control("GET", "state"))


def test_a_vault_with_azure_rbac_goes_by_roles_and_forgets_its_policies() -> None:
    world = World(dict.fromkeys(services(), "https://localhost:1"))
    world.delays.role_assignments = world.delays.vault_policies = 0
    directory.plant(world)
    azure.plant(world)
    vault = next(each for each in world.azure.resources.values() if each["name"] == "kv-orders")
    vault["properties"]["enableRbacAuthorization"] = True
    orders = Caller(names.ORDERS_API.object_id, "", world.tenant_id, "app", frozenset(), "", {})
    wish = Wish("SecretGet", "get", "Microsoft.KeyVault/vaults/secrets/getSecret/action")
    scope = f"{vault['id']}/secrets/db-password"

    refused = decide(world, vault, orders, wish, scope)
    assert (refused.allowed, refused.refusal.inner) == (False, "ForbiddenByRbac")
    grant = new_role_assignment(
        world, scope=vault["id"], role="Key Vault Secrets User", principal_id=orders.object_id
    )
    world.azure.role_assignments.put(grant["id"].lower(), grant)
    allowed = decide(world, vault, orders, wish, scope)
    assert allowed.allowed
    assert allowed.assignment == grant
