"""What a namespace holds beside the workloads of a plan is not kept: it may be thousands of pods of others."""

from collections.abc import Iterator
from typing import Any

import pytest

from responders import kube as port
from responders import standing
from tests.kubernetes_fake import FakeApi, running

PODS = "/api/v1/namespaces/shop/pods"
APPS = "/apis/apps/v1/namespaces/shop"
FIELDS = [{"manager": "kubelet", "fieldsV1": {"f:status": {}}}]


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeApi]:
    monkeypatch.setattr(port, "_WAITS_S", (0.0,))
    with running() as fake:
        yield fake


def ref(kind: Any = "Deployment", name: str = "web") -> Any:
    return {"cluster": "aks-test", "namespace": "shop", "kind": kind, "name": name}


def owned(api: FakeApi, place: str, owner: str, **parts: Any) -> None:
    reference = {"kind": "x", "name": "x", "uid": f"uid-{owner}", "controller": True}
    about = {"ownerReferences": [reference], "managedFields": FIELDS}
    api.put(place, metadata=about, **parts)


def pod(api: FakeApi, name: str, owner: str | None) -> None:
    env = [{"name": "AZURE_CLIENT_ID", "value": "id"}, {"name": "PASSWORD", "value": "p"}]
    container = {"name": "main", "env": env, "image": "i", "command": ["x" * 100]}
    spec = {"serviceAccountName": "web", "containers": [container], "volumes": [{"name": "v"}]}
    if owner is None:
        api.put(f"{PODS}/{name}", spec=spec, status={"phase": "Running"})
    else:
        owned(api, f"{PODS}/{name}", owner, spec=spec, status={"phase": "Running"})


@pytest.fixture
def crowded(api: FakeApi) -> FakeApi:
    template = {"spec": {"containers": [{"name": "main", "image": "i"}]}}
    for name in ("web", "other"):
        api.put(f"{APPS}/deployments/{name}", spec={"template": template}, metadata={"x": "y"})
        owner = f"{APPS}/deployments/{name}"
        owned(
            api, f"{APPS}/replicasets/{name}-1", owner, spec={"replicas": 2, "template": template}
        )
        pod(api, f"{name}-1-a", f"{APPS}/replicasets/{name}-1")
    pod(api, "bare", None)
    pod(api, "bare-too", None)
    return api


async def test_what_is_named_is_whole_and_of_its_pods_what_is_judged(crowded: FakeApi) -> None:
    now = await standing.read(crowded.kube(), [ref(), ref("Pod", "bare")], pods=True)

    found = now.of(ref())
    assert found == crowded.objects[f"{APPS}/deployments/web"]
    assert now.of(ref(name="other")) is None
    (mine,) = now.pods_of(ref())
    assert mine["spec"] == {
        "serviceAccountName": "web",
        "initContainers": [],
        "containers": [{"name": "main", "env": [{"name": "AZURE_CLIENT_ID", "value": "id"}]}],
    }
    assert "managedFields" not in mine["metadata"]
    assert now.of(ref("Pod", "bare")) == crowded.objects[f"{PODS}/bare"], "it is to be deleted"
    assert ("Pod", "shop", "bare-too") not in now.objects


async def test_pods_that_are_captured_are_whole(crowded: FakeApi) -> None:
    found = await standing.whole_pods(crowded.kube(), [ref(), ref("Pod", "bare")])

    assert {(one["name"], each["metadata"]["name"]) for one, each in found} == {
        ("web", "web-1-a"),
        ("bare", "bare"),
    }
    assert {each["spec"]["volumes"][0]["name"] for _, each in found} == {"v"}
