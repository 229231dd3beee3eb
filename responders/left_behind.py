"""Responder: workloads whose pods carry a client id that their ServiceAccount does not name any more.

Stops    nothing
Leaves   everything as it is
Undo     none needed
Needs    what inventories.py needs
Source   https://azure.github.io/azure-workload-identity/docs/installation/mutating-admission-webhook.html

The webhook writes the client id into a pod when that is made. Where somebody points the ServiceAccount elsewhere, in
Git or in the cluster, and restarts nothing, the pods go on with what they have: it opens nothing any more.
"""

from collections.abc import Sequence

from responders import consumers, overrides, workloads
from responders.inventories import Inventory
from responders.model import Consumer, Json, WorkloadRef
from responders.workload_objects import Kind, is_finished, service_account_of, template_of

_ROLLED_OUT = frozenset({"Deployment", "StatefulSet", "DaemonSet"})
_Place = tuple[str, str, str]  # kind, namespace, name


def find(inventory: Inventory, running: Sequence[WorkloadRef]) -> list[Consumer]:
    """Each once. `running` is what runs as the identity already: it is moved, with its pods."""
    known = workloads.everything(inventory)
    done: set[_Place] = {(one["kind"], one["namespace"], one["name"]) for one in running}
    found: list[Consumer] = []
    for pod in inventory.of("pods"):
        kind, top = known[workloads.top_of(pod["metadata"]["uid"], known)]
        place = kind, top["metadata"]["namespace"], top["metadata"]["name"]
        if kind != "Pod" and place not in done and _carries(inventory, pod):
            done.add(place)
            if not _carries(inventory, template_of(kind, top)):  # that one is found as it stands
                by_hand = _by_hand(inventory.cluster, kind, top, pod)
                found.append(
                    consumers.new_of(inventory.cluster, "Workload", top, "pods", by_hand=by_hand)
                )
    return found


def _carries(inventory: Inventory, template: Json) -> bool:
    """Whether a container has the client id in its own environment, in a pod that stays."""
    metadata = template["metadata"]
    if metadata.get("deletionTimestamp") or is_finished("Pod", template):
        return False
    return bool(overrides.naming(template, "", inventory.client_id, {}))


def _by_hand(cluster: str, kind: Kind, top: Json, pod: Json) -> str:
    metadata = top["metadata"]
    kubectl = f"kubectl --context {cluster} -n {metadata['namespace']}"
    restart = f"{kubectl} delete pod {pod['metadata']['name']}"
    if kind in _ROLLED_OUT:
        restart = f"{kubectl} rollout restart {kind.lower()}/{metadata['name']}"
    return (
        f"its pods carry the client id, which ServiceAccount {service_account_of(pod['spec'])} named when they were "
        "made and names no more: ask its team which identity it is to have, and whether that one trusts it; then "
        f"{restart}"
    )
