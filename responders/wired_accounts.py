"""Responder: ServiceAccounts that name a declared identity, as the webhook reads them.

Stops    nothing
Leaves   every label and annotation that no declaration is about; running pods, which keep what they started with
Undo     `restore`: what was created is deleted, what was changed gets its annotations back
Needs    NEEDS, below
Source   https://learn.microsoft.com/azure/aks/workload-identity-overview
         https://azure.github.io/azure-workload-identity/docs/topics/service-account-labels-and-annotations.html
"""

from dataclasses import dataclass
from typing import Final

from responders.errors import ConflictError, NotFoundError
from responders.inventory_cuts import CLIENT_ID
from responders.kube import Kube
from responders.kube_requests import path_of
from responders.model import Json
from responders.namespaces import IDENTITY, RUN
from responders.needs import ClusterNeed, Needs
from responders.workload_facts import EXPIRATION

TENANT_ID = "azure.workload.identity/tenant-id"
NEEDS: Final = Needs(
    cluster=(
        ClusterNeed(
            "serviceaccounts", ("list",), "ServiceAccounts of a declared namespace", ("read_all",)
        ),
        ClusterNeed(
            "serviceaccounts",
            ("create", "get", "patch"),
            "wire a declared ServiceAccount",
            ("ensure",),
        ),
        ClusterNeed("serviceaccounts", ("get", "patch", "delete"), "undo that", ("restore",)),
    ),
)


@dataclass(frozen=True, slots=True)
class Wiring:
    """What one ServiceAccount says."""

    namespace: str
    name: str
    client_id: str
    tenant_id: str
    expiration: str | None  # seconds; None: the webhook's default, whatever the annotation says
    identity: str  # the declaration's name
    run_id: str

    @property
    def wanted(self) -> dict[str, str]:
        """The annotations that it has to have."""
        said = {CLIENT_ID: self.client_id, TENANT_ID: self.tenant_id, IDENTITY: self.identity}
        return said | ({EXPIRATION: self.expiration} if self.expiration else {})


async def read_all(kube: Kube, namespace: str) -> dict[str, Json]:
    """The ServiceAccounts of a namespace by name; none where there is no such namespace."""
    found = await kube.list_all(path_of("serviceaccounts", namespace))
    return {one["metadata"]["name"]: one for one in found}


def annotations_of(account: Json) -> dict[str, str]:
    """Those that a declaration is about."""
    notes: dict[str, str] = account["metadata"].get("annotations") or {}
    return {key: notes[key] for key in (CLIENT_ID, TENANT_ID, EXPIRATION, IDENTITY) if key in notes}


async def ensure(kube: Kube, to: Wiring) -> str:
    """Create it, or let it say what it should: "created", "changed" or "". Safe to repeat."""
    at = path_of("serviceaccounts", to.namespace, to.name)
    body = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {
            "name": to.name,
            "namespace": to.namespace,
            "annotations": {**to.wanted, RUN: to.run_id},
        },
    }

    def change(now: Json) -> Json | None:
        notes: Json = now["metadata"].get("annotations") or {}
        if all(notes.get(key) == value for key, value in to.wanted.items()):
            return None
        return {"metadata": {"annotations": to.wanted}}

    try:
        _, written = await kube.update(at, change)
    except NotFoundError:
        try:
            await kube.create(path_of("serviceaccounts", to.namespace), body)
        except (
            ConflictError
        ):  # somebody was faster: it is theirs, and says what it should afterwards
            _, written = await kube.update(at, change)
        else:
            return "created"
    return "changed" if written else ""


async def restore(kube: Kube, to: Wiring, before: dict[str, str] | None) -> str:
    """As it was before: None: it was not there. A sentence where it is otherwise by now, and stays so."""
    at = path_of("serviceaccounts", to.namespace, to.name)
    where = f"{kube.cluster} {to.namespace}/{to.name}"
    try:
        found = await kube.get(at)
    except NotFoundError:
        return ""
    notes: Json = found["metadata"].get("annotations") or {}
    if before is None and notes.get(RUN) == to.run_id:
        await kube.delete(at, found["metadata"]["uid"])
        return ""
    if before is None and notes.get(CLIENT_ID) != to.client_id:
        return ""  # somebody else made it since
    if before is not None and annotations_of(found) == before:
        return ""  # it was not changed yet
    if notes.get(CLIENT_ID) != to.client_id:
        return f"{where} names {notes.get(CLIENT_ID) or 'no client id'} by now: it stays so"
    back = before or {}

    def change(now: Json) -> Json | None:
        said: Json = now["metadata"].get("annotations") or {}
        patch = {key: back.get(key) for key in to.wanted if said.get(key) != back.get(key)}
        return {"metadata": {"annotations": patch}} if patch else None

    await kube.update(at, change)
    return ""
