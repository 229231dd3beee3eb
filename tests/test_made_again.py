"""A bare pod or a Job that a person makes again starts as it was meant to: the new identity, nobody's secrets."""

from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from responders import made_again
from tests.workload_acts import NEW_ID, OLD_ID

_RESERVED = "azure-workload-identity-reserved-1234"


def pod_spec() -> dict[str, Any]:
    """As the API server has it: with what admission and the webhook put in."""
    env = [
        {"name": "MODE", "value": f"as {OLD_ID}"},
        {"name": "DB_PASSWORD", "value": "hunter2"},
        {"name": "AZURE_CLIENT_ID", "value": OLD_ID},
        {"name": "AZURE_FEDERATED_TOKEN_FILE", "value": "/var/run/x"},
    ]
    mounts = [{"name": "kube-api-access-abcde"}, {"name": _RESERVED}, {"name": "data"}]
    tolerations = [
        {"key": "node.kubernetes.io/not-ready", "operator": "Exists"},
        {"key": "gpu", "operator": "Exists"},
    ]
    return {
        "serviceAccountName": "old",
        "serviceAccount": "old",
        "nodeName": "aks-1",
        "priority": 0,
        "containers": [{"name": "main", "image": "i", "env": env, "volumeMounts": mounts}],
        "volumes": [{**one, "emptyDir": {}} for one in mounts],
        "tolerations": tolerations,
    }


def about(**more: Any) -> dict[str, Any]:
    notes = {
        "firebreak.dev/incident": "i",
        "kubectl.kubernetes.io/last-applied-configuration": "{}",
    }
    return {
        "name": "shell",
        "namespace": "shop",
        "uid": "u",
        "resourceVersion": "1",
        "annotations": {**notes, "team": "orders"},
        "managedFields": [],
        **more,
    }


def spec_of(manifest: Any) -> Any:
    return {
        "serviceAccountName": "new",
        "containers": [
            {
                "name": "main",
                "image": "i",
                "env": [
                    {"name": "MODE", "value": f"as {NEW_ID}"},
                    {"name": "DB_PASSWORD", "value": "[redacted]"},
                ],
                "volumeMounts": [{"name": "data"}],
            }
        ],
        "volumes": [{"name": "data", "emptyDir": {}}],
        "tolerations": [{"key": "gpu", "operator": "Exists"}],
    }


def test_a_bare_pod_is_what_its_author_wrote_with_the_new_identity() -> None:
    found = {"metadata": about(labels={"app": "x"}), "spec": pod_spec(), "status": {"phase": "x"}}

    made = made_again.of_pod(found, "new", OLD_ID, NEW_ID)

    assert made == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "shell",
            "namespace": "shop",
            "labels": {"app": "x"},
            "annotations": {"team": "orders"},
        },
        "spec": spec_of(made),
    }
    assert made_again.cut_out(made) == [".spec.containers[0].env[1].value"]
    assert list(yaml.safe_load_all(made_again.as_yaml([made, made]))) == [made, made]


def test_a_job_has_neither_the_selector_of_the_one_before_nor_its_labels() -> None:
    labels = {"batch.kubernetes.io/controller-uid": "u", "job-name": "load", "app": "load"}
    template = {"metadata": {"labels": labels}, "spec": {**pod_spec(), "restartPolicy": "Never"}}
    spec = {"selector": {"matchLabels": labels}, "suspend": True, "backoffLimit": 2}
    job = {"metadata": about(), "spec": {**spec, "template": template}, "status": {"active": 0}}

    made = made_again.of_job(job, "new", OLD_ID, NEW_ID)

    assert made["spec"]["backoffLimit"] == 2
    assert not {"selector", "suspend"} & made["spec"].keys()
    assert made["spec"]["template"]["metadata"] == {"labels": {"app": "load"}}
    assert made["spec"]["template"]["spec"] == {**spec_of(made), "restartPolicy": "Never"}
    assert "status" not in made


@pytest.mark.parametrize("value", [None, 1, "plain", [], {}])
def test_what_has_no_hole_names_none(value: Any) -> None:
    assert made_again.cut_out({"a": value}) == []
