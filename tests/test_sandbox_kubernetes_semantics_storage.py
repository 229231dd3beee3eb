"""Storage classes, volumes and claims, as seen on real API servers.

What it defends: a client id in an object that is made once can't be patched, and a responder hears so here too.
"""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from tests.kubernetes_api import MERGE, Api

CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
VOLUMES = "/api/v1/persistentvolumes"


@pytest.fixture
def name(api: Api) -> Iterator[str]:
    """Of things outside of namespaces, which a test takes away again."""
    made = f"test-{secrets.token_hex(4)}"
    yield made
    for path in (CLASSES, VOLUMES):
        api.call("DELETE", f"{path}/{made}")


def _class(api: Api, name: str) -> dict[str, Any]:
    body = {
        "metadata": {"name": name},
        "provisioner": "file.csi.azure.com",
        "parameters": {"clientID": "old"},
    }
    answer = api.call("POST", CLASSES, body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def _volume(api: Api, name: str) -> dict[str, Any]:
    driver = {
        "driver": "blob.csi.azure.com",
        "volumeHandle": name,
        "volumeAttributes": {"clientID": "old"},
    }
    spec = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteMany"], "csi": driver}
    answer = api.call("POST", VOLUMES, {"metadata": {"name": name}, "spec": spec})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_a_storage_class_is_made_once(api: Api, name: str) -> None:
    made = _class(api, name)

    answer = api.call("PATCH", f"{CLASSES}/{name}", {"parameters": {"clientID": "new"}}, MERGE)

    assert (made["reclaimPolicy"], made["volumeBindingMode"]) == ("Delete", "Immediate")
    assert answer.status_code == 422
    assert answer.json()["details"]["causes"] == [
        {
            "reason": "FieldValueForbidden",
            "message": "Forbidden: updates to parameters are forbidden.",
            "field": "parameters",
        }
    ]


def test_a_storage_class_takes_labels_and_its_delete_shows_it(api: Api, name: str) -> None:
    _class(api, name)

    body = {"metadata": {"labels": {"a": "b"}}}
    assert api.call("PATCH", f"{CLASSES}/{name}", body, MERGE).json()["metadata"]["labels"] == {
        "a": "b"
    }
    assert api.call("DELETE", f"{CLASSES}/{name}").json()["kind"] == "StorageClass"


def test_where_a_volume_lies_is_settled_when_it_is_made(api: Api, name: str) -> None:
    made = _volume(api, name)

    body = {"spec": {"csi": {"volumeAttributes": {"clientID": "new"}}}}
    answer = api.call("PATCH", f"{VOLUMES}/{name}", body, MERGE)

    assert made["metadata"]["finalizers"] == ["kubernetes.io/pv-protection"]
    assert made["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
    assert answer.status_code == 422
    cause = answer.json()["details"]["causes"][0]
    assert cause["field"] == "spec.persistentvolumesource"
    assert cause["message"].startswith(
        "Forbidden: spec.persistentvolumesource is immutable after creation"
    )


def test_a_volume_needs_modes_a_size_and_a_source(api: Api, name: str) -> None:
    answer = api.call("POST", VOLUMES, {"metadata": {"name": name}, "spec": {}})

    assert answer.status_code == 422
    assert {each["field"] for each in answer.json()["details"]["causes"]} >= {
        "spec",
        "spec.accessModes",
        "spec.capacity",
    }


def test_a_claim_is_made_once_and_holds_its_volume(api: Api, name: str) -> None:
    _volume(api, name)
    spec = {
        "accessModes": ["ReadWriteMany"],
        "resources": {"requests": {"storage": "1Gi"}},
        "volumeName": name,
        "storageClassName": "",
    }
    made = api.create("persistentvolumeclaims", {"metadata": {"name": "data"}, "spec": spec})

    answer = api.merge("persistentvolumeclaims", "data", {"spec": {"volumeName": "other"}})

    assert made["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]
    assert (answer.status_code, answer.json()["details"]["causes"][0]["field"]) == (422, "spec")


def test_an_unused_volume_goes_when_it_is_deleted(api: Api, name: str) -> None:
    _volume(api, name)

    answer = api.call("DELETE", f"{VOLUMES}/{name}")

    assert (answer.status_code, answer.json()["kind"]) == (200, "PersistentVolume")
    api.eventually(lambda: api.call("GET", f"{VOLUMES}/{name}").status_code == 404)
