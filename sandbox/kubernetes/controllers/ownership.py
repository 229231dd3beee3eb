"""What controllers share: pods made from templates, who owns what, and writing status.

Status is written past the API, as controllers do through `/status`: no generation, no managedFields.
"""

import copy
import hashlib
import json
from typing import TYPE_CHECKING

from sandbox.kubernetes import deletes, events, served, writes
from sandbox.kubernetes.kind import Kind
from sandbox.kubernetes.kinds import stored
from sandbox.kubernetes.names import LETTERS, moment_of, timestamp
from sandbox.kubernetes.reactor import controller_of
from sandbox.kubernetes.statuses import StatusError
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

PODS = stored("pods")


def reference(kind: Kind, owner: Json) -> Json:
    """The ownerReference of the controlling owner."""
    return {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def owned(cluster: "Cluster", kind: Kind, owner: Json) -> list[Json]:
    """The objects of a kind that this owner controls, oldest first. To read only."""
    uid = owner["metadata"]["uid"]
    found = [
        value
        for its_kind, value in cluster.store.owned(uid)
        if its_kind == kind and (controller_of(value) or {}).get("uid") == uid
    ]
    return sorted(found, key=_age_and_name)


def _age_and_name(value: Json) -> tuple[str, str]:
    return value["metadata"]["creationTimestamp"], value["metadata"]["name"]


def top(cluster: "Cluster", value: Json) -> tuple[Kind, Json] | None:
    """The last owner up the chain: of a Deployment's pod, the Deployment. None for what nobody controls."""
    found: tuple[Kind, Json] | None = None
    namespace = value["metadata"]["namespace"]
    while (above := controller_of(value)) is not None:
        kind = served.by_kind(cluster, above["apiVersion"], above["kind"])
        owner = cluster.store.get(kind, namespace, above["name"]) if kind else None
        if kind is None or owner is None:
            break
        found, value = (kind, owner), owner
    return found


def active_pods(cluster: "Cluster", owner: Json) -> list[Json]:
    """Its pods that are neither ending nor ended."""
    return [
        pod
        for pod in owned(cluster, PODS, owner)
        if not pod["metadata"].get("deletionTimestamp")
        and pod["status"].get("phase") not in ("Failed", "Succeeded")
    ]


def create_pod(cluster: "Cluster", kind: Kind, owner: Json, about: Json) -> bool:
    """Make a pod from the owner's template; False where the API server refused it.

    `about` has its name or generateName, and labels on top of the template's.
    """
    template = copy.deepcopy(owner["spec"]["template"])
    inherited = template.get("metadata", {})
    metadata: Json = {**inherited, **about, "namespace": owner["metadata"]["namespace"]}
    labels = {**inherited.get("labels", {}), **about.get("labels", {})}
    metadata["labels"] = labels
    metadata["ownerReferences"] = [reference(kind, owner)]
    try:
        pod = writes.create(
            cluster, PODS, {"metadata": metadata, "spec": template["spec"]}, writes.CONTROLLER
        )
    except StatusError as refused:
        events.emit(cluster, kind, owner, "Warning", "FailedCreate", f"Error creating: {refused}")
        failures = cluster.refused_pods
        failures[owner["metadata"]["uid"]] = (
            failures.get(owner["metadata"]["uid"], (0, ""))[0] + 1,
            str(refused),
        )
        return False
    cluster.refused_pods.pop(owner["metadata"]["uid"], None)
    text = f"Created pod: {pod['metadata']['name']}"
    events.emit(cluster, kind, owner, "Normal", "SuccessfulCreate", text)
    return True


def retry_later(cluster: "Cluster", kind: Kind, owner: Json) -> None:
    """Come back to an owner whose pod was refused: later each time, at most after a minute."""
    about = owner["metadata"]
    tries, _ = cluster.refused_pods[about["uid"]]
    delay = min(cluster.pace.create_backoff * 2 ** (tries - 1), 60.0)
    if not cluster.reactor.seeding:
        namespace, name = about["namespace"], about["name"]
        cluster.reactor.after(delay, lambda: cluster.reactor.enqueue(kind, namespace, name))


def delete_pod(cluster: "Cluster", kind: Kind, owner: Json, pod: Json) -> None:
    """Delete a pod with its own grace."""
    current = copy.deepcopy(pod)
    deletes.delete(cluster, PODS, current, deletes.DeleteOptions())
    text = f"Deleted pod: {pod['metadata']['name']}"
    events.emit(cluster, kind, owner, "Normal", "SuccessfulDelete", text)


def set_status(cluster: "Cluster", kind: Kind, value: Json, status: Json) -> None:
    """Write the status if it differs; zeros are left out, as Go leaves them out."""
    about = value["metadata"]
    current = cluster.store.get(kind, about.get("namespace", ""), about["name"])
    if current is not None and current.get("status") != status:
        cluster.store.write(kind, {**current, "status": status})


def is_ready(pod: Json) -> bool:
    """Whether its Ready condition is true."""
    return any(
        each["type"] == "Ready" and each["status"] == "True"
        for each in pod["status"].get("conditions", [])
    )


def is_available(cluster: "Cluster", pod: Json, min_ready_s: int) -> bool:
    """Whether it has been ready for long enough."""
    if not is_ready(pod):
        return False
    since = next(
        each["lastTransitionTime"]
        for each in pod["status"]["conditions"]
        if each["type"] == "Ready"
    )
    return (cluster.now() - moment_of(since)).total_seconds() >= min_ready_s


def template_hash(template: Json) -> str:
    """A short name of a pod template: equal templates have equal names."""
    digest = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).digest()
    return "".join(LETTERS[byte % len(LETTERS)] for byte in digest[:10])


def condition(
    cluster: "Cluster", before: Json, type_: str, status: str, reason: str, message: str
) -> Json:
    """A condition that keeps its transition time where the status stays the same."""
    now = timestamp(cluster.now())
    known = next((each for each in before.get("conditions", []) if each["type"] == type_), None)
    if known is not None and (known["status"], known["reason"], known["message"]) == (
        status,
        reason,
        message,
    ):
        return dict(known)
    kept = known is not None and known["status"] == status
    return {
        "type": type_,
        "status": status,
        "lastTransitionTime": known["lastTransitionTime"] if known and kept else now,
        "reason": reason,
        "message": message,
    }


def without_zeros(status: Json) -> Json:
    """Go leaves out zero counters: `omitempty`."""
    return {name: value for name, value in status.items() if value not in (0, [])}
