"""The namespace controllers: what every namespace gets, and how one ends.

Source   https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/
"""

import copy
from typing import TYPE_CHECKING

from sandbox.kubernetes import deletes, writes
from sandbox.kubernetes.kinds import stored
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

KIND = stored("namespaces")
_CA_NOTE = "kubernetes.io/description"
_CA_TEXT = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal "
    "endpoints such as the internal service IP or kubernetes.default.svc. No other usage is "
    "guaranteed across distributions of Kubernetes clusters."
)


def sync(cluster: "Cluster", namespace: str, name: str) -> None:
    """Fill a living namespace, empty and remove one that is being deleted."""
    found = cluster.store.get(KIND, "", name)
    if found is None:
        return
    if not found["metadata"].get("deletionTimestamp"):
        _fill(cluster, name)
        return
    left = False
    for kind in cluster.store.kinds():
        for value in cluster.store.peek(kind, name) if kind.namespaced else []:
            left = True
            if not value["metadata"].get("deletionTimestamp"):
                wanted = deletes.DeleteOptions(propagation="Background")
                deletes.delete(cluster, kind, copy.deepcopy(value), wanted)
    if not left or _is_empty(cluster, name):
        cluster.store.remove(KIND, "", name)


def sync_content(cluster: "Cluster", namespace: str, name: str) -> None:
    """Something in a namespace changed: what each must have comes back, and an ending one ends."""
    found = cluster.store.look(KIND, "", namespace)
    is_ending = found is not None and "deletionTimestamp" in found["metadata"]
    if is_ending or name in ("default", "kube-root-ca.crt"):
        cluster.reactor.enqueue(KIND, "", namespace)


def _is_empty(cluster: "Cluster", name: str) -> bool:
    return not any(
        cluster.store.peek(kind, name) for kind in cluster.store.kinds() if kind.namespaced
    )


def _fill(cluster: "Cluster", name: str) -> None:
    accounts, maps = stored("serviceaccounts"), stored("configmaps")
    if cluster.store.get(accounts, name, "default") is None:
        account = {"metadata": {"name": "default", "namespace": name}}
        writes.create(cluster, accounts, account, writes.CONTROLLER)
    if cluster.store.get(maps, name, "kube-root-ca.crt") is None:
        about: Json = {
            "name": "kube-root-ca.crt",
            "namespace": name,
            "annotations": {_CA_NOTE: _CA_TEXT},
        }
        data = {"ca.crt": cluster.certificate_authority}
        writes.create(cluster, maps, {"metadata": about, "data": data}, writes.CONTROLLER)
