"""What of an existing object may not change, per kind.

Source   https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/
"""

from collections.abc import Callable

from sandbox.kubernetes import endpoint_rules, storage_defaults
from sandbox.kubernetes.field_problems import FieldProblem, forbidden_field, invalid_value
from sandbox.kubernetes.kind import Kind
from sandbox.world import Json

_IMMUTABLE = "field is immutable"
_CHANGEABLE_IN_STATEFUL_SET = {
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
}
_STATEFUL_SET_TEXT = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
    "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and "
    "'minReadySeconds' are forbidden"
)
_POD_TEXT = (
    "pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only "
    "additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set "
    "to 1 if it was previously negative)"
)


def problems(kind: Kind, old: Json, new: Json) -> list[FieldProblem]:
    """The changes that this kind does not allow."""
    check = _CHANGES.get(kind.plural)
    return check(old, new) if check is not None else []


def _selector_is_kept(old: Json, new: Json) -> list[FieldProblem]:
    if old["spec"].get("selector") == new["spec"].get("selector"):
        return []
    return [invalid_value("spec.selector", new["spec"].get("selector"), _IMMUTABLE)]


def _stateful_set_change(old: Json, new: Json) -> list[FieldProblem]:
    changed = {
        name
        for name in {*old["spec"], *new["spec"]}
        if old["spec"].get(name) != new["spec"].get(name)
    }
    if changed <= _CHANGEABLE_IN_STATEFUL_SET:
        return []
    return [forbidden_field("spec", _STATEFUL_SET_TEXT)]


def _role_is_kept(old: Json, new: Json) -> list[FieldProblem]:
    if old["roleRef"] == new["roleRef"]:
        return []
    return [invalid_value("roleRef", new["roleRef"], "cannot change roleRef")]


def _template_is_kept(old: Json, new: Json) -> list[FieldProblem]:
    if old["spec"].get("template") == new["spec"].get("template"):
        return []
    return [invalid_value("spec.template", new["spec"].get("template"), _IMMUTABLE)]


def _job_change(old: Json, new: Json) -> list[FieldProblem]:
    found = [
        invalid_value(f"spec.{name}", new["spec"].get(name), _IMMUTABLE)
        for name in ("completions", "completionMode", "selector")
        if old["spec"].get(name) != new["spec"].get(name)
    ]
    return found + _template_is_kept(old, new)


def _data_is_kept(old: Json, new: Json) -> list[FieldProblem]:
    """Of a ConfigMap or a Secret that was said to be immutable."""
    if not old.get("immutable"):
        return []
    text = "field is immutable when `immutable` is set"
    parts = ("immutable", "data", "binaryData")
    return [forbidden_field(part, text) for part in parts if old.get(part) != new.get(part)]


def _pod_change(old: Json, new: Json) -> list[FieldProblem]:
    if _fixed_part(old["spec"]) == _fixed_part(new["spec"]):
        return []
    return [forbidden_field("spec", _POD_TEXT)]


def _fixed_part(spec: Json) -> Json:
    loose = ("activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds")
    fixed = {name: value for name, value in spec.items() if name not in loose}
    for group in ("containers", "initContainers"):
        if group in fixed:
            fixed[group] = [{**container, "image": ""} for container in fixed[group]]
    return fixed


_CHANGES: dict[str, Callable[[Json, Json], list[FieldProblem]]] = {
    "clusterrolebindings": _role_is_kept,
    "configmaps": _data_is_kept,
    "daemonsets": _selector_is_kept,
    "endpointslices": endpoint_rules.slice_change,
    "deployments": _selector_is_kept,
    "jobs": _job_change,
    "persistentvolumeclaims": storage_defaults.claim_change,
    "persistentvolumes": storage_defaults.volume_change,
    "pods": _pod_change,
    "replicasets": _selector_is_kept,
    "rolebindings": _role_is_kept,
    "secrets": _data_is_kept,
    "statefulsets": _stateful_set_change,
    "storageclasses": storage_defaults.class_change,
}
