"""The Kubernetes responders against whole clusters: real TLS, real RBAC, real rollouts.

What it defends: an eviction and a re-wire leave the workload running with the new client id and the
neighbours untouched, however often a step runs, and a probe says what the token endpoint says.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from responders import (
    bindings,
    clusters,
    inventories,
    preflight,
    service_accounts,
    token_exchange,
    workloads,
)
from responders.cloud import Cloud
from responders.errors import NotFoundError, RefusedError
from responders.kube import STRATEGIC_MERGE_PATCH, Kube
from responders.kube_requests import path_of
from responders.model import Json, ServiceAccountRef, StepResult, WorkloadRef
from responders.read_only import read_only
from tests import workload_acts
from tests.sandbox_fixture import RunningSandbox

NEW_ID = "11111111-1111-4111-8111-111111111111"
NEW_NAME = "orders-api-r1"
DEPLOYMENT = path_of("deployments", "shop", "orders-api")


@pytest.fixture
async def cloud(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Cloud]:
    for name, value in sandbox.as_operator().items():
        monkeypatch.setenv(name, value)
    connected = await Cloud.connect()
    yield connected
    await connected.close()


@pytest.fixture
async def kube(cloud: Cloud) -> Kube:
    refs = {one["name"]: one for one in await clusters.list_all(cloud)}
    return await clusters.connect(cloud, refs["aks-weu"])


@pytest.fixture
async def account(kube: Kube, sandbox: RunningSandbox) -> ServiceAccountRef:
    found = service_accounts.find(
        await inventories.read(kube, sandbox.seed["orders_api"]["app_id"])
    )
    return next(one for one in found if one["name"] == "orders-api")


@pytest.fixture
async def workload(kube: Kube, account: ServiceAccountRef) -> WorkloadRef:
    (found,) = workloads.find(await inventories.read(kube, account["client_id"]), [account])
    return found


async def _until_done(question: Callable[[], Awaitable[StepResult]]) -> list[StepResult]:
    """Ask as a playbook does, faster; every answer on the way."""
    answers: list[StepResult] = []
    async with asyncio.timeout(30):
        while not answers or answers[-1]["status"] == "failed":
            if answers:
                await asyncio.sleep(0.05)
            answers.append(await question())
    return answers


async def _versions(kube: Kube, *, without: str) -> dict[str, str]:
    """What every object of the shop is at, but for those whose name begins like this."""
    found: list[Json] = []
    for plural in ("serviceaccounts", "deployments", "replicasets", "pods"):
        found += await kube.list_all(path_of(plural, "shop"))
    return {
        one["metadata"]["uid"]: one["metadata"]["resourceVersion"]
        for one in found
        if not one["metadata"]["name"].startswith(without)
    }


async def test_every_cluster_is_listed_with_its_issuer_to_the_letter(
    cloud: Cloud, sandbox: RunningSandbox
) -> None:
    found = await clusters.list_all(cloud)

    assert {one["name"]: one["issuer_url"] for one in found} == {
        name: seeded["issuer"] for name, seeded in sandbox.seed["clusters"].items()
    }


async def test_every_cluster_is_fit_for_an_incident(cloud: Cloud) -> None:
    for cluster in await clusters.list_all(cloud):
        result = await preflight.check(await clusters.connect(cloud, cluster))
        assert result["status"] == "done", result


async def test_the_steps_of_a_minute_share_the_way_to_a_cluster(
    cloud: Cloud, sandbox: RunningSandbox
) -> None:
    (cluster, other, *_) = await clusters.list_all(cloud)

    first, again, elsewhere = await asyncio.gather(
        *(clusters.connect(cloud, one) for one in (cluster, cluster, other))
    )

    assert first is again
    assert elsewhere is not first
    asked = [one for one in sandbox.record() if "listClusterUserCredential" in one["url"]]
    assert len(asked) == 2


async def test_accounts_and_workloads_of_the_identity_are_found_and_no_others(
    kube: Kube, sandbox: RunningSandbox
) -> None:
    inventory = await inventories.read(kube, sandbox.seed["orders_api"]["app_id"])
    found = service_accounts.find(inventory)

    assert [one["name"] for one in found] == ["orders-api", "orders-worker"]
    by_account = [workloads.find(inventory, [one]) for one in found]
    assert [[one["name"] for one in refs] for refs in by_account] == [
        ["orders-api"],
        ["orders-worker"],
    ]
    (ref,) = by_account[0]
    assert (ref["kind"], ref["replicas"], ref["paused"]) == ("Deployment", 2, False)
    assert not ref["hard_coded_client_id"]
    assert ref["created"] is not None


async def test_a_capture_has_every_pod_with_its_wiring_and_log(
    kube: Kube, workload: WorkloadRef
) -> None:
    captured = await workloads.capture(kube, [workload])

    assert len(captured) == 2
    for pod in captured:
        names = {one["name"] for one in pod["spec"]["containers"][0]["env"]}
        assert "AZURE_FEDERATED_TOKEN_FILE" in names
        assert [one["gap"] for one in pod["logs"]] == [None]


async def test_eviction_and_rewire_bring_the_workload_back_with_the_new_identity(
    kube: Kube, account: ServiceAccountRef, workload: WorkloadRef
) -> None:
    neighbours = await _versions(kube, without="orders-api")

    evicted = await workload_acts.stop(kube, workload, "inc-1")
    stopped = await _until_done(lambda: workload_acts.is_stopped(kube, workload))
    made = await workload_acts.ensure_successor(kube, account, NEW_NAME, NEW_ID, "inc-1")
    moved = await workload_acts.move(kube, workload, NEW_NAME, "inc-1")
    judged = await _until_done(lambda: workload_acts.is_healthy(kube, workload, NEW_NAME, NEW_ID))
    retired = await workload_acts.retire(kube, account, NEW_NAME, "inc-1")

    results = (evicted, stopped[-1], made, moved, judged[-1], retired)
    assert [one["status"] for one in results] == ["done"] * 6
    assert judged[0]["status"] == "failed", "healthy before the controller could have acted"
    found = await kube.get(DEPLOYMENT)
    assert found["spec"]["replicas"] == 2
    assert found["spec"]["template"]["spec"]["serviceAccount"] == NEW_NAME
    pods = await kube.list_all(path_of("pods", "shop"), {"labelSelector": "app=orders-api"})
    assert {one["spec"]["serviceAccountName"] for one in pods} == {NEW_NAME}
    old = await kube.get(path_of("serviceaccounts", "shop", "orders-api"))
    assert "azure.workload.identity/client-id" not in old["metadata"]["annotations"]
    assert await _versions(kube, without="orders-api") == neighbours


async def test_a_move_without_an_eviction_is_not_healthy_until_the_old_pods_are_gone(
    kube: Kube, account: ServiceAccountRef, workload: WorkloadRef
) -> None:
    await workload_acts.ensure_successor(kube, account, NEW_NAME, NEW_ID, "inc-1")
    await workload_acts.move(kube, workload, NEW_NAME, "inc-1")

    async def question() -> StepResult:
        result = await workload_acts.is_healthy(kube, workload, NEW_NAME, NEW_ID)
        pods = await kube.list_all(path_of("pods", "shop"))
        left = [one for one in pods if one["spec"]["serviceAccountName"] == "orders-api"]
        # Pods are read after the verdict: what is there now was there then.
        assert not (result["status"] == "done" and left)
        return result

    assert (await _until_done(question))[-1]["status"] == "done"


async def test_every_step_can_be_run_twice_and_the_second_run_writes_nothing(
    kube: Kube, account: ServiceAccountRef, workload: WorkloadRef, sandbox: RunningSandbox
) -> None:
    steps: list[Callable[[], Awaitable[StepResult]]] = [
        lambda: workload_acts.stop(kube, workload, "inc-1"),
        lambda: workload_acts.ensure_successor(kube, account, NEW_NAME, NEW_ID, "inc-1"),
        lambda: workload_acts.move(kube, workload, NEW_NAME, "inc-1"),
        lambda: workload_acts.retire(kube, account, NEW_NAME, "inc-1"),
    ]
    for step in steps:
        assert (await step())["status"] == "done"
        before = len(_writes(sandbox))
        assert (await step())["status"] == "nothing_to_do"
        answers = [one["status"] for one in _writes(sandbox)[before:]]
        assert answers in ([], [409]), "only an attempt to create may be sent, and is refused"


async def test_plan_mode_changes_nothing_in_a_cluster(
    kube: Kube, account: ServiceAccountRef, workload: WorkloadRef, sandbox: RunningSandbox
) -> None:
    with read_only():
        assert (await preflight.check(kube))["status"] == "done"
        for write in (
            workload_acts.stop(kube, workload, "inc-1"),
            workload_acts.move(kube, workload, NEW_NAME, "inc-1"),
            workload_acts.ensure_successor(kube, account, NEW_NAME, NEW_ID, "inc-1"),
            workload_acts.retire(kube, account, NEW_NAME, "inc-1"),
        ):
            with pytest.raises(RefusedError, match="plan mode"):
                await write

    assert _writes(sandbox) == []


async def test_a_paused_deployment_is_refused_and_moves_once_it_is_resumed(
    kube: Kube, account: ServiceAccountRef, workload: WorkloadRef
) -> None:
    await workload_acts.ensure_successor(kube, account, NEW_NAME, NEW_ID, "inc-1")
    await kube.patch(DEPLOYMENT, {"spec": {"paused": True}})
    assert (await workload_acts.move(kube, workload, NEW_NAME, "inc-1"))["status"] == "refused"

    await kube.patch(DEPLOYMENT, {"spec": {"paused": None}})
    assert (await workload_acts.move(kube, workload, NEW_NAME, "inc-1"))["status"] == "done"


async def test_a_hard_coded_client_id_survives_the_move_and_is_not_called_healthy(
    kube: Kube, account: ServiceAccountRef, workload: WorkloadRef
) -> None:
    (container,) = (await kube.get(DEPLOYMENT))["spec"]["template"]["spec"]["containers"]
    fixed = {"name": "AZURE_CLIENT_ID", "value": account["client_id"]}
    template = {"spec": {"containers": [{"name": container["name"], "env": [fixed]}]}}
    await kube.patch(
        DEPLOYMENT, {"spec": {"template": template}}, content_type=STRATEGIC_MERGE_PATCH
    )
    (ref,) = workloads.find(await inventories.read(kube, account["client_id"]), [account])
    assert ref["hard_coded_client_id"]

    await workload_acts.ensure_successor(kube, account, NEW_NAME, NEW_ID, "inc-1")
    moved = await workload_acts.move(kube, ref, NEW_NAME, "inc-1")
    assert "AZURE_CLIENT_ID" in moved["detail"]

    async def old_id_alone_is_missing() -> StepResult:
        result = await workload_acts.is_healthy(kube, ref, NEW_NAME, NEW_ID)
        assert result["status"] == "failed"
        over = all("/" in one["missing"] for one in result["items"])
        return {**result, "status": "done"} if over else result

    last = (await _until_done(old_id_alone_is_missing))[-1]
    assert f"has {account['client_id']}" in last["detail"]


async def test_the_probe_says_what_the_token_endpoint_says(
    cloud: Cloud, kube: Kube, account: ServiceAccountRef, sandbox: RunningSandbox
) -> None:
    sandbox.no_delays()
    own = sandbox.seed["orders_api"]["app_id"]
    other = sandbox.seed["billing_api"]["app_id"]

    accepted = await token_exchange.probe(cloud, kube, "shop", account["name"], own)
    refused = await token_exchange.probe(cloud, kube, "shop", account["name"], other)

    assert accepted == {
        "accepted": True,
        "error_code": None,
        "error": None,
        "correlation_id": None,
    }
    assert not refused["accepted"]
    assert refused["error_code"] in (70021, 700213)
    with pytest.raises(NotFoundError):
        await token_exchange.probe(cloud, kube, "shop", "no-such-account", own)


async def test_the_probe_leaves_no_token_behind(
    cloud: Cloud,
    kube: Kube,
    account: ServiceAccountRef,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    verdict = await token_exchange.probe(cloud, kube, "shop", "orders-api", account["client_id"])

    said = f"{verdict}{caplog.text}{''.join(capsys.readouterr())}"
    assert "eyJ" not in said  # every JWT begins with it: the Base64 of '{"'


async def test_the_account_s_bindings_in_the_cluster_can_be_read(
    kube: Kube, account: ServiceAccountRef
) -> None:
    found = bindings.find(await inventories.read(kube, account["client_id"]), account)

    assert all(one["via"].startswith("group ") for one in found)


async def test_what_our_role_does_not_allow_is_refused_with_the_grant(kube: Kube) -> None:
    with pytest.raises(RefusedError) as refused:
        await kube.create(path_of("pods", "shop"), {"metadata": {"name": "x"}})

    assert "Missing: create pods. Allow it: kubectl create clusterrole" in str(refused.value)


def _writes(sandbox: RunningSandbox) -> list[dict[str, Any]]:
    """What was asked of the cluster to change, by its own record."""
    return [
        one
        for one in sandbox.record()
        if one.get("service") == "kubernetes"
        and one["method"] != "GET"
        and not one["url"].endswith("reviews")
    ]
