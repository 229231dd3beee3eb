"""Jobs, cron jobs and autoscalers, as seen on real API servers.

What it defends: a template that can't be patched, a suspension that deletes pods, and a schedule that has to be one.
"""

from typing import Any

import pytest

from tests.kubernetes_api import Api, since

TEMPLATE = {
    "spec": {
        "restartPolicy": "Never",
        "containers": [{"name": "main", "image": "registry.k8s.io/pause:3.10", "command": ["sleep", "infinity"]}],
    }
}  # fmt: skip


def _job(api: Api, name: str = "load", **spec: Any) -> dict[str, Any]:
    body = {"metadata": {"name": name}, "spec": {"template": TEMPLATE, **spec}}
    return api.create("jobs", body)


def _pods(api: Api) -> list[dict[str, Any]]:
    items = api.call("GET", api.path("pods"), labelSelector="job-name=load").json()["items"]
    return [each for each in items if "deletionTimestamp" not in each["metadata"]]


def test_a_job_finds_its_pods_by_its_own_uid(api: Api) -> None:
    made = _job(api)
    pods = api.eventually(lambda: _pods(api))

    labels = made["spec"]["template"]["metadata"]["labels"]
    assert (labels["controller-uid"], labels["job-name"]) == (made["metadata"]["uid"], "load")
    assert list(made["spec"]["selector"]["matchLabels"].values()) == [made["metadata"]["uid"]]
    assert pods[0]["metadata"]["labels"]["job-name"] == "load"
    assert pods[0]["metadata"]["ownerReferences"][0]["kind"] == "Job"
    assert (made["spec"]["backoffLimit"], made["spec"]["completions"]) == (6, 1)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"template": {"spec": {"serviceAccountName": "other"}}}, "spec.template"),
        ({"completions": 3}, "spec.completions"),
    ],
)
def test_what_a_job_runs_can_not_be_changed(api: Api, change: dict[str, Any], field: str) -> None:
    _job(api)

    answer = api.merge("jobs", "load", {"spec": change})

    assert answer.status_code == 422
    assert answer.json()["details"]["causes"][0]["field"] == field
    assert api.merge("jobs", "load", {"spec": {"parallelism": 0}}).status_code == 200


def test_a_job_names_when_its_pods_are_restarted(api: Api) -> None:
    container = {"name": "main", "image": "registry.k8s.io/pause:3.10"}
    spec = {"template": {"spec": {"containers": [container]}}}
    body = {"metadata": {"name": "load"}, "spec": spec}

    answer = api.call("POST", api.path("jobs"), body)

    assert answer.status_code == 422
    assert answer.json()["details"]["causes"][0]["field"] == "spec.template.spec.restartPolicy"


def test_a_suspended_job_loses_its_pods_and_gets_others_when_it_goes_on(api: Api) -> None:
    since(api, 24)
    _job(api)
    first = api.eventually(lambda: _pods(api))[0]["metadata"]["uid"]

    api.merge("jobs", "load", {"spec": {"suspend": True}})
    api.eventually(lambda: not _pods(api))
    condition = api.eventually(lambda: api.get("jobs", "load")["status"].get("conditions"))[0]
    assert (condition["type"], condition["status"]) == ("Suspended", "True")
    assert "startTime" not in api.get("jobs", "load")["status"]

    api.merge("jobs", "load", {"spec": {"suspend": False}})
    assert api.eventually(lambda: _pods(api))[0]["metadata"]["uid"] != first


def test_a_schedule_has_five_fields(api: Api) -> None:
    spec = {"schedule": "bad", "jobTemplate": {"spec": {"template": TEMPLATE}}}
    body = {"metadata": {"name": "nightly"}, "spec": spec}

    answer = api.call("POST", api.path("cronjobs"), body)

    assert answer.status_code == 422
    cause = answer.json()["details"]["causes"][0]
    assert cause["field"] == "spec.schedule"
    assert "xpected exactly 5 fields, found 1" in cause["message"]


def test_an_autoscaler_is_kept_with_its_defaults(api: Api) -> None:
    since(api, 23)
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    body = {"metadata": {"name": "web"}, "spec": {"scaleTargetRef": target, "maxReplicas": 3}}

    made = api.create("horizontalpodautoscalers", body)

    assert made["spec"]["minReplicas"] == 1
    assert made["spec"]["metrics"][0]["resource"]["name"] == "cpu"
