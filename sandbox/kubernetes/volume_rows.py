"""The rows that `kubectl get` shows of volumes, claims and classes.

Source   https://github.com/kubernetes/kubernetes/blob/master/pkg/printers/internalversion/printers.go
"""

from sandbox.world import Json

_MODES = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}


def volume(item: Json, age: str) -> list[str | int | None]:
    """A PersistentVolume."""
    spec, held = item["spec"], item["spec"].get("claimRef")
    phase = item.get("status", {}).get("phase", "")
    return [
        item["metadata"]["name"],
        spec.get("capacity", {}).get("storage", ""),
        _modes(spec),
        spec.get("persistentVolumeReclaimPolicy", ""),
        "Terminating" if item["metadata"].get("deletionTimestamp") else phase,
        f"{held['namespace']}/{held['name']}" if held else "",
        spec.get("storageClassName", ""),
        spec.get("volumeAttributesClassName", "<unset>"),
        item.get("status", {}).get("reason", ""),
        age,
        spec.get("volumeMode", ""),
    ]


def claim(item: Json, age: str) -> list[str | int | None]:
    """A PersistentVolumeClaim: modes and size are shown once it has a volume."""
    spec, status = item["spec"], item.get("status", {})
    bound = status if spec.get("volumeName") else {}
    phase = status.get("phase", "")
    return [
        item["metadata"]["name"],
        "Terminating" if item["metadata"].get("deletionTimestamp") else phase,
        spec.get("volumeName", ""),
        bound.get("capacity", {}).get("storage", "0" if spec.get("volumeName") else ""),
        _modes(bound),
        spec.get("storageClassName", ""),
        spec.get("volumeAttributesClassName", "<unset>"),
        age,
        spec.get("volumeMode", ""),
    ]


def storage_class(item: Json, age: str) -> list[str | int | None]:
    """A StorageClass; the default one says so behind its name."""
    about = item["metadata"]
    marks = about.get("annotations", {})
    is_default = marks.get("storageclass.kubernetes.io/is-default-class") == "true"
    return [
        f"{about['name']} (default)" if is_default else about["name"],
        item["provisioner"],
        item.get("reclaimPolicy", "Delete"),
        item.get("volumeBindingMode", "Immediate"),
        str(bool(item.get("allowVolumeExpansion"))).lower(),
        age,
    ]


def _modes(spec: Json) -> str:
    return ",".join(_MODES.get(each, each) for each in spec.get("accessModes", []))
