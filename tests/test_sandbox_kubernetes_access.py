"""Who may do what: RBAC as stored, reviews that say so, Entra callers, and the audit log of it all.

What it defends: what a cluster forbids a responder on Azure, the sandbox forbids it too.
"""

from typing import Any

import pytest

from tests.kubernetes_api import MERGE, Api, responder_headers
from tests.sandbox_fixture import RunningSandbox

ACCESS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
WHOAMI = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


@pytest.fixture
def limited(api: Api) -> dict[str, str]:
    """Headers of a ServiceAccount that may do nothing but what a test binds to it."""
    api.account("limited")
    token = api.call("POST", api.path("serviceaccounts", "limited", "token"), {})
    return {"authorization": f"Bearer {token.json()['status']['token']}"}


def _grant(api: Api, *rules: dict[str, Any]) -> None:
    api.create("roles", {"metadata": {"name": "r"}, "rules": list(rules)})
    subject = {"kind": "ServiceAccount", "name": "limited", "namespace": api.namespace}
    reference = {"kind": "Role", "name": "r", "apiGroup": "rbac.authorization.k8s.io"}
    api.create(
        "rolebindings", {"metadata": {"name": "r"}, "roleRef": reference, "subjects": [subject]}
    )


def _rule(verbs: str, resource: str, group: str = "", **more: Any) -> dict[str, Any]:
    return {"verbs": verbs.split(), "apiGroups": [group], "resources": [resource], **more}


def test_a_refusal_comes_before_existence_and_names_what_is_missing(
    api: Api, limited: dict[str, str]
) -> None:
    named = api.http.get(api.path("serviceaccounts", "nope"), headers=limited)
    listed = api.http.get(api.path("deployments"), headers=limited)
    everywhere = api.http.get("/api/v1/pods", headers=limited)
    sub = api.http.post(api.path("serviceaccounts", "nope", "token"), json={}, headers=limited)

    user = f'User "system:serviceaccount:{api.namespace}:limited"'
    here = f'in the namespace "{api.namespace}"'
    assert [each.status_code for each in (named, listed, everywhere, sub)] == [403] * 4
    assert named.json()["message"] == (
        f'serviceaccounts "nope" is forbidden: {user} cannot get resource "serviceaccounts" in '
        f'API group "" {here}'
    )
    assert listed.json()["message"] == (
        f'deployments.apps is forbidden: {user} cannot list resource "deployments" in API group '
        f'"apps" {here}'
    )
    assert listed.json()["details"] == {"group": "apps", "kind": "deployments"}
    assert everywhere.json()["message"].endswith("at the cluster scope")
    assert 'cannot create resource "serviceaccounts/token"' in sub.json()["message"]


def test_a_role_grants_its_verbs_in_its_namespace_only(api: Api, limited: dict[str, str]) -> None:
    _grant(api, _rule("get list", "serviceaccounts"))

    assert api.http.get(api.path("serviceaccounts"), headers=limited).is_success
    assert api.http.delete(api.path("serviceaccounts", "default"), headers=limited).is_error
    elsewhere = api.http.get("/api/v1/namespaces/default/serviceaccounts", headers=limited)
    assert elsewhere.status_code == 403


def test_a_grant_on_a_resource_is_none_on_its_subresources(
    api: Api, limited: dict[str, str]
) -> None:
    _grant(api, _rule("*", "serviceaccounts"))
    path = api.path("serviceaccounts", "limited", "token")

    assert api.http.post(path, json={}, headers=limited).status_code == 403


def test_a_grant_can_name_the_objects(api: Api, limited: dict[str, str]) -> None:
    api.account("mine")
    _grant(api, _rule("get watch", "serviceaccounts", resourceNames=["mine"]))

    assert api.http.get(api.path("serviceaccounts", "mine"), headers=limited).is_success
    assert api.http.get(api.path("serviceaccounts", "default"), headers=limited).is_error
    query = {"watch": "true", "timeoutSeconds": "1", "fieldSelector": "metadata.name=mine"}
    watched = api.http.get(api.path("serviceaccounts"), headers=limited, params=query)
    assert watched.is_success


def test_a_review_says_beforehand_what_will_happen(api: Api, limited: dict[str, str]) -> None:
    _grant(api, _rule("patch", "deployments", "apps"))

    def may(verb: str) -> dict[str, Any]:
        wanted = {
            "verb": verb,
            "group": "apps",
            "resource": "deployments",
            "namespace": api.namespace,
        }
        answer = api.http.post(
            ACCESS, json={"spec": {"resourceAttributes": wanted}}, headers=limited
        )
        assert answer.status_code == 201
        return dict(answer.json()["status"])

    assert may("patch")["allowed"] is True
    assert may("patch")["reason"].startswith(f'RBAC: allowed by RoleBinding "r/{api.namespace}"')
    assert may("delete") == {"allowed": False}


def test_an_administrator_can_look_through_anothers_eyes(api: Api, limited: dict[str, str]) -> None:
    name = f"system:serviceaccount:{api.namespace}:limited"

    seen = api.http.post(WHOAMI, json={}, headers={"impersonate-user": name})
    refused = api.http.post(WHOAMI, json={}, headers={**limited, "impersonate-user": "admin"})

    assert seen.json()["status"]["userInfo"]["username"] == name
    assert refused.status_code == 403


def test_an_entra_principal_is_known_by_its_object_id(sandbox: RunningSandbox) -> None:
    url = sandbox.endpoints["kube-aks-neu"]

    answer = sandbox.http.post(url + WHOAMI, json={}, headers=responder_headers(sandbox))

    user = answer.json()["status"]["userInfo"]
    assert user["username"] == sandbox.seed["firebreak"]["object_id"]
    assert user["groups"] == ["system:authenticated"]


def test_a_token_for_another_api_is_no_token(sandbox: RunningSandbox) -> None:
    token = sandbox.sign_in("rosa", "https://graph.microsoft.com")
    url = sandbox.endpoints["kube-aks-weu"]

    answer = sandbox.http.get(f"{url}/api", headers={"authorization": f"Bearer {token}"})

    assert answer.status_code == 401


def test_the_responder_may_do_its_work_and_not_read_secrets(sandbox: RunningSandbox) -> None:
    headers = responder_headers(sandbox)
    url = f"{sandbox.endpoints['kube-aks-weu']}/api/v1/namespaces/shop"

    assert sandbox.http.get(f"{url}/serviceaccounts", headers=headers).is_success
    assert sandbox.http.get(f"{url}/secrets", headers=headers).status_code == 403
    pod = {"metadata": {"name": "p"}}
    assert sandbox.http.post(f"{url}/pods", json=pod, headers=headers).status_code == 403


def test_writes_are_in_the_admin_audit_log_and_tokens_are_not(sandbox: RunningSandbox) -> None:
    sandbox.no_delays()
    headers = responder_headers(sandbox)
    path = "/api/v1/namespaces/shop/serviceaccounts/orders-api"
    url = sandbox.endpoints["kube-aks-weu"] + path
    sandbox.http.get(url, headers=headers)
    patched = sandbox.http.patch(
        f"{url}?fieldManager=test",
        json={"metadata": {"annotations": {"a": "b"}}},
        headers={**headers, "content-type": MERGE, "user-agent": "test/1"},
    )
    token = sandbox.http.post(f"{url}/token", json={}, headers=headers).json()["status"]["token"]
    # Of ServiceAccounts it may delete those that it made; of ConfigMaps none.
    forbidden = url.replace("serviceaccounts/orders-api", "configmaps/kube-root-ca.crt")
    sandbox.http.delete(forbidden, headers=headers)

    logs = sandbox.control("GET", "state/logs")
    admin, everything = logs["AKSAuditAdmin"], logs["AKSAudit"]

    assert [row["Verb"] for row in admin] == ["patch", "create", "delete"]
    assert [row["Verb"] for row in everything] == ["get", "patch", "create", "delete"]
    row = admin[0]
    assert row["AuditId"] == patched.headers["audit-id"]
    assert row["User"]["username"] == sandbox.seed["firebreak"]["object_id"]
    assert row["ObjectRef"] == {
        "resource": "serviceaccounts",
        "apiVersion": "v1",
        "namespace": "shop",
        "name": "orders-api",
    }
    assert (row["RequestUri"], row["UserAgent"]) == (f"{path}?fieldManager=test", "test/1")
    assert row["SourceIps"] == ["127.0.0.1"]
    assert row["ResponseObject"]["metadata"]["annotations"]["a"] == "b"
    assert admin[1]["ObjectRef"]["subresource"] == "token"
    assert token not in str(logs)
    assert admin[2]["ResponseStatus"]["reason"] == "Forbidden"
    assert admin[2]["Annotations"]["authorization.k8s.io/decision"] == "forbid"


def test_shells_evictions_and_patches_of_every_kind_leave_rows(sandbox: RunningSandbox) -> None:
    sandbox.no_delays()
    subject = {"kind": "User", "name": sandbox.seed["firebreak"]["object_id"]}
    reference = {"kind": "ClusterRole", "name": "cluster-admin"}
    binding = {"metadata": {"name": "all"}, "roleRef": reference, "subjects": [subject]}
    secrets = {"metadata": {"name": "vault", "namespace": "shop"}, "spec": {"provider": "azure"}}
    planted = {"clusterrolebindings": [binding], "secretproviderclasses": [secrets]}
    sandbox.control("POST", "seed", {"clusters": {"aks-weu": planted}})
    pods = sandbox.control("GET", "state/clusters/aks-weu/pods")
    pod = next(each["metadata"]["name"] for each in pods if each["metadata"]["namespace"] == "shop")
    url, headers = sandbox.endpoints["kube-aks-weu"], responder_headers(sandbox)
    one = f"/api/v1/namespaces/shop/pods/{pod}"

    plain = sandbox.http.post(f"{url}{one}/exec?command=sh&command=-c", headers=headers)
    assert (plain.status_code, plain.json()["message"]) == (400, "Upgrade request required")
    body = {"metadata": {"name": pod}}
    assert sandbox.http.post(f"{url}{one}/eviction", json=body, headers=headers).is_success
    sandbox.http.patch(
        f"{url}/apis/secrets-store.csi.x-k8s.io/v1/namespaces/shop/secretproviderclasses/vault",
        json={"spec": {"parameters": {"clientID": "new"}}},
        headers={**headers, "content-type": MERGE},
    )

    rows = sandbox.control("GET", "state/logs/AKSAuditAdmin")
    assert [(row["Verb"], row["ObjectRef"].get("subresource")) for row in rows] == [
        ("create", "exec"),
        ("create", "eviction"),
        ("patch", None),
    ]
    assert rows[0]["RequestUri"] == f"{one}/exec?command=sh&command=-c"
    assert rows[0]["Level"] == "Metadata"
    assert rows[2]["ObjectRef"] == {
        "resource": "secretproviderclasses",
        "apiVersion": "v1",
        "apiGroup": "secrets-store.csi.x-k8s.io",
        "namespace": "shop",
        "name": "vault",
    }
    assert rows[2]["ResponseObject"]["spec"]["parameters"] == {"clientID": "new"}
