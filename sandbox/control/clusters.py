"""Switches of a cluster that no cloud has: its API server down, its webhook broken, Git that puts things back."""

import re
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, get_args

from starlette.responses import JSONResponse, Response

from sandbox.control import pace
from sandbox.control.wishes import (
    WishError,
    a_list,
    an_object,
    nothing_else,
    number,
    text,
    wish,
)
from sandbox.kubernetes import gitops, switches
from sandbox.kubernetes.cluster import Cluster, Metrics, Outage
from sandbox.kubernetes.controllers import cron_jobs
from sandbox.kubernetes.statuses import StatusError
from sandbox.web import Call, Route
from sandbox.world import Json, World

_MEBIBYTES = re.compile(r"[1-9][0-9]{0,5}Mi")
_PATH = "/sandbox/clusters/{cluster}"


async def show(world: World, call: Call) -> Response:
    """200 with every switch; 404 no such cluster."""
    found = _cluster(world, call)
    return _absent(call) if found is None else JSONResponse(_shown(found))


async def turn(world: World, call: Call) -> Response:
    """200 with every switch, those that are not named as they were; 400, 404.

    {"api_server": "up", "reset" or "timeout", "webhook_ready": bool, "enforces_policies": bool, "private": bool,
    "workload_identity": bool, "metrics": "served", "absent" or "down", "webhook_memory": "14Mi",
    "webhook_says": [lines of log], "never_ready": ["namespace/name", ...], "unpullable_images": [...],
    "pace": {name: seconds}}
    """
    found, wanted = _cluster(world, call), wish(call)
    if found is None:
        return _absent(call)
    if unknown := sorted(set(wanted) - set(_SWITCHES)):
        raise WishError(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(_SWITCHES))}")
    for name, value in wanted.items():
        _SWITCHES[name](found, value)
    return JSONResponse(_shown(found))


async def own(world: World, call: Call) -> Response:
    """200: these objects are in Git now, and put back from there; 400, 404.

    {"name", "objects": [manifest, ...], "tool": "flux" (unless said) or "argo", "delay_s": 60 unless said}
    """
    found, wanted = _cluster(world, call), wish(call)
    if found is None:
        return _absent(call)
    name, tool = text(wanted, "name"), text(wanted, "tool", "flux")
    delay = number("delay_s", wanted.pop("delay_s", gitops.DELAY_S))
    manifests = _manifests(wanted.pop("objects", None))
    nothing_else("gitops", wanted)
    if tool not in get_args(gitops.Tool):
        raise WishError(f"tool: {tool}: flux or argo")
    if name in found.gitops.repositories:
        raise WishError(f"name: there is a {name} already")
    repository = gitops.Repository("argo" if tool == "argo" else "flux", name, delay)
    try:
        found.gitops.own(repository, manifests)
    except (StatusError, KeyError) as wrong:
        raise WishError(f"objects: {wrong}") from wrong
    return JSONResponse(_repository(repository))


async def commit(world: World, call: Call) -> Response:
    """200: Git holds these {"objects"} instead of those of the same kind and name; 400, 404."""
    found, wanted = _cluster(world, call), wish(call, "objects")
    if found is None or call.params["name"] not in found.gitops.repositories:
        return _absent(call)
    try:
        changed = found.gitops.commit(call.params["name"], _manifests(wanted["objects"]))
    except KeyError as unserved:
        raise WishError(f"objects: no kind {unserved}") from unserved
    return JSONResponse(_repository(changed))


async def show_git(world: World, call: Call) -> Response:
    """200 with what Git holds; 404."""
    found = _cluster(world, call)
    if found is None or call.params["name"] not in found.gitops.repositories:
        return _absent(call)
    return JSONResponse(_repository(found.gitops.repositories[call.params["name"]]))


async def run_cron_job(world: World, call: Call) -> Response:
    """200 with the Job that this CronJob makes now, whatever its schedule says; 404; 409 one of this minute exists."""
    found = _cluster(world, call)
    if found is None:
        return _absent(call)
    where = call.params["namespace"], call.params["name"]
    cron_job = found.store.get(cron_jobs.KIND, *where)
    if cron_job is None:
        return _absent(call)
    try:
        return JSONResponse(cron_jobs.start(found, cron_job, found.now()))
    except StatusError as refused:
        return JSONResponse({"error": str(refused)}, status_code=409)


def _cluster(world: World, call: Call) -> Cluster | None:
    return world.clusters.get(call.params["cluster"])


def _absent(call: Call) -> Response:
    return JSONResponse({"error": f"{call.path}: there is none"}, status_code=404)


def _shown(cluster: Cluster) -> Json:
    return {
        "api_server": cluster.outage or "up",
        "webhook_ready": switches.webhook_is_ready(cluster),
        "enforces_policies": cluster.enforces_policies,
        "private": switches.is_private(cluster),
        "workload_identity": switches.has_workload_identity(cluster),
        "metrics": cluster.metrics,
        "webhook_memory": cluster.webhook_memory,
        "never_ready": sorted(cluster.never_ready),
        "unpullable_images": sorted(cluster.unpullable_images),
        "pace": asdict(cluster.pace),
        "gitops": sorted(cluster.gitops.repositories),
    }


def _repository(repository: gitops.Repository) -> Json:
    return {
        "name": repository.name,
        "tool": repository.tool,
        "delay_s": repository.delay_s,
        "revision": repository.revision,
        "objects": list(repository.manifests.values()),
    }


def _manifests(value: object) -> list[Json]:
    found = [an_object("objects", each) for each in a_list("objects", value)]
    for each in found:
        if not all(isinstance(each.get(name), str) for name in ("apiVersion", "kind")):
            raise WishError("objects: each says its apiVersion and kind")
        if not an_object("metadata", each.get("metadata")).get("name"):
            raise WishError("objects: each has a name")
    return found


def _turn_api_server(cluster: Cluster, value: object) -> None:
    outages: dict[object, Outage] = {"up": "", "reset": "reset", "timeout": "timeout"}
    if value not in outages:
        raise WishError(f"api_server: {', '.join(map(str, outages))}")
    cluster.outage = outages[value]
    if cluster.outage:
        cluster.end_watches()


def _turn_metrics(cluster: Cluster, value: object) -> None:
    if value not in get_args(Metrics):
        raise WishError(f"metrics: {', '.join(get_args(Metrics))}")
    cluster.metrics = value  # type: ignore[assignment]  # one of them


def _turn_webhook_memory(cluster: Cluster, value: object) -> None:
    if not isinstance(value, str) or not _MEBIBYTES.fullmatch(value):
        raise WishError("webhook_memory: as 14Mi")
    cluster.webhook_memory = value


def _webhook_says(cluster: Cluster, value: object) -> None:
    lines = a_list("webhook_says", value)
    if not all(isinstance(each, str) for each in lines):
        raise WishError("webhook_says: a list of texts is needed")
    switches.webhook_says(cluster, [str(each) for each in lines])


def _yes(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise WishError(f"{name}: true or false")
    return value


def _texts(name: str, value: object) -> set[str]:
    found = a_list(name, value)
    if not all(isinstance(each, str) for each in found):
        raise WishError(f"{name}: a list of texts is needed")
    return {str(each) for each in found}


def _turn_never_ready(cluster: Cluster, value: object) -> None:
    """Pods that hang already are made anew by their controller once somebody deletes them."""
    cluster.never_ready = _texts("never_ready", value)


def _turn_images(cluster: Cluster, value: object) -> None:
    cluster.unpullable_images = _texts("unpullable_images", value)


def _turn_workload_identity(cluster: Cluster, value: object) -> None:
    """Both at once: the issuer, and the add-on with its webhook."""
    on = _yes("workload_identity", value)
    switches.set_workload_identity(cluster, issuer=on, webhook=on)


_SWITCHES: dict[str, Callable[[Cluster, Any], None]] = {
    "api_server": _turn_api_server,
    "webhook_ready": lambda cluster, value: switches.set_webhook_ready(
        cluster, ready=_yes("webhook_ready", value)
    ),
    "enforces_policies": lambda cluster, value: switches.set_policies(
        cluster, enforced=_yes("enforces_policies", value)
    ),
    "private": lambda cluster, value: switches.set_private(cluster, private=_yes("private", value)),
    "workload_identity": _turn_workload_identity,
    "metrics": _turn_metrics,
    "webhook_memory": _turn_webhook_memory,
    "webhook_says": _webhook_says,
    "never_ready": _turn_never_ready,
    "unpullable_images": _turn_images,
    "pace": lambda cluster, value: pace.turn(cluster, an_object("pace", value)),
}

ROUTES = [
    Route("GET", _PATH, show),
    Route("POST", _PATH, turn),
    Route("POST", f"{_PATH}/gitops", own),
    Route("GET", f"{_PATH}/gitops/{{name}}", show_git),
    Route("POST", f"{_PATH}/gitops/{{name}}/commit", commit),
    Route("POST", f"{_PATH}/cron-jobs/{{namespace}}/{{name}}/run", run_cron_job),
]
