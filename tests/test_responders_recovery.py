"""Owners wait, consumers change, fences are built: each once, with what was before, and nothing of anybody else."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from responders import consumer_moves, gitops_owners, quarantines, service_accounts, standing
from responders import kube as port
from responders.model import GitOpsOwner, WorkloadRef
from responders.service_accounts import Successor
from tests.kubernetes_fake import FakeApi, running
from tests.workload_acts import NEW_ID, OLD_ID

FLUX = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations/shop"
ARGO = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/shop"
CLASS = "/apis/secrets-store.csi.x-k8s.io/v1/namespaces/shop/secretproviderclasses/orders"
MAP = "/api/v1/namespaces/shop/configmaps/ids"
DEPLOYMENT = "/apis/apps/v1/namespaces/shop/deployments/orders-api"
POLICIES = "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies"
IDS = consumer_moves.Ids(OLD_ID, NEW_ID, "inc-1")


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeApi]:
    monkeypatch.setattr(port, "_WAITS_S", (0.0,))
    with running() as fake:
        yield fake


def owner(controller: Any = "Flux Kustomization", namespace: Any = "flux-system") -> GitOpsOwner:
    return {"controller": controller, "namespace": namespace, "name": "shop", "mark": "m=shop"}


async def test_a_flux_owner_is_suspended_once_and_the_way_back_is_named(api: FakeApi) -> None:
    api.put(FLUX, spec={"interval": "10m"})

    first = await gitops_owners.suspend(api.kube(), owner(), "inc-1")
    again = await gitops_owners.suspend(api.kube(), owner(), "inc-1")

    assert (first["status"], again["status"]) == ("done", "nothing_to_do")
    assert api.objects[FLUX]["spec"] == {"interval": "10m", "suspend": True}
    assert api.objects[FLUX]["metadata"]["annotations"]["firebreak.dev/previous-suspend"] == "false"
    assert first["by_hand"] == [
        "flux resume kustomization shop --namespace flux-system --context aks-test"
    ]


async def test_an_owner_that_somebody_suspended_before_is_left_to_them(api: FakeApi) -> None:
    api.put(FLUX, spec={"suspend": True})

    assert (await gitops_owners.suspend(api.kube(), owner(), "inc-1"))["status"] == "nothing_to_do"
    assert api.writes() == []


async def test_an_application_stops_syncing_and_remembers_how_it_did(api: FakeApi) -> None:
    automated = {"prune": True, "selfHeal": True}
    api.put(ARGO, spec={"project": "default", "syncPolicy": {"automated": automated}})

    result = await gitops_owners.suspend(api.kube(), owner("Argo CD application", None), "inc-1")

    assert result["status"] == "done"
    assert api.objects[ARGO]["spec"] == {"project": "default", "syncPolicy": {}}
    kept = api.objects[ARGO]["metadata"]["annotations"]["firebreak.dev/previous-sync-policy"]
    assert json.loads(kept) == automated
    assert json.dumps(automated) in result["by_hand"][0]


@pytest.mark.parametrize(
    ("controller", "place"), [("Flux Kustomization", FLUX), ("Argo CD application", ARGO)]
)
async def test_an_owner_goes_on_as_it_was_once_a_person_says_so(
    api: FakeApi, controller: str, place: str
) -> None:
    spec = {"interval": "10m", "syncPolicy": {"automated": {"selfHeal": True}}}
    before = json.loads(json.dumps(api.put(place, spec=spec)))
    one = owner(controller, place.split("/")[5])
    await gitops_owners.suspend(api.kube(), one, "inc-1")

    waits = await gitops_owners.resume(api.kube(), one, "inc-1", told=False)
    assert (waits["status"], len(waits["by_hand"])) == ("refused", 1)
    other = await gitops_owners.resume(api.kube(), one, "inc-2", told=True)
    assert other["status"] == "nothing_to_do", "another incident's pause is not ours to end"
    assert (await gitops_owners.resume(api.kube(), one, "inc-1", told=True))["status"] == "done"

    after = {**api.objects[place]["spec"]}
    assert after.pop("suspend", False) is False
    assert after == before["spec"]
    assert "firebreak.dev/incident" not in api.objects[place]["metadata"]["annotations"]


@pytest.mark.parametrize(("said", "status"), [("Synced", "done"), ("OutOfSync", "refused")])
async def test_an_application_that_has_nothing_to_put_back_goes_on_by_itself(
    api: FakeApi, said: str, status: str
) -> None:
    api.put(ARGO, spec={"syncPolicy": {"automated": {}}}, status={"sync": {"status": said}})
    one = owner("Argo CD application", None)
    await gitops_owners.suspend(api.kube(), one, "inc-1")

    assert (await gitops_owners.resume(api.kube(), one, "inc-1", told=False))["status"] == status


async def test_an_owner_that_waits_for_nobody_is_left_alone(api: FakeApi) -> None:
    api.put(FLUX, spec={"suspend": True})

    for one in (owner(), owner("Helm release"), owner("Flux HelmRelease")):
        answer = await gitops_owners.resume(api.kube(), one, "inc-1", told=True)
        assert answer["status"] == "nothing_to_do"
    assert api.writes() == []


async def test_a_release_that_no_controller_watches_needs_no_waiting(api: FakeApi) -> None:
    result = await gitops_owners.suspend(api.kube(), owner("Helm release", "shop"), "inc-1")

    assert result["status"] == "nothing_to_do"
    assert api.seen == []


async def test_an_owner_that_its_mark_does_not_place_is_refused(api: FakeApi) -> None:
    result = await gitops_owners.suspend(api.kube(), owner(namespace=None), "inc-1")

    assert result["status"] == "refused"
    assert "m=shop" in result["detail"]


def test_the_owner_of_many_is_asked_once() -> None:
    assert gitops_owners.distinct([owner(), None, owner()]) == [owner()]


def consumer(**parts: Any) -> Any:
    base = {
        "cluster": "aks-test",
        "namespace": "shop",
        "kind": "SecretProviderClass",
        "name": "orders",
        "field": "spec.parameters.clientID",
        "patchable": True,
        "created": None,
        "owner": None,
        "by_hand": "",
    }
    return {**base, **parts}


async def test_a_client_id_that_somebody_put_back_into_a_consumer_is_noticed(api: FakeApi) -> None:
    ref = consumer()
    api.put(CLASS, spec={"parameters": {"clientID": OLD_ID}})
    before = await consumer_moves.stands(api.kube(), ref, IDS)
    await consumer_moves.move(api.kube(), ref, IDS)
    after = await consumer_moves.stands(api.kube(), ref, IDS)

    assert before is not None and before.endswith(f"names {OLD_ID} again")
    assert after is None


async def test_a_consumer_is_changed_where_the_old_id_stands_and_only_there(api: FakeApi) -> None:
    api.put(CLASS, spec={"provider": "azure", "parameters": {"clientID": f" {OLD_ID.upper()}"}})

    first = await consumer_moves.move(api.kube(), consumer(), IDS)
    again = await consumer_moves.move(api.kube(), consumer(), IDS)

    assert (first["status"], again["status"]) == ("done", "nothing_to_do")
    assert api.objects[CLASS]["spec"] == {"provider": "azure", "parameters": {"clientID": NEW_ID}}
    (item,) = first["items"]
    assert (item["before"], item["after"]) == (f" {OLD_ID.upper()}", NEW_ID)


async def test_a_key_with_dots_is_one_key(api: FakeApi) -> None:
    api.put(MAP, data={"app.client.id": OLD_ID, "log": "info"})
    ref = consumer(kind="ConfigMap", name="ids", field="data.app.client.id")

    await consumer_moves.move(api.kube(), ref, IDS)

    assert api.objects[MAP]["data"] == {"app.client.id": NEW_ID, "log": "info"}


async def test_a_consumer_that_somebody_changed_since_is_left_to_them(api: FakeApi) -> None:
    api.put(CLASS, spec={"parameters": {"clientID": "somebody-s-own"}})

    result = await consumer_moves.move(api.kube(), consumer(), IDS)

    assert (result["status"], "by_hand" in result) == ("refused", False)
    assert api.writes() == []


async def test_a_consumer_that_may_not_be_written_is_left_with_the_command(api: FakeApi) -> None:
    api.put(CLASS, spec={"parameters": {"clientID": OLD_ID}})
    api.say(403, {"message": 'User "firebreak" cannot get resource "secretproviderclasses"'})

    result = await consumer_moves.move(api.kube(), consumer(), IDS)

    assert result["status"] == "refused"
    (command,) = result["by_hand"]
    assert command.startswith("kubectl --context aks-test -n shop patch secretproviderclasses")
    assert NEW_ID in command


def test_what_reads_it_only_when_it_starts_and_is_not_moved_is_named_with_the_command() -> None:
    ref = consumer(kind="ConfigMap", used_by=["Deployment/orders-api", "Deployment/orders-export"])

    (late,) = consumer_moves.stale(ref, [WORKLOAD])

    assert late["status"] == "nothing_to_do", "it holds up nothing"
    assert late["by_hand"] == [
        "kubectl --context aks-test -n shop rollout restart deployment/orders-export"
    ]


def survey(**parts: Any) -> Any:
    return {"reachable": True, "reason": "", "consumers": [], **parts}


def test_what_a_person_has_to_change_is_theirs_until_it_names_the_old_id_no_more() -> None:
    ref = consumer(kind="StorageClass", namespace=None, patchable=False, by_hand="replace it")

    still = consumer_moves.left(ref, survey(consumers=[ref]))
    gone = consumer_moves.left(ref, survey())
    unknown = consumer_moves.left(ref, survey(unread=["storageclasses: 403"]))
    away = consumer_moves.left(ref, survey(reachable=False, reason="no answer"))

    assert [one["status"] for one in (still, gone, unknown, away)] == [
        "refused",
        "done",
        "refused",
        "failed",
    ]
    assert still["by_hand"] == ["replace it"]


WORKLOAD: WorkloadRef = {
    "cluster": "aks-test",
    "namespace": "shop",
    "kind": "Deployment",
    "name": "orders-api",
    "service_account": "orders-api",
    "replicas": 2,
    "paused": False,
    "hard_coded_client_id": False,
}


async def fenced(api: FakeApi, **spec: Any) -> Any:
    api.put(DEPLOYMENT, spec={"selector": {"matchLabels": {"app": "orders"}}, **spec})
    now = await standing.read(api.kube(), [WORKLOAD])
    return await quarantines.fence_in(api.kube(), WORKLOAD, now, "inc-1")


async def test_a_fence_is_for_these_pods_alone_and_lets_nothing_through(api: FakeApi) -> None:
    first, again = await fenced(api), await fenced(api)

    assert (first["status"], again["status"]) == ("done", "nothing_to_do")
    (policy,) = [one for place, one in api.objects.items() if place.startswith(POLICIES)]
    assert policy["spec"] == {
        "podSelector": {"matchLabels": {"app": "orders"}},
        "policyTypes": ["Ingress", "Egress"],
    }
    assert policy["metadata"]["labels"] == {"firebreak.dev/incident": "inc-1"}


async def test_a_selector_of_everything_is_no_fence_for_one_workload(api: FakeApi) -> None:
    result = await fenced(api, selector={"matchLabels": {}})

    assert result["status"] == "refused"
    assert api.writes() == []


async def test_a_fence_with_a_hole_that_somebody_made_is_not_taken_for_one(api: FakeApi) -> None:
    await fenced(api)
    (place,) = [one for one in api.objects if one.startswith(POLICIES)]
    api.objects[place]["spec"]["egress"] = [{}]

    assert (await fenced(api))["status"] == "refused"


async def test_only_the_fences_of_what_comes_back_are_lifted(api: FakeApi) -> None:
    await fenced(api)
    planted: WorkloadRef = {**WORKLOAD, "name": "planted"}
    api.put(f"{POLICIES}/theirs", spec={}, metadata={"annotations": {}})

    assert (await quarantines.lift(api.kube(), [planted], "inc-1"))["status"] == "nothing_to_do"
    assert (await quarantines.lift(api.kube(), [WORKLOAD], "inc-1"))["status"] == "done"
    assert [one for one in api.objects if one.startswith(POLICIES)] == [f"{POLICIES}/theirs"]


@pytest.mark.parametrize(("engine", "said"), [("none", True), ("cilium", False)])
def test_a_cluster_without_an_engine_is_said_to_enforce_nothing(engine: str, said: bool) -> None:
    cluster: Any = {"name": "aks-test", "network_policy": engine}

    assert bool(quarantines.not_enforced(cluster)) is said


ACCOUNT: Any = {
    "cluster": "aks-test",
    "namespace": "shop",
    "name": "orders-api",
    "client_id": OLD_ID,
    "subject": "system:serviceaccount:shop:orders-api",
}
PLACE = "/api/v1/namespaces/shop/serviceaccounts/orders-api"
KEY = "azure.workload.identity/client-id"


async def pointed(api: FakeApi) -> Any:
    known = await service_accounts.read(api.kube(), [ACCOUNT])
    to = Successor("orders-api", NEW_ID, "inc-1")
    return await service_accounts.point(api.kube(), ACCOUNT, known.get(("shop", "orders-api")), to)


async def test_an_account_that_keeps_its_name_says_the_new_id_in_one_write(api: FakeApi) -> None:
    api.put(PLACE, metadata={"annotations": {KEY: OLD_ID, "theirs": "kept"}})

    first, again = await pointed(api), await pointed(api)

    assert (first["status"], again["status"]) == ("done", "nothing_to_do")
    assert api.objects[PLACE]["metadata"]["annotations"] == {
        KEY: NEW_ID,
        "theirs": "kept",
        "firebreak.dev/previous-client-id": OLD_ID,
        "firebreak.dev/incident": "inc-1",
    }
    assert [one.method for one in api.seen] == ["GET", "PATCH", "GET"], "a list, a write, a list"


async def test_an_account_that_somebody_pointed_elsewhere_is_left_to_them(api: FakeApi) -> None:
    api.put(PLACE, metadata={"annotations": {KEY: "somebody-s-own"}})

    assert (await pointed(api))["status"] == "refused"
    assert api.writes() == []
