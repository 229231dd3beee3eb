"""Scheduler and kubelet of the one node: pods get a node, become ready, and end.

Faithful    the order of phases and conditions, grace, projected tokens that are renewed at 80 % of their life
Left out    images, probes, restarts, resources: a pod is ready after a delay, or never if its image can't be pulled or
            the cluster was told so; one that is to end ends after a while, or after its `sleep`
Source      https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
"""

from typing import TYPE_CHECKING

from sandbox.kubernetes import events
from sandbox.kubernetes.controllers import ownership
from sandbox.kubernetes.kinds import stored
from sandbox.kubernetes.names import timestamp
from sandbox.world import Json, copied

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

KIND = stored("pods")


def sync(cluster: "Cluster", namespace: str, name: str) -> None:
    """Schedule a new pod, or end one that is being deleted."""
    pod = cluster.store.look(KIND, namespace, name)
    if pod is None:
        return
    about = pod["metadata"]
    if about.get("deletionTimestamp"):
        delay = min(cluster.pace.pod_stop, about.get("deletionGracePeriodSeconds", 0))
        cluster.reactor.once(("stop", about["uid"]), delay, lambda: _end(cluster, pod))
    elif not pod["spec"].get("nodeName") and not pod["spec"].get("schedulingGates"):
        _schedule(cluster, copied(pod))
    elif not pod["status"].get("startTime"):
        _begin(cluster, copied(pod))


def _schedule(cluster: "Cluster", pod: Json) -> None:
    nodes = nodes_for(cluster, pod["spec"])
    if not nodes:
        _leave_unscheduled(cluster, pod)
        return
    pod["spec"]["nodeName"] = nodes[0]
    pod["status"]["conditions"] = [_condition(cluster, "PodScheduled", "True")]
    written = cluster.store.write(KIND, pod)
    text = f"Successfully assigned {_called(pod)} to {pod['spec']['nodeName']}"
    events.emit(cluster, KIND, written, "Normal", "Scheduled", text)


def nodes_for(cluster: "Cluster", spec: Json) -> list[str]:
    """The nodes that a pod of this spec can run on."""
    wanted = spec.get("nodeSelector", {}).items()
    return [
        node["metadata"]["name"]
        for node in cluster.store.peek(stored("nodes"))
        if wanted <= node["metadata"].get("labels", {}).items()
    ]


def _leave_unscheduled(cluster: "Cluster", pod: Json) -> None:
    text = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."
    found = {**_condition(cluster, "PodScheduled", "False"), "reason": "Unschedulable"}
    if any(each["status"] == "False" for each in pod["status"].get("conditions", [])):
        return
    pod["status"]["conditions"] = [{**found, "message": text}]
    written = cluster.store.write(KIND, pod)
    events.emit(cluster, KIND, written, "Warning", "FailedScheduling", text)


def _if_still_wanted(cluster: "Cluster", before: Json) -> Json | None:
    """The same pod as it is now; None where it is gone, was made anew or is ending."""
    about = before["metadata"]
    pod = cluster.store.get(KIND, about["namespace"], about["name"])
    if pod is None or pod["metadata"]["uid"] != about["uid"]:
        return None
    return None if pod["metadata"].get("deletionTimestamp") else pod


def _begin(cluster: "Cluster", pod: Json) -> None:
    """The kubelet takes the pod: containers are being created."""
    status = pod["status"]
    status |= {
        "phase": "Pending",
        "hostIP": "10.224.0.4",
        "hostIPs": [{"ip": "10.224.0.4"}],
        "startTime": timestamp(cluster.now()),
    }
    status["conditions"] = _conditions(cluster, pod, ready="False")
    status["containerStatuses"] = [
        _container(each, {"waiting": {"reason": "ContainerCreating"}}, ready=False)
        for each in pod["spec"]["containers"]
    ]
    if inits := pod["spec"].get("initContainers"):
        waiting = {"waiting": {"reason": "PodInitializing"}}
        status["initContainerStatuses"] = [_container(each, waiting, ready=False) for each in inits]
    _count_generation(pod)
    written = cluster.store.write(KIND, pod)
    uid = written["metadata"]["uid"]
    delay = cluster.pace.pod_ready
    cluster.reactor.once(("start", uid), delay, lambda: _become_ready(cluster, written))


def _become_ready(cluster: "Cluster", started: Json) -> None:
    pod = _if_still_wanted(cluster, started)
    if pod is None:
        return
    containers = [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]
    if broken := {each["image"] for each in containers} & cluster.unpullable_images:
        _fail_to_pull(cluster, pod, broken)
        return
    if _is_stuck(cluster, pod):
        return
    cluster.environments.start(pod)
    now = timestamp(cluster.now())
    address = cluster.next_pod_address()
    status = pod["status"]
    status |= {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]}
    status["conditions"] = _conditions(cluster, pod, ready="True")
    status["containerStatuses"] = [
        _container(each, {"running": {"startedAt": now}}, ready=True)
        for each in pod["spec"]["containers"]
    ]
    for container in pod["spec"]["containers"]:
        cluster.logs.add(cluster.now(), pod, container["name"], f"{container['name']} started")
    if inits := pod["spec"].get("initContainers"):
        ended = {"terminated": {"exitCode": 0, "reason": "Completed", "finishedAt": now}}
        status["initContainerStatuses"] = [_container(each, ended, ready=True) for each in inits]
    written = cluster.store.write(KIND, pod)
    events.emit(cluster, KIND, written, "Normal", "Started", "Container started")
    seconds = run_time(cluster, written)
    if seconds is not None:
        cluster.reactor.once(
            ("end", written["metadata"]["uid"]), seconds, lambda: _succeed(cluster, written)
        )


def set_ready(cluster: "Cluster", pod: Json, *, ready: bool) -> None:
    """Its probe succeeds from now on, or fails."""
    status = pod["status"]
    status["conditions"] = _conditions(cluster, pod, ready=str(ready))
    for each in status["containerStatuses"]:
        each["ready"] = ready
    cluster.store.write(KIND, pod)


def run_time(cluster: "Cluster", pod: Json) -> float | None:
    """The seconds for which a pod that is to end runs: as it sleeps, or at the cluster's pace. None: for ever."""
    if pod["spec"]["restartPolicy"] == "Always":
        return None
    command = [*pod["spec"]["containers"][0].get("command", []), "", ""]
    if command[0] != "sleep":
        return cluster.pace.job_run
    return float(command[1]) if command[1].isdigit() else None


def _succeed(cluster: "Cluster", started: Json) -> None:
    pod = _if_still_wanted(cluster, started)
    if pod is None:
        return
    ended = {"exitCode": 0, "reason": "Completed", "finishedAt": timestamp(cluster.now())}
    pod["status"]["phase"] = "Succeeded"
    pod["status"]["conditions"] = _conditions(cluster, pod, ready="False")
    pod["status"]["containerStatuses"] = [
        _container(each, {"terminated": ended}, ready=False) for each in pod["spec"]["containers"]
    ]
    cluster.store.write(KIND, pod)


def _is_stuck(cluster: "Cluster", pod: Json) -> bool:
    """Whether the pod is of a workload whose new pods were told never to become ready."""
    owner = ownership.top(cluster, pod)
    about = (owner[1] if owner else pod)["metadata"]
    return f"{about['namespace']}/{about['name']}" in cluster.never_ready


def _fail_to_pull(cluster: "Cluster", pod: Json, broken: set[str]) -> None:
    status = pod["status"]
    for each in [*status.get("initContainerStatuses", []), *status["containerStatuses"]]:
        if each["image"] in broken:
            message = f'Back-off pulling image "{each["image"]}"'
            each["state"] = {"waiting": {"reason": "ImagePullBackOff", "message": message}}
    written = cluster.store.write(KIND, pod)
    text = f"Failed to pull image {', '.join(sorted(broken))}"
    events.emit(cluster, KIND, written, "Warning", "Failed", text)


def _end(cluster: "Cluster", pod: Json) -> None:
    about = pod["metadata"]
    found = cluster.store.get(KIND, about["namespace"], about["name"])
    if found is None or found["metadata"]["uid"] != about["uid"]:
        return
    if not found["metadata"].get("finalizers"):
        cluster.store.remove(KIND, about["namespace"], about["name"])


def _conditions(cluster: "Cluster", pod: Json, *, ready: str) -> list[Json]:
    wanted = {
        "PodReadyToStartContainers": ready,
        "Initialized": "True",
        "Ready": ready,
        "ContainersReady": ready,
        "PodScheduled": "True",
    }
    known = {each["type"]: each for each in pod["status"].get("conditions", [])}
    return [
        known[type_]
        if type_ in known and known[type_]["status"] == status
        else _condition(cluster, type_, status)
        for type_, status in wanted.items()
    ]


def _condition(cluster: "Cluster", type_: str, status: str) -> Json:
    return {"type": type_, "status": status, "lastTransitionTime": timestamp(cluster.now())}


def _container(container: Json, state: Json, *, ready: bool) -> Json:
    status: Json = {
        "name": container["name"],
        "state": state,
        "lastState": {},
        "ready": ready,
        "restartCount": 0,
        "image": container["image"],
        "imageID": "",
        "started": ready,
    }
    return status


def _count_generation(pod: Json) -> None:
    pod["status"]["observedGeneration"] = pod["metadata"]["generation"]


def _called(pod: Json) -> str:
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
