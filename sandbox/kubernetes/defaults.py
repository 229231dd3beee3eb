"""What the API server fills in that a client left out.

Faithful    everything that a client can see change between what it sent and what it reads back
Left out    defaults of fields that no workload here uses (volumes of storage drivers, IP families)
Source      https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/
"""

import base64
from collections.abc import Callable

from sandbox.kubernetes import endpoint_rules, pod_defaults, storage_defaults
from sandbox.kubernetes.kind import Kind
from sandbox.kubernetes.pod_defaults import unless_set
from sandbox.world import Json

_RBAC = "rbac.authorization.k8s.io"


def fill(kind: Kind, value: Json) -> None:
    """Set the defaults of this kind, in place."""
    value.setdefault("metadata", {})
    filler = _FILLERS.get(kind.plural)
    if filler is not None:
        filler(value)


def _template(spec: Json) -> None:
    template = spec.setdefault("template", {})
    template.setdefault("metadata", {})
    pod_defaults.pod_spec(template.setdefault("spec", {}))


def _pod(pod: Json) -> None:
    spec = pod.setdefault("spec", {})
    pod_defaults.pod_spec(spec)
    unless_set(spec, enableServiceLinks=True)
    pod.setdefault("status", {}).setdefault("phase", "Pending")
    pod["status"].setdefault("qosClass", "BestEffort")


def _deployment(value: Json) -> None:
    spec = value.setdefault("spec", {})
    _template(spec)
    unless_set(spec, replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600)
    strategy = spec.setdefault("strategy", {})
    unless_set(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        unless_set(strategy.setdefault("rollingUpdate", {}), maxUnavailable="25%", maxSurge="25%")
    value.setdefault("status", {})


def _replica_set(value: Json) -> None:
    spec = value.setdefault("spec", {})
    unless_set(spec, replicas=1)
    if "template" in spec:
        _template(spec)
    value.setdefault("status", {"replicas": 0})


def _stateful_set(value: Json) -> None:
    spec = value.setdefault("spec", {})
    _template(spec)
    unless_set(spec, replicas=1, revisionHistoryLimit=10, podManagementPolicy="OrderedReady")
    unless_set(
        spec,
        persistentVolumeClaimRetentionPolicy={"whenDeleted": "Retain", "whenScaled": "Retain"},
    )
    strategy = spec.setdefault("updateStrategy", {})
    unless_set(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        unless_set(strategy.setdefault("rollingUpdate", {}), partition=0)
    value.setdefault("status", {"replicas": 0, "availableReplicas": 0})


def _daemon_set(value: Json) -> None:
    spec = value.setdefault("spec", {})
    _template(spec)
    unless_set(spec, revisionHistoryLimit=10)
    strategy = spec.setdefault("updateStrategy", {})
    unless_set(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        unless_set(strategy.setdefault("rollingUpdate", {}), maxUnavailable=1, maxSurge=0)
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
    unless_set(spec, parallelism=1, backoffLimit=6, completionMode="NonIndexed", suspend=False)
    if spec["parallelism"] == 1:
        unless_set(spec, completions=1)
    unless_set(spec, manualSelector=False, podReplacementPolicy="TerminatingOrFailed")


def _job(value: Json) -> None:
    _job_spec(value.setdefault("spec", {}))
    value.setdefault("status", {})


def name_job_pods(job: Json) -> None:
    """A job finds its pods by its own uid, which is in their labels. Not where it says that it does so itself."""
    spec, about = job["spec"], job["metadata"]
    if spec.get("manualSelector"):
        return
    uid = {"batch.kubernetes.io/controller-uid": about["uid"]}
    template = spec["template"].setdefault("metadata", {})
    template["labels"] = {
        **template.get("labels", {}),
        **uid,
        "batch.kubernetes.io/job-name": about["name"],
        "controller-uid": about["uid"],
        "job-name": about["name"],
    }
    spec["selector"] = {"matchLabels": uid}
    if not about.get("labels"):
        about["labels"] = dict(template["labels"])


def give_address(service: Json) -> None:
    """An address of the service network, unless it has one, wants none or is only a name."""
    spec = service["spec"]
    if spec["type"] == "ExternalName" or "clusterIP" in spec:
        return
    number = int(service["metadata"]["uid"][:4], 16)
    spec["clusterIP"] = f"10.0.{number >> 8}.{number & 255}"
    spec["clusterIPs"] = [spec["clusterIP"]]
    unless_set(spec, ipFamilies=["IPv4"], ipFamilyPolicy="SingleStack")


def _autoscaler(value: Json) -> None:
    spec = value.setdefault("spec", {})
    unless_set(spec, minReplicas=1)
    target = {"type": "Utilization", "averageUtilization": 80}
    unless_set(spec, metrics=[{"type": "Resource", "resource": {"name": "cpu", "target": target}}])
    unless_set(value, status={"desiredReplicas": 0, "currentMetrics": None})


def _disruption_budget(value: Json) -> None:
    counts = ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")
    unless_set(value, status=dict.fromkeys(counts, 0))


def _cron_job(value: Json) -> None:
    spec = value.setdefault("spec", {})
    unless_set(spec, concurrencyPolicy="Allow", suspend=False)
    unless_set(spec, successfulJobsHistoryLimit=3, failedJobsHistoryLimit=1)
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
            unless_set(port, protocol="TCP")


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
            unless_set(subject, apiGroup=_RBAC)


def _secret(value: Json) -> None:
    unless_set(value, type="Opaque")
    for key, text in value.pop("stringData", {}).items():  # for writing only
        value.setdefault("data", {})[key] = base64.b64encode(text.encode()).decode()


def _service(value: Json) -> None:
    spec = value.setdefault("spec", {})
    unless_set(spec, type="ClusterIP", sessionAffinity="None", internalTrafficPolicy="Cluster")
    for port in spec.get("ports", []):
        unless_set(port, protocol="TCP", targetPort=port.get("port"))
    value.setdefault("status", {}).setdefault("loadBalancer", {})


_FILLERS: dict[str, Callable[[Json], None]] = {
    "clusterrolebindings": _binding,
    "cronjobs": _cron_job,
    "daemonsets": _daemon_set,
    "horizontalpodautoscalers": _autoscaler,
    "persistentvolumeclaims": storage_defaults.fill_claim,
    "persistentvolumes": storage_defaults.fill_volume,
    "poddisruptionbudgets": _disruption_budget,
    "deployments": _deployment,
    "endpointslices": endpoint_rules.fill_slice,
    "jobs": _job,
    "mutatingwebhookconfigurations": endpoint_rules.fill_webhooks,
    "namespaces": _namespace,
    "networkpolicies": _network_policy,
    "pods": _pod,
    "replicasets": _replica_set,
    "rolebindings": _binding,
    "secrets": _secret,
    "services": _service,
    "statefulsets": _stateful_set,
    "storageclasses": storage_defaults.fill_class,
}
