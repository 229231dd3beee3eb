"""Plays of the product in one process, in a sandbox whose permissions a test may change: what is said of how each went.

A play says no more than what an operator sees: how it ended, what was refused on the way, what could not be read. So
one that goes otherwise than with everything that is granted is one that somebody would notice.
"""

import json
import re
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

from playbooks import plan_files, policy
from playbooks.journaled import open_store
from playbooks.orders import Order
from playbooks.restoring import plans
from playbooks.runs.catalogue import PLAYBOOKS
from responders import resource_graph
from tests.in_process import Driven, InProcess
from tests.test_quiet_days_on_sandbox import document, twice
from tests.test_restore_on_sandbox import drawn, ordered

Json = dict[str, Any]
Facts = dict[str, Any]
Play = Callable[[InProcess], Awaitable[Facts]]
CLUSTER = "aks-weu"
_REFUSED = re.compile(
    r": 403|\b403:|is forbidden|not allowed:|AuthorizationFailed|RequestDenied|InsufficientAccess"
    r"|can't be read|could not be read|Firebreak may not"
)
_RAW = "logs"  # rows of tables, which quote everything
_POLICY = policy.load(Path(__file__).parent.parent / "policy.toml").frozen()


def refusals(folder: Path) -> list[str]:
    """Every sentence in the evidence that speaks of a refusal, without what differs from play to play."""
    found: set[str] = set()
    paths = (one for one in folder.rglob("*.json*") if _RAW not in one.parts)
    for path in sorted(paths):
        for line in (
            path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text()]
        ):
            found |= {_plain(text) for text in _texts(json.loads(line)) if _REFUSED.search(text)}
    return sorted(one for one in found if " " in one)


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for one in value.values() for text in _texts(one)]
    if isinstance(value, list):
        return [text for one in value for text in _texts(one)]
    return [value] if isinstance(value, str) else []


def _plain(text: str) -> str:
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9]{2,}", "…", text)[:200]


def _facts(world: InProcess, driven: Driven, **more: Any) -> Facts:
    ended = driven.run.outcome or {}
    status = driven.status
    return {
        "outcome": ended.get("outcome") or status.get("outcome"),
        # What a proof rests on, and what could be collected, in words.
        "told": sorted(
            f"{name}: {answer['status']} {_plain(str(answer.get('detail')))}"
            for name, answer in driven.answers
            if name.startswith(("prove_", "collect_"))
        ),
        "clusters": {name: one["status"] for name, one in status.get("clusters", {}).items()},
        "steps refused": sorted(
            {name for name, answer in driven.answers if answer.get("status") == "refused"}
        ),
        "refused": refusals(world.evidence),
        **more,
    }


def furnish(world: InProcess) -> None:
    """orders-api in shapes that the world has none of, two owners from Git, and a scaler of the whole cluster."""
    client_id = world.sandbox.seed["orders_api"]["app_id"]
    objects = {kind: [_workload(f"orders-{kind}", kind)] for kind in _SHAPES}
    identity = {"podIdentity": {"provider": "azure-workload", "identityId": client_id}}
    objects |= _chart()
    objects["clustertriggerauthentications"] = [{"metadata": {"name": "orders"}, "spec": identity}]
    world.sandbox.control("POST", "seed", {"clusters": {CLUSTER: objects}})
    for tool, name in (("argo", "orders-statefulsets"), ("flux", "orders-daemonsets")):
        kind = name.removeprefix("orders-")
        owned = {"apiVersion": "apps/v1", "kind": _SHAPES[kind], **objects[kind][0]}
        git = {"name": name, "tool": tool, "objects": [owned]}
        world.sandbox.control("POST", f"clusters/{CLUSTER}/gitops", git)


def _chart() -> Json:
    """A Deployment that Flux's Helm controller made, and the release that it made it from."""
    made = _workload("orders-chart", "deployments")
    mark = "helm.toolkit.fluxcd.io"
    marks = {f"{mark}/name": "orders", f"{mark}/namespace": "shop"}
    made["metadata"]["labels"] = {**made["metadata"]["labels"], **marks}
    source = {"kind": "HelmRepository", "name": "contoso"}
    chart = {"spec": {"chart": "orders", "sourceRef": source}}
    release = {
        "metadata": {"name": "orders", "namespace": "shop"},
        "spec": {"interval": "5m", "chart": chart},
    }
    return {"deployments": [made], "helmreleases": [release]}


_SHAPES = {
    "statefulsets": "StatefulSet",
    "daemonsets": "DaemonSet",
    "replicasets": "ReplicaSet",
    "rollouts": "Rollout",
}


def _workload(name: str, kind: str) -> Json:
    labels = {"app": name}
    pod = {
        "metadata": {"labels": {**labels, "azure.workload.identity/use": "true"}},
        "spec": {
            "serviceAccountName": "orders-api",
            "containers": [{"name": "main", "image": f"contoso.azurecr.io/{name}:1.0"}],
        },
    }
    spec: Json = {"selector": {"matchLabels": labels}, "template": pod}
    if kind != "daemonsets":
        spec["replicas"] = 1
    if kind == "statefulsets":
        spec["serviceName"] = name
    if kind == "rollouts":
        spec["strategy"] = {"canary": {"steps": [{"setWeight": 50}, {"pause": {}}]}}
    return {"metadata": {"name": name, "namespace": "shop", "labels": labels}, "spec": spec}


async def _asked(world: InProcess, name: str, **recovery: Any) -> Driven:
    ids = world.sandbox.seed[name]
    order = await world.call({"object_id": ids["object_id"]}, mode="respond")
    order["policy"]["recovery"] |= {"recheck_minutes": 0, **recovery}
    order["policy"]["watch"]["check_every_minutes"] = 12 * 60
    order["policy"]["verification"]["attempts"] = 8
    driven = world.start(order)
    await driven.until("awaiting_consent")
    return driven


async def contain_application(world: InProcess) -> Facts:
    """From an alert to the watch."""
    driven = world.start(await world.alert(world.sandbox.seed["orders_api"]["object_id"]))
    await driven.until("watching")
    return _facts(world, driven, remaining=len(driven.status["remaining"]))


async def contain_identity(world: InProcess) -> Facts:
    """A managed identity, with what it is attached to."""
    driven = world.start(await world.alert(world.sandbox.seed["payments_identity"]["object_id"]))
    await driven.until("watching")
    return _facts(world, driven, remaining=len(driven.status["remaining"]))


async def contain_as_sentinel_asks(world: InProcess) -> Facts:
    """By an incident of Sentinel, which gets comments, with a cheap table and a role where no subscription is."""
    ids, control = world.sandbox.seed["orders_api"], world.sandbox.control
    control("POST", "table-plans", {"AADServicePrincipalSignInLogs": "Basic"})
    group = "/providers/Microsoft.Management/managementGroups/mg-empty"
    role = {"scope": group, "role": "Contributor", "principalId": ids["object_id"]}
    control("POST", "seed", {"managementGroups": [{"name": "mg-empty"}], "roleAssignments": [role]})
    name = str(uuid.uuid4())
    control("POST", "detections", {"title": "a sign-in", "entities": [], "incident_name": name})
    order = await world.alert(ids["object_id"])
    order["incident"]["signal"]["sentinel_incident"] = (
        f"{_workspace(world)}/providers/Microsoft.SecurityInsights/Incidents/{name}"
    )
    driven = world.start(order)
    await driven.until("watching")
    state = control("GET", "state")
    return _facts(
        world,
        driven,
        comments=len(state["sentinelComments"]),
        left=[one["id"] for one in state["roleAssignments"] if one["id"].startswith(group)],
    )


def _workspace(world: InProcess) -> str:
    group = (
        f"/subscriptions/{world.sandbox.described['subscription_id']}/resourceGroups/rg-security"
    )
    return f"{group}/providers/Microsoft.OperationalInsights/workspaces/log-security"


async def contain_an_identity_of_everything(world: InProcess) -> Facts:
    """A managed identity that is attached to a resource of every type that can carry one."""
    seed = world.sandbox.seed["payments_identity"]
    machines = [
        {"name": f"carrier-{at}", "kind": kind, "userAssigned": [seed["resource_id"]]}
        for at, kind in enumerate(resource_graph.CARRIERS)
        if kind != "Microsoft.ContainerService/managedClusters"  # clusters carry one in other plays
    ]
    world.sandbox.control("POST", "seed", {"machines": machines})
    driven = world.start(await world.alert(seed["object_id"]))
    await driven.until("watching")
    counted = re.search(r"(\d+) can", "; ".join(driven.status["remaining"]))
    return _facts(world, driven, attached=int(counted[1]) if counted else 0)


async def rebuild_application(world: InProcess) -> Facts:
    """Evicted, rebuilt with everything that can be chosen, moved, proven."""
    furnish(world)
    driven = await _asked(world, "orders_api", gitops="suspend")
    step = "quarantine_workloads"  # as by a worker that died between its act and its answer
    driven.steps = {**driven.steps, step: twice(driven.steps[step])}
    plan = driven.agree(chosen=_choices(driven))
    await driven.until("watching")
    return _facts(world, driven, choices=len(plan["choices"]))


async def take_a_rebuild_back(world: InProcess) -> Facts:
    """Rebuilt, and then ordered to be given back: clusters, successor, identity."""
    furnish(world)
    driven = await _asked(world, "orders_api", gitops="suspend")
    driven.agree(chosen=_choices(driven))
    await driven.until("watching")
    return await _given_back(world, driven)


async def rebuild_identity(world: InProcess) -> Facts:
    """The same for a managed identity."""
    driven = await _asked(world, "payments_identity")
    driven.agree(chosen=_choices(driven))
    await driven.until("watching")
    return _facts(world, driven)


async def rebuild_with_new_keys(world: InProcess) -> Facts:
    """The clusters' signing keys are turned twice before the old names are trusted again."""
    vectors = dict.fromkeys(("credential", "cluster", "unknown"), "rotate_keys")
    driven = await _asked(world, "orders_api", refederation=vectors)
    driven.agree()
    await driven.until("watching")
    return _facts(world, driven)


async def restore_application(world: InProcess) -> Facts:
    """Contained, and everything that can be chosen given back."""
    return await _restored(world, "orders_api")


async def restore_identity(world: InProcess) -> Facts:
    """The same for a managed identity."""
    return await _restored(world, "payments_identity")


async def _restored(world: InProcess, name: str) -> Facts:
    object_id = world.sandbox.seed[name]["object_id"]
    driven = world.start(await world.alert(object_id))
    await driven.until("watching")
    return await _given_back(world, driven)


async def _given_back(world: InProcess, driven: Driven) -> Facts:
    plan = await drawn(driven)
    order = ordered(driven, plan, plans.choices(plan), "one")
    again = world.start(order, playbook="restore_identity")
    await again.until()
    return _facts(world, again)


async def provision_application(world: InProcess) -> Facts:
    """An application with trusts, roles, ServiceAccounts and labels, as a document declares it."""
    return await _provisioned(world, "application")


async def provision_managed_identity(world: InProcess) -> Facts:
    """The same for a managed identity, in a cluster that has to be switched on first."""
    world.sandbox.control("POST", "delays", {"cluster_operations": 0})
    world.sandbox.control("POST", f"clusters/{CLUSTER}", {"workload_identity": False})
    return await _provisioned(world, "user_assigned_identity")


_BROKEN: Json = {"check_labelled": {"status": "refused", "detail": "pretended"}}


async def _provisioned(world: InProcess, kind: str, pretended: Json | None = None) -> Facts:
    text = document(world.sandbox.seed, kind).replace("aks-sdc, ", "")
    text = text.replace(
        "clusters: [aks-sdc], workloads: [Deployment/storefront]", f"clusters: [{CLUSTER}]"
    )
    parameters = {"declarations": {"a.yaml": text}, "only": [], "remove_undeclared": False}
    return await _run(world, "provision_identity", parameters, pretended=pretended)


async def rotate_trusts(world: InProcess) -> Facts:
    """Each ServiceAccount gets a successor, and the old trusts go."""
    return await _run(world, "rotate_federation", _rotation(world))


def _rotation(world: InProcess, **more: Any) -> Json:
    return {
        "app_id": world.sandbox.seed["orders_api"]["app_id"],
        "object_id": None,
        "resource_id": None,
        "label": "q4",
        "method": "new_subject",
        "clusters": [CLUSTER],
        "remove_unused": False,
        "migrate_secrets": False,
        **more,
    }


async def troubleshoot(world: InProcess) -> Facts:
    """A pod of every shape, up to what made it."""
    furnish(world)
    pods = {
        one["metadata"]["labels"].get("app", ""): one["metadata"]["name"]
        for one in world.sandbox.control("GET", f"state/clusters/{CLUSTER}/pods")
        if one["metadata"]["namespace"] == "shop"
    }
    said: Facts = {}
    for number, name in enumerate(sorted(pods.values())):
        parameters = {"cluster": CLUSTER, "namespace": "shop", "pod": name}
        said[f"pod {number}"] = await _run(world, "troubleshoot_workload", parameters, number)
    return said


async def undo_a_provision(world: InProcess) -> Facts:
    """What can't be made whole is taken back."""
    return await _provisioned(world, "application", _BROKEN)


async def undo_a_managed_identity(world: InProcess) -> Facts:
    """The same for a managed identity."""
    return await _provisioned(world, "user_assigned_identity", _BROKEN)


async def contain_with_blobs(world: InProcess) -> Facts:
    """Its evidence in Azure: written once, appended to, and never deleted; claims come and go, as in a health check."""
    object_id = world.sandbox.seed["payments_identity"]["object_id"]
    driven = world.start(await world.alert(object_id))
    await driven.until("watching")
    found = open_store().list("incidents")
    reports = sorted(one.rpartition("/")[2] for one in found if "report." in one)
    return {"contained": _facts(world, driven, reports=reports), "checked": await health(world)}


async def review(world: InProcess) -> Facts:
    """How well identities and namespaces are secured, and what Azure Policy says of it."""
    control, seeded = world.sandbox.control, world.sandbox.described
    policies = "/providers/Microsoft.Authorization"
    subscription = f"/subscriptions/{seeded['subscription_id']}"
    assigned = {
        "scope": subscription,
        "name": "baseline",
        "definitionId": f"{policies}/policySetDefinitions/a8640138-9b0a-4a28-b8cb-1666c838647d",
    }
    planted = control("POST", "seed", {"policyAssignments": [assigned]})["policyAssignments"]
    state = {
        "resourceId": seeded["seed"]["clusters"][CLUSTER]["resource_id"],
        "resourceType": "Microsoft.ContainerService/managedClusters",
        "assignmentId": planted[0]["id"],
        "definitionId": f"{policies}/policyDefinitions/95edb821-ddaf-4404-9732-666045e056b4",
        "reference": "privilegedContainers",
    }
    control("POST", "seed", {"policyStates": [state]})
    return await _run(world, "security_review", {})


async def audit(world: InProcess) -> Facts:
    """Which identities there are and what they may do."""
    return await _run(world, "audit_identities", {})


async def health(world: InProcess) -> Facts:
    """Whether what incidents hang on works."""
    return await _run(world, "health_check", {})


async def _run(
    world: InProcess,
    playbook: str,
    parameters: Json,
    number: int = 0,
    pretended: Json | None = None,
) -> Facts:
    run_id = f"run-{playbook}-20260101T000000-{number:06}"
    run = {
        "run_id": run_id,
        "playbook": playbook,
        "mode": "apply",
        "parameters": PLAYBOOKS[playbook].understood(parameters),
        "by": {"object_id": "o", "name": "rosa"},
        "started_by": "person",
        "reason": "a play",
        "opened_at": "2026-01-01T00:00:00.000+00:00",
        "accepted": [],
    }
    rules = {**_POLICY, "provision": {**_POLICY["provision"], "enable_clusters": True}}
    order = cast(Order, {"run": run, "policy": rules, "facts": {}})
    driven = world.start(order, pretended, playbook=playbook)
    await driven.until()
    found = open_store().get_json(f"runs/{playbook}/{run_id}/document.json")
    said = sorted({one["rule"] for one in found["findings"]})
    return _facts(world, driven, unread=len(found["unread"]), rules=said)


def _choices(driven: Driven) -> list[str]:
    plan = plan_files.latest(open_store(), driven.order["incident"])
    return [one["key"] for one in plan["choices"]]


BLOBS = frozenset({"contain_with_blobs"})  # plays whose evidence lies in Azure
PLAYS: dict[str, Play] = {
    play.__name__: play
    for play in (
        contain_application,
        contain_identity,
        contain_an_identity_of_everything,
        contain_as_sentinel_asks,
        rebuild_application,
        rebuild_identity,
        rebuild_with_new_keys,
        restore_application,
        restore_identity,
        provision_application,
        provision_managed_identity,
        rotate_trusts,
        take_a_rebuild_back,
        troubleshoot,
        undo_a_provision,
        undo_a_managed_identity,
        contain_with_blobs,
        review,
        audit,
        health,
    )
}
