"""Which workloads use what names the client id: they mount it, claim its volumes, or are scaled with it. Pure.

Source   https://keda.sh/docs/latest/concepts/authentication/
         https://keda.sh/docs/latest/reference/scaledobject-spec/
         https://kubernetes.io/docs/concepts/storage/persistent-volumes/
"""

from collections.abc import Callable, Iterator

from responders import pod_templates
from responders.inventories import Inventory
from responders.model import ConsumerKind, Json

OF_KEDA = ("TriggerAuthentication", "ClusterTriggerAuthentication")


def find(kind: ConsumerKind, found: Json, inventory: Inventory) -> list[str]:
    """Kind and name of each, as in "Deployment/web", with its namespace before it where the consumer has none."""
    metadata = found["metadata"]
    match kind:
        case "SecretProviderClass":
            return _naming(inventory, metadata["namespace"], metadata["name"], _classes)
        case "PersistentVolume":
            claim = found["spec"].get("claimRef") or {}
            return _mounting(inventory, str(claim.get("namespace")), str(claim.get("name")))
        case "StorageClass":
            return sorted(
                f"{space} {one}"
                for space, name in _claims_on(inventory, metadata["name"])
                for one in _mounting(inventory, space, name)
            )
        case "TriggerAuthentication" | "ClusterTriggerAuthentication":
            return sorted(set(_scaled(kind, metadata, inventory)))
        case _:
            return []


def _scaled(kind: str, metadata: Json, inventory: Inventory) -> Iterator[str]:
    """What a scaler sizes by the events that it may read so, and the ScaledJobs, which make Jobs of their own."""
    space = metadata.get("namespace")
    for plural in ("scaledobjects", "scaledjobs"):
        for one in inventory.of(plural):
            about = one["metadata"]
            named = {
                (ref.get("kind") or "TriggerAuthentication", ref.get("name"))
                for trigger in one["spec"]["triggers"]
                for ref in [trigger["authenticationRef"]]
            }
            if (kind, metadata["name"]) in named and space in (None, about["namespace"]):
                target = _target(one) if plural == "scaledobjects" else f"ScaledJob/{about['name']}"
                yield target if space else f"{about['namespace']} {target}"


def _target(scaler: Json) -> str:
    """Of a ScaledObject, which scales a Deployment where it does not say otherwise."""
    ref: Json = scaler["spec"].get("scaleTargetRef") or {}
    return f"{ref.get('kind') or 'Deployment'}/{ref.get('name')}"


def _claims_on(inventory: Inventory, name: str) -> list[tuple[str, str]]:
    """The claims whose volume is of this class, whether they ask for it or are bound to one by name."""
    volumes = {
        one["metadata"]["name"]
        for one in inventory.of("persistentvolumes")
        if one["spec"].get("storageClassName") == name
    }
    return sorted(
        (one["metadata"]["namespace"], one["metadata"]["name"])
        for one in inventory.of("persistentvolumeclaims")
        if one["spec"].get("storageClassName") == name or one["spec"].get("volumeName") in volumes
    )


def _mounting(inventory: Inventory, space: str, claim: str) -> list[str]:
    return _naming(inventory, space, claim, _claims)


def _naming(
    inventory: Inventory, space: str, name: str, names_of: Callable[[Json], set[str]]
) -> list[str]:
    return pod_templates.naming(pod_templates.outermost(inventory), space, name, names_of)


def _classes(template: Json) -> set[str]:
    """The SecretProviderClasses that these pods mount."""
    volumes = template["spec"].get("volumes") or []
    sources = ((one.get("csi") or {}).get("volumeAttributes") or {} for one in volumes)
    return {str(one.get("secretProviderClass")) for one in sources}


def _claims(template: Json) -> set[str]:
    """The volume claims that these pods mount."""
    volumes = template["spec"].get("volumes") or []
    return {str((one.get("persistentVolumeClaim") or {}).get("claimName")) for one in volumes}
