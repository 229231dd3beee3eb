"""Custom resources: what differs from the built-in ones, as seen on real API servers.

What it defends: a responder that patches a SecretProviderClass or a TriggerAuthentication handles the real ones.
"""

from typing import Any

import pytest

from tests.kubernetes_api import APPLY, JSON_PATCH, MERGE, STRATEGIC, Api, define

CLASSES = "secretproviderclasses"


def _class(name: str = "vault", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "secrets-store.csi.x-k8s.io/v1",
        "kind": "SecretProviderClass",
        "metadata": {"name": name},
        "spec": {"provider": "azure", "parameters": {"clientID": "old"}, **spec},
    }


@pytest.fixture
def classes(api: Api) -> Api:
    define(api, CLASSES)
    return api


def test_a_custom_resource_is_patched_by_merge_and_json_but_not_strategically(classes: Api) -> None:
    classes.create(CLASSES, _class())
    path = classes.path(CLASSES, "vault")
    body = {"spec": {"parameters": {"clientID": "new"}}}

    strategic = classes.call("PATCH", path, body, STRATEGIC)
    merged = classes.call("PATCH", path, body, MERGE)
    replace = [{"op": "replace", "path": "/spec/parameters/clientID", "value": "newer"}]
    pointed = classes.call("PATCH", path, replace, JSON_PATCH)

    assert strategic.status_code == 415
    assert strategic.json()["message"].endswith(
        "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
    )
    assert merged.json()["spec"]["parameters"] == {"clientID": "new"}
    assert pointed.json()["spec"]["parameters"] == {"clientID": "newer"}
    assert [merged.json()["metadata"]["generation"], pointed.json()["metadata"]["generation"]] == [
        2,
        3,
    ]


def test_a_custom_resource_has_to_say_what_it_is(classes: Api) -> None:
    path = classes.path(CLASSES)
    nameless = {name: each for name, each in _class().items() if name != "kind"}

    other = classes.call("POST", path, {**_class(), "kind": "Other"})
    version = classes.call("POST", path, {**_class(), "apiVersion": "apps/v1"})

    assert classes.call("POST", path, nameless).status_code == 400
    assert (other.status_code, other.json()["details"]["causes"][0]["field"]) == (422, "kind")
    assert version.status_code == 400
    assert version.json()["message"] == (
        "the API version in the data (apps/v1) does not match the expected API version "
        "(secrets-store.csi.x-k8s.io/v1)"
    )


def test_unknown_fields_are_pruned_and_empty_ones_stay(classes: Api) -> None:
    sent = {**_class(bogus=1, parameters={}, secretObjects=[]), "more": True}

    made = classes.create(CLASSES, sent)

    assert made["spec"] == {"provider": "azure", "parameters": {}, "secretObjects": []}
    assert "more" not in made


def test_the_schema_of_the_definition_is_enforced(classes: Api) -> None:
    wrong = classes.call("POST", classes.path(CLASSES), _class(provider=5))
    classes.create(CLASSES, _class())
    patched = classes.merge(CLASSES, "vault", {"spec": {"parameters": {"clientID": 7}}})

    assert wrong.status_code == patched.status_code == 422
    cause = wrong.json()["details"]["causes"][0]
    assert (cause["field"], wrong.json()["details"]["kind"]) == (
        "spec.provider",
        "SecretProviderClass",
    )
    assert cause["message"] == (
        'Invalid value: "integer": spec.provider in body must be of type string: "integer"'
    )
    assert patched.json()["details"]["causes"][0]["field"] == "spec.parameters.clientID"


def test_a_put_must_name_the_version_that_it_replaces(classes: Api) -> None:
    made = classes.create(CLASSES, _class())
    path = classes.path(CLASSES, "vault")

    blind = classes.call("PUT", path, _class(provider="other"))
    about = {"name": "vault", "resourceVersion": made["metadata"]["resourceVersion"]}
    seeing = classes.call("PUT", path, {**_class(provider="other"), "metadata": about})

    assert blind.status_code == 422
    assert blind.json()["details"]["causes"][0]["field"] == "metadata.resourceVersion"
    assert seeing.json()["spec"]["provider"] == "other"


def test_items_of_a_list_say_what_they_are(classes: Api) -> None:
    classes.create(CLASSES, _class())

    listed = classes.call("GET", classes.path(CLASSES)).json()

    assert listed["kind"] == "SecretProviderClassList"
    assert [(each["kind"], each["apiVersion"]) for each in listed["items"]] == [
        ("SecretProviderClass", "secrets-store.csi.x-k8s.io/v1")
    ]


def test_a_delete_answers_with_a_status_that_names_group_and_uid(classes: Api) -> None:
    made = classes.create(CLASSES, _class())

    answer = classes.call("DELETE", classes.path(CLASSES, "vault")).json()

    assert (answer["kind"], answer["status"]) == ("Status", "Success")
    assert answer["details"] == {
        "name": "vault",
        "group": "secrets-store.csi.x-k8s.io",
        "kind": CLASSES,
        "uid": made["metadata"]["uid"],
    }
    assert classes.call("GET", classes.path(CLASSES, "vault")).status_code == 404


def test_an_apply_owns_the_fields_of_a_custom_resource(classes: Api) -> None:
    path = classes.path(CLASSES, "vault")
    mine = classes.call("PATCH", path, _class(), APPLY, fieldManager="one")
    other = classes.call(
        "PATCH", path, _class(parameters={"clientID": "new"}), APPLY, fieldManager="two"
    )

    assert (mine.status_code, other.status_code) == (201, 409)
    assert other.json()["details"]["causes"] == [
        {
            "reason": "FieldManagerConflict",
            "message": 'conflict with "one"',
            "field": ".spec.parameters.clientID",
        }
    ]


def test_a_status_subresource_keeps_status_apart(api: Api) -> None:
    define(api, "triggerauthentications")
    pod_identity = {"provider": "azure-workload", "identityId": "old"}
    api.create(
        "triggerauthentications",
        {
            "apiVersion": "keda.sh/v1alpha1",
            "kind": "TriggerAuthentication",
            "metadata": {"name": "queue"},
            "spec": {"podIdentity": pod_identity},
        },
    )
    body = {"status": {"scaledjobs": "one"}}

    ignored = api.merge("triggerauthentications", "queue", body).json()
    path = api.path("triggerauthentications", "queue", "status")
    kept = api.call("PATCH", path, body, MERGE).json()

    assert "status" not in ignored
    assert (kept["status"], kept["metadata"]["generation"]) == ({"scaledjobs": "one"}, 1)


def test_values_outside_of_a_closed_list_are_refused(api: Api) -> None:
    define(api, "triggerauthentications")
    body = {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "TriggerAuthentication",
        "metadata": {"name": "queue"},
        "spec": {"podIdentity": {"provider": "nobody"}},
    }

    answer = api.call("POST", api.path("triggerauthentications"), body)

    assert answer.status_code == 422
    assert answer.json()["details"]["causes"][0]["reason"] == "FieldValueNotSupported"
    assert 'supported values: "azure-workload", ' in answer.json()["message"]


def test_a_group_without_the_resource_or_version_is_a_404_in_text(classes: Api) -> None:
    for path in (
        "/apis/secrets-store.csi.x-k8s.io/v1/gadgets",
        "/apis/secrets-store.csi.x-k8s.io/v7/secretproviderclasses",
        "/apis/nobody.example/v1/gadgets",
    ):
        answer = classes.call("GET", path)
        assert (answer.status_code, answer.text) == (404, "404 page not found\n"), path


def test_discovery_lists_what_definitions_bring(classes: Api) -> None:
    found = classes.call("GET", "/apis/secrets-store.csi.x-k8s.io/v1").json()
    name = "secretproviderclasses.secrets-store.csi.x-k8s.io"
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}"
    definition = classes.call("GET", path).json()

    assert [(each["name"], each["namespaced"]) for each in found["resources"]] == [(CLASSES, True)]
    assert definition["status"]["acceptedNames"]["kind"] == "SecretProviderClass"
    assert {"Established", "NamesAccepted"} <= {
        each["type"] for each in definition["status"]["conditions"]
    }
