"""What runs as a ServiceAccount: found, captured, stopped, moved, and judged by its pods.

What it defends: nothing that runs as the identity is overlooked, what can't be done is said with
the command that does it, a repeated step changes nothing, and "healthy" is never said too early.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from responders import evictions, inventories, rollouts, standing, workloads
from responders import kube as port
from responders.errors import RefusedError
from responders.model import ServiceAccountRef, WorkloadRef
from responders.workload_objects import PLURALS, Kind
from tests import workload_acts
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

    first = await workload_acts.stop(api.kube(), _ref(), "inc-1")
    again = await workload_acts.stop(api.kube(), _ref(), "inc-1")

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

    await workload_acts.stop(api.kube(), _ref(), "inc-1")

    assert api.objects[DEPLOYMENT]["metadata"]["annotations"] == notes
    assert api.objects[DEPLOYMENT]["spec"]["replicas"] == 0


async def test_the_number_of_an_earlier_incident_does_not_count(api: FakeApi) -> None:
    notes = {"firebreak.dev/replicas": "9", "firebreak.dev/incident": "inc-0"}
    _deployment(api, replicas=2, metadata={"annotations": notes})

    await workload_acts.stop(api.kube(), _ref(), "inc-1")

    assert api.objects[DEPLOYMENT]["metadata"]["annotations"]["firebreak.dev/replicas"] == "2"


def _running(api: FakeApi, kind: Kind, **spec: Any) -> str:
    """Something of this kind under the name x; its path."""
    base = {"Pod": CORE, "Job": BATCH, "CronJob": BATCH}.get(kind, APPS)
    place = f"{base}/{PLURALS[kind]}/x"
    if kind == "Pod":
        _pod(api, "x")
        return place
    template: Json = {"template": _template()}
    own = {"jobTemplate": {"spec": template}} if kind == "CronJob" else template
    api.put(place, spec={**own, **spec})
    return place


async def _stop(api: FakeApi, kind: Kind) -> Json:
    return dict(await workload_acts.stop(api.kube(), _ref(kind, "x"), "inc-1"))


async def test_a_daemon_set_is_sent_where_no_node_is_and_keeps_its_selector(api: FakeApi) -> None:
    template = _template()
    template["spec"]["nodeSelector"] = {"pool": "gpu"}
    place = _running(api, "DaemonSet", template=template)

    first, again = await _stop(api, "DaemonSet"), await _stop(api, "DaemonSet")

    assert (first["status"], again["status"]) == ("done", "nothing_to_do")
    selector = api.objects[place]["spec"]["template"]["spec"]["nodeSelector"]
    assert selector == {"pool": "gpu", "firebreak.dev/nowhere": "true"}
    assert first["items"][0]["node_selector_before"] == {"pool": "gpu"}
    assert len(api.writes()) == 1


@pytest.mark.parametrize("kind", ["Job", "CronJob"])
async def test_what_makes_pods_of_its_own_is_suspended_and_remembers_that_it_was_not(
    api: FakeApi, kind: Kind
) -> None:
    place = _running(api, kind)

    first, again = await _stop(api, kind), await _stop(api, kind)

    assert (first["status"], again["status"]) == ("done", "nothing_to_do")
    assert api.objects[place]["spec"]["suspend"] is True
    notes = api.objects[place]["metadata"]["annotations"]
    assert notes == {
        "firebreak.dev/previous-suspend": "false",
        "firebreak.dev/incident": "inc-1",
    }


async def test_what_was_suspended_before_is_not_marked(api: FakeApi) -> None:
    _running(api, "CronJob", suspend=True)

    assert (await _stop(api, "CronJob"))["status"] == "nothing_to_do"
    assert api.writes() == []


async def test_a_job_that_a_suspended_cron_job_made_is_suspended_too(api: FakeApi) -> None:
    place = _running(api, "Job")

    ref = _ref("CronJob", "nightly")
    result = await evictions.stop_job_of(api.kube(), ref, api.objects[place], "inc-1")

    assert result["status"] == "done"
    assert api.objects[place]["spec"]["suspend"] is True


async def test_a_bare_pod_is_deleted_itself_and_no_namesake(api: FakeApi) -> None:
    place = _running(api, "Pod")
    uid = api.objects[place]["metadata"]["uid"]

    result = await _stop(api, "Pod")

    assert result["status"] == "done"
    (write,) = api.writes()
    assert (write.method, write.body["preconditions"]) == ("DELETE", {"uid": uid})
    assert place not in api.objects


@pytest.mark.parametrize(
    "metadata",
    [
        {"annotations": {"kubernetes.io/config.mirror": "1"}},
        {"ownerReferences": [{"kind": "Rollout", "name": "shop", "uid": "u", "controller": True}]},
    ],
)
async def test_a_pod_that_would_come_back_is_not_deleted_and_the_command_is_named(
    api: FakeApi, metadata: Json
) -> None:
    _pod(api, "x", metadata=metadata)

    result = await _stop(api, "Pod")

    assert result["status"] == "refused"
    assert result["by_hand"]
    assert all("kubectl --context aks-test -n shop" in one for one in result["by_hand"])
    assert api.writes() == []


async def test_a_replica_set_of_an_unknown_controller_is_left_and_its_controller_named(
    api: FakeApi,
) -> None:
    owner = {"kind": "Rollout", "name": "shop", "uid": "u", "controller": True}
    _replica_set(api, name="x", metadata={"ownerReferences": [owner]})

    result = await _stop(api, "ReplicaSet")

    assert result["status"] == "refused"
    assert "Rollout/shop" in result["detail"]
    assert "patch rollout shop" in result["by_hand"][0]


async def test_a_replica_set_that_nobody_controls_is_scaled_to_zero(api: FakeApi) -> None:
    _replica_set(api, name="x")

    assert (await _stop(api, "ReplicaSet"))["status"] == "done"
    assert api.objects[f"{APPS}/replicasets/x"]["spec"]["replicas"] == 0


async def test_what_is_gone_needs_no_eviction(api: FakeApi) -> None:
    result = await workload_acts.stop(api.kube(), _ref(), "inc-1")
    assert result["status"] == "nothing_to_do"

    result = await workload_acts.stop(api.kube(), _ref("DaemonSet", "x"), "inc-1")
    assert result["status"] == "nothing_to_do"


async def test_a_gitops_owner_is_named_because_it_scales_up_again(api: FakeApi) -> None:
    labels = {"kustomize.toolkit.fluxcd.io/name": "shop"}
    _deployment(api, metadata={"labels": labels})

    result = await workload_acts.stop(api.kube(), _ref(), "inc-1")

    assert "Flux Kustomization (kustomize.toolkit.fluxcd.io/name=shop)" in result["detail"]


async def test_stopped_means_that_terminating_pods_are_gone_too(api: FakeApi) -> None:
    deployment = _deployment(api, replicas=0)
    pod = _pod(
        api,
        "orders-api-1",
        _replica_set(api, deployment),
        metadata={"deletionTimestamp": "2030-01-01T00:00:00Z"},
    )
    assert (await workload_acts.is_stopped(api.kube(), _ref()))["status"] == "failed"

    del api.objects[f"{CORE}/pods/{pod['metadata']['name']}"]
    assert (await workload_acts.is_stopped(api.kube(), _ref()))["status"] == "done"


# Moving


async def test_a_move_is_one_write_with_account_and_replicas(api: FakeApi) -> None:
    notes = {"firebreak.dev/replicas": "2", "firebreak.dev/incident": "inc-1", "theirs": "kept"}
    _deployment(api, replicas=0, metadata={"annotations": notes})

    first = await workload_acts.move(api.kube(), _ref(), "orders-api-new", "inc-1")
    again = await workload_acts.move(api.kube(), _ref(), "orders-api-new", "inc-1")

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

    await workload_acts.move(api.kube(), _ref(), "orders-api-new", "inc-1")

    assert api.objects[DEPLOYMENT]["spec"]["replicas"] == 0


async def test_a_workload_that_was_scaled_up_by_somebody_keeps_their_number(api: FakeApi) -> None:
    _deployment(api, replicas=5, metadata={"annotations": {"firebreak.dev/replicas": "2"}})

    await workload_acts.move(api.kube(), _ref(), "orders-api-new", "inc-1")

    assert api.objects[DEPLOYMENT]["spec"]["replicas"] == 5


async def test_a_paused_deployment_is_not_moved_and_the_command_is_named(api: FakeApi) -> None:
    _deployment(api, spec={"paused": True})

    result = await workload_acts.move(api.kube(), _ref(), "orders-api-new", "inc-1")

    assert result["status"] == "refused"
    assert "-n shop rollout resume deployment/orders-api" in result["detail"]
    assert api.writes() == []


async def _move(api: FakeApi, kind: Kind, account: str = "orders-api-new") -> Json:
    return dict(await workload_acts.move(api.kube(), _ref(kind, "x"), account, "inc-1"))


@pytest.mark.parametrize("kind", ["Job", "Pod"])
async def test_what_can_not_be_changed_is_a_person_s_to_make_again(
    api: FakeApi, kind: Kind
) -> None:
    _running(api, kind)

    result = await _move(api, kind)

    assert result["status"] == "refused"
    assert "serviceAccountName: orders-api-new" in result["by_hand"][0]
    assert api.writes() == []


@pytest.mark.parametrize("kind", ["Job", "Pod"])
async def test_what_a_person_made_again_counts(api: FakeApi, kind: Kind) -> None:
    place = _running(api, kind)
    template = api.objects[place] if kind == "Pod" else api.objects[place]["spec"]["template"]
    template["spec"]["serviceAccountName"] = "orders-api-new"

    assert (await _move(api, kind))["status"] == "nothing_to_do"


async def test_a_cron_job_gets_its_new_account_and_is_let_go_on(api: FakeApi) -> None:
    place = _running(api, "CronJob")
    await _stop(api, "CronJob")

    first, again = await _move(api, "CronJob"), await _move(api, "CronJob")

    assert (first["status"], again["status"]) == ("done", "nothing_to_do")
    spec = api.objects[place]["spec"]
    assert spec["suspend"] is False
    pods = spec["jobTemplate"]["spec"]["template"]["spec"]
    assert pods["serviceAccountName"] == "orders-api-new"
    assert "firebreak.dev/previous-suspend" not in api.objects[place]["metadata"]["annotations"]


async def test_a_cron_job_that_was_suspended_before_stays_so(api: FakeApi) -> None:
    place = _running(api, "CronJob", suspend=True)
    await _stop(api, "CronJob")

    await _move(api, "CronJob")

    assert api.objects[place]["spec"]["suspend"] is True


async def test_a_daemon_set_comes_back_from_nowhere_with_its_own_selector(api: FakeApi) -> None:
    template = _template()
    template["spec"]["nodeSelector"] = {"pool": "gpu"}
    place = _running(api, "DaemonSet", template=template)
    await _stop(api, "DaemonSet")

    await _move(api, "DaemonSet")

    spec = api.objects[place]["spec"]["template"]["spec"]
    assert spec["nodeSelector"] == {"pool": "gpu"}
    assert spec["serviceAccountName"] == "orders-api-new"


async def test_what_keeps_its_account_is_restarted_once(api: FakeApi) -> None:
    _deployment(api)

    first = await workload_acts.move(api.kube(), _ref(), "orders-api", "inc-1")
    again = await workload_acts.move(api.kube(), _ref(), "orders-api", "inc-1")

    assert (first["status"], again["status"]) == ("done", "nothing_to_do")
    template = api.objects[DEPLOYMENT]["spec"]["template"]
    assert template["metadata"]["annotations"] == {"firebreak.dev/incident": "inc-1"}
    assert template["spec"]["serviceAccountName"] == "orders-api"
    notes = api.objects[DEPLOYMENT]["metadata"]["annotations"]
    assert "firebreak.dev/previous-service-account" not in notes


async def test_a_job_that_keeps_its_account_just_goes_on(api: FakeApi) -> None:
    place = _running(api, "Job")
    await _stop(api, "Job")

    result = await _move(api, "Job", "orders-api")

    assert result["status"] == "done"
    assert api.objects[place]["spec"] == {"suspend": False, "template": _template()}


async def test_a_client_id_that_is_written_out_is_changed_with_before_and_after(
    api: FakeApi,
) -> None:
    old = {"name": "AZURE_CLIENT_ID", "value": workload_acts.OLD_ID.upper()}
    _deployment(api, template=_template(env=[old]))

    ref = _ref(hard_coded_client_id=True)
    result = await workload_acts.move(api.kube(), ref, "orders-api-new", "inc-1")

    (write,) = api.writes()
    (container,) = write.body["spec"]["template"]["spec"]["containers"]
    assert container == {
        "name": "app",
        "env": [{"name": "AZURE_CLIENT_ID", "value": workload_acts.NEW_ID}],
    }
    assert result["items"][0]["client_id_literals"] == [
        {"container": "app", "before": workload_acts.OLD_ID, "after": workload_acts.NEW_ID}
    ]
    assert "wins over" not in result["detail"]


@pytest.mark.parametrize("again", [True, False])
async def test_a_client_id_that_somebody_wrote_back_into_the_template_is_noticed(
    api: FakeApi, again: bool
) -> None:
    """Its ServiceAccount kept its name, so that alone would say that the move still stands."""
    says = workload_acts.OLD_ID if again else workload_acts.NEW_ID
    _deployment(api, template=_template(env=[{"name": "AZURE_CLIENT_ID", "value": says}]))

    now = await standing.read(api.kube(), [_ref()])
    found = rollouts.stands(_ref(), now, "orders-api", workload_acts.OLD_ID)

    assert (found or "").endswith("again, in app" if again else "")
    assert bool(found) == again


async def test_what_would_keep_the_old_identity_after_a_move_is_said(api: FakeApi) -> None:
    template = _template(env=[{"name": "AZURE_CLIENT_ID", "value": "old"}])
    template["metadata"]["labels"] = {}
    _deployment(api, template=template, spec={"updateStrategy": {"type": "OnDelete"}})

    ref = _ref(hard_coded_client_id=True)
    detail = (await workload_acts.move(api.kube(), ref, "orders-api-new", "inc-1"))["detail"]

    assert "sets AZURE_CLIENT_ID" in detail
    assert "azure.workload.identity/use=true" in detail
    assert "only when they are deleted" in detail


async def test_a_workload_that_is_gone_is_refused_with_what_to_create(api: FakeApi) -> None:
    result = await workload_acts.move(api.kube(), _ref(), "orders-api-new", "inc-1")

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
    result = await workload_acts.is_healthy(api.kube(), _ref(), "orders-api-new", NEW_ID)
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
            "ProgressDeadlineExceeded: quota",
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
    assert "still stopped by the eviction" in (await _judged(api))[1]


async def test_a_daemon_set_is_judged_by_its_own_counts(api: FakeApi) -> None:
    status = {
        "observedGeneration": 1,
        "desiredNumberScheduled": 3,
        "updatedNumberScheduled": 3,
        "numberAvailable": 2,
    }
    api.put(f"{APPS}/daemonsets/x", spec={"template": _template()}, status=status)

    result = await workload_acts.is_healthy(
        api.kube(), _ref("DaemonSet", "x"), "orders-api", NEW_ID
    )

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


async def test_a_paused_deployment_is_not_waited_for(api: FakeApi) -> None:
    _deployment(api, spec={"paused": True})

    result = await workload_acts.is_healthy(api.kube(), _ref(), "orders-api-new", NEW_ID)

    assert (result["status"], result["by_hand"]) == ("refused", [])
