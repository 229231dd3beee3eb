"""What the API server refuses with 422, per kind.

Faithful    required fields, immutable fields, selectors against templates, the closed lists of values in use here
Left out    most limits on single fields (ports, probes, quantities): an API server refuses more than this
"""

import re
from collections.abc import Callable

from sandbox.kubernetes import (
    custom_resources,
    endpoint_rules,
    immutability,
    metadata,
    schedules,
    schema,
    selectors,
    storage_defaults,
)
from sandbox.kubernetes.field_problems import (
    FieldProblem,
    forbidden_field,
    invalid_value,
    not_supported,
    required,
)
from sandbox.kubernetes.kind import Kind
from sandbox.kubernetes.statuses import invalid
from sandbox.world import Json

_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")
_PERCENT_TEXT = (
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or "
    "'93%', regex used for validation is '[0-9]+%')"
)


def check_create(kind: Kind, value: Json) -> None:
    """Raise the 422 that this new object earns."""
    found = metadata.problems(kind, value["metadata"]) + _problems(kind, value)
    _raise(kind, value, found)


def check_update(kind: Kind, old: Json, new: Json) -> None:
    """Raise the 422 that this change earns."""
    found = metadata.update_problems(kind, old["metadata"], new["metadata"])
    found += _problems(kind, new)
    found += immutability.problems(kind, old, new)
    _raise(kind, new, found)


def _raise(kind: Kind, value: Json, found: list[FieldProblem]) -> None:
    if found:
        raise invalid(kind, value["metadata"].get("name", ""), list(dict.fromkeys(found)))


def _problems(kind: Kind, value: Json) -> list[FieldProblem]:
    if kind.definition is not None:
        return custom_resources.problems(kind, value)
    found = [required(path) for path in schema.required_fields(kind, value)]
    of_kind = _KINDS.get(kind.plural)
    return found + (of_kind(value) if of_kind is not None else [])


def _pod_spec(spec: Json, path: str) -> list[FieldProblem]:
    found: list[FieldProblem] = []
    if not spec.get("containers"):
        found.append(required(f"{path}.containers"))
    for group in ("containers", "initContainers"):
        names: set[str] = set()
        for index, container in enumerate(spec.get(group, [])):
            at = f"{path}.{group}[{index}]"
            if not container.get("image"):
                found.append(required(f"{at}.image"))
            if container.get("name") in names:
                text = f'Duplicate value: "{container["name"]}"'
                found.append(FieldProblem("FieldValueDuplicate", f"{at}.name", text))
            names.add(container.get("name", ""))
    volumes = {volume.get("name") for volume in spec.get("volumes", [])}
    for index, container in enumerate(spec.get("containers", [])):
        for place, mount in enumerate(container.get("volumeMounts", [])):
            if mount.get("name") not in volumes:
                at = f"{path}.containers[{index}].volumeMounts[{place}].name"
                text = f'Not found: "{mount.get("name")}"'
                found.append(FieldProblem("FieldValueNotFound", at, text))
    policies = ("Always", "OnFailure", "Never")
    if spec.get("restartPolicy") not in policies:
        found.append(not_supported(f"{path}.restartPolicy", spec.get("restartPolicy"), policies))
    return found


def _pod(value: Json) -> list[FieldProblem]:
    return _pod_spec(value["spec"], "spec")


def _workload(value: Json) -> list[FieldProblem]:
    spec = value["spec"]
    found: list[FieldProblem] = []
    if spec.get("replicas", 0) < 0:
        text = "must be greater than or equal to 0"
        found.append(invalid_value("spec.replicas", spec["replicas"], text))
    template = spec.get("template", {})
    labels = template.get("metadata", {}).get("labels", {})
    selector = spec.get("selector") or {}
    if problems := _selector(selector, "spec.selector"):
        found += problems
    elif not selector.get("matchLabels") and not selector.get("matchExpressions"):
        if "selector" in spec:
            text = "empty selector is invalid for deployment"
            found.append(invalid_value("spec.selector", "{}", text))
    elif not selectors.by_object(selector)(labels):
        text = "`selector` does not match template `labels`"
        found.append(invalid_value("spec.template.metadata.labels", labels, text))
    found += metadata.label_problems(labels, "spec.template.labels")
    if "spec" in template:
        found += _pod_spec(template["spec"], "spec.template.spec")
        policy = template["spec"].get("restartPolicy")
        if policy in ("OnFailure", "Never"):
            found.append(not_supported("spec.template.spec.restartPolicy", policy, ("Always",)))
    return found


def _selector(selector: Json, path: str) -> list[FieldProblem]:
    found: list[FieldProblem] = []
    for index, each in enumerate(selector.get("matchExpressions", [])):
        at = f"{path}.matchExpressions[{index}]"
        if each.get("operator") not in _OPERATORS:
            text = "not a valid selector operator"
            found.append(invalid_value(f"{at}.operator", each.get("operator", ""), text))
        elif each["operator"] in ("In", "NotIn") and not each.get("values"):
            text = "must be specified when `operator` is 'In' or 'NotIn'"
            found.append(required(f"{at}.values", text))
    return found


def _share(strategy: Json, name: str) -> list[FieldProblem]:
    """What is wrong with a maxSurge or maxUnavailable."""
    share = strategy.get("rollingUpdate", {}).get(name, 0)
    if isinstance(share, int) or re.fullmatch("[0-9]+%", share):
        return []
    path = f"spec.strategy.rollingUpdate.{name}"
    return [invalid_value(path, share, _PERCENT_TEXT)]


def _deployment(value: Json) -> list[FieldProblem]:
    kinds = ("Recreate", "RollingUpdate")
    found = _workload(value)
    strategy = value["spec"]["strategy"]
    if strategy.get("type") not in kinds:
        found.append(not_supported("spec.strategy", strategy.get("type"), kinds))
    found += [*_share(strategy, "maxSurge"), *_share(strategy, "maxUnavailable")]
    if strategy.get("type") == "Recreate" and "rollingUpdate" in strategy:
        text = "may not be specified when strategy `type` is 'Recreate'"
        found.append(forbidden_field("spec.strategy.rollingUpdate", text))
    return found


def _network_policy(value: Json) -> list[FieldProblem]:
    kinds = ("Egress", "Ingress")
    given = value["spec"].get("policyTypes", [])
    return _selector(value["spec"]["podSelector"], "spec.podSelector") + [
        not_supported(f"spec.policyTypes[{index}]", each, kinds)
        for index, each in enumerate(given)
        if each not in kinds
    ]


def _binding(value: Json) -> list[FieldProblem]:
    everywhere = "namespace" not in value["metadata"]
    allowed = ("ClusterRole",) if everywhere else ("ClusterRole", "Role")
    found = []
    if value["roleRef"].get("kind") not in allowed:
        found.append(not_supported("roleRef.kind", value["roleRef"].get("kind"), allowed))
    for index, subject in enumerate(value.get("subjects", [])):
        is_account = subject.get("kind") == "ServiceAccount"
        if is_account and everywhere and not subject.get("namespace"):
            found.append(required(f"subjects[{index}].namespace"))
        elif subject.get("kind") not in ("ServiceAccount", "User", "Group"):
            kinds = ("ServiceAccount", "User", "Group")
            found.append(not_supported(f"subjects[{index}].kind", subject.get("kind"), kinds))
    return found


def _job(value: Json) -> list[FieldProblem]:
    spec = value["spec"]
    text = "must be greater than or equal to 0"
    found = [
        invalid_value(f"spec.{name}", spec[name], text)
        for name in ("parallelism", "completions", "backoffLimit")
        if spec.get(name, 0) < 0
    ]
    chosen = spec.get("selector", {}).get("matchLabels", {})
    if "selector" in spec and not spec.get("manualSelector") and _JOB_UID not in chosen:
        found.append(invalid_value("spec.selector", chosen, "`selector` not auto-generated"))
    return found + _job_template(spec["template"], "spec.template")


_JOB_UID = "batch.kubernetes.io/controller-uid"


def _keys(value: Json) -> list[FieldProblem]:
    """A ConfigMap's or a Secret's data."""
    text = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
    return [
        invalid_value(f"{part}[{key}]", key, text)
        for part in ("data", "binaryData")
        for key in value.get(part, {})
        if not re.fullmatch("[-._a-zA-Z0-9]+", key)
    ]


def _job_template(template: Json, path: str) -> list[FieldProblem]:
    found = _pod_spec(template["spec"], f"{path}.spec")
    if template["spec"].get("restartPolicy") == "Always":  # the default, so that nobody chose it
        text = 'valid values: "OnFailure", "Never"'
        found.append(required(f"{path}.spec.restartPolicy", text))
    return found


def _cron_job(value: Json) -> list[FieldProblem]:
    spec = value["spec"]
    found = []
    if problem := schedules.problem(spec.get("schedule", "")):
        found.append(invalid_value("spec.schedule", spec.get("schedule", ""), problem))
    return found + _job_template(spec["jobTemplate"]["spec"]["template"], _JOB_TEMPLATE)


_JOB_TEMPLATE = "spec.jobTemplate.spec.template"


def _disruption_budget(value: Json) -> list[FieldProblem]:
    spec = value["spec"]
    found = _selector(spec.get("selector") or {}, "spec.selector")
    if "minAvailable" in spec and "maxUnavailable" in spec:
        text = "minAvailable and maxUnavailable cannot be both set"
        found.append(invalid_value("spec", spec, text))
    for name in ("minAvailable", "maxUnavailable"):
        share = spec.get(name, 0)
        if isinstance(share, int) and share < 0:
            text = "must be greater than or equal to 0"
            found.append(invalid_value(f"spec.{name}", share, text))
        elif isinstance(share, str) and not re.fullmatch("[0-9]+%", share):
            found.append(invalid_value(f"spec.{name}", share, _PERCENT_TEXT))
    policy, policies = spec.get("unhealthyPodEvictionPolicy"), ("AlwaysAllow", "IfHealthyBudget")
    if policy is not None and policy not in policies:
        found.append(not_supported("spec.unhealthyPodEvictionPolicy", policy, policies))
    return found


_KINDS: dict[str, Callable[[Json], list[FieldProblem]]] = {
    "clusterrolebindings": _binding,
    "configmaps": _keys,
    "cronjobs": _cron_job,
    "daemonsets": _workload,
    "deployments": _deployment,
    "endpointslices": endpoint_rules.slice_problems,
    "jobs": _job,
    "mutatingwebhookconfigurations": endpoint_rules.webhook_problems,
    "networkpolicies": _network_policy,
    "persistentvolumeclaims": storage_defaults.claim_problems,
    "persistentvolumes": storage_defaults.volume_problems,
    "poddisruptionbudgets": _disruption_budget,
    "pods": _pod,
    "replicasets": _workload,
    "rolebindings": _binding,
    "secrets": _keys,
    "statefulsets": _workload,
}
