"""Identity bindings at work: one federated credential carries every cluster, so that deleting it cuts them all."""

from typing import Any

import httpx
import jwt
import pytest

from tests.arm_caller import ArmCaller, as_firebreak
from tests.sandbox_entra_calls import ASSERTION_TYPE, aadsts
from tests.sandbox_fixture import RunningSandbox

AUDIENCE = "api://AKSIdentityBinding"
IDENTITIES = "2024-11-30"
ACCOUNT = "payments"
CLUSTERS = ("aks-weu", "aks-neu")


@pytest.fixture
def arm(sandbox: RunningSandbox) -> ArmCaller:
    """Payments bound to two clusters; in both its ServiceAccount may use it, in its namespace no other."""
    sandbox.no_delays()
    identity = sandbox.seed["payments_identity"]
    bindings = [{"cluster": name, "identityId": identity["resource_id"]} for name in CLUSTERS]
    rights = {name: rights_in_cluster(identity["app_id"]) for name in CLUSTERS}
    sandbox.control("POST", "seed", {"identityBindings": bindings, "clusters": rights})
    return as_firebreak(sandbox)


def rights_in_cluster(client_id: str) -> dict[str, Any]:
    name = {"metadata": {"name": "use-payments"}}
    rule = {
        "verbs": ["use-managed-identity"],
        "apiGroups": ["cid.wi.aks.azure.com"],
        "resources": [client_id],
    }
    subject = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": ACCOUNT}
    reference = {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "ClusterRole",
        "name": "use-payments",
    }
    other = {"metadata": {"name": "other", "namespace": ACCOUNT}}
    return {
        "serviceaccounts": [other],
        "clusterroles": [{**name, "rules": [rule]}],
        "clusterrolebindings": [{**name, "roleRef": reference, "subjects": [subject]}],
    }


def minted(sandbox: RunningSandbox, cluster: str, account: str, audience: str = AUDIENCE) -> str:
    """A token of this ServiceAccount, as whoever may create them gets one."""
    server = sandbox.endpoints[f"kube-{cluster}"]
    settings = sandbox.as_operator()
    own = sandbox.http.get(
        settings["IDENTITY_ENDPOINT"],
        params={
            "api-version": "2019-08-01",
            "resource": "6dae42f8-4368-4678-94ff-3960e28e3630",
        },
        headers={"X-IDENTITY-HEADER": settings["IDENTITY_HEADER"]},
    ).json()["access_token"]
    answer = sandbox.http.post(
        f"{server}/api/v1/namespaces/{ACCOUNT}/serviceaccounts/{account}/token",
        json={"spec": {"audiences": [audience], "expirationSeconds": 600}},
        headers={"authorization": f"Bearer {own}"},
    )
    assert answer.is_success, answer.text
    return str(answer.json()["status"]["token"])


def through_proxy(sandbox: RunningSandbox, cluster: str, token: str, **form: str) -> httpx.Response:
    path = f"nodes/{cluster}/token-proxy/{sandbox.tenant_id}/oauth2/v2.0/token"
    return sandbox.http.post(
        f"{sandbox.endpoints['control']}/sandbox/{path}",
        data={
            "grant_type": "client_credentials",
            "client_id": sandbox.seed["payments_identity"]["app_id"],
            "client_assertion": token,
            "client_assertion_type": ASSERTION_TYPE,
            "scope": "https://storage.azure.com/.default",
            **form,
        },
    )


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_a_bound_service_account_becomes_the_identity(arm: ArmCaller, cluster: str) -> None:
    token = minted(arm.sandbox, cluster, ACCOUNT)

    answer = through_proxy(arm.sandbox, cluster, token)

    assert answer.is_success, answer.text
    claims = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
    assert claims["oid"] == arm.sandbox.seed["payments_identity"]["object_id"]
    row = arm.sandbox.control("GET", "state/logs/AADManagedIdentitySignInLogs")[-1]
    assert row["ClientCredentialType"] == "federatedIdentityCredential"


def test_without_the_one_credential_no_cluster_gets_anything(arm: ArmCaller) -> None:
    identity = arm.sandbox.seed["payments_identity"]["resource_id"]
    trust = f"{identity}/federatedIdentityCredentials/aks-identity-binding"
    assert arm("DELETE", trust, version=IDENTITIES).status_code == 200

    for cluster in CLUSTERS:
        token = minted(arm.sandbox, cluster, ACCOUNT)
        assert aadsts(through_proxy(arm.sandbox, cluster, token)) == 700211


def test_the_cluster_decides_who_may_use_it(arm: ArmCaller) -> None:
    sandbox = arm.sandbox
    other = through_proxy(sandbox, "aks-weu", minted(sandbox, "aks-weu", "other"))
    assert (other.status_code, other.json()["error"]) == (403, "access_denied")
    assert "use-managed-identity" in other.json()["error_description"]
    wrong = minted(sandbox, "aks-weu", ACCOUNT, "api://AzureADTokenExchange")
    assert through_proxy(sandbox, "aks-weu", wrong).status_code == 401
    foreign = through_proxy(sandbox, "aks-neu", minted(sandbox, "aks-weu", ACCOUNT))
    assert foreign.status_code == 401


def test_a_client_without_a_binding_is_not_served(arm: ArmCaller) -> None:
    sandbox = arm.sandbox
    token = minted(sandbox, "aks-weu", ACCOUNT)
    orders = {"client_id": sandbox.seed["orders_api"]["app_id"]}

    answer = through_proxy(sandbox, "aks-weu", token, **orders)

    assert (answer.status_code, answer.json()["error"]) == (403, "unauthorized_client")


def test_the_services_token_is_worth_nothing_without_the_proxy(arm: ArmCaller) -> None:
    """Straight at Entra it is of an issuer that has a trust, of the cluster's, with another audience."""
    sandbox = arm.sandbox
    answer = sandbox.http.post(
        f"{sandbox.endpoints['login']}/{sandbox.tenant_id}/oauth2/v2.0/token",
        data={
            "grant_type": "client_credentials",
            "client_id": sandbox.seed["payments_identity"]["app_id"],
            "client_assertion": minted(sandbox, "aks-weu", ACCOUNT),
            "client_assertion_type": ASSERTION_TYPE,
            "scope": "https://storage.azure.com/.default",
        },
    )
    assert aadsts(answer) == 700212
