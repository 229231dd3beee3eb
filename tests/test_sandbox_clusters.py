"""Switches of a cluster: each is off until somebody turns it, and does what it says to real calls.

What it defends: recoveries that go wrong in one of several clusters can be staged, and mended.
"""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import httpx
import pytest

from tests.kubernetes_api import MERGE, responder_headers
from tests.sandbox_fixture import RunningSandbox

SHOP = "/apis/apps/v1/namespaces/shop"
ACCOUNT = "/api/v1/namespaces/shop/serviceaccounts/orders-api"
CLIENT = "azure.workload.identity/client-id"
STORAGE = "https://storage.azure.com"
_Result = TypeVar("_Result")


def turn(sandbox: RunningSandbox, cluster: str = "aks-weu", **switches: Any) -> dict[str, Any]:
    return dict(sandbox.control("POST", f"clusters/{cluster}", switches))


def call(
    sandbox: RunningSandbox, method: str, path: str, body: Any = None, cluster: str = "aks-weu"
) -> httpx.Response:
    headers = responder_headers(sandbox) | ({"content-type": MERGE} if method == "PATCH" else {})
    url = f"{sandbox.endpoints[f'kube-{cluster}']}{path}"
    return sandbox.http.request(method, url, json=body, headers=headers)


def eventually(test: Callable[[], _Result], seconds: float = 10) -> _Result:
    end = time.monotonic() + seconds
    while not (found := test()):
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.05)
    return found


def stored(sandbox: RunningSandbox, plural: str, cluster: str = "aks-weu") -> list[dict[str, Any]]:
    return list(sandbox.control("GET", f"state/clusters/{cluster}/{plural}"))


def pods_of(sandbox: RunningSandbox, name: str) -> list[dict[str, Any]]:
    return [
        each for each in stored(sandbox, "pods") if each["metadata"]["name"].startswith(f"{name}-")
    ]


def run(sandbox: RunningSandbox, pod: str) -> httpx.Response:
    url = f"{sandbox.endpoints['control']}/sandbox/nodes/aks-weu/pods/shop/{pod}/run"
    wish = {"url": sandbox.seed["storage"]["blob_url"], "resource": STORAGE}
    return sandbox.http.post(url, json=wish)


def test_every_switch_is_off_at_first(sandbox: RunningSandbox) -> None:
    for cluster in sandbox.seed["clusters"]:
        shown = sandbox.control("GET", f"clusters/{cluster}")
        assert shown["api_server"] == "up"
        assert (shown["webhook_ready"], shown["enforces_policies"], shown["private"]) == (
            True,
            True,
            False,
        )
        assert shown["never_ready"] == shown["unpullable_images"] == shown["gitops"] == []


def test_an_api_server_that_is_down_cuts_every_call_until_it_is_up(sandbox: RunningSandbox) -> None:
    turn(sandbox, api_server="reset")
    with pytest.raises(httpx.TransportError):
        call(sandbox, "GET", ACCOUNT)
    assert call(sandbox, "GET", ACCOUNT, cluster="aks-neu").status_code == 200

    turn(sandbox, api_server="up")
    assert call(sandbox, "GET", ACCOUNT).status_code == 200


def test_an_api_server_that_never_answers_keeps_its_callers_waiting(
    sandbox: RunningSandbox,
) -> None:
    turn(sandbox, api_server="timeout")
    url = f"{sandbox.endpoints['kube-aks-weu']}{ACCOUNT}"

    with pytest.raises(httpx.ReadTimeout):
        sandbox.http.get(url, timeout=0.5)


def test_a_private_cluster_says_so_and_can_not_be_reached(sandbox: RunningSandbox) -> None:
    turn(sandbox, private=True)

    [resource] = [each for each in sandbox.control("GET", "state/resources")
                  if each["name"] == "aks-weu" and "managedClusters" in each["id"]]  # fmt: skip
    assert resource["properties"]["apiServerAccessProfile"]["enablePrivateCluster"] is True
    with pytest.raises(httpx.TransportError):
        call(sandbox, "GET", ACCOUNT)
    assert turn(sandbox, private=False)["api_server"] == "up"


def test_a_broken_webhook_refuses_pods_until_it_is_mended(sandbox: RunningSandbox) -> None:
    turn(sandbox, webhook_ready=False)
    note = {"metadata": {"annotations": {"restarted": "now"}}}
    patched = call(sandbox, "PATCH", f"{SHOP}/deployments/orders-api", {"spec": {"template": note}})
    assert patched.status_code == 200

    def failure() -> str:
        found = call(sandbox, "GET", f"{SHOP}/deployments/orders-api").json()
        reasons = {each["type"]: each for each in found["status"]["conditions"]}
        return str(reasons.get("ReplicaFailure", {}).get("message", ""))

    message = eventually(failure)
    assert 'failed calling webhook "mutation.azure-workload-identity.io"' in message
    assert "no endpoints available for service" in message
    webhook = "/apis/apps/v1/namespaces/kube-system/deployments/azure-wi-webhook-controller-manager"
    assert eventually(lambda: "readyReplicas" not in call(sandbox, "GET", webhook).json()["status"])

    turn(sandbox, webhook_ready=True)
    eventually(lambda: not failure(), 20)


def test_a_workload_that_hangs_keeps_its_old_pods(sandbox: RunningSandbox) -> None:
    turn(sandbox, never_ready=["shop/orders-worker"])
    old = {each["metadata"]["uid"] for each in pods_of(sandbox, "orders-worker")}
    body = {"spec": {"progressDeadlineSeconds": 1,
                     "template": {"metadata": {"annotations": {"restarted": "now"}}}}}  # fmt: skip
    assert call(sandbox, "PATCH", f"{SHOP}/deployments/orders-worker", body).is_success

    def reason() -> str:
        found = call(sandbox, "GET", f"{SHOP}/deployments/orders-worker").json()
        reasons = {each["type"]: each["reason"] for each in found["status"]["conditions"]}
        return str(reasons["Progressing"])

    eventually(lambda: reason() == "ProgressDeadlineExceeded")
    assert old <= {each["metadata"]["uid"] for each in pods_of(sandbox, "orders-worker")}


def deny_all(sandbox: RunningSandbox) -> None:
    policy = {"metadata": {"name": "quarantine", "namespace": "shop"},
              "spec": {"podSelector": {}, "policyTypes": ["Egress", "Ingress"]}}  # fmt: skip
    path = "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies"
    assert call(sandbox, "POST", path, policy).status_code == 201


def test_a_pod_behind_a_policy_reaches_nothing_and_nobody_carries_its_token_away(
    sandbox: RunningSandbox,
) -> None:
    pod = pods_of(sandbox, "orders-api")[0]["metadata"]["name"]
    assert run(sandbox, pod).json()["status"] == 200
    deny_all(sandbox)

    assert run(sandbox, pod).status_code == 502
    wish = {"namespace": "shop", "service_account": "orders-api"}
    url = f"{sandbox.endpoints['control']}/sandbox/nodes/aks-weu/steal-token"
    assert sandbox.http.post(url, json=wish).status_code == 409


def test_without_an_engine_a_policy_is_only_an_object(sandbox: RunningSandbox) -> None:
    turn(sandbox, enforces_policies=False)
    pod = pods_of(sandbox, "orders-api")[0]["metadata"]["name"]
    deny_all(sandbox)

    assert run(sandbox, pod).json()["status"] == 200
    [resource] = [
        each
        for each in sandbox.control("GET", "state/resources")
        if each["name"] == "aks-weu" and "managedClusters" in each["id"]
    ]
    assert resource["properties"]["networkProfile"]["networkPolicy"] == "none"


def manifest(sandbox: RunningSandbox, client_id: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {
            "name": "orders-api",
            "namespace": "shop",
            "annotations": {CLIENT: client_id},
        },
    }


def client_id_of(sandbox: RunningSandbox) -> str:
    return str(call(sandbox, "GET", ACCOUNT).json()["metadata"]["annotations"][CLIENT])


@pytest.mark.parametrize("tool", ["flux", "argo"])
def test_what_git_says_is_put_back_and_nothing_else(sandbox: RunningSandbox, tool: str) -> None:
    old = client_id_of(sandbox)
    wish = {"name": "shop", "tool": tool, "delay_s": 0.3, "objects": [manifest(sandbox, old)]}
    sandbox.control("POST", "clusters/aks-weu/gitops", wish)
    notes = {"metadata": {"annotations": {CLIENT: "new", "mine": "stays"}}}

    assert call(sandbox, "PATCH", ACCOUNT, notes).is_success
    assert client_id_of(sandbox) == "new"
    eventually(lambda: client_id_of(sandbox) == old)

    about = call(sandbox, "GET", ACCOUNT).json()["metadata"]
    assert about["annotations"]["mine"] == "stays"
    managers = {each["manager"] for each in about["managedFields"]}
    if tool == "flux":
        assert about["labels"]["kustomize.toolkit.fluxcd.io/name"] == "shop"
        assert "kustomize-controller" in managers
    else:
        tracking = about["annotations"]["argocd.argoproj.io/tracking-id"]
        assert tracking == "shop:/ServiceAccount:shop/orders-api"
        assert "argocd-controller" in managers


def test_a_suspended_kustomization_puts_nothing_back_until_it_goes_on(
    sandbox: RunningSandbox,
) -> None:
    old = client_id_of(sandbox)
    wish = {"name": "shop", "delay_s": 0.1, "objects": [manifest(sandbox, old)]}
    sandbox.control("POST", "clusters/aks-weu/gitops", wish)
    role = {"metadata": {"name": "suspend"},
            "rules": [{"apiGroups": ["kustomize.toolkit.fluxcd.io"],
                       "resources": ["kustomizations"], "verbs": ["get", "patch"]}]}  # fmt: skip
    subject = {"kind": "User", "name": sandbox.seed["firebreak"]["object_id"]}
    binding = {"metadata": {"name": "suspend"}, "subjects": [subject],
               "roleRef": {"kind": "ClusterRole", "name": "suspend"}}  # fmt: skip
    rights = {"clusterroles": [role], "clusterrolebindings": [binding]}
    sandbox.control("POST", "seed", {"clusters": {"aks-weu": rights}})
    path = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations/shop"

    assert call(sandbox, "PATCH", path, {"spec": {"suspend": True}}).is_success
    call(sandbox, "PATCH", ACCOUNT, {"metadata": {"annotations": {CLIENT: "new"}}})
    time.sleep(0.5)
    assert client_id_of(sandbox) == "new"

    assert call(sandbox, "PATCH", path, {"spec": {"suspend": False}}).is_success
    eventually(lambda: client_id_of(sandbox) == old)
    [kustomization] = stored(sandbox, "kustomizations")
    assert kustomization["status"]["conditions"][0]["reason"] == "ReconciliationSucceeded"


def test_a_commit_reaches_the_cluster_after_the_delay(sandbox: RunningSandbox) -> None:
    old = client_id_of(sandbox)
    wish = {"name": "shop", "delay_s": 0.2, "objects": [manifest(sandbox, old)]}
    sandbox.control("POST", "clusters/aks-weu/gitops", wish)

    body = {"objects": [manifest(sandbox, "newer")]}
    sandbox.control("POST", "clusters/aks-weu/gitops/shop/commit", body)

    assert client_id_of(sandbox) == old
    eventually(lambda: client_id_of(sandbox) == "newer")


def test_what_somebody_deleted_comes_back_from_git(sandbox: RunningSandbox) -> None:
    policy = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
              "metadata": {"name": "ours", "namespace": "shop"},
              "spec": {"podSelector": {}, "policyTypes": ["Ingress"]}}  # fmt: skip
    wish = {"name": "shop", "delay_s": 0.1, "objects": [policy]}
    sandbox.control("POST", "clusters/aks-weu/gitops", wish)
    path = "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies/ours"

    assert call(sandbox, "DELETE", path).status_code == 200
    eventually(lambda: call(sandbox, "GET", path).status_code == 200)


def test_a_pod_keeps_the_configmap_that_it_started_with(sandbox: RunningSandbox) -> None:
    old = sandbox.seed["orders_api"]["app_id"]
    config = {
        "metadata": {"name": "settings", "namespace": "shop"},
        "data": {"AZURE_CLIENT_ID": old},
    }
    template = {
        "metadata": {"labels": {"app": "tools", "azure.workload.identity/use": "true"}},
        "spec": {
            "serviceAccountName": "tools",
            "containers": [
                {
                    "name": "main",
                    "image": "contoso.azurecr.io/tools:1",
                    "envFrom": [{"configMapRef": {"name": "settings"}}],
                }
            ],
        },
    }
    spec = {"selector": {"matchLabels": {"app": "tools"}}, "template": template}
    account = {"metadata": {"name": "tools", "namespace": "shop"}}
    objects = {
        "configmaps": [config],
        "serviceaccounts": [account],
        "deployments": [{"metadata": {"name": "tools", "namespace": "shop"}, "spec": spec}],
    }
    trust = {
        "applicationId": sandbox.seed["orders_api"]["application_object_id"],
        "name": "tools",
        "issuer": sandbox.seed["clusters"]["aks-weu"]["issuer"],
        "subject": "system:serviceaccount:shop:tools",
    }
    sandbox.control(
        "POST", "seed", {"federatedCredentials": [trust], "clusters": {"aks-weu": objects}}
    )
    [pod] = pods_of(sandbox, "tools")
    assert run(sandbox, pod["metadata"]["name"]).json()["status"] == 200

    changed = {**config, "data": {"AZURE_CLIENT_ID": "00000000-0000-4000-8000-000000000000"}}
    wish = {"name": "settings", "delay_s": 0,
            "objects": [{"apiVersion": "v1", "kind": "ConfigMap", **changed}]}  # fmt: skip
    sandbox.control("POST", "clusters/aks-weu/gitops", wish)
    assert run(sandbox, pod["metadata"]["name"]).json()["status"] == 200
    call(sandbox, "PATCH", f"{SHOP}/deployments/tools",
         {"spec": {"template": {"metadata": {"annotations": {"restarted": "now"}}}}})  # fmt: skip

    def new() -> list[dict[str, Any]]:
        return [
            each
            for each in pods_of(sandbox, "tools")
            if each["metadata"]["uid"] != pod["metadata"]["uid"]
            and each["status"]["phase"] == "Running"
        ]

    [replaced] = eventually(new)
    assert run(sandbox, replaced["metadata"]["name"]).json()["token_status"] == 400


def test_a_pod_with_an_identity_binding_gets_its_token_through_the_proxy(
    sandbox: RunningSandbox,
) -> None:
    sandbox.no_delays()
    identity = sandbox.seed["payments_identity"]
    rule = {"apiGroups": ["cid.wi.aks.azure.com"], "resources": [identity["app_id"]],
            "verbs": ["use-managed-identity"]}  # fmt: skip
    account = {
        "name": "bound",
        "namespace": "payments",
        "annotations": {CLIENT: identity["app_id"]},
    }
    template = {
        "metadata": {
            "labels": {"app": "bound", "azure.workload.identity/use": "true"},
            "annotations": {"azure.workload.identity/use-identity-binding": "true"},
        },
        "spec": {
            "serviceAccountName": "bound",
            "containers": [{"name": "main", "image": "contoso.azurecr.io/bound:1"}],
        },
    }
    spec = {"selector": {"matchLabels": {"app": "bound"}}, "template": template}
    reference = {"kind": "ClusterRole", "name": "use-mi"}
    subject = {"kind": "ServiceAccount", "name": "bound", "namespace": "payments"}
    sandbox.control(
        "POST",
        "seed",
        {
            "identityBindings": [{"cluster": "aks-weu", "identityId": identity["resource_id"]}],
            "clusters": {
                "aks-weu": {
                    "serviceaccounts": [{"metadata": account}],
                    "clusterroles": [{"metadata": {"name": "use-mi"}, "rules": [rule]}],
                    "clusterrolebindings": [
                        {
                            "metadata": {"name": "use-mi"},
                            "roleRef": reference,
                            "subjects": [subject],
                        }
                    ],
                    "deployments": [
                        {"metadata": {"name": "bound", "namespace": "payments"}, "spec": spec}
                    ],
                }
            },
        },
    )
    [pod] = [
        each for each in stored(sandbox, "pods") if each["metadata"]["name"].startswith("bound-")
    ]
    names = {each["name"] for each in pod["spec"]["containers"][0]["env"]}
    assert {
        "AZURE_KUBERNETES_TOKEN_PROXY",
        "AZURE_KUBERNETES_SNI_NAME",
        "AZURE_KUBERNETES_CA_FILE",
    } <= names
    url = f"{sandbox.endpoints['control']}/sandbox/nodes/aks-weu/pods/payments/{pod['metadata']['name']}/run"
    wish = {"url": sandbox.seed["storage"]["blob_url"], "resource": STORAGE}
    assert sandbox.http.post(url, json=wish).json()["status"] == 200


@pytest.mark.parametrize(
    ("path", "wish", "status"),
    [
        ("clusters/nowhere", {"private": True}, 404),
        ("clusters/aks-weu", {"weather": "bad"}, 400),
        ("clusters/aks-weu", {"api_server": "gone"}, 400),
        ("clusters/aks-weu", {"private": "yes"}, 400),
        ("clusters/aks-weu", {"pace": {"pods": 1}}, 400),
        ("clusters/aks-weu", {"never_ready": [1]}, 400),
        ("clusters/aks-weu/gitops", {"name": "x", "objects": [{"kind": "Pod"}]}, 400),
        ("clusters/aks-weu/gitops", {"name": "x", "tool": "helm", "objects": []}, 400),
        ("clusters/aks-weu/gitops/none/commit", {"objects": []}, 404),
        ("clusters/aks-weu/cron-jobs/shop/none/run", {}, 404),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(
    sandbox: RunningSandbox, path: str, wish: dict[str, Any], status: int
) -> None:
    url = f"{sandbox.endpoints['control']}/sandbox/{path}"
    assert sandbox.http.post(url, json=wish).status_code == status


def test_a_reset_turns_every_switch_back(sandbox: RunningSandbox) -> None:
    turn(sandbox, api_server="reset", private=True, enforces_policies=False, webhook_ready=False)

    sandbox.control("POST", "reset")

    test_every_switch_is_off_at_first(sandbox)
