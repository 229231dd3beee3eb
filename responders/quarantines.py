"""Responder: a NetworkPolicy around the pods of a workload: nothing in, nothing out.

Stops    traffic of these pods, where the cluster has a policy engine: to the token endpoint, to storage, to the
         attacker, and back
Leaves   connections that were open before, on some engines; pods in the host's network; everything, where the cluster
         has no engine that enforces policies
Undo     `lift`; items: the policy that was made
Needs    NEEDS, below
Source   https://kubernetes.io/docs/concepts/services-networking/network-policies/
         https://learn.microsoft.com/azure/aks/use-network-policies
"""

from typing import Final

from responders.errors import ConflictError, NotFoundError
from responders.evidence import digest
from responders.kube import Kube
from responders.kube_requests import path_of
from responders.model import ClusterRef, Json, StepResult, WorkloadRef
from responders.needs import ClusterNeed, Needs
from responders.standing import Standing
from responders.workload_objects import INCIDENT, describe, template_of

WORKLOAD = "firebreak.dev/workload"  # whose pods are fenced in: "Kind/name"
_PLURAL = "networkpolicies"
_NAME_LIMIT = 63 - 10
NEEDS: Final = Needs(
    cluster=(
        ClusterNeed(
            "networkpolicies.networking.k8s.io",
            ("create", "get"),
            "cut workloads off the network",
            ("fence_in",),
        ),
        ClusterNeed(
            "networkpolicies.networking.k8s.io",
            ("list", "delete"),
            "let them reach the network again",
            ("lift",),
        ),
    ),
)


async def fence_in(
    kube: Kube, ref: WorkloadRef, standing: Standing, incident_id: str
) -> StepResult:
    """Deny all ingress and egress for its pods. Safe to repeat: the same incident makes the same name."""
    found = standing.of(ref)
    if found is None:
        return {"status": "nothing_to_do", "detail": f"{describe(ref)} is gone"}
    selector = _selector(ref, found)
    if not selector:
        # An empty selector is every pod of the namespace, other teams' too.
        detail = f"{describe(ref)}: its pods have no labels, so no policy can be for them alone"
        return {"status": "refused", "detail": detail}
    wanted = _policy(ref, selector, incident_id)
    try:
        made = await kube.create(path_of(_PLURAL, ref["namespace"]), wanted)
    except ConflictError:
        return await _there_already(kube, ref, wanted)
    item = {"created": f"{ref['namespace']}/{made['metadata']['name']}", "selects": selector}
    return {"status": "done", "detail": f"{describe(ref)} is fenced in", "items": [item]}


async def lift(kube: Kube, refs: list[WorkloadRef], incident_id: str) -> StepResult:
    """Take away this incident's policies around these workloads. Those of others, and of newcomers, stay."""
    wanted = {(one["namespace"], f"{one['kind']}/{one['name']}") for one in refs}
    lifted: list[Json] = []
    for namespace in sorted({one["namespace"] for one in refs}):
        query = {"labelSelector": f"{INCIDENT}={incident_id}"}
        for policy in await kube.list_all(path_of(_PLURAL, namespace), query):
            metadata = policy["metadata"]
            whose = (metadata.get("annotations") or {}).get(WORKLOAD, "")
            if (namespace, whose) in wanted:
                await _delete(kube, namespace, metadata)
                lifted.append({"deleted": f"{namespace}/{metadata['name']}"})
    return {
        "status": "done" if lifted else "nothing_to_do",
        "detail": f"{len(lifted)} fences lifted",
        "items": lifted,
    }


def not_enforced(cluster: ClusterRef) -> str:
    """A sentence, where Azure says that nothing in this cluster enforces policies; "" else."""
    if cluster.get("network_policy", "unknown") != "none":
        return ""
    return (
        f"{cluster['name']} has no network policy engine: the API server accepted the policies, and nothing "
        "enforces them"
    )


def _selector(ref: WorkloadRef, found: Json) -> Json:
    """The selector of the workload itself; for what has none, the labels that its pods carry."""
    if ref["kind"] in {"Pod", "CronJob"}:
        labels: Json = (template_of(ref["kind"], found).get("metadata") or {}).get("labels") or {}
        return {"matchLabels": labels} if labels else {}
    selector: Json = found["spec"].get("selector") or {}
    return {name: value for name, value in selector.items() if value}


def _policy(ref: WorkloadRef, selector: Json, incident_id: str) -> Json:
    whose = f"{ref['kind']}/{ref['name']}"
    key = digest(f"{incident_id} {whose}".encode())[:8]
    stem = f"firebreak-{ref['name']}"[:_NAME_LIMIT].rstrip("-.")
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {
            "name": f"{stem}-{key}",
            "namespace": ref["namespace"],
            "labels": {INCIDENT: incident_id},
            "annotations": {WORKLOAD: whose, INCIDENT: incident_id},
        },
        # Both directions are named and neither has a rule, so nothing is allowed.
        "spec": {"podSelector": selector, "policyTypes": ["Ingress", "Egress"]},
    }


async def _there_already(kube: Kube, ref: WorkloadRef, wanted: Json) -> StepResult:
    """An earlier run's. One under this name that says something else is somebody else's doing."""
    metadata = wanted["metadata"]
    found = await kube.get(path_of(_PLURAL, ref["namespace"], metadata["name"]))
    spec: Json = found["spec"]
    same = spec.get("podSelector") == wanted["spec"]["podSelector"]
    closed = not spec.get("ingress") and not spec.get("egress")
    both = set(spec.get("policyTypes") or []) == {"Ingress", "Egress"}
    if same and closed and both:
        return {"status": "nothing_to_do", "detail": f"{describe(ref)} is fenced in already"}
    return {
        "status": "refused",
        "detail": f"{describe(ref)}: the policy {metadata['name']} was changed since: delete it, then run this again",
        "by_hand": [
            f"kubectl --context {kube.cluster} -n {ref['namespace']} delete networkpolicy {metadata['name']}"
        ],
    }


async def _delete(kube: Kube, namespace: str, metadata: Json) -> None:
    try:
        await kube.delete(path_of(_PLURAL, namespace, metadata["name"]), metadata["uid"])
    except NotFoundError:
        return
