"""Argo Rollouts: found, stopped, moved by merge patches, promoted, judged by what their controller says, restarted."""

from collections.abc import Iterator
from typing import Any

import pytest

from responders import (
    argo_rollouts,
    inventories,
    manifest_patches,
    restarts,
    standing,
    take_backs,
    workloads,
)
from responders import kube as port
from responders.model import ServiceAccountRef, WorkloadRef
from responders.workload_objects import PREVIOUS_SERVICE_ACCOUNT, REPLICAS
from tests import workload_acts
from tests.kubernetes_fake import FakeApi, Json, running
from tests.workload_acts import NEW_ID, OLD_ID

ARGO = "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/web"
APPS = "/apis/apps/v1/namespaces/shop"
ACCOUNT: ServiceAccountRef = {
    "cluster": "aks-test",
    "namespace": "shop",
    "name": "orders-api",
    "client_id": OLD_ID,
    "subject": "system:serviceaccount:shop:orders-api",
}
GROUPS = {"groups": [{"versions": [{"groupVersion": "argoproj.io/v1alpha1"}]}]}
RESTART = "2026-08-01T10:00:00+00:00"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeApi]:
    monkeypatch.setattr(port, "_WAITS_S", (0.0,))
    with running() as fake:
        yield fake


def template(account: str = "orders-api", client_id: str = OLD_ID) -> Json:
    said = [{"name": "AZURE_CLIENT_ID", "value": client_id}, {"name": "LOG", "value": "info"}]
    return {
        "metadata": {"labels": {"app": "web", "azure.workload.identity/use": "true"}},
        "spec": {
            "serviceAccountName": account,
            "containers": [{"name": "app", "image": "web:1", "env": said}, {"name": "side"}],
        },
    }


def rollout(api: FakeApi, status: Json | None = None, **spec: Any) -> Json:
    """Healthy at two replicas, as its controller would say it; with a status that can be written to."""
    well = {
        "observedGeneration": "1",
        "phase": "Healthy",
        "replicas": 2,
        "updatedReplicas": 2,
        "availableReplicas": 2,
        "currentPodHash": "abc",
        "stableRS": "abc",
    }
    shape = {"replicas": 2, "template": template(), "strategy": {"canary": {}}, **spec}
    kept = {name: value for name, value in shape.items() if value is not None}
    made = api.put(ARGO, spec=kept, status=well | (status or {}))
    api.put(f"{ARGO}/status")
    return made


def pod(api: FakeApi, name: str, account: str, client_id: str) -> None:
    """Of its ReplicaSet, which the Rollout owns."""
    owner = {"kind": "Rollout", "uid": f"uid-{ARGO}", "controller": True}
    made = api.put(
        f"{APPS}/replicasets/web-abc",
        metadata={"ownerReferences": [owner]},
        spec={"replicas": 2, "template": template(account)},
    )
    mine = {"kind": "ReplicaSet", "uid": made["metadata"]["uid"], "controller": True}
    container = {"name": "app", "env": [{"name": "AZURE_CLIENT_ID", "value": client_id}]}
    api.put(
        f"/api/v1/namespaces/shop/pods/{name}",
        metadata={"ownerReferences": [mine]},
        spec={"serviceAccountName": account, "containers": [container]},
        status={"phase": "Running"},
    )


def ref(**parts: Any) -> WorkloadRef:
    found: Json = {
        "cluster": "aks-test",
        "namespace": "shop",
        "kind": "Rollout",
        "name": "web",
        "service_account": "orders-api",
        "replicas": 2,
        "paused": False,
        "hard_coded_client_id": True,
        **parts,
    }
    return found  # type: ignore[return-value]


async def found_in(api: FakeApi) -> list[WorkloadRef]:
    api.objects["/apis"] = GROUPS
    return workloads.find(await inventories.read(api.kube(), OLD_ID), [ACCOUNT])


def patches(api: FakeApi) -> list[tuple[str, Json, str]]:
    return [
        (one.path, one.body, one.headers["content-type"])
        for one in api.writes()
        if one.method == "PATCH"
    ]


async def test_pods_of_a_rollout_are_folded_into_it(api: FakeApi) -> None:
    rollout(api)
    pod(api, "web-1", "orders-api", OLD_ID)

    (one,) = await found_in(api)

    assert (one["kind"], one["name"], one["replicas"]) == ("Rollout", "web", 2)
    assert one["hard_coded_client_id"]
    assert "template_of" not in one


async def test_a_cluster_without_the_definition_has_none_and_can_be_read(api: FakeApi) -> None:
    api.put(f"{APPS}/deployments/web", spec={"replicas": 1, "template": template()}, status={})
    api.refused["rollouts"] = 404

    assert [one["kind"] for one in await found_in(api)] == ["Deployment"]


async def test_rollouts_that_may_not_be_listed_are_said_and_what_they_own_is_left(
    api: FakeApi,
) -> None:
    rollout(api)
    pod(api, "web-1", "orders-api", OLD_ID)
    api.refused["rollouts"] = 403
    api.objects["/apis"] = GROUPS

    read = await inventories.read(api.kube(), OLD_ID)

    assert any(one.startswith("rollouts:") for one in read.unread)
    assert [one["kind"] for one in workloads.find(read, [ACCOUNT])] == ["ReplicaSet"]


async def test_one_that_references_a_deployment_runs_that_ones_template(api: FakeApi) -> None:
    named = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    rollout(api, template=None, workloadRef=named)
    api.put(f"{APPS}/deployments/web", spec={"replicas": 0, "template": template()}, status={})

    both = {one["kind"]: one for one in await found_in(api)}

    assert set(both) == {"Deployment", "Rollout"}
    assert both["Rollout"]["template_of"] == "Deployment/web"


async def test_it_is_scaled_to_zero_and_remembers_how_many_there_were(api: FakeApi) -> None:
    rollout(api)

    answer = await workload_acts.stop(api.kube(), ref(), "inc-1")

    assert answer["status"] == "done"
    assert api.objects[ARGO]["spec"]["replicas"] == 0
    assert api.objects[ARGO]["metadata"]["annotations"][REPLICAS] == "2"


async def test_a_move_is_a_merge_patch_with_whole_lists_and_a_full_promotion(api: FakeApi) -> None:
    rollout(api)
    await workload_acts.stop(api.kube(), ref(), "inc-1")
    api.seen.clear()

    answer = await workload_acts.move(api.kube(), ref(), "orders-api-r1", "inc-1")

    assert answer["status"] == "done"
    (place, _, kind), (promoted, told, _) = patches(api)
    assert (place, kind) == (ARGO, "application/merge-patch+json")
    assert (promoted, told) == (f"{ARGO}/status", {"status": {"promoteFull": True}})
    now = api.objects[ARGO]
    assert now["spec"]["replicas"] == 2
    assert now["metadata"]["annotations"][PREVIOUS_SERVICE_ACCOUNT] == "orders-api"
    pods = now["spec"]["template"]["spec"]
    assert pods["serviceAccountName"] == "orders-api-r1"
    # Nothing of the list is lost, and nothing but the client id is another.
    assert pods["containers"] == template(client_id=NEW_ID)["spec"]["containers"]


async def test_a_move_that_is_repeated_promotes_only_what_waits(api: FakeApi) -> None:
    rollout(api)
    await workload_acts.move(api.kube(), ref(), "orders-api-r1", "inc-1")
    api.seen.clear()

    again = await workload_acts.move(api.kube(), ref(), "orders-api-r1", "inc-1")
    assert (again["status"], patches(api)) == ("nothing_to_do", [])

    api.objects[ARGO]["status"]["currentPodHash"] = "def"
    await workload_acts.move(api.kube(), ref(), "orders-api-r1", "inc-1")
    assert [place for place, *_ in patches(api)] == [f"{ARGO}/status"]


async def test_a_promotion_that_is_not_allowed_is_a_persons(api: FakeApi) -> None:
    rollout(api)
    del api.objects[f"{ARGO}/status"]

    answer = await workload_acts.move(api.kube(), ref(), "orders-api-r1", "inc-1")

    assert answer["status"] == "refused"
    assert "--subresource status" in answer["by_hand"][0]


async def test_a_paused_one_is_left_to_a_person_with_its_command(api: FakeApi) -> None:
    rollout(api, paused=True)

    answer = await workload_acts.move(api.kube(), ref(), "orders-api-r1", "inc-1")

    assert (answer["status"], patches(api)) == ("refused", [])
    assert answer["by_hand"][0].endswith("""web --type merge -p '{"spec":{"paused":false}}'""")


async def test_of_one_that_references_a_deployment_only_the_replicas_are_written(
    api: FakeApi,
) -> None:
    rollout(api, template=None, workloadRef={"kind": "Deployment", "name": "web"})
    borrowed = ref(template_of="Deployment/web")
    await workload_acts.stop(api.kube(), borrowed, "inc-1")

    answer = await workload_acts.move(api.kube(), borrowed, "orders-api-r1", "inc-1")

    assert answer["status"] == "done"
    assert api.objects[ARGO]["spec"]["replicas"] == 2
    assert "template" not in api.objects[ARGO]["spec"]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ({}, None),
        ({"observedGeneration": "0"}, "has not seen the change"),
        ({"observedGeneration": "7c9f6d"}, "has not seen the change"),  # of before v0.10: a hash
        ({"phase": "Paused", "message": "CanaryPauseStep"}, "it is Paused CanaryPauseStep"),
        ({"phase": "Progressing"}, "it is Progressing"),
        ({"updatedReplicas": 1}, "updated 1 of 2"),
        ({"replicas": 3}, "present 3 of 2"),
    ],
)
async def test_it_is_well_when_its_controller_says_so_of_this_generation(
    api: FakeApi, status: Json, said: str | None
) -> None:
    rollout(api, status, template=template("orders-api-r1", NEW_ID))
    pod(api, "web-1", "orders-api-r1", NEW_ID)

    answer = await workload_acts.is_healthy(api.kube(), ref(), "orders-api-r1", NEW_ID)

    assert (answer["status"] == "done") is (said is None)
    assert said is None or said in answer["detail"]
    assert not answer.get("final")


async def test_pods_of_the_old_template_are_not_well_whatever_the_phase(api: FakeApi) -> None:
    rollout(api, template=template("orders-api-r1", NEW_ID))
    pod(api, "web-1", "orders-api", OLD_ID)

    answer = await workload_acts.is_healthy(api.kube(), ref(), "orders-api-r1", NEW_ID)

    assert (answer["status"], "web-1 runs as orders-api" in answer["detail"]) == ("failed", True)


async def test_waiting_for_one_that_was_given_up_ends_at_once(api: FakeApi) -> None:
    status = {"phase": "Degraded", "message": "ProgressDeadlineExceeded: timed out"}
    rollout(api, status, template=template("orders-api-r1", NEW_ID))

    answer = await workload_acts.is_healthy(api.kube(), ref(), "orders-api-r1", NEW_ID)

    assert (answer["status"], answer["final"]) == ("failed", True)


async def test_it_is_restarted_by_its_own_field_and_back_when_that_is_over(api: FakeApi) -> None:
    rollout(api)
    one: restarts.Restartable = {
        "kind": "Rollout",
        "namespace": "shop",
        "name": "web",
        "was_well": True,
    }

    assert (await restarts.restart(api.kube(), one, RESTART))["status"] == "done"
    assert (await restarts.restart(api.kube(), one, RESTART))["status"] == "nothing_to_do"
    assert api.objects[ARGO]["spec"]["restartAt"] == RESTART
    assert (await restarts.is_back(api.kube(), one))["status"] == "failed"

    api.objects[ARGO]["status"]["restartedAt"] = "2026-08-01T10:00:00Z"
    assert (await restarts.is_back(api.kube(), one))["status"] == "done"


async def test_a_restore_puts_it_back_as_it_was(api: FakeApi) -> None:
    rollout(api)
    await workload_acts.stop(api.kube(), ref(), "inc-1")
    await workload_acts.move(api.kube(), ref(), "orders-api-r1", "inc-1")
    back = take_backs.Back("orders-api", NEW_ID, OLD_ID, "inc-1", "orders-api-r1")

    answer = await take_backs.workload(api.kube(), ref(), back)

    assert answer["status"] == "done"
    now = api.objects[ARGO]
    assert now["spec"]["replicas"] == 2
    assert now["spec"]["template"]["spec"] == template()["spec"]
    assert not {name for name in now["metadata"]["annotations"] if name.startswith("firebreak")}


def test_the_pre_flight_asks_for_rollouts_where_the_plan_has_some() -> None:
    deployment = ref(kind="Deployment")

    assert argo_rollouts.needed([deployment]) == []
    assert argo_rollouts.needed([deployment, ref()]) == [
        ("get", "rollouts.argoproj.io", "shop"),
        ("list", "rollouts.argoproj.io", "shop"),
        ("patch", "rollouts.argoproj.io", "shop"),
        ("patch", "rollouts.argoproj.io/status", "shop"),
    ]


def test_git_is_not_told_to_give_it_a_template_that_it_borrows() -> None:
    owner: Any = {"tool": "flux", "kind": "Kustomization", "name": "a", "namespace": "b"}
    names = {"shop/orders-api": "orders-api-r1"}

    assert manifest_patches.of_workloads([ref(owner=owner)], names, NEW_ID)
    borrowed = ref(owner=owner, template_of="Deployment/web")
    assert manifest_patches.of_workloads([borrowed], names, NEW_ID) == []


async def test_its_pods_are_captured_and_counted_as_its_own(api: FakeApi) -> None:
    rollout(api)
    pod(api, "web-1", "orders-api", OLD_ID)

    now = await standing.read(api.kube(), [ref()], pods=True)

    assert [one["metadata"]["name"] for one in now.pods_of(ref())] == ["web-1"]
