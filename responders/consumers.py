"""Responder: what names the client id besides ServiceAccounts, and breaks after the move where it is forgotten.

Stops    nothing
Leaves   everything as it is; what takes it from ConfigMaps and Secrets is found in config_consumers.py
Undo     none needed
Needs    what inventories.py needs
Source   https://learn.microsoft.com/azure/aks/csi-secrets-store-identity-access
         https://learn.microsoft.com/azure/aks/create-volume-azure-files
         https://learn.microsoft.com/azure/aks/keda-workload-identity
         https://kubernetes.io/docs/concepts/storage/persistent-volumes/
"""

from collections.abc import Sequence

from responders import consumer_users
from responders.gitops import owner_of
from responders.inventories import Inventory
from responders.inventory_cuts import says
from responders.model import Consumer, ConsumerKind, Json

_KEDA = "spec.podIdentity.identityId"
_OF_NODES = "spec.parameters.userAssignedIdentityID"
# Kind, plural, where the client id may stand.
_FIELDS: tuple[tuple[ConsumerKind, str, str], ...] = (
    ("SecretProviderClass", "secretproviderclasses", "spec.parameters.clientID"),
    ("SecretProviderClass", "secretproviderclasses", _OF_NODES),
    ("TriggerAuthentication", "triggerauthentications", _KEDA),
    ("ClusterTriggerAuthentication", "clustertriggerauthentications", _KEDA),
    ("StorageClass", "storageclasses", "parameters.clientID"),
    ("PersistentVolume", "persistentvolumes", "spec.csi.volumeAttributes.clientID"),
)


def find(inventory: Inventory) -> list[Consumer]:
    """Those that have a field for it: secrets from a vault, scalers, volumes."""
    found: list[Consumer] = []
    for kind, plural, field in _FIELDS:
        for one in inventory.of(plural):
            # Drivers read the names of parameters in any case.
            spelt, value = _spelt(one, field.split("."))
            if says(value, inventory.client_id):
                by_hand = _by_hand(inventory.cluster, kind, field, one["metadata"])
                consumer = new_of(inventory.cluster, kind, one, spelt, by_hand=by_hand)
                found.append({**consumer, "used_by": consumer_users.find(kind, one, inventory)})
    return found


def new_of(
    cluster: str, kind: ConsumerKind, found: Json, field: str, *, by_hand: str = ""
) -> Consumer:
    """A consumer that is an object in the cluster; patchable where a person has nothing to do."""
    metadata = found["metadata"]
    return {
        "cluster": cluster,
        "namespace": metadata.get("namespace"),
        "kind": kind,
        "name": metadata["name"],
        "field": field,
        "patchable": not by_hand,
        "created": metadata.get("creationTimestamp"),
        "owner": owner_of(metadata),
        "by_hand": by_hand,
    }


def _spelt(found: Json, names: Sequence[str]) -> tuple[str, object]:
    """The field's name as it is spelt there, and its value; None where it is not there."""
    at: object = found
    path: list[str] = []
    for wanted in names:
        mapping = at if isinstance(at, dict) else {}
        name = next((one for one in mapping if one.lower() == wanted.lower()), wanted)
        path.append(name)
        at = mapping.get(name)
    return ".".join(path), at


def _by_hand(cluster: str, kind: ConsumerKind, field: str, metadata: Json) -> str:
    """Why a patch of this field would not do, and what does; "" where it does."""
    name, kubectl = metadata["name"], f"kubectl --context {cluster}"
    if field == _OF_NODES:
        return (
            "it stands for an identity of the nodes: attach the new one to the cluster's scale sets first (az vmss "
            f"identity assign), then {kubectl} -n {metadata['namespace']} edit secretproviderclass {name}"
        )
    if kind == "StorageClass":
        return (
            f"its parameters can't be changed: {kubectl} get storageclass {name} -o yaml > {name}.yaml, put the new "
            f"client id in, {kubectl} replace --force -f {name}.yaml. Volumes that it made keep the old one"
        )
    if kind == "PersistentVolume":
        return (
            "its source can't be changed: with its reclaim policy set to Retain, make claim and volume again with the "
            f"new client id: {kubectl} get persistentvolume {name} -o yaml"
        )
    return ""
