"""Who may what, and how a no is worded, as seen on real API servers.

What it defends: a responder that is not allowed something can say exactly what is missing.
"""

from typing import Any

import httpx
import pytest

from tests.kubernetes_api import MERGE, Api

RBAC = "/apis/rbac.authorization.k8s.io/v1"
REVIEWS = "/apis/authorization.k8s.io/v1"


@pytest.fixture
def limited(api: Api) -> str:
    """The token of a ServiceAccount that may read ServiceAccounts of its namespace, and nothing else."""
    api.account("limited")
    rule = {"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["get", "list"]}
    api.create("roles", {"metadata": {"name": "reader"}, "rules": [rule]})
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"}
    subject = {"kind": "ServiceAccount", "name": "limited", "namespace": api.namespace}
    body = {"metadata": {"name": "reader"}, "roleRef": reference, "subjects": [subject]}
    api.create("rolebindings", body)
    answer = api.call("POST", api.path("serviceaccounts", "limited", "token"), {"spec": {}})
    token = str(answer.json()["status"]["token"])
    path = api.path("serviceaccounts")
    api.eventually(lambda: _as(api, token, "GET", path).is_success)
    return token


def _as(api: Api, token: str, method: str, path: str, body: Any = None) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"}
    if method == "PATCH":
        headers["content-type"] = MERGE
    return api.http.request(method, path, json=body, headers=headers)


def _user(api: Api) -> str:
    return f"system:serviceaccount:{api.namespace}:limited"


def test_a_no_names_verb_resource_group_and_namespace(api: Api, limited: str) -> None:
    answer = _as(api, limited, "PATCH", api.path("serviceaccounts", "limited"), {})

    assert answer.status_code == 403
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.json()["message"] == (
        f'serviceaccounts "limited" is forbidden: User "{_user(api)}" cannot patch resource '
        f'"serviceaccounts" in API group "" in the namespace "{api.namespace}"'
    )
    assert answer.json()["details"] == {"name": "limited", "kind": "serviceaccounts"}


def test_a_no_to_a_list_names_no_object_and_a_cluster_wide_one_no_namespace(
    api: Api, limited: str
) -> None:
    listed = _as(api, limited, "GET", api.path("deployments")).json()
    everywhere = _as(api, limited, "GET", "/api/v1/nodes").json()

    assert listed["message"].startswith('deployments.apps is forbidden: User "')
    assert listed["details"] == {"group": "apps", "kind": "deployments"}
    assert everywhere["message"].endswith(
        'cannot list resource "nodes" in API group "" at the cluster scope'
    )


def test_a_no_comes_before_existence(api: Api, limited: str) -> None:
    absent = _as(api, limited, "GET", "/api/v1/namespaces/absent-ns/pods/nobody")
    path = api.path("serviceaccounts", "nobody", "token")
    minting = _as(api, limited, "POST", path, {"spec": {}})

    assert (absent.status_code, minting.status_code) == (403, 403)
    assert 'cannot create resource "serviceaccounts/token"' in minting.json()["message"]


def test_a_custom_group_that_nobody_serves_is_authorized_first(api: Api, limited: str) -> None:
    path = f"/apis/nobody.example/v1/namespaces/{api.namespace}/gadgets"

    assert _as(api, limited, "GET", path).status_code == 403


def test_an_access_review_says_yes_and_no(api: Api, limited: str) -> None:
    def may(verb: str, resource: str, group: str = "", sub: str = "") -> bool:
        attributes = {
            "verb": verb,
            "resource": resource,
            "group": group,
            "subresource": sub,
            "namespace": api.namespace,
        }
        body = {"spec": {"resourceAttributes": attributes}}
        answer = _as(api, limited, "POST", f"{REVIEWS}/selfsubjectaccessreviews", body)
        assert answer.status_code == 201
        return bool(answer.json()["status"]["allowed"])

    assert may("list", "serviceaccounts")
    assert not may("patch", "serviceaccounts")
    assert not may("create", "serviceaccounts", sub="token")
    assert not may("patch", "deployments", "apps")


def test_an_access_review_is_about_one_thing(api: Api) -> None:
    both = {
        "resourceAttributes": {"verb": "get", "resource": "pods"},
        "nonResourceAttributes": {"verb": "get", "path": "/version"},
    }
    for spec in ({}, both):
        answer = api.call("POST", f"{REVIEWS}/selfsubjectaccessreviews", {"spec": spec})
        assert answer.status_code == 422


def test_a_role_that_uses_a_managed_identity_is_kept_as_it_is_written(api: Api) -> None:
    # https://learn.microsoft.com/azure/aks/identity-bindings
    name = f"use-mi-{api.namespace}"
    rule = {
        "verbs": ["use-managed-identity"],
        "apiGroups": ["cid.wi.aks.azure.com"],
        "resources": ["00000000-0000-4000-8000-000000000000"],
    }
    made = api.call("POST", f"{RBAC}/clusterroles", {"metadata": {"name": name}, "rules": [rule]})
    try:
        assert made.status_code == 201, made.text
        assert api.call("GET", f"{RBAC}/clusterroles/{name}").json()["rules"] == [rule]
        listed = api.call("GET", f"{RBAC}/clusterroles").json()
        assert name in {each["metadata"]["name"] for each in listed["items"]}
    finally:
        gone = api.call("DELETE", f"{RBAC}/clusterroles/{name}").json()
    assert (gone["kind"], gone["status"]) == ("Status", "Success")


def test_a_binding_keeps_its_role(api: Api, limited: str) -> None:
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "other"}

    answer = api.merge("rolebindings", "reader", {"roleRef": reference})

    assert answer.status_code == 422
    assert answer.json()["details"]["causes"][0]["field"] == "roleRef"


def test_a_pod_of_an_account_that_is_not_there_is_refused_by_name(api: Api) -> None:
    container = {"name": "main", "image": "registry.k8s.io/pause:3.10"}
    spec = {"serviceAccountName": "ghost", "containers": [container]}

    answer = api.call("POST", api.path("pods"), {"metadata": {"name": "p"}, "spec": spec})

    assert answer.status_code == 403
    assert answer.json()["message"] == (
        f'pods "p" is forbidden: error looking up service account {api.namespace}/ghost: '
        'serviceaccount "ghost" not found'
    )


def test_nothing_new_begins_in_a_namespace_that_ends(api: Api) -> None:
    name = f"{api.namespace}-ending"
    path = f"/api/v1/namespaces/{name}/serviceaccounts"
    assert api.call("POST", "/api/v1/namespaces", {"metadata": {"name": name}}).is_success
    held = {"metadata": {"name": "held", "finalizers": ["example.com/hold"]}}
    assert api.call("POST", path, held).is_success
    try:
        assert api.call("DELETE", f"/api/v1/namespaces/{name}").json()["status"]["phase"] == (
            "Terminating"
        )
        answer = api.call("POST", path, {"metadata": {"name": "late"}})
        assert answer.status_code == 403
        causes = answer.json()["details"]["causes"]
        assert "NamespaceTerminating" in {each["reason"] for each in causes}
    finally:
        free = {"metadata": {"finalizers": None}}
        assert api.call("PATCH", f"{path}/held", free, MERGE).is_success
    api.eventually(lambda: api.call("GET", f"/api/v1/namespaces/{name}").status_code == 404, 30)
