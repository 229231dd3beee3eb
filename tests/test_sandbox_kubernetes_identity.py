"""Workload identity: what the webhook puts into pods, when it can't, and what a thief finds there.

What it defends: a pod keeps the identity it was born with, and without the webhook none is born.
"""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import jwt
import pytest

from sandbox.kubernetes import nodes, service_account_tokens
from sandbox.kubernetes.cluster import Cluster
from sandbox.server import services
from sandbox.world import World
from tests.kubernetes_api import MERGE, Api, LocalCluster, deployment, responder_headers
from tests.sandbox_fixture import RunningSandbox

CLIENT_ID = "azure.workload.identity/client-id"
URL = "https://issuer.example/"
EXPIRATION = "azure.workload.identity/service-account-token-expiration"
LABEL = {"azure.workload.identity/use": "true"}
WEBHOOK = "/apis/apps/v1/namespaces/kube-system/deployments/azure-wi-webhook-controller-manager"


def _pod(api: Api, name: str = "p", **metadata: Any) -> Any:
    container = {
        "name": "main",
        "image": "registry.k8s.io/pause:3.10",
        "env": [{"name": "AZURE_TENANT_ID", "value": "mine"}],
    }
    spec = {"serviceAccountName": "app", "containers": [container]}
    body = {"metadata": {"name": name, **metadata}, "spec": spec}
    return api.call("POST", api.path("pods"), body)


def _variables(pod: dict[str, Any]) -> dict[str, str]:
    found = pod["spec"]["containers"][0].get("env", [])
    return {each["name"]: each["value"] for each in found}


@pytest.fixture
def account(api: Api) -> str:
    api.account("app", annotations={CLIENT_ID: "11111111-1111-4111-8111-111111111111"})
    return "app"


def test_a_labelled_pod_is_given_what_its_container_does_not_define(
    api: Api, account: str, local_cluster: LocalCluster
) -> None:
    pod = _pod(api, labels=LABEL).json()

    variables = _variables(pod)
    assert variables.pop("AZURE_AUTHORITY_HOST").startswith("https://localhost")
    assert variables == {
        "AZURE_TENANT_ID": "mine",
        "AZURE_CLIENT_ID": "11111111-1111-4111-8111-111111111111",
        "AZURE_FEDERATED_TOKEN_FILE": "/var/run/secrets/azure/wi/token/azure-identity-token",
    }
    volume = "azure-workload-identity-reserved-" + hashlib.sha256(b"p").hexdigest()[:30]
    assert {"name": volume, "readOnly": True, "mountPath": "/var/run/secrets/azure/wi"} in pod[
        "spec"
    ]["containers"][0]["volumeMounts"]
    (token,) = [
        each["projected"]["sources"][0]["serviceAccountToken"]
        for each in pod["spec"]["volumes"]
        if each["name"] == volume
    ]
    assert token == {
        "audience": "api://AzureADTokenExchange",
        "expirationSeconds": 3600,
        "path": "token/azure-identity-token",
    }


def test_a_label_on_the_account_means_nothing(api: Api) -> None:
    api.account("app", labels=LABEL, annotations={CLIENT_ID: "x"})

    assert "AZURE_CLIENT_ID" not in _variables(_pod(api).json())


def test_the_pods_annotations_win_over_the_accounts(api: Api) -> None:
    api.account("app", annotations={CLIENT_ID: "x", EXPIRATION: "7200"})

    longer = _pod(api, "a", labels=LABEL, annotations={EXPIRATION: "86400"})
    skipped = _pod(
        api, "b", labels=LABEL, annotations={"azure.workload.identity/skip-containers": "main"}
    )
    refused = _pod(api, "c", labels=LABEL, annotations={EXPIRATION: "60"})

    assert "'expirationSeconds': 86400" in str(longer.json()["spec"]["volumes"])
    assert "AZURE_CLIENT_ID" not in _variables(skipped.json())
    assert refused.status_code == 400
    assert "Expected value to be between 3600 and 86400" in refused.json()["message"]


def test_without_its_account_no_pod_is_made(api: Api) -> None:
    answer = _pod(api)

    assert answer.status_code == 403
    assert answer.json()["message"] == (
        f'pods "p" is forbidden: error looking up service account {api.namespace}/app: '
        'serviceaccount "app" not found'
    )


def test_a_running_pod_keeps_its_client_id_until_it_is_replaced(api: Api, account: str) -> None:
    pod = _pod(api, labels=LABEL).json()
    api.merge("serviceaccounts", account, {"metadata": {"annotations": {CLIENT_ID: "new"}}})

    assert _variables(api.get("pods", "p")) == _variables(pod)
    assert _variables(_pod(api, "q", labels=LABEL).json())["AZURE_CLIENT_ID"] == "new"


CONFIGURATION = "azure-wi-webhook-mutating-webhook-configuration"
REGISTERED = f"/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/{CONFIGURATION}"


@pytest.fixture
def registered(api: Api) -> Iterator[dict[str, Any]]:
    """What the API server knows of the webhook, as a test may change it."""
    found = api.call("GET", REGISTERED).json()
    yield found
    api.call("DELETE", REGISTERED)
    about = {"name": CONFIGURATION, "labels": found["metadata"]["labels"]}
    body = {"metadata": about, "webhooks": found["webhooks"]}
    assert api.call("POST", REGISTERED.rpartition("/")[0], body).is_success


@pytest.mark.usefixtures("registered")
def test_where_nobody_told_the_api_server_of_the_webhook_pods_start_without_an_identity(
    api: Api, account: str
) -> None:
    assert account
    assert api.call("DELETE", REGISTERED).is_success

    pod = _pod(api, labels=LABEL).json()

    assert _variables(pod) == {"AZURE_TENANT_ID": "mine"}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"caBundle": None}, "certificate signed by unknown authority"),
        ({"service": {"name": "other"}}, 'service "other" not found'),
    ],
)
def test_a_webhook_that_is_registered_wrongly_lets_no_labelled_pod_start(
    api: Api, account: str, registered: dict[str, Any], change: dict[str, Any], why: str
) -> None:
    assert account
    (webhook,) = registered["webhooks"]
    way = {**webhook["clientConfig"], **change}
    way["service"] = {**webhook["clientConfig"]["service"], **change.get("service", {})}
    body = {"webhooks": [{**webhook, "clientConfig": {k: v for k, v in way.items() if v}}]}
    assert api.call("PATCH", REGISTERED, body, MERGE).is_success

    refused = _pod(api, labels=LABEL)

    assert refused.status_code == 500
    assert why in refused.json()["message"]


def test_while_the_webhook_is_down_no_labelled_pod_is_made(api: Api, account: str) -> None:
    assert api.call("PATCH", WEBHOOK, {"spec": {"replicas": 0}}, MERGE).is_success
    try:
        api.eventually(lambda: _pod(api, "probe", labels=LABEL).status_code == 500)
        refused = _pod(api, "p", labels=LABEL).json()
        assert refused["reason"] == "InternalError"
        assert 'failed calling webhook "mutation.azure-workload-identity.io"' in refused["message"]
        assert _pod(api, "plain").status_code == 201

        body = deployment("web")
        body["spec"]["template"]["metadata"]["labels"] |= LABEL
        api.create("deployments", body)
        api.eventually(
            lambda: any(
                each["type"] == "ReplicaFailure"
                for each in api.get("deployments", "web")["status"].get("conditions", [])
            )
        )
    finally:
        assert api.call("PATCH", WEBHOOK, {"spec": {"replicas": 2}}, MERGE).is_success
    api.eventually(lambda: api.get("deployments", "web")["status"].get("readyReplicas") == 1)


def _steal(local: LocalCluster, namespace: str) -> str:
    world = local.sandbox.world
    return local.run(lambda: nodes.steal_token(world, "aks-weu", namespace, "app"))


def test_a_stolen_token_is_bound_to_the_pod_and_signed_by_the_cluster(
    api: Api, account: str, local_cluster: LocalCluster
) -> None:
    _pod(api, labels=LABEL)
    pod = api.eventually(
        lambda: (found := api.get("pods", "p"))["status"]["phase"] == "Running" and found
    )

    token = _steal(local_cluster, api.namespace)
    keys = {each["kid"]: each for each in api.http.get("/openid/v1/jwks").json()["keys"]}
    key = jwt.PyJWK(keys[jwt.get_unverified_header(token)["kid"]])
    claims = jwt.decode(token, key.key, algorithms=["RS256"], audience="api://AzureADTokenExchange")

    assert claims["sub"] == f"system:serviceaccount:{api.namespace}:app"
    assert claims["exp"] - claims["iat"] == 3600
    assert claims["kubernetes.io"]["pod"] == {"name": "p", "uid": pod["metadata"]["uid"]}
    assert claims["kubernetes.io"]["node"]["name"] == pod["spec"]["nodeName"]
    assert _steal(local_cluster, api.namespace) == token  # the file has not been renewed yet


def test_nothing_is_stolen_where_nothing_runs(
    api: Api, account: str, local_cluster: LocalCluster
) -> None:
    with pytest.raises(nodes.PodNotReadyError, match=f"{api.namespace}/app"):
        _steal(local_cluster, api.namespace)


def test_the_kubelet_renews_a_token_at_four_fifths_of_its_life(sandbox: RunningSandbox) -> None:
    def steal() -> str:
        wish = {"namespace": "shop", "service_account": "orders-api"}
        return str(sandbox.control("POST", "nodes/aks-weu/steal-token", wish)["token"])

    first = steal()
    sandbox.control("POST", "clock", {"advance_seconds": 2800})
    assert steal() == first
    sandbox.control("POST", "clock", {"advance_seconds": timedelta(seconds=100).seconds})
    assert steal() != first


def test_a_pod_reads_what_its_identity_may_read(sandbox: RunningSandbox) -> None:
    sandbox.no_delays()
    clusters = sandbox.control("GET", "state/clusters")
    pods = clusters["aks-weu"]["pods"]
    name = next(
        each["metadata"]["name"]
        for each in pods
        if each["spec"]["serviceAccountName"] == "orders-api"
    )
    wish = {
        "method": "GET",
        "url": sandbox.seed["storage"]["blob_url"],
        "resource": "https://storage.azure.com",
    }

    ran = sandbox.control("POST", f"nodes/aks-weu/pods/shop/{name}/run", wish)

    assert (ran["token_status"], ran["aadsts"], ran["status"]) == (200, None, 200)
    assert ran["body"]

    policy = {"metadata": {"name": "q"}, "spec": {"podSelector": {}, "policyTypes": ["Egress"]}}
    url = f"{sandbox.endpoints['kube-aks-weu']}/apis/networking.k8s.io/v1/namespaces/shop"
    made = sandbox.http.post(
        f"{url}/networkpolicies", json=policy, headers=responder_headers(sandbox)
    )
    assert made.status_code == 201
    control = f"{sandbox.endpoints['control']}/sandbox/nodes/aks-weu/pods/shop/{name}/run"
    assert sandbox.http.post(control, json=wish).status_code == 502


def test_the_api_server_forgets_a_key_with_the_second_rotation() -> None:
    cluster = Cluster(World(dict.fromkeys(services(), "https://localhost:1")), "c", issuer_url=URL)
    account = cluster.seed_service_account("default", "app")
    token, _ = service_account_tokens.mint(cluster, account, audiences=[URL], seconds=600)

    def keys() -> list[str]:
        return [each["kid"] for each in cluster.issuer.jwks()["keys"]]

    first = jwt.get_unverified_header(token)["kid"]
    cluster.rotate_signing_keys()
    assert service_account_tokens.review(cluster, token, [URL]).audiences == [URL]
    assert (first in keys(), len(keys())) == (True, 2)
    newer, _ = service_account_tokens.mint(cluster, account, audiences=[URL], seconds=600)

    cluster.rotate_signing_keys()

    with pytest.raises(service_account_tokens.RefusedTokenError, match="invalid bearer token"):
        service_account_tokens.review(cluster, token, [URL])
    assert first not in keys()
    assert service_account_tokens.review(cluster, newer, [URL]).user["username"].endswith(":app")
