"""What the API server fills into storage objects, and what of them it does not let change.

Left out    in-tree drivers' own defaults, resizing of claims
Source      https://kubernetes.io/docs/concepts/storage/persistent-volumes/
"""

from sandbox.kubernetes.field_problems import (
    FieldProblem,
    forbidden_field,
    invalid_value,
    required,
)
from sandbox.kubernetes.pod_defaults import unless_set
from sandbox.world import Json

PV_PROTECTION = "kubernetes.io/pv-protection"
PVC_PROTECTION = "kubernetes.io/pvc-protection"
# Of a volume's spec, these are not its source.
_ABOUT_THE_VOLUME = {
    "accessModes",
    "capacity",
    "claimRef",
    "mountOptions",
    "nodeAffinity",
    "persistentVolumeReclaimPolicy",
    "storageClassName",
    "volumeAttributesClassName",
    "volumeMode",
}
_IMMUTABLE = "field is immutable"


def fill_class(value: Json) -> None:
    """A StorageClass."""
    unless_set(value, reclaimPolicy="Delete", volumeBindingMode="Immediate")


def fill_volume(value: Json) -> None:
    """A PersistentVolume."""
    spec = value.setdefault("spec", {})
    unless_set(spec, persistentVolumeReclaimPolicy="Retain", volumeMode="Filesystem")
    value.setdefault("status", {}).setdefault("phase", "Pending")


def fill_claim(value: Json) -> None:
    """A PersistentVolumeClaim."""
    unless_set(value.setdefault("spec", {}), volumeMode="Filesystem")
    value.setdefault("status", {}).setdefault("phase", "Pending")


def protect(value: Json, finalizer: str) -> None:
    """What is in use stays until it no longer is: the StorageObjectInUseProtection plugin."""
    finalizers = value["metadata"].setdefault("finalizers", [])
    if finalizer not in finalizers:
        finalizers.append(finalizer)


def volume_problems(value: Json) -> list[FieldProblem]:
    """A volume needs modes, a size and a source."""
    spec = value["spec"]
    found = [required(f"spec.{name}") for name in ("accessModes", "capacity") if not spec.get(name)]
    sources = set(spec) - _ABOUT_THE_VOLUME
    if not sources:
        found.append(required("spec", "must specify a volume type"))
    elif len(sources) > 1:
        name = sorted(sources)[1]
        found.append(forbidden_field(f"spec.{name}", "may not specify more than 1 volume type"))
    return found


def claim_problems(value: Json) -> list[FieldProblem]:
    """A claim needs a mode and a size."""
    spec = value["spec"]
    found = []
    if not spec.get("accessModes"):
        found.append(required("spec.accessModes", "at least 1 access mode is required"))
    if "storage" not in spec.get("resources", {}).get("requests", {}):
        found.append(required("spec.resources[storage]"))
    return found


def class_change(old: Json, new: Json) -> list[FieldProblem]:
    """A class is made once."""
    found = [
        forbidden_field(name, f"updates to {name} are forbidden.")
        for name in ("parameters", "provisioner", "reclaimPolicy")
        if old.get(name) != new.get(name)
    ]
    name = "volumeBindingMode"
    if old.get(name) != new.get(name):
        found.append(invalid_value(name, new.get(name), _IMMUTABLE))
    return found


def volume_change(old: Json, new: Json) -> list[FieldProblem]:
    """Where a volume lies, and how it is reached, is settled when it is made."""
    found = []
    if _source(old) != _source(new):
        text = "spec.persistentvolumesource is immutable after creation"
        found.append(forbidden_field("spec.persistentvolumesource", text))
    if old["spec"].get("volumeMode") != new["spec"].get("volumeMode"):
        found.append(invalid_value("volumeMode", new["spec"].get("volumeMode"), _IMMUTABLE))
    return found


def claim_change(old: Json, new: Json) -> list[FieldProblem]:
    """Of a bound claim only the size may grow; of another one, a controller names the volume."""
    kept, wanted = dict(old["spec"]), dict(new["spec"])
    if old["status"].get("phase") == "Bound":
        for spec in (kept, wanted):
            spec.pop("resources", None)
            spec.pop("volumeAttributesClassName", None)
    if not kept.get("volumeName"):
        wanted.pop("volumeName", None)
    if kept == wanted:
        return []
    text = (
        "spec is immutable after creation except resources.requests and volumeAttributesClassName "
        "for bound claims"
    )
    return [forbidden_field("spec", text)]


def _source(value: Json) -> Json:
    return {name: each for name, each in value["spec"].items() if name not in _ABOUT_THE_VOLUME}
