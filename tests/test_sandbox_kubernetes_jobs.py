"""Controllers of batch work, budgets and volumes, where pods run: in the sandbox's own cluster."""

import os
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.kubernetes import schedules
from tests.kubernetes_api import Api, LocalCluster, deployment, needs_kubelet, since

_IMAGE = "registry.k8s.io/pause:3.10"


def _template(*command: str) -> dict[str, Any]:
    container = {"name": "main", "image": _IMAGE, **({"command": [*command]} if command else {})}
    return {"spec": {"restartPolicy": "Never", "containers": [container]}}


def _conditions(api: Api, plural: str, name: str) -> set[str]:
    conditions = api.get(plural, name)["status"].get("conditions", [])
    return {each["type"] for each in conditions if each["status"] == "True"}


@pytest.fixture
def quick(api: Api, request: pytest.FixtureRequest) -> None:
    """Pods that are to end do so soon; elsewhere that is for the node to say."""
    needs_kubelet(api)
    if "TEST_KUBECONFIG" not in os.environ:
        local: LocalCluster = request.getfixturevalue("local_cluster")
        local.cluster.pace.job_run = 0.05


def test_a_job_is_complete_when_enough_pods_have_succeeded(api: Api, quick: None) -> None:
    spec = {"template": _template(), "completions": 3, "parallelism": 2}
    api.create("jobs", {"metadata": {"name": "load"}, "spec": spec})

    api.eventually(lambda: "Complete" in _conditions(api, "jobs", "load"))

    status = api.get("jobs", "load")["status"]
    assert (status["succeeded"], status.get("active", 0)) == (3, 0)
    assert "completionTime" in status
    pods = api.call("GET", api.path("pods")).json()["items"]
    assert [each["status"]["phase"] for each in pods] == ["Succeeded"] * 3


def test_a_job_that_takes_too_long_fails_and_its_pods_go(api: Api, quick: None) -> None:
    spec = {"template": _template("sleep", "infinity"), "activeDeadlineSeconds": 1}
    api.create("jobs", {"metadata": {"name": "load"}, "spec": spec})

    api.eventually(lambda: "Failed" in _conditions(api, "jobs", "load"))

    [condition] = api.get("jobs", "load")["status"]["conditions"]
    assert condition["reason"] == "DeadlineExceeded"
    api.eventually(lambda: not api.call("GET", api.path("pods")).json()["items"])


def test_a_job_of_a_cron_job_is_made_from_the_template_of_that_moment(
    api: Api, local_cluster: LocalCluster
) -> None:
    from sandbox.kubernetes.controllers import cron_jobs  # noqa: PLC0415 - imports the cluster

    spec = {"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": _template("sleep", "9")}}}
    api.create("cronjobs", {"metadata": {"name": "nightly"}, "spec": spec})
    body = {"spec": {"jobTemplate": {"spec": {"template": _template("sleep", "infinity")}}}}
    assert api.merge("cronjobs", "nightly", body).is_success
    cluster = local_cluster.cluster
    due = datetime(2026, 11, 27, 3, tzinfo=UTC)

    def start() -> dict[str, Any]:
        cron_job = cluster.store.get(cron_jobs.KIND, api.namespace, "nightly")
        assert cron_job is not None
        return cron_jobs.start(cluster, cron_job, due)

    job = local_cluster.run(start)

    assert job["metadata"]["name"] == f"nightly-{int(due.timestamp()) // 60}"
    command = job["spec"]["template"]["spec"]["containers"][0]["command"]
    assert command == ["sleep", "infinity"]
    active = api.eventually(lambda: api.get("cronjobs", "nightly")["status"].get("active"))
    assert [each["name"] for each in active] == [job["metadata"]["name"]]


@pytest.mark.parametrize(
    ("schedule", "due"),
    [
        ("*/15 * * * *", "2026-11-26T20:15"),
        ("0 3 * * *", "2026-11-27T03:00"),
        ("@hourly", "2026-11-26T21:00"),
        ("30 9 1 jan,jul *", "2027-01-01T09:30"),
        ("0 0 * * sun", "2026-11-29T00:00"),
        ("0 0 13 * 5", "2026-11-27T00:00"),  # either a Friday or a 13th
        ("0 0 29 2 *", "2028-02-29T00:00"),
    ],
)
def test_a_schedule_names_its_next_minute(schedule: str, due: str) -> None:
    found = schedules.next_after(schedule, datetime(2026, 11, 26, 20, 7, 31, tzinfo=UTC))

    assert found is not None
    assert found.strftime("%Y-%m-%dT%H:%M") == due


def test_a_day_that_never_comes_is_no_schedule_to_wait_for() -> None:
    assert schedules.next_after("0 0 31 2 *", datetime(2026, 1, 1, tzinfo=UTC)) is None


@pytest.mark.parametrize("schedule", ["* * * *", "60 * * * *", "0 0 * * noday", "*/0 * * * *"])
def test_a_schedule_that_is_none_says_why(schedule: str) -> None:
    assert schedules.problem(schedule)


def test_a_share_of_a_deployment_is_counted_from_its_size(api: Api) -> None:
    needs_kubelet(api)
    api.create("deployments", deployment("web", replicas=4))
    spec = {"maxUnavailable": "30%", "selector": {"matchLabels": {"app": "web"}}}
    api.create("poddisruptionbudgets", {"metadata": {"name": "web"}, "spec": spec})

    def status() -> dict[str, Any]:
        return dict(api.get("poddisruptionbudgets", "web")["status"])

    api.eventually(lambda: status()["currentHealthy"] == 4)
    assert (status()["expectedPods"], status()["desiredHealthy"]) == (4, 2)  # 30 % of 4, rounded up
    assert status()["disruptionsAllowed"] == 2


def test_a_pod_that_nobody_scales_has_no_share(api: Api) -> None:
    since(api, 21)
    labels = {"app": "bare"}
    spec: dict[str, Any] = {"containers": [{"name": "main", "image": _IMAGE}]}
    spec["automountServiceAccountToken"] = False
    api.create("pods", {"metadata": {"name": "bare", "labels": labels}, "spec": spec})
    about = {"maxUnavailable": 1, "selector": {"matchLabels": labels}}
    api.create("poddisruptionbudgets", {"metadata": {"name": "bare"}, "spec": about})

    def reason() -> str:
        conditions = api.get("poddisruptionbudgets", "bare")["status"].get("conditions", [])
        return str(conditions[0]["reason"]) if conditions else ""

    api.eventually(lambda: reason() == "SyncFailed")
    assert api.get("poddisruptionbudgets", "bare")["status"]["disruptionsAllowed"] == 0


def test_pods_of_a_workload_that_hangs_never_become_ready(
    api: Api, local_cluster: LocalCluster
) -> None:
    local_cluster.cluster.never_ready.add(f"{api.namespace}/web")
    api.create("deployments", deployment("web", progressDeadlineSeconds=1))

    def reason() -> str:
        conditions = api.get("deployments", "web").get("status", {}).get("conditions", [])
        return next((each["reason"] for each in conditions if each["type"] == "Progressing"), "")

    api.eventually(lambda: reason() == "ProgressDeadlineExceeded")
    assert not api.get("deployments", "web")["status"].get("readyReplicas")


def test_an_init_container_is_shown_and_can_hold_its_pod(
    api: Api, local_cluster: LocalCluster
) -> None:
    local_cluster.cluster.unpullable_images.add("registry.example/init:broken")
    for name, image in (("good", _IMAGE), ("held", "registry.example/init:broken")):
        init = {"name": "prepare", "image": image}
        spec = {"initContainers": [init], "containers": [{"name": "main", "image": _IMAGE}]}
        api.create("pods", {"metadata": {"name": name}, "spec": spec})

    api.eventually(lambda: "Ready" in _conditions(api, "pods", "good"))
    time.sleep(0.1)

    good, held = api.get("pods", "good")["status"], api.get("pods", "held")["status"]
    assert good["initContainerStatuses"][0]["state"]["terminated"]["reason"] == "Completed"
    assert held["initContainerStatuses"][0]["state"]["waiting"]["reason"] == "ImagePullBackOff"
    assert "Ready" not in _conditions(api, "pods", "held")


def test_a_daemon_set_that_is_sent_nowhere_loses_its_pods_and_gets_them_back(api: Api) -> None:
    needs_kubelet(api)
    labels = {"app": "agent"}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "main", "image": _IMAGE}]},
    }
    spec = {
        "selector": {"matchLabels": labels},
        "template": template,
        "updateStrategy": {"type": "OnDelete"},
    }
    api.create("daemonsets", {"metadata": {"name": "agent"}, "spec": spec})

    def pods() -> list[Any]:
        return list(api.call("GET", api.path("pods"), labelSelector="app=agent").json()["items"])

    def ready() -> int:
        return int(api.get("daemonsets", "agent")["status"]["numberReady"])

    api.eventually(lambda: ready() == 1)
    nowhere: Any = {"spec": {"template": {"spec": {"nodeSelector": {"nowhere": "true"}}}}}
    assert api.merge("daemonsets", "agent", nowhere).is_success
    api.eventually(lambda: not pods())
    assert api.get("daemonsets", "agent")["status"]["desiredNumberScheduled"] == 0

    back = {"spec": {"template": {"spec": {"nodeSelector": None}}}}
    assert api.merge("daemonsets", "agent", back).is_success
    api.eventually(lambda: ready() == 1)


def test_a_pod_that_no_node_fits_waits_and_says_so(api: Api, local_cluster: LocalCluster) -> None:
    spec = {
        "nodeSelector": {"nowhere": "true"},
        "containers": [{"name": "main", "image": _IMAGE}],
    }
    api.create("pods", {"metadata": {"name": "lost"}, "spec": spec})

    [condition] = api.eventually(lambda: api.get("pods", "lost")["status"].get("conditions"))

    assert (condition["status"], condition["reason"]) == ("False", "Unschedulable")
    assert "nodeName" not in api.get("pods", "lost")["spec"]
