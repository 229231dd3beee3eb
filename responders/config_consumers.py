"""Responder: ConfigMaps, Secrets and templates that give containers the client id, past any ServiceAccount.

Stops    nothing
Leaves   Secrets unread: where a workload may take its client id from one, a person looks
Undo     none needed
Needs    what inventories.py needs
Source   https://kubernetes.io/docs/tasks/configure-pod-container/configure-pod-configmap/
"""

from collections.abc import Iterator, Sequence

from responders import consumers, overrides, pod_templates
from responders.inventories import Inventory
from responders.inventory_cuts import says
from responders.model import Consumer, WorkloadRef
from responders.pod_templates import Template
from responders.workload_objects import CLIENT_ID_VARIABLE, service_account_of


def find(inventory: Inventory, running: Sequence[WorkloadRef]) -> list[Consumer]:
    """All of them. `running` is what runs as the identity already: it is no consumer beside itself."""
    templates = pod_templates.outermost(inventory)
    return [
        *_maps(inventory, templates),
        *_secrets(inventory, running, templates),
        *_others(inventory, running, templates),
    ]


def _maps(inventory: Inventory, templates: Sequence[Template]) -> Iterator[Consumer]:
    for found in inventory.of("configmaps"):
        metadata = found["metadata"]
        edit = f"kubectl --context {inventory.cluster} -n {metadata['namespace']} edit configmap {metadata['name']}"
        for key, value in found["data"].items():
            if key in found["other"]:
                continue
            by_hand = ""
            if found["immutable"]:
                by_hand = f"it is immutable: make it again with the new client id in {key}"
            elif not says(value, inventory.client_id):
                by_hand = f"the client id stands inside a longer text: {edit}"
            consumer = consumers.new_of(
                inventory.cluster, "ConfigMap", found, f"data.{key}", by_hand=by_hand
            )
            users = pod_templates.naming(
                templates, metadata["namespace"], metadata["name"], overrides.maps_of
            )
            yield {**consumer, "used_by": users}


def _secrets(
    inventory: Inventory, running: Sequence[WorkloadRef], templates: Sequence[Template]
) -> Iterator[Consumer]:
    """Secrets that something which runs as the identity takes its client id from, or may."""
    users: dict[tuple[str, str, str], list[str]] = {}
    for kind, found, template in templates:
        metadata = found["metadata"]
        if (kind, metadata["namespace"], metadata["name"]) not in _places(running):
            continue
        for name, key in overrides.secrets_of(template):
            place = (metadata["namespace"], name, key)
            users.setdefault(place, []).append(f"{kind}/{metadata['name']}")
    for (namespace, name, key), used_by in users.items():
        look = f"kubectl --context {inventory.cluster} -n {namespace} get secret {name} -o yaml"
        yield {
            "cluster": inventory.cluster,
            "namespace": namespace,
            "kind": "Secret",
            "name": name,
            "field": f"data.{key or CLIENT_ID_VARIABLE}",
            "patchable": False,
            "created": None,
            "owner": None,
            "by_hand": f"Firebreak reads no Secret: look whether it holds the old client id: {look}",
            "used_by": sorted(used_by),
        }


def _others(
    inventory: Inventory, running: Sequence[WorkloadRef], templates: Sequence[Template]
) -> Iterator[Consumer]:
    """Workloads that name the client id themselves, and run as a ServiceAccount that does not."""
    maps = {
        (one["metadata"]["namespace"], one["metadata"]["name"]): one
        for one in inventory.of("configmaps")
    }
    for kind, found, template in templates:
        metadata = found["metadata"]
        place = (kind, metadata["namespace"], metadata["name"])
        said = overrides.naming(template, metadata["namespace"], inventory.client_id, maps)
        if said and place not in _places(running):
            account = service_account_of(template["spec"])
            by_hand = (
                f"{'; '.join(said)}. ServiceAccount {account} names no client id, so Firebreak moves nothing here: "
                f"find out how it gets its tokens, then kubectl --context {inventory.cluster} "
                f"-n {metadata['namespace']} edit {kind.lower()} {metadata['name']}"
            )
            field = "spec.containers" if kind == "Pod" else "spec.template.spec.containers"
            yield consumers.new_of(inventory.cluster, "Workload", found, field, by_hand=by_hand)


def _places(running: Sequence[WorkloadRef]) -> set[tuple[str, str, str]]:
    return {(one["kind"], one["namespace"], one["name"]) for one in running}
