"""The shapes of what runs in a cluster: where each kind keeps its pod template. Pure, no I/O.

Source   https://kubernetes.io/docs/concepts/workloads/
"""

from typing import Literal

from responders.kube_requests import path_of
from responders.model import Json, WorkloadRef

Kind = Literal[
    "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod", "ReplicaSet", "Rollout"
]
BUILT_IN: dict[Kind, str] = {
    "Deployment": "deployments",
    "StatefulSet": "statefulsets",
    "DaemonSet": "daemonsets",
    "ReplicaSet": "replicasets",
    "CronJob": "cronjobs",
    "Job": "jobs",
    "Pod": "pods",
}
# Argo's as well, which few clusters have: https://argo-rollouts.readthedocs.io/en/stable/features/specification/
PLURALS: dict[Kind, str] = {**BUILT_IN, "Rollout": "rollouts"}
_ELSEWHERE: Json = {"metadata": {}, "spec": {"serviceAccountName": "(of its workloadRef)"}}
INCIDENT = "firebreak.dev/incident"
REPLICAS = "firebreak.dev/replicas"  # before the eviction
SUSPEND = (
    "firebreak.dev/previous-suspend"  # of a Job or CronJob before the eviction: "true", "false"
)
NOWHERE = "firebreak.dev/nowhere"  # a node label that no node has: keeps a DaemonSet from running
PREVIOUS_SERVICE_ACCOUNT = "firebreak.dev/previous-service-account"  # before the move
USE_LABEL = "azure.workload.identity/use"  # on the pod, or the webhook passes it by
CLIENT_ID_VARIABLE = "AZURE_CLIENT_ID"
FINISHED_PHASES = frozenset({"Succeeded", "Failed"})


def path(ref: WorkloadRef) -> str:
    """The URL path of the object."""
    return path_of(PLURALS[ref["kind"]], ref["namespace"], ref["name"])


def describe(ref: WorkloadRef) -> str:
    """The workload in a sentence: "aks-weu shop Deployment/orders-api"."""
    return f"{ref['cluster']} {ref['namespace']} {ref['kind']}/{ref['name']}"


def kubectl(ref: WorkloadRef) -> str:
    """How a command that a person is told to run begins."""
    return f"kubectl --context {ref['cluster']} -n {ref['namespace']}"


def template_of(kind: Kind, found: Json) -> Json:
    """The object that holds the pods' `metadata` and `spec`: for a pod, itself."""
    if kind == "Pod":
        return found
    holder = found["spec"]["jobTemplate"] if kind == "CronJob" else found
    if is_of_another(kind, holder):
        return _ELSEWHERE
    template: Json = holder["spec"]["template"]
    return template


def is_of_another(kind: Kind, found: Json) -> bool:
    """Whether a Rollout takes its template from a Deployment, which is moved by itself.

    https://argo-rollouts.readthedocs.io/en/stable/migrating/#reference-deployment-from-rollout
    """
    return kind == "Rollout" and not found["spec"].get("template")


def has_seen(found: Json) -> bool:
    """Whether the controller knows the object as it is. Argo says which generation it saw as a text."""
    seen = str((found.get("status") or {}).get("observedGeneration") or 0)
    return seen.isdecimal() and int(seen) >= int(found["metadata"].get("generation", 0))


def service_account_of(pod_spec: Json) -> str:
    """The ServiceAccount that these pods run as. The API server keeps both fields the same."""
    name: str = pod_spec.get("serviceAccountName") or pod_spec.get("serviceAccount") or "default"
    return name


def containers_of(pod_spec: Json) -> list[Json]:
    """Init containers first, as they start."""
    return [*(pod_spec.get("initContainers") or []), *(pod_spec.get("containers") or [])]


def client_id_of(container: Json) -> str | None:
    """AZURE_CLIENT_ID of a container; "" where it is taken from a ConfigMap or Secret."""
    for variable in container.get("env") or []:
        if variable.get("name") == CLIENT_ID_VARIABLE:
            value: str = variable.get("value") or ""
            return value
    return None


def is_injected(template: Json) -> bool:
    """Whether the webhook wires these pods: it goes by the label on the pod alone."""
    labels: Json = template.get("metadata", {}).get("labels") or {}
    return labels.get(USE_LABEL) == "true"


def controller_uid(found: Json) -> str | None:
    """The uid of the object that makes and deletes this one."""
    for owner in found["metadata"].get("ownerReferences") or []:
        if owner.get("controller"):
            uid: str = owner["uid"]
            return uid
    return None


def is_finished(kind: Kind, found: Json) -> bool:
    """A Job or pod that is over runs as nobody."""
    status: Json = found.get("status") or {}
    if kind == "Pod":
        return status.get("phase") in FINISHED_PHASES
    ended = ("Complete", "Failed")
    conditions = status.get("conditions") or [] if kind == "Job" else []
    return any(one.get("type") in ended and one.get("status") == "True" for one in conditions)


def ref_of(cluster: str, kind: Kind, found: Json, service_account: str) -> WorkloadRef:
    """The reference that playbooks carry."""
    template, spec = template_of(kind, found), found["spec"]
    variables = [client_id_of(container) for container in containers_of(template["spec"])]
    # In a pod that the webhook wired, the variable is the webhook's own.
    own_variables = kind != "Pod" or not is_injected(template)
    ref: WorkloadRef = {
        "cluster": cluster,
        "namespace": found["metadata"]["namespace"],
        "kind": kind,
        "name": found["metadata"]["name"],
        "service_account": service_account,
        "replicas": _replicas(kind, found),
        "paused": bool(spec.get("paused") or spec.get("suspend")),
        "hard_coded_client_id": own_variables and any(one is not None for one in variables),
        "created": found["metadata"].get("creationTimestamp"),
    }
    if lender := _lender(found):
        ref["template_of"] = lender
    return ref


def _lender(found: Json) -> str:
    """The Deployment whose template a Rollout has, as its `workloadRef` names it."""
    named = found["spec"].get("workloadRef") or {}
    return f"{named.get('kind')}/{named.get('name')}" if named else ""


def _replicas(kind: Kind, found: Json) -> int:
    """How many pods it has, or Jobs for a CronJob: `active` is a number there and a list here."""
    status: Json = found.get("status") or {}
    match kind:
        case "DaemonSet":
            return int(status.get("desiredNumberScheduled", 0))
        case "CronJob":
            return len(status.get("active") or [])
        case "Job":
            return int(status.get("active", 0))
        case "Pod":
            return 1
        case _:
            return int(found["spec"].get("replicas", 1))
