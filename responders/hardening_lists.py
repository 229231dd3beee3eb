"""Responder: how well the namespaces of one cluster keep what runs there with an identity, each kind listed once.

Stops    nothing
Leaves   everything as it is; Secrets unread, on purpose
Undo     none needed
Needs    NEEDS, below
Source   https://kubernetes.io/docs/concepts/security/pod-security-standards/
         https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from dataclasses import dataclass, field
from typing import Final

from responders import clusters, running_lists
from responders.cloud import Cloud
from responders.errors import NotFoundError, TransientError
from responders.fan_out import fan_out
from responders.inventory_cuts import CLIENT_ID
from responders.kube import Kube
from responders.kube_requests import path_of
from responders.model import ClusterRef, Json
from responders.needs import RBAC, Needs, on_each

_AT_ONCE = 4
_RBAC = ("roles", "clusterroles", "rolebindings", "clusterrolebindings")
_WANTED = ("namespaces", "networkpolicies", "resourcequotas", "poddisruptionbudgets", *_RBAC)
_CLASSES = "secretproviderclasses"
_CSI = "secrets-store.csi.k8s.io"
_KEPT = {
    "namespaces": (),
    "networkpolicies": ("spec",),
    "resourcequotas": (),
    "poddisruptionbudgets": ("spec",),
    "roles": ("rules",),
    "clusterroles": ("rules",),
    "rolebindings": ("subjects", "roleRef"),
    "clusterrolebindings": ("subjects", "roleRef"),
    _CLASSES: ("spec",),
}
_LISTED = (
    "namespaces",
    "networkpolicies.networking.k8s.io",
    "resourcequotas",
    "poddisruptionbudgets.policy",
    *RBAC,
    "secretproviderclasses.secrets-store.csi.x-k8s.io",
)
NEEDS: Final = Needs(
    cluster=(
        *on_each(
            _LISTED, ("list",), "how well namespaces keep what runs there", ("read",), wanted=True
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Hardening:
    """One cluster as a review sees it. A kind in `unread` is not known, and its list is not there."""

    cluster: ClusterRef
    accounts: list[Json]  # namespace, name, client_id
    runners: list[Json]  # namespace, kind, name, account, labels, labelled, replicas, classes
    objects: dict[str, list[Json]]
    unread: dict[str, str] = field(default_factory=dict)

    def of(self, plural: str) -> list[Json]:
        """The objects of a kind that was read."""
        return self.objects[plural]


async def of_cluster(cloud: Cloud, cluster: ClusterRef) -> Hardening:
    """Raises where nobody can say who runs as what; what else could not be read is in `unread`."""
    return await read(await clusters.connect(cloud, cluster), cluster)


async def read(kube: Kube, cluster: ClusterRef) -> Hardening:
    """Each kind once, side by side."""
    accounts, running = await running_lists.read(kube, _account, _more)
    objects: dict[str, list[Json]] = {}
    unread: dict[str, str] = {}
    wanted = await fan_out(
        [*_WANTED, _CLASSES],
        lambda one: kube.list_all(path_of(one), keep=lambda found: _cut(one, found)),
        at_once=_AT_ONCE,
    )
    for plural, answer in wanted:
        match answer:
            case list():
                objects[plural] = answer
            case NotFoundError() if plural == _CLASSES:
                objects[plural] = []  # the driver is not installed
            case TransientError():
                raise answer
            case error:
                unread[plural] = str(error)
    runners = [one for one in running if not one["controlled"]]
    return Hardening(cluster, accounts, runners, objects, unread)


def _account(found: Json) -> Json | None:
    metadata: Json = found["metadata"]
    client_id = (metadata.get("annotations") or {}).get(CLIENT_ID)
    place = {"namespace": metadata["namespace"], "name": metadata["name"]}
    return {**place, "client_id": client_id} if client_id else None


def _more(found: Json, template: Json) -> Json:
    return {
        "labels": template["metadata"].get("labels") or {},
        "replicas": found["spec"].get("replicas", 1),
        "classes": sorted(_classes_of(template["spec"])),
    }


def _classes_of(spec: Json) -> set[str]:
    """SecretProviderClasses that a pod mounts."""
    mounted = [one.get("csi") or {} for one in spec.get("volumes") or []]
    return {
        str((one.get("volumeAttributes") or {}).get("secretProviderClass"))
        for one in mounted
        if one.get("driver") == _CSI
    }


def _cut(plural: str, found: Json) -> Json:
    metadata: Json = found["metadata"]
    names = ("name", "namespace", "labels", "creationTimestamp")
    kept = {name: metadata[name] for name in names if name in metadata}
    return {"metadata": kept, **{part: found.get(part) for part in _KEPT[plural]}}
