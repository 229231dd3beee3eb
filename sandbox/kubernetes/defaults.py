"""What the API server fills in that a client left out.

Faithful    everything that a client can see change between what it sent and what it reads back
Left out    defaults of fields that no workload here uses (volumes of storage drivers, IP families)
Source      https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/
"""

from collections.abc import Callable
from typing import Any

from sandbox.kubernetes.kinds import Kind
from sandbox.world import Json

_RBAC = "rbac.authorization.k8s.io"


def fill(kind: Kind, value: Json) -> None:
    """Set the defaults of this kind, in place."""
    value.setdefault("metadata", {})
    filler = _FILLERS.get(kind.plural)
    if filler is not None:
        filler(value)


def pod_spec(spec: Json) -> None:
    """The defaults of a pod's spec, in a pod and in a template alike."""
    _set(
        spec,
        restartPolicy="Always",
        terminationGracePeriodSeconds=30,
        dnsPolicy="ClusterFirst",
        securityContext={},
        schedulerName="default-scheduler",
    )
    name = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if name:  # the old name of the field mirrors the new one
        spec["serviceAccountName"] = spec["serviceAccount"] = name
    for container in [*spec.get("containers", []), *spec.get("initContainers", [])]:
        _container(container)
    for volume in spec.get("volumes", []):
        _volume(volume)


def _container(container: Json) -> None:
    image = str(container.get("image", ""))
    floats = ":" not in image.rpartition("/")[2] or image.endswith(":latest")
    _set(
        container,
        resources={},
        terminationMessagePath="/dev/termination-log",
        terminationMessagePolicy="File",
        imagePullPolicy="Always" if floats else "IfNotPresent",
    )
    for port in container.get("ports", []):
        _set(port, protocol="TCP")
    for variable in container.get("env", []):
        reference = variable.get("valueFrom", {}).get("fieldRef")
        if reference is not None:
            _set(reference, apiVersion="v1")
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        if probe in container:
            _set(
                container[probe],
                timeoutSeconds=1,
                periodSeconds=10,
                successThreshold=1,
                failureThreshold=3,
            )
            if "httpGet" in container[probe]:
                _set(container[probe]["httpGet"], path="/", scheme="HTTP")


def _volume(volume: Json) -> None:
    for source in ("configMap", "secret", "projected", "downwardAPI"):
        if source in volume:
            _set(volume[source], defaultMode=420)
    for projection in volume.get("projected", {}).get("sources", []):
        if "serviceAccountToken" in projection:
            _set(projection["serviceAccountToken"], expirationSeconds=3600)
        for item in projection.get("downwardAPI", {}).get("items", []):
            if "fieldRef" in item:
                _set(item["fieldRef"], apiVersion="v1")


def _template(spec: Json) -> None:
    template = spec.setdefault("template", {})
    template.setdefault("metadata", {})
    pod_spec(template.setdefault("spec", {}))


def _pod(pod: Json) -> None:
    spec = pod.setdefault("spec", {})
    pod_spec(spec)
    _set(spec, enableServiceLinks=True)
    pod.setdefault("status", {}).setdefault("phase", "Pending")
    pod["status"].setdefault("qosClass", "BestEffort")


def _deployment(value: Json) -> None:
    spec = value.setdefault("spec", {})
    _template(spec)
    _set(spec, replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600)
    strategy = spec.setdefault("strategy", {})
    _set(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        _set(strategy.setdefault("rollingUpdate", {}), maxUnavailable="25%", maxSurge="25%")
    value.setdefault("status", {})


def _replica_set(value: Json) -> None:
    spec = value.setdefault("spec", {})
    _set(spec, replicas=1)
    if "template" in spec:
        _template(spec)
    value.setdefault("status", {"replicas": 0})


def _stateful_set(value: Json) -> None:
    spec = value.setdefault("spec", {})
    _template(spec)
    _set(spec, replicas=1, revisionHistoryLimit=10, podManagementPolicy="OrderedReady")
    _set(
        spec,
        persistentVolumeClaimRetentionPolicy={"whenDeleted": "Retain", "whenScaled": "Retain"},
    )
    strategy = spec.setdefault("updateStrategy", {})
    _set(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        _set(strategy.setdefault("rollingUpdate", {}), partition=0)
    value.setdefault("status", {"replicas": 0, "availableReplicas": 0})


def _daemon_set(value: Json) -> None:
    spec = value.setdefault("spec", {})
    _template(spec)
    _set(spec, revisionHistoryLimit=10)
    strategy = spec.setdefault("updateStrategy", {})
    _set(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        _set(strategy.setdefault("rollingUpdate", {}), maxUnavailable=1, maxSurge=0)
    value.setdefault(
        "status",
        {
            "currentNumberScheduled": 0,
            "numberMisscheduled": 0,
            "desiredNumberScheduled": 0,
            "numberReady": 0,
        },
    )


def _job_spec(spec: Json) -> None:
    _template(spec)
    _set(spec, parallelism=1, backoffLimit=6, completionMode="NonIndexed", suspend=False)
    if spec["parallelism"] == 1:
        _set(spec, completions=1)
    _set(spec, manualSelector=False, podReplacementPolicy="TerminatingOrFailed")


def _job(value: Json) -> None:
    _job_spec(value.setdefault("spec", {}))
    value.setdefault("status", {})


def _cron_job(value: Json) -> None:
    spec = value.setdefault("spec", {})
    _set(spec, concurrencyPolicy="Allow", suspend=False)
    _set(spec, successfulJobsHistoryLimit=3, failedJobsHistoryLimit=1)
    template = spec.setdefault("jobTemplate", {})
    template.setdefault("metadata", {})
    job = template.setdefault("spec", {})
    _template(job)
    value.setdefault("status", {})


def _network_policy(value: Json) -> None:
    spec = value.setdefault("spec", {})
    spec.setdefault("podSelector", {})
    if "policyTypes" not in spec:
        spec["policyTypes"] = ["Ingress", *(["Egress"] if "egress" in spec else [])]
    for rule in [*spec.get("ingress", []), *spec.get("egress", [])]:
        for port in rule.get("ports", []):
            _set(port, protocol="TCP")


def _namespace(value: Json) -> None:
    metadata = value["metadata"]
    if metadata.get("name"):
        metadata.setdefault("labels", {})["kubernetes.io/metadata.name"] = metadata["name"]
    value.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
    value.setdefault("status", {}).setdefault("phase", "Active")


def _binding(value: Json) -> None:
    reference = value.setdefault("roleRef", {})
    if not reference.get("apiGroup"):
        reference["apiGroup"] = _RBAC
    for subject in value.get("subjects", []):
        if subject.get("kind") in ("User", "Group"):
            _set(subject, apiGroup=_RBAC)


def _secret(value: Json) -> None:
    _set(value, type="Opaque")


def _service(value: Json) -> None:
    spec = value.setdefault("spec", {})
    _set(spec, type="ClusterIP", sessionAffinity="None", internalTrafficPolicy="Cluster")
    for port in spec.get("ports", []):
        _set(port, protocol="TCP", targetPort=port.get("port"))
    value.setdefault("status", {}).setdefault("loadBalancer", {})


def _set(into: Json, **defaults: Any) -> None:
    for name, value in defaults.items():
        into.setdefault(name, value)


_FILLERS: dict[str, Callable[[Json], None]] = {
    "clusterrolebindings": _binding,
    "cronjobs": _cron_job,
    "daemonsets": _daemon_set,
    "deployments": _deployment,
    "jobs": _job,
    "namespaces": _namespace,
    "networkpolicies": _network_policy,
    "pods": _pod,
    "replicasets": _replica_set,
    "rolebindings": _binding,
    "secrets": _secret,
    "services": _service,
    "statefulsets": _stateful_set,
}
