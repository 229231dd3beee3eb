"""What runs as a ServiceAccount: found, captured, stopped, moved, and judged by its pods.

What it defends: nothing that runs as the identity is overlooked, what can't be done is said with
the command that does it, a repeated step changes nothing, and "healthy" is never said too early.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from responders import inventories, workloads
from responders import kube as port
from responders.errors import RefusedError
from responders.model import ServiceAccountRef, WorkloadRef
from responders.workload_objects import PLURALS, Kind
from tests.kubernetes_fake import FakeApi, Json, Seen, running

APPS = "/apis/apps/v1/namespaces/shop"
CORE = "/api/v1/namespaces/shop"
BATCH = "/apis/batch/v1/namespaces/shop"
DEPLOYMENT = f"{APPS}/deployments/orders-api"
NEW_ID = "11111111-1111-4111-8111-111111111111"
ACCOUNT: ServiceAccountRef = {
    "cluster": "aks-test",
    "namespace": "shop",
    "name": "orders-api",
    "client_id": "00000000-0000-4000-8000-000000000000",
    "subject": "system:serviceaccount:shop:orders-api",
}


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeApi]:
    monkeypatch.setattr(port, "_WAITS_S", (0.0,))
    with running() as fake:
        yield fake


def _ref(kind: Kind = "Deployment", name: str = "orders-api", **parts: Any) -> WorkloadRef:
    ref: WorkloadRef = {
        "cluster": "aks-test",
        "namespace": "shop",
        "kind": kind,
        "name": name,
        "service_account": "orders-api",
        "replicas": 2,
        "paused": False,
        "hard_coded_client_id": False,
    }
    return {**ref, **parts}  # type: ignore[typeddict-item]


def _template(account: str = "orders-api", env: list[Json] | None = None) -> Json:
    return {
        "metadata": {"labels": {"app": "orders", "azure.workload.identity/use": "true"}},
        "spec": {
            "serviceAccountName": account,
            "containers": [{"name": "app", "image": "orders:1", **({"env": env} if env else {})}],
        },
    }


def _deployment(api: FakeApi, *, replicas: int = 2, **parts: Any) -> Json:
    status = {
        "observedGeneration": 1,
        "replicas": replicas,
        "updatedReplicas": replicas,
        "availableReplicas": replicas,
    }
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": {"app": "orders"}},
        "template": parts.pop("template", _template()),
        **parts.pop("spec", {}),
    }
    status |= parts.pop("status", {})
    return api.put(DEPLOYMENT, spec=spec, status=status, **parts)


def _owned(owner: Json, kind: str = "Deployment") -> Json:
    reference = {"kind": kind, "uid": owner["metadata"]["uid"], "controller": True}
    return {"ownerReferences": [reference]}


def _pod(api: FakeApi, name: str, owner: Json | None = None, **parts: Any) -> Json:
    spec = _template(
        parts.pop("account", "orders-api"),
        [{"name": "AZURE_CLIENT_ID", "value": parts.pop("client_id", NEW_ID)}],
    )["spec"]
    metadata = {**_template()["metadata"], **(_owned(owner) if owner else {})}
    metadata |= parts.pop("metadata", {})
    status = {"phase": "Running", **parts.pop("status", {})}
    return api.put(f"{CORE}/pods/{name}", metadata=metadata, spec={**spec, **parts}, status=status)


def _replica_set(api: FakeApi, owner: Json | None = None, name: str = "rs", **parts: Any) -> Json:
    metadata = {**(_owned(owner) if owner else {}), **parts.pop("metadata", {})}
    spec = {"replicas": 2, "template": _template(), **parts}
    return api.put(f"{APPS}/replicasets/{name}", metadata=metadata, spec=spec)


async def _refs(api: FakeApi) -> list[WorkloadRef]:
    return workloads.find(await inventories.read(api.kube(), ACCOUNT["client_id"]), [ACCOUNT])


async def _found(api: FakeApi) -> list[str]:
    refs = await _refs(api)
    return [f"{ref['kind']}/{ref['name']}" for ref in refs]


# Finding


async def test_pods_and_replica_sets_are_folded_into_their_deployment(api: FakeApi) -> None:
    _pod(api, "orders-api-1", _replica_set(api, _deployment(api)))

    assert await _found(api) == ["Deployment/orders-api"]


async def test_a_pod_that_a_rollout_makes_meanwhile_is_no_workload_of_its_own(api: FakeApi) -> None:
    deployment = _deployment(api)
    answer = api.answer

    def rolling_out(request: Seen) -> tuple[int, Any, dict[str, str]]:
        said = answer(request)
        if request.path.endswith("/replicasets"):
            _pod(api, "orders-api-1", _replica_set(api, deployment))
        return said

    api.answer = rolling_out  # type: ignore[method-assign]
    assert await _found(api) == ["Deployment/orders-api"]


def test_every_kind_is_listed() -> None:
    listed = [kind for kinds in inventories.BOTTOM_UP for kind in kinds]
    assert sorted(listed) == sorted(PLURALS)


async def test_every_kind_is_found_by_its_template(api: FakeApi) -> None:
    template = _template()
    for kind in ("statefulsets", "daemonsets"):
        api.put(f"{APPS}/{kind}/x", spec={"template": template})
    api.put(f"{BATCH}/jobs/x", spec={"template": template})
    api.put(f"{BATCH}/cronjobs/x", spec={"jobTemplate": {"spec": {"template": template}}})
    api.put(f"{APPS}/deployments/other", spec={"template": _template("other")})
    _replica_set(api, name="x")
    _pod(api, "x")

    found = await _found(api)

    kinds = ["CronJob", "DaemonSet", "Job", "Pod", "ReplicaSet", "StatefulSet"]
    assert found == [f"{kind}/x" for kind in kinds]


async def test_a_deployment_is_found_by_its_pods_when_its_template_moved_on(api: FakeApi) -> None:
    """Somebody changed the template, and the pods with the old identity are still there."""
    old = _replica_set(api, _deployment(api, template=_template("other")))
    _pod(api, "orders-api-1", old)

    assert await _found(api) == ["Deployment/orders-api"]


async def test_an_old_replica_set_without_pods_does_not_bring_its_deployment_back(
    api: FakeApi,
) -> None:
    _replica_set(api, _deployment(api, template=_template("successor")))

    assert await _found(api) == []


async def test_what_an_unknown_controller_owns_is_reported_itself(api: FakeApi) -> None:
    rollout = {"metadata": {"uid": "an-argo-rollout"}}
    _pod(api, "orders-api-1", _replica_set(api, metadata=_owned(rollout, "Rollout")))

    assert await _found(api) == ["ReplicaSet/rs"]


async def test_what_is_over_runs_as_nobody(api: FakeApi) -> None:
    complete = {"conditions": [{"type": "Complete", "status": "True"}]}
    api.put(f"{BATCH}/jobs/done", spec={"template": _template()}, status=complete)
    _pod(api, "done", status={"phase": "Succeeded"})

    assert await _found(api) == []


async def test_a_kind_that_may_not_be_listed_is_an_error_and_not_nothing(api: FakeApi) -> None:
    api.refused["jobs"] = 403

    with pytest.raises(RefusedError, match="jobs is refused"):
        await _refs(api)


async def test_a_client_id_in_the_template_is_noticed_and_an_injected_one_is_not(
    api: FakeApi,
) -> None:
    made = {"creationTimestamp": "2030-01-01T00:00:00Z"}
    env: list[Json] = [{"name": "AZURE_CLIENT_ID", "valueFrom": {}}]
    _deployment(api, template=_template(env=env), metadata=made)
    _pod(api, "wired-by-the-webhook")

    found = await _refs(api)

    assert [ref["created"] for ref in found] == ["2030-01-01T00:00:00Z", None]

    assert [ref["hard_coded_client_id"] for ref in found] == [True, False]


# Stopping


async def test_an_eviction_remembers_the_replicas_and_a_second_one_changes_nothing(
    api: FakeApi,
) -> None:
    _deployment(api, replicas=3)

    first = await workloads.scale_to_zero(api.kube(), _ref(), "inc-1")
    again = await workloads.scale_to_zero(api.kube(), _ref(), "inc-1")

    assert (first["status"], again["status"]) == ("done", "nothing_to_do")
    assert first["items"] == [
        {
            "workload": "aks-test shop Deployment/orders-api",
            "replicas_before": 3,
            "replicas_after": 0,
        }
    ]
    found = api.objects[DEPLOYMENT]
    assert found["spec"]["replicas"] == 0
    assert found["metadata"]["annotations"] == {
        "firebreak.dev/replicas": "3",
        "firebreak.dev/incident": "inc-1",
    }
    assert len(api.writes()) == 1


async def test_what_was_scaled_up_again_is_stopped_again_with_its_first_number(
    api: FakeApi,
) -> None:
    notes = {"firebreak.dev/replicas": "3", "firebreak.dev/incident": "inc-1"}
    _deployment(api, replicas=1, metadata={"annotations": notes})

    await workloads.scale_to_zero(api.kube(), _ref(), "inc-1")

    assert api.objects[DEPLOYMENT]["metadata"]["annotations"] == notes
    assert api.objects[DEPLOYMENT]["spec"]["replicas"] == 0


async def test_the_number_of_an_earlier_incident_does_not_count(api: FakeApi) -> None:
    notes = {"firebreak.dev/replicas": "9", "firebreak.dev/incident": "inc-0"}
    _deployment(api, replicas=2, metadata={"annotations": notes})

    await workloads.scale_to_zero(api.kube(), _ref(), "inc-1")

    assert api.objects[DEPLOYMENT]["metadata"]["annotations"]["firebreak.dev/replicas"] == "2"


@pytest.mark.parametrize(
    ("kind", "place", "spec", "command"),
    [
        ("DaemonSet", f"{APPS}/daemonsets/x", {}, 'patch daemonset x --type merge -p \'{"spec":{'),
        ("Job", f"{BATCH}/jobs/x", {}, 'patch job x --type merge -p \'{"spec":{"suspend":true}}\''),
        ("CronJob", f"{BATCH}/cronjobs/x", {}, "patch cronjob x --type merge -p"),
        ("Pod", f"{CORE}/pods/x", {}, "delete pod x"),
        ("ReplicaSet", f"{APPS}/replicasets/x", {}, "describe replicaset x"),
    ],
)
async def test_what_has_no_replicas_still_runs_and_is_said_to_with_the_command(
    api: FakeApi, kind: Kind, place: str, spec: Json, command: str
) -> None:
    api.put(place, spec=spec)

    result = await workloads.scale_to_zero(api.kube(), _ref(kind, "x"), "inc-1")

    assert result["status"] == "refused"
    assert "still runs" in result["detail"]
    assert f"kubectl --context aks-test -n shop {command}" in result["detail"]
    assert api.writes() == []


async def test_what_is_gone_needs_no_eviction(api: FakeApi) -> None:
    result = await workloads.scale_to_zero(api.kube(), _ref(), "inc-1")
    assert result["status"] == "nothing_to_do"

    result = await workloads.scale_to_zero(api.kube(), _ref("DaemonSet", "x"), "inc-1")
    assert result["status"] == "nothing_to_do"


async def test_a_gitops_owner_is_named_because_it_scales_up_again(api: FakeApi) -> None:
    labels = {"kustomize.toolkit.fluxcd.io/name": "shop"}
    _deployment(api, metadata={"labels": labels})

    result = await workloads.scale_to_zero(api.kube(), _ref(), "inc-1")

    assert "Flux Kustomization (kustomize.toolkit.fluxcd.io/name=shop)" in result["detail"]


async def test_stopped_means_that_terminating_pods_are_gone_too(api: FakeApi) -> None:
    deployment = _deployment(api, replicas=0)
    pod = _pod(
        api,
        "orders-api-1",
        _replica_set(api, deployment),
        metadata={"deletionTimestamp": "2030-01-01T00:00:00Z"},
    )
    assert (await workloads.is_stopped(api.kube(), _ref()))["status"] == "failed"

    del api.objects[f"{CORE}/pods/{pod['metadata']['name']}"]
    assert (await workloads.is_stopped(api.kube(), _ref()))["status"] == "done"


# Moving


async def test_a_move_is_one_write_with_account_and_replicas(api: FakeApi) -> None:
    notes = {"firebreak.dev/replicas": "2", "firebreak.dev/incident": "inc-1", "theirs": "kept"}
    _deployment(api, replicas=0, metadata={"annotations": notes})

    first = await workloads.move(api.kube(), _ref(), "orders-api-new", "inc-1")
    again = await workloads.move(api.kube(), _ref(), "orders-api-new", "inc-1")

    assert (first["status"], again["status"]) == ("done", "nothing_to_do")
    (write,) = api.writes()
    assert write.headers["content-type"] == "application/strategic-merge-patch+json"
    assert write.body["metadata"]["resourceVersion"] == "1"
    found = api.objects[DEPLOYMENT]
    assert found["spec"]["replicas"] == 2
    assert found["spec"]["template"]["spec"]["serviceAccountName"] == "orders-api-new"
    assert found["metadata"]["annotations"] == {
        "theirs": "kept",
        "firebreak.dev/incident": "inc-1",
        "firebreak.dev/previous-service-account": "orders-api",
    }


@pytest.mark.parametrize("planted", ["9999999", "-1", "two", "2\n", ""])
async def test_a_planted_number_of_replicas_is_not_obeyed(api: FakeApi, planted: str) -> None:
    _deployment(api, replicas=0, metadata={"annotations": {"firebreak.dev/replicas": planted}})

    await workloads.move(api.kube(), _ref(), "orders-api-new", "inc-1")

    assert api.objects[DEPLOYMENT]["spec"]["replicas"] == 0


async def test_a_workload_that_was_scaled_up_by_somebody_keeps_their_number(api: FakeApi) -> None:
    _deployment(api, replicas=5, metadata={"annotations": {"firebreak.dev/replicas": "2"}})

    await workloads.move(api.kube(), _ref(), "orders-api-new", "inc-1")

    assert api.objects[DEPLOYMENT]["spec"]["replicas"] == 5


async def test_a_paused_deployment_is_not_moved_and_the_command_is_named(api: FakeApi) -> None:
    _deployment(api, spec={"paused": True})

    result = await workloads.move(api.kube(), _ref(), "orders-api-new", "inc-1")

    assert result["status"] == "refused"
    assert "-n shop rollout resume deployment/orders-api" in result["detail"]
    assert api.writes() == []


@pytest.mark.parametrize("kind", ["Job", "CronJob", "Pod", "ReplicaSet"])
async def test_what_has_no_rollout_is_a_person_s_to_move(api: FakeApi, kind: Kind) -> None:
    result = await workloads.move(api.kube(), _ref(kind, "x"), "orders-api-new", "inc-1")

    assert result["status"] == "refused"
    assert "orders-api-new" in result["detail"]
    assert api.seen == []


async def test_what_would_keep_the_old_identity_after_a_move_is_said(api: FakeApi) -> None:
    template = _template(env=[{"name": "AZURE_CLIENT_ID", "value": "old"}])
    template["metadata"]["labels"] = {}
    _deployment(api, template=template, spec={"updateStrategy": {"type": "OnDelete"}})

    ref = _ref(hard_coded_client_id=True)
    detail = (await workloads.move(api.kube(), ref, "orders-api-new", "inc-1"))["detail"]

    assert "sets AZURE_CLIENT_ID" in detail
    assert "azure.workload.identity/use=true" in detail
    assert "only when they are deleted" in detail


async def test_a_workload_that_is_gone_is_refused_with_what_to_create(api: FakeApi) -> None:
    result = await workloads.move(api.kube(), _ref(), "orders-api-new", "inc-1")

    assert result["status"] == "refused"
    assert "serviceAccountName: orders-api-new" in result["detail"]


# Judging


def _healthy(api: FakeApi, **parts: Any) -> Json:
    deployment = _deployment(api, template=_template("orders-api-new"), **parts)
    owner = _replica_set(api, deployment)
    for name in ("orders-api-1", "orders-api-2"):
        _pod(api, name, owner, account="orders-api-new")
    return owner


async def _judged(api: FakeApi) -> tuple[str, str]:
    result = await workloads.is_healthy(api.kube(), _ref(), NEW_ID)
    return result["status"], result["detail"]


async def test_a_workload_is_healthy_when_every_pod_has_the_new_client_id(api: FakeApi) -> None:
    _healthy(api)

    assert (await _judged(api))[0] == "done"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ({"observedGeneration": 0}, "has not seen the change"),
        ({"updatedReplicas": 1}, "updated 1 of 2"),
        ({"availableReplicas": 1}, "available 1 of 2"),
        ({"replicas": 3}, "present 3 of 2"),
        (
            {"conditions": [{"reason": "ProgressDeadlineExceeded", "message": "quota"}]},
            "stuck: quota",
        ),
    ],
)
async def test_a_rollout_that_is_not_over_is_not_healthy(
    api: FakeApi, status: Json, words: str
) -> None:
    _healthy(api, status=status)

    judged, detail = await _judged(api)
    assert judged == "failed"
    assert words in detail


@pytest.mark.parametrize(
    ("pod", "words"),
    [
        ({"account": "orders-api"}, "old-one runs as orders-api"),
        ({"metadata": {"deletionTimestamp": "2030-01-01T00:00:00Z"}}, "old-one is terminating"),
        ({"client_id": "the-old-id"}, "old-one/app has the-old-id"),
        ({"client_id": ""}, "old-one/app has no readable client id"),
        ({"initContainers": [{"name": "migrate"}]}, "old-one/migrate has no readable client id"),
    ],
)
async def test_one_pod_that_is_not_as_it_should_be_is_enough(
    api: FakeApi, pod: Json, words: str
) -> None:
    owner = _healthy(api)
    metadata = {**_owned(owner), **pod.get("metadata", {})}
    _pod(api, "old-one", **{"account": "orders-api-new", **pod, "metadata": metadata})

    judged, detail = await _judged(api)
    assert judged == "failed"
    assert words in detail


async def test_containers_that_the_webhook_skips_need_no_client_id(api: FakeApi) -> None:
    owner = _healthy(api)
    skip = {"annotations": {"azure.workload.identity/skip-containers": "proxy;migrate"}}
    metadata = {**_owned(owner), **skip}
    sidecar = [{"name": "migrate"}]
    _pod(api, "third", account="orders-api-new", metadata=metadata, initContainers=sidecar)

    assert (await _judged(api))[0] == "done"


async def test_pods_of_others_do_not_count(api: FakeApi) -> None:
    _healthy(api)
    _pod(api, "somebody-else-s", client_id="theirs")  # same labels, no owner

    assert (await _judged(api))[0] == "done"


async def test_a_workload_that_is_still_evicted_or_gone_is_not_healthy(api: FakeApi) -> None:
    assert (await _judged(api))[0] == "failed"

    _deployment(api, replicas=0, metadata={"annotations": {"firebreak.dev/replicas": "2"}})
    assert "scaled to zero by the eviction" in (await _judged(api))[1]


async def test_a_daemon_set_is_judged_by_its_own_counts(api: FakeApi) -> None:
    status = {
        "observedGeneration": 1,
        "desiredNumberScheduled": 3,
        "updatedNumberScheduled": 3,
        "numberAvailable": 2,
    }
    api.put(f"{APPS}/daemonsets/x", spec={"template": _template()}, status=status)

    result = await workloads.is_healthy(api.kube(), _ref("DaemonSet", "x"), NEW_ID)

    assert result["detail"].endswith("not yet: available 2 of 3")


# Capturing


async def test_a_capture_has_the_pods_and_the_end_of_their_logs(api: FakeApi) -> None:
    pod = _pod(api, "orders-api-1", _replica_set(api, _deployment(api)))
    pod["status"]["containerStatuses"] = [{"name": "app", "restartCount": 1}]
    log = f"{CORE}/pods/orders-api-1/log"
    api.objects[log] = "2030-01-01T00:00:00Z hello"  # type: ignore[assignment]

    (captured,) = await workloads.capture(api.kube(), [_ref(), _ref()])

    assert captured["workload"] == "aks-test shop Deployment/orders-api"
    assert captured["spec"] == pod["spec"]
    assert captured["metadata"]["uid"] == pod["metadata"]["uid"]
    assert [one["previous"] for one in captured["logs"]] == [False, True]
    assert captured["logs"][0]["text"] == "2030-01-01T00:00:00Z hello"
    asked = [one.query for one in api.seen if one.path == log]  # side by side: in any order
    assert {(one["tailLines"], one["timestamps"]) for one in asked} == {("500", "true")}
    assert sorted(one.get("previous", "") for one in asked) == ["", "true"]


async def test_a_log_that_can_t_be_read_is_a_named_gap(api: FakeApi) -> None:
    _pod(api, "orders-api-1", _replica_set(api, _deployment(api)))

    (captured,) = await workloads.capture(api.kube(), [_ref()])

    (log,) = captured["logs"]
    assert log["text"] is None
    assert "404" in log["gap"]


async def test_a_capture_of_what_is_gone_is_empty(api: FakeApi) -> None:
    assert await workloads.capture(api.kube(), [_ref()]) == []
