"""Which list merges and which is replaced; who owns a field that two managers want.

Facts of real API servers, as in test_sandbox_kubernetes_semantics.py.
"""

from typing import Any

import pytest

from tests.kubernetes_api import APPLY, JSON_PATCH, MERGE, STRATEGIC, Api, deployment, since


def _containers(env: list[dict[str, Any]]) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": [{"name": "main", "env": env}]}}}}


def _env(answer: dict[str, Any]) -> list[str]:
    container = answer["spec"]["template"]["spec"]["containers"][0]
    return [each["name"] for each in container.get("env", [])]


@pytest.fixture
def web(api: Api) -> str:
    api.create("deployments", deployment("web", replicas=0))
    start = _containers([{"name": "A", "value": "1"}])
    path = api.path("deployments", "web")
    assert api.call("PATCH", path, start, STRATEGIC).is_success
    return path


@pytest.mark.parametrize("type_", [MERGE, STRATEGIC])
def test_null_deletes_a_key_and_an_absent_one_is_no_error(api: Api, type_: str) -> None:
    api.account("app", annotations={"a": "1", "b": "2"})
    path = api.path("serviceaccounts", "app")

    some = api.call("PATCH", path, {"metadata": {"annotations": {"a": None, "z": None}}}, type_)
    assert some.json()["metadata"]["annotations"] == {"b": "2"}
    none = api.call("PATCH", path, {"metadata": {"annotations": None}}, type_)
    assert "annotations" not in none.json()["metadata"]


def test_json_patch_escapes_slashes(api: Api) -> None:
    api.account("app", annotations={"example.com/a": "1"})
    patch = [{"op": "replace", "path": "/metadata/annotations/example.com~1a", "value": "2"}]

    answer = api.call("PATCH", api.path("serviceaccounts", "app"), patch, JSON_PATCH)

    assert answer.json()["metadata"]["annotations"] == {"example.com/a": "2"}


def test_a_value_of_the_wrong_type_is_422_without_a_name(api: Api) -> None:
    api.account("app")

    status = api.merge("serviceaccounts", "app", {"metadata": {"annotations": {"a": 1}}}).json()

    assert status["code"] == 422
    assert status["message"].startswith(' "" is invalid: patch: Invalid value: ')


def test_strategic_lists_merge_by_name_and_new_items_go_first(api: Api, web: str) -> None:
    answer = api.call("PATCH", web, _containers([{"name": "B", "value": "2"}]), STRATEGIC).json()

    assert _env(answer) == ["B", "A"]
    image = answer["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image == "registry.k8s.io/pause:3.10"


def test_strategic_directives_delete_and_replace(api: Api, web: str) -> None:
    since(api, 32)
    gone = _containers([{"$patch": "delete", "name": "A"}])
    assert _env(api.call("PATCH", web, gone, STRATEGIC).json()) == []

    labels = {"metadata": {"annotations": {"$patch": "replace", "only": "this"}}}
    answer = api.call("PATCH", web, labels, STRATEGIC).json()
    assert answer["metadata"]["annotations"] == {"only": "this"}


def test_a_strategic_item_without_its_key_is_a_server_error(api: Api, web: str) -> None:
    body = {"spec": {"template": {"spec": {"containers": [{"image": "x"}]}}}}

    answer = api.call("PATCH", web, body, STRATEGIC)

    assert answer.status_code == 500
    assert "does not contain declared merge key: name" in answer.json()["message"]


def test_a_merge_patch_replaces_every_list(api: Api, web: str) -> None:
    body = _containers([{"name": "B", "value": "2"}])

    assert api.call("PATCH", web, body, MERGE).status_code == 422  # the image is gone


def test_pull_secrets_are_atomic_and_secrets_are_keyed(api: Api) -> None:
    path = api.path("serviceaccounts", "app")
    api.create(
        "serviceaccounts",
        {
            "metadata": {"name": "app"},
            "secrets": [{"name": "a"}],
            "imagePullSecrets": [{"name": "a"}],
        },
    )

    body = {"secrets": [{"name": "b"}], "imagePullSecrets": [{"name": "b"}]}
    answer = api.call("PATCH", path, body, STRATEGIC).json()

    # Before 1.24 a controller adds a secret with a token of its own, at any moment.
    secrets = [one for one in answer["secrets"] if not one["name"].startswith("app-token-")]
    assert secrets == [{"name": "b"}, {"name": "a"}]
    assert answer["imagePullSecrets"] == [{"name": "b"}]


def test_a_network_policys_selector_merges_and_its_rules_are_replaced(api: Api) -> None:
    spec = {
        "podSelector": {"matchLabels": {"a": "1"}},
        "egress": [{"ports": [{"port": 53}]}],
        "policyTypes": ["Ingress", "Egress"],
    }
    api.create("networkpolicies", {"metadata": {"name": "p"}, "spec": spec})
    path = api.path("networkpolicies", "p")
    body = {"spec": {"podSelector": {"matchLabels": {"b": "2"}}, "policyTypes": ["Egress"]}}

    answer = api.call("PATCH", path, body, STRATEGIC).json()["spec"]
    assert answer["podSelector"]["matchLabels"] == {"a": "1", "b": "2"}
    assert answer["policyTypes"] == ["Egress"]

    none = api.call("PATCH", path, {"spec": {"egress": None}}, STRATEGIC).json()["spec"]
    assert "egress" not in none


def _apply(api: Api, annotations: dict[str, str], manager: str, **query: str) -> Any:
    body = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "app", "annotations": annotations},
    }
    query["fieldManager"] = manager
    return api.call("PATCH", api.path("serviceaccounts", "app"), body, APPLY, **query)


def test_apply_creates_and_then_changes(api: Api) -> None:
    assert _apply(api, {"a": "1"}, "one").status_code == 201
    changed = _apply(api, {"b": "2"}, "one")

    assert changed.status_code == 200
    assert changed.json()["metadata"]["annotations"] == {"b": "2"}


def test_two_appliers_conflict_until_one_forces(api: Api) -> None:
    _apply(api, {"ssa": "1"}, "ssa-a")

    refused = _apply(api, {"ssa": "2"}, "ssa-b")
    assert refused.status_code == 409
    assert refused.json()["message"] == (
        'Apply failed with 1 conflict: conflict with "ssa-a": .metadata.annotations.ssa'
    )
    assert refused.json()["details"]["causes"][0]["reason"] == "FieldManagerConflict"

    forced = _apply(api, {"ssa": "2"}, "ssa-b", force="true")
    assert forced.json()["metadata"]["annotations"] == {"ssa": "2"}
    managers = [each["manager"] for each in forced.json()["metadata"]["managedFields"]]
    assert managers == ["ssa-b"]


def test_apply_leaves_what_others_have_written(api: Api) -> None:
    _apply(api, {"a": "1"}, "one")
    api.merge("serviceaccounts", "app", {"metadata": {"annotations": {"theirs": "x"}}})

    answer = _apply(api, {}, "one")

    assert answer.json()["metadata"]["annotations"] == {"theirs": "x"}


def test_apply_needs_a_manager(api: Api) -> None:
    assert api.call("PATCH", api.path("serviceaccounts", "app"), {}, APPLY).status_code == 422


def test_the_scale_subresource_reads_and_writes_replicas(api: Api, web: str) -> None:
    path = api.path("deployments", "web", "scale")

    before = api.call("GET", path).json()
    assert (before["kind"], before["apiVersion"]) == ("Scale", "autoscaling/v1")
    assert (before["spec"], before["status"]["selector"]) == ({}, "app=web")

    scaled = api.call("PATCH", path, {"spec": {"replicas": 2}}, MERGE).json()
    assert scaled["spec"] == {"replicas": 2}
    assert api.get("deployments", "web")["spec"]["replicas"] == 2
