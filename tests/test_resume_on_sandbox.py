"""Recovery of five clusters on the sandbox, where something is in the way: said, waited for, gone on with."""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from tests.in_process import Clock, Driven, InProcess

pytestmark = [pytest.mark.timeout(180), pytest.mark.slow]
ROSA = {"object_id": "rosa", "name": "Rosa"}
GIT_S = 3.0  # until a controller puts back what Git says


@pytest.fixture(autouse=True)
def _kubelets_take_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pods of the sandbox become ready in real time, which a jump of its clock does not bring on."""
    jump = Clock.jump

    async def slower(clock: Clock, to: datetime) -> None:
        await asyncio.sleep(0.2)
        await jump(clock, to)

    monkeypatch.setattr(Clock, "jump", slower)


def state(world: InProcess) -> dict[str, Any]:
    found: dict[str, Any] = world.sandbox.control("GET", "state")
    return found


def turn(world: InProcess, cluster: str, **switches: Any) -> None:
    world.sandbox.control("POST", f"clusters/{cluster}", switches)


async def webhook_serves(world: InProcess, cluster: str) -> None:
    """Its pods take a moment to become ready."""
    async with asyncio.timeout(60):
        while not any(
            endpoint["conditions"]["ready"]
            for one in state(world)["clusters"][cluster]["endpointslices"]
            for endpoint in one.get("endpoints", [])
        ):
            await asyncio.sleep(0.2)


async def asked(world: InProcess, **recovery: Any) -> Driven:
    """An incident about orders-api, at the moment when it asks for consent."""
    old = world.sandbox.described["seed"]["orders_api"]
    order = await world.call({"object_id": old["object_id"]}, mode="respond")
    order["policy"]["recovery"] |= recovery
    order["policy"]["verification"]["attempts"] = 8
    driven = world.start(order)
    await driven.until("awaiting_consent")
    return driven


async def go_on(driven: Driven, **said: Any) -> None:
    event = driven.status["resume"]["event"]
    driven.raise_event(event, {"by": ROSA, "reason": "mended", "at": "now", **said})
    while driven.status["resumable"]:  # until it is heard: the phase is the same as before
        await driven._next()
        driven._turn()


def states(driven: Driven) -> dict[str, str]:
    return {name: one["status"] for name, one in driven.status["clusters"].items()}


def running(world: InProcess, cluster: str) -> set[tuple[str, str]]:
    """ServiceAccount and client id of every pod of orders-api there."""
    return {
        (
            pod["spec"]["serviceAccountName"],
            next(
                one["value"]
                for one in pod["spec"]["containers"][0]["env"]
                if one["name"] == "AZURE_CLIENT_ID"
            ),
        )
        for pod in state(world)["clusters"][cluster]["pods"]
        if pod["metadata"]["labels"].get("app") == "orders-api"
    }


@pytest.mark.exhaustive
async def test_a_consent_that_lapsed_is_asked_for_anew_and_all_is_rebuilt(
    in_process: InProcess,
) -> None:
    driven = await asked(in_process)
    first = driven.status["consent"]["plan_hash"]
    await driven.until("watching")  # nobody answers
    assert driven.status["consent"]["decision"] == "none"
    assert driven.status["resume"]["asks_anew"]

    await go_on(driven)
    await driven.until("awaiting_consent")
    assert driven.status["consent"]["plan_hash"] != first
    assert driven.status["consent"]["heard"] == 0
    driven.agree()
    await driven.until("watching")

    assert driven.status["outcome"] == "recovered", driven.status["clusters"]
    assert not driven.status["resumable"]


@pytest.mark.exhaustive
async def test_a_cluster_that_was_down_all_the_time_is_moved_when_it_is_up_again(
    in_process: InProcess,
) -> None:
    turn(in_process, "aks-neu", api_server="reset")
    driven = await asked(in_process)
    driven.agree()
    await driven.until("watching")

    assert states(driven)["aks-neu"] == "refused"
    assert "unreachable" in driven.status["clusters"]["aks-neu"]["detail"]
    assert driven.status["outcome"] == "partly_recovered"
    assert driven.status["resumable"]

    turn(in_process, "aks-neu", api_server="up")
    await go_on(driven)
    await driven.until("awaiting_consent")
    assert driven.status["consent"]["plan_hash"]
    driven.agree()
    await driven.until("watching")

    assert driven.status["outcome"] == "recovered", driven.status["clusters"]
    assert set(states(driven).values()) == {"done"}
    client_id = driven.status["identity"]["app_id"]
    for cluster in ("aks-weu", "aks-neu", "aks-frc"):
        ((account, carried),) = running(in_process, cluster)
        assert (account.startswith("orders-api-r"), carried) == (True, client_id)


@pytest.mark.exhaustive
async def test_a_broken_webhook_at_the_canary_leaves_the_others_untouched_if_policy_names_it(
    in_process: InProcess,
) -> None:
    driven = await asked(in_process, canary_cluster="aks-frc")
    before = {name: running(in_process, name) for name in ("aks-weu", "aks-neu")}
    turn(in_process, "aks-frc", webhook_ready=False)
    driven.agree()
    await driven.until("watching")

    assert set(states(driven).values()) == {"refused"}
    assert "webhook" in driven.status["clusters"]["aks-frc"]["detail"]
    assert {name: running(in_process, name) for name in before} == before
    assert driven.status.get("identity") is None

    turn(in_process, "aks-frc", webhook_ready=True)
    await webhook_serves(in_process, "aks-frc")
    await go_on(driven)
    await driven.until("watching")

    assert driven.status["outcome"] == "recovered", driven.status["clusters"]


@pytest.fixture
def _controllers_take_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """They have no clock to jump either: the minutes until the second look are some seconds for them."""
    jump = Clock.jump

    async def slower(clock: Clock, to: datetime) -> None:
        if timedelta(minutes=3) < to - clock.now() < timedelta(minutes=10):
            await asyncio.sleep(2 * GIT_S)
        await jump(clock, to)

    monkeypatch.setattr(Clock, "jump", slower)


def deployment(world: InProcess, cluster: str) -> dict[str, Any]:
    """orders-api as Git holds it."""
    found = next(
        one
        for one in state(world)["clusters"][cluster]["deployments"]
        if one["metadata"]["name"] == "orders-api"
    )
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"namespace": "shop", "name": "orders-api"},
        "spec": {name: found["spec"][name] for name in ("replicas", "selector", "template")},
    }


def commit(world: InProcess, cluster: str, owned: dict[str, Any]) -> None:
    """A person puts the patch of the evidence into Git."""
    (written,) = world.evidence.glob(f"incidents/*/gitops/{cluster}-*.yaml")
    (patch,) = [
        one for one in yaml.safe_load_all(written.read_text()) if one["kind"] == "Deployment"
    ]
    pods = owned["spec"]["template"]["spec"]
    pods["serviceAccountName"] = patch["spec"]["template"]["spec"]["serviceAccountName"]
    pods.pop("serviceAccount", None)
    world.sandbox.control("POST", f"clusters/{cluster}/gitops/shop/commit", {"objects": [owned]})


@pytest.mark.usefixtures("_controllers_take_their_time")
async def test_what_git_puts_back_is_seen_and_said(in_process: InProcess) -> None:
    owned = deployment(in_process, "aks-weu")
    git = {"name": "shop", "objects": [owned], "delay_s": GIT_S}
    in_process.sandbox.control("POST", "clusters/aks-weu/gitops", git)
    driven = await asked(in_process)
    driven.agree()
    await driven.until("watching")

    assert driven.status["outcome"] == "partly_recovered"
    assert states(driven)["aks-weu"] in {"reverted", "failed"}, driven.status["clusters"]
    assert states(driven)["aks-neu"] in {"done", "refused"}, "not begun where the canary failed"

    commit(in_process, "aks-weu", owned)
    await asyncio.sleep(2 * GIT_S)
    await go_on(driven)
    await driven.until("watching")

    assert driven.status["outcome"] == "recovered", driven.status["clusters"]


def value(world: InProcess, plural: str, name: str, *names: str) -> Any:
    (found,) = [
        one
        for one in state(world)["clusters"]["aks-weu"][plural]
        if one["metadata"]["name"] == name
    ]
    for one in names:
        found = found[one]
    return found


@pytest.fixture
def troubled(in_process: InProcess) -> Iterator[InProcess]:
    """The world in which each cluster has a trouble of its own; the next test begins in the plain one again."""
    in_process.sandbox.control("POST", "reset", {"world": "multi-cluster"})
    in_process.sandbox.no_delays()
    yield in_process
    in_process.sandbox.control("POST", "reset", {"world": "plain"})


async def test_every_trouble_and_every_shape_has_a_state_of_its_own_and_is_gone_on_with(
    troubled: InProcess,
) -> None:
    in_process = troubled
    driven = await asked(in_process)
    driven.agree()
    await driven.until("watching")

    found = states(driven)
    assert found["aks-frc"] == "by_hand", driven.status["clusters"]["aks-frc"]  # one is paused
    assert found["aks-weu"] == "by_hand", driven.status["clusters"]["aks-weu"]
    assert found["aks-sdc"] == found["aks-uks"] == "refused"
    client_id = driven.status["identity"]["app_id"]
    secrets = ("secretproviderclasses", "orders-secrets", "spec", "parameters", "clientID")
    queue = ("triggerauthentications", "orders-queue", "spec", "podIdentity", "identityId")
    settings = ("configmaps", "orders-settings", "data", "AZURE_CLIENT_ID")
    assert {value(in_process, *one) for one in (secrets, queue, settings)} == {client_id}
    nightly = value(in_process, "cronjobs", "orders-nightly", "spec")
    assert nightly["suspend"] is False
    runs_as = nightly["jobTemplate"]["spec"]["template"]["spec"]["serviceAccountName"]
    assert runs_as.startswith("orders-batch-r")
    # The status has room for 16 KB in all, so what it says of five clusters is cut; the steps' answers are not.
    moves = ("move_workloads", "move_consumers")
    left = " ".join(str(one["detail"]) for name, one in driven.answers if name in moves)
    for named in ("Job/orders-migration", "Pod/orders-shell", "orders-files", "orders-blobs"):
        assert named in left
    (written,) = in_process.evidence.glob("incidents/*/gitops/aks-weu-made-again-*.yaml")
    again = {one["metadata"]["name"]: one for one in yaml.safe_load_all(written.read_text())}
    assert {name: one["kind"] for name, one in again.items()} == {
        "orders-migration": "Job",
        "orders-shell": "Pod",
    }
    shell = again["orders-shell"]["spec"]
    assert shell["serviceAccountName"].startswith("orders-")
    assert "-r" in shell["serviceAccountName"]
    assert any(written.name in one for one in driven.status["by_hand"])
    fences = [one["status"] for name, one in driven.answers if name == "quarantine_workloads"]
    assert fences == ["done"] * 3
    policies = [
        one["metadata"]["name"]
        for cluster in state(in_process)["clusters"].values()
        for one in cluster.get("networkpolicies", [])  # none at all where nobody ever made one
        if one["metadata"]["name"].startswith("firebreak-")
    ]
    assert policies == [], "what came back is fenced in no longer"

    turn(in_process, "aks-uks", api_server="up")
    turn(in_process, "aks-sdc", webhook_ready=True, never_ready=[])
    await webhook_serves(in_process, "aks-sdc")
    await go_on(driven)
    await driven.until("awaiting_consent")
    driven.agree()
    await driven.until("watching")

    now = states(driven)
    assert now["aks-uks"] == now["aks-sdc"] == "done", driven.status["clusters"]
    assert now["aks-weu"] == now["aks-frc"] == "by_hand", "nobody has done what is a person's"
    assert driven.status["outcome"] == "partly_recovered"


def owner(world: InProcess, cluster: str, plural: str) -> dict[str, Any]:
    """The controller's object that has orders-api from Git."""
    (found,) = state(world)["clusters"][cluster][plural]
    spec: dict[str, Any] = found["spec"]
    return spec


@pytest.mark.usefixtures("_controllers_take_their_time")
async def test_owners_that_were_asked_to_wait_put_nothing_back_and_go_on_when_git_holds_the_patch(
    in_process: InProcess,
) -> None:
    tools = {"aks-weu": "argo", "aks-neu": "flux"}
    owned = {one: deployment(in_process, one) for one in tools}
    for cluster, tool in tools.items():
        git = {"name": "shop", "tool": tool, "objects": [owned[cluster]], "delay_s": GIT_S}
        in_process.sandbox.control("POST", f"clusters/{cluster}/gitops", git)
    automated = owner(in_process, "aks-weu", "applications")["syncPolicy"]["automated"]

    driven = await asked(in_process, gitops="suspend")
    driven.agree()
    await driven.until("watching")

    assert states(driven) == {"aks-weu": "by_hand", "aks-neu": "by_hand", "aks-frc": "done"}
    assert any(one.startswith("flux resume kustomization shop") for one in driven.status["by_hand"])
    assert any("applications.argoproj.io shop" in one for one in driven.status["by_hand"])
    assert "automated" not in owner(in_process, "aks-weu", "applications")["syncPolicy"]
    assert owner(in_process, "aks-neu", "kustomizations")["suspend"] is True
    client_id = driven.status["identity"]["app_id"]
    for cluster in tools:
        ((_, carried),) = running(in_process, cluster)
        assert carried == client_id, "nothing was put back meanwhile"

    for cluster in tools:
        commit(in_process, cluster, owned[cluster])
    await asyncio.sleep(2 * GIT_S)
    await go_on(driven)
    await driven.until("watching")

    assert states(driven) == {"aks-weu": "done", "aks-neu": "by_hand", "aks-frc": "done"}, (
        "Argo CD says that it has nothing to put back; of Flux nobody has said so"
    )
    assert owner(in_process, "aks-weu", "applications")["syncPolicy"]["automated"] == automated
    assert owner(in_process, "aks-neu", "kustomizations")["suspend"] is True

    await go_on(driven, owners_go_on=True)
    await driven.until("watching")

    assert driven.status["outcome"] == "recovered", driven.status["clusters"]
    assert owner(in_process, "aks-neu", "kustomizations")["suspend"] is False
    for cluster in tools:
        ((_, carried),) = running(in_process, cluster)
        assert carried == client_id


async def test_a_cluster_where_the_owner_may_not_be_asked_to_wait_is_known_before_anything_is_touched(
    in_process: InProcess,
) -> None:
    git = {"name": "shop", "tool": "argo", "objects": [deployment(in_process, "aks-frc")]}
    in_process.sandbox.control("POST", "clusters/aks-frc/gitops", git)
    driven = await asked(in_process, gitops="suspend")
    before = running(in_process, "aks-frc")
    (role,) = [
        one
        for one in state(in_process)["clusters"]["aks-frc"]["clusterroles"]
        if one["metadata"]["name"] == "firebreak-rebuild"
    ]
    less = [one for one in role["rules"] if one.get("apiGroups") != ["argoproj.io"]]
    about = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole"}
    less_of_it = {**about, "metadata": {"name": "firebreak-rebuild"}, "rules": less}
    rights = {"name": "rights", "objects": [less_of_it]}
    in_process.sandbox.control("POST", "clusters/aks-frc/gitops", rights)
    driven.agree()
    await driven.until("watching")

    assert states(driven)["aks-frc"] == "refused"
    assert "patch applications.argoproj.io" in driven.status["clusters"]["aks-frc"]["detail"]
    assert running(in_process, "aks-frc") == before
