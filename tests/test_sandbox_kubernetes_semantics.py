"""An API server's refusals and the life of an object, to the byte where clients look at bytes.

These facts were seen on real API servers; `make test-kubernetes KUBECONFIG=...` asks them of another one.
What it defends: a responder that handles the sandbox handles a cluster.
"""

import time

import pytest

from tests.kubernetes_api import JSON_PATCH, MERGE, Api, deployment, since


def test_a_missing_object_is_a_404_status_to_the_byte(api: Api) -> None:
    answer = api.call("GET", api.path("serviceaccounts", "nope"))

    assert answer.status_code == 404
    assert answer.text == (
        '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",'
        '"message":"serviceaccounts \\"nope\\" not found","reason":"NotFound",'
        '"details":{"name":"nope","kind":"serviceaccounts"},"code":404}\n'
    )


def test_a_missing_object_of_a_group_names_the_group(api: Api) -> None:
    status = api.call("GET", api.path("deployments", "web")).json()

    assert status["message"] == 'deployments.apps "web" not found'
    assert status["details"] == {"name": "web", "group": "apps", "kind": "deployments"}


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "PUT"])
def test_no_write_creates_what_is_not_there(api: Api, method: str) -> None:
    body = None if method == "DELETE" else {"metadata": {"name": "nope"}}
    type_ = MERGE if method == "PATCH" else "application/json"

    assert api.call(method, api.path("serviceaccounts", "nope"), body, type_).status_code == 404


def test_an_absent_namespace_lists_empty_and_refuses_a_post(api: Api) -> None:
    listed = api.call("GET", "/api/v1/namespaces/absent-ns/serviceaccounts")
    posted = api.call(
        "POST", "/api/v1/namespaces/absent-ns/serviceaccounts", {"metadata": {"name": "a"}}
    )

    assert (listed.status_code, listed.json()["items"]) == (200, [])
    assert posted.status_code == 404
    assert posted.json()["message"] == 'namespaces "absent-ns" not found'


def test_unknown_resources_are_json_and_unknown_groups_are_text(api: Api) -> None:
    resource = api.call("GET", f"/apis/apps/v1/namespaces/{api.namespace}/gadgets")
    group = api.call("GET", "/apis/nobody.example/v1/gadgets")

    assert resource.json()["message"] == "the server could not find the requested resource"
    assert resource.json()["details"] == {}
    assert (group.status_code, group.text) == (404, "404 page not found\n")


def test_what_exists_can_not_be_created_again(api: Api) -> None:
    api.account("app")

    answer = api.call("POST", api.path("serviceaccounts"), {"metadata": {"name": "app"}})

    assert answer.status_code == 409
    assert answer.json()["reason"] == "AlreadyExists"
    assert answer.json()["message"] == 'serviceaccounts "app" already exists'


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_stale_resource_version_is_a_conflict(api: Api, method: str) -> None:
    old = api.account("app")
    api.merge("serviceaccounts", "app", {"metadata": {"labels": {"a": "1"}}})
    about = {"name": "app", "resourceVersion": old["metadata"]["resourceVersion"]}
    body = {"metadata": {**about, "labels": {"a": "2"}}}

    type_ = MERGE if method == "PATCH" else "application/json"
    answer = api.call(method, api.path("serviceaccounts", "app"), body, type_)

    assert answer.status_code == 409
    assert answer.json()["message"] == (
        'Operation cannot be fulfilled on serviceaccounts "app": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )


def test_a_put_without_a_version_overwrites(api: Api) -> None:
    api.account("app", labels={"a": "1"})

    answer = api.call("PUT", api.path("serviceaccounts", "app"), {"metadata": {"name": "app"}})

    assert answer.status_code == 200
    assert "labels" not in answer.json()["metadata"]


@pytest.mark.parametrize("field", ["uid", "resourceVersion"])
def test_a_delete_can_insist_on_the_object_that_was_read(api: Api, field: str) -> None:
    api.account("app")
    wrong = {"uid": "00000000-0000-0000-0000-000000000000", "resourceVersion": "1"}[field]

    answer = api.call(
        "DELETE", api.path("serviceaccounts", "app"), {"preconditions": {field: wrong}}
    )

    assert answer.status_code == 409
    assert "ServiceAccount" in answer.json()["message"]


def test_an_invalid_annotation_is_422_with_a_cause(api: Api) -> None:
    body = {"metadata": {"name": "app", "annotations": {"bad key!": "x"}}}

    status = api.call("POST", api.path("serviceaccounts"), body).json()

    assert status["code"] == 422
    assert status["message"].startswith('ServiceAccount "app" is invalid: metadata.annotations: ')
    assert status["details"]["kind"] == "ServiceAccount"
    assert status["details"]["causes"][0]["reason"] == "FieldValueInvalid"
    assert status["details"]["causes"][0]["field"] == "metadata.annotations"


def test_a_selector_is_immutable(api: Api) -> None:
    api.create("deployments", deployment("web", replicas=0))
    labels = {"app": "other"}
    change = {
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}},
        }
    }

    status = api.merge("deployments", "web", change).json()

    assert (status["code"], status["reason"]) == (422, "Invalid")
    assert status["details"] | {"causes": []} == {
        "name": "web",
        "group": "apps",
        "kind": "Deployment",
        "causes": [],
    }


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"metadata": {"name": "other"}}, "the name of the object (other) does not match"),
        ({"metadata": {"name": "app", "namespace": "other"}}, "the namespace of the provided"),
    ],
)
def test_a_body_that_contradicts_the_url_is_a_bad_request(
    api: Api, body: dict[str, object], text: str
) -> None:
    since(api, 32)
    answer = api.call("PUT", api.path("serviceaccounts", "app"), body)

    assert (answer.status_code, answer.json()["reason"]) == (400, "BadRequest")
    assert answer.json()["message"].startswith(text)
    assert "details" not in answer.json()


def test_methods_and_media_types_that_are_not_served_are_refused(api: Api) -> None:
    path = api.path("serviceaccounts")
    api.account("app")

    assert api.call("PUT", path, {}).status_code == 405
    assert api.http.get(path, headers={"accept": "image/png"}).status_code == 406
    plain = api.call("PATCH", f"{path}/app", {}, "application/json")
    assert (plain.status_code, plain.json()["details"]) == (415, {})


def test_a_revision_from_the_future_times_out_with_a_hint_to_retry(api: Api) -> None:
    began = time.monotonic()
    answer = api.call("GET", api.path("serviceaccounts"), resourceVersion="99999999999")

    assert answer.status_code == 504
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"
    assert time.monotonic() - began > 2


def test_every_answer_carries_the_api_servers_headers(api: Api) -> None:
    since(api, 32)
    for path in (api.path("serviceaccounts"), api.path("serviceaccounts", "nope")):
        headers = api.call("GET", path).headers
        assert len(headers["audit-id"]) == 36
        assert headers["cache-control"] == "no-cache, private"
        assert headers["content-type"] == "application/json"
        assert "x-kubernetes-pf-flowschema-uid" in headers


def test_a_token_that_is_none_is_401_and_no_token_is_anonymous(api: Api) -> None:
    path = api.path("serviceaccounts", "nope")

    bad = api.http.get(path, headers={"authorization": "Bearer nonsense"})
    none = api.http.get(path, headers={"authorization": ""})

    assert bad.status_code == 401
    assert bad.json() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "Unauthorized",
        "reason": "Unauthorized",
        "code": 401,
    }
    assert none.status_code == 403
    assert none.headers["x-content-type-options"] == "nosniff"
    assert none.json()["message"] == (
        'serviceaccounts "nope" is forbidden: User "system:anonymous" cannot get resource '
        f'"serviceaccounts" in API group "" in the namespace "{api.namespace}"'
    )


def test_a_json_patch_that_does_not_apply_is_rejected_without_detail(api: Api) -> None:
    api.account("app")
    for patch in (
        [{"op": "add", "path": "/metadata/annotations/a", "value": "b"}],
        [{"op": "test", "path": "/metadata/name", "value": "other"}],
        [{"op": "remove", "path": "/metadata/labels/a"}],
    ):
        status = api.call("PATCH", api.path("serviceaccounts", "app"), patch, JSON_PATCH).json()
        assert (status["code"], status["reason"], status["details"]) == (422, "Invalid", {})
