"""Responder: ServiceAccounts that name an Entra client id, and their successors.

Stops    a retired ServiceAccount gives new pods no client id; the successor gives them the new one
Leaves   running pods with the environment they started with; ServiceAccount tokens already stolen,
         which Entra accepts until they expire: only the successor's new subject shuts them out
Undo     items: for each changed annotation its value before, on the object firebreak.dev/previous-client-id; a created
         ServiceAccount is deleted
Needs    NEEDS, below
Source   https://learn.microsoft.com/azure/aks/workload-identity-overview
         https://kubernetes.io/docs/concepts/security/service-accounts/
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from responders.errors import ConflictError, NotFoundError, RefusedError
from responders.gitops import owner_of, remark, without_marks
from responders.inventories import Inventory
from responders.inventory_cuts import CLIENT_ID, says
from responders.kube import Change, Kube
from responders.kube_requests import path_of
from responders.model import Json, ServiceAccountRef, StepResult
from responders.needs import ClusterNeed, Needs

_EVERYWHERE = path_of("serviceaccounts")
INCIDENT = "firebreak.dev/incident"
REPLACES = "firebreak.dev/replaces"
RETIRED_BY = "firebreak.dev/retired-by"
REPLACED_BY = "firebreak.dev/replaced-by"
PREVIOUS_CLIENT_ID = "firebreak.dev/previous-client-id"
NEEDS: Final = Needs(
    cluster=(
        ClusterNeed(
            "serviceaccounts",
            ("list",),
            "which ServiceAccounts name an identity",
            ("subjects", "read"),
        ),
        ClusterNeed(
            "serviceaccounts",
            ("create", "get", "patch"),
            "make the successor of a ServiceAccount",
            ("ensure_successor", "_adopt"),
        ),
        ClusterNeed(
            "serviceaccounts",
            ("get", "patch"),
            "name the new identity, or none",
            ("point", "retire"),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Successor:
    """What comes after an old ServiceAccount: one under another name, or itself."""

    name: str
    client_id: str
    incident_id: str
    marks: tuple[tuple[str, str], ...] = ()  # annotations of whoever asks for it


def find(inventory: Inventory) -> list[ServiceAccountRef]:
    """Every ServiceAccount, in any namespace, that is annotated with the inventory's client id."""
    found = [
        ref_of(inventory.cluster, account["metadata"])
        for account in inventory.of("serviceaccounts")
    ]
    return sorted(
        (ref for ref in found if says(ref["client_id"], inventory.client_id)),
        key=lambda ref: (ref["namespace"], ref["name"]),
    )


async def subjects(kube: Kube, client_id: str) -> list[str]:
    """Those that name this client id now, as a trust names them."""
    accounts = await kube.list_all(_EVERYWHERE)
    return sorted(
        f"system:serviceaccount:{one['metadata']['namespace']}:{one['metadata']['name']}"
        for one in accounts
        if says(_annotations(one).get(CLIENT_ID), client_id)
    )


async def read(kube: Kube, refs: Sequence[ServiceAccountRef]) -> dict[tuple[str, str], Json]:
    """The ServiceAccounts of the namespaces that the refs are in, by namespace and name."""
    namespaces = sorted({one["namespace"] for one in refs})
    lists = await asyncio.gather(
        *(kube.list_all(path_of("serviceaccounts", one)) for one in namespaces)
    )
    return {
        (namespace, found["metadata"]["name"]): found
        for namespace, items in zip(namespaces, lists, strict=True)
        for found in items
    }


async def ensure_successor(
    kube: Kube, ref: ServiceAccountRef, old: Json | None, successor: Successor
) -> StepResult:
    """Create the ServiceAccount under its new name, with the new client id. Safe to repeat.

    A namesake that this incident did not make is refused: somebody may have put it there to be
    given the new identity. `old` is None where it was deleted: recovery goes on.
    """
    namespace = ref["namespace"]
    wanted = _successor(old or {"metadata": {}}, ref, successor)
    try:
        await kube.create(path_of("serviceaccounts", namespace), wanted)
    except ConflictError:
        return await _adopt(kube, namespace, successor)
    item = {"created": f"{namespace}/{successor.name}", "metadata": wanted["metadata"]}
    return {
        "status": "done",
        "detail": f"created {kube.cluster} {namespace}/{successor.name}",
        "items": [item],
    }


async def point(
    kube: Kube, ref: ServiceAccountRef, known: Json | None, successor: Successor
) -> StepResult:
    """Let a ServiceAccount that keeps its name say the new client id. Safe to repeat.

    Pods read it when they start: https://learn.microsoft.com/azure/aks/workload-identity-overview
    """
    where = f"{kube.cluster} {ref['namespace']}/{ref['name']}"
    if known is None:
        return _gone(kube, ref, successor)

    def change(account: Json) -> Json | None:
        named = _annotations(account).get(CLIENT_ID)
        if named is None or named.lower() != ref["client_id"].lower():
            return None
        notes = {CLIENT_ID: successor.client_id, PREVIOUS_CLIENT_ID: named}
        return {"metadata": {"annotations": {**notes, INCIDENT: successor.incident_id}}}

    before, written = await kube.update(
        path_of("serviceaccounts", ref["namespace"], ref["name"]), change, known=known
    )
    named = _annotations(before).get(CLIENT_ID)
    if written:
        item = _changed(where, named, successor.client_id)
        detail = f"{where} now names {successor.client_id}. {remark(before['metadata'])}".strip()
        return {"status": "done", "detail": detail, "items": [item]}
    if named == successor.client_id:
        return {"status": "nothing_to_do", "detail": f"{where} names {named} already"}
    return _changed_since(kube, ref, named)


async def retire(
    kube: Kube, ref: ServiceAccountRef, known: Json | None, replaced_by: str, incident_id: str
) -> StepResult:
    """Take the client id off the old ServiceAccount and say who did it and what replaces it."""
    where = f"{kube.cluster} {ref['namespace']}/{ref['name']}"

    def change(account: Json) -> Json | None:
        named = _annotations(account).get(CLIENT_ID)
        if named is None or named.lower() != ref["client_id"].lower():
            return None
        gone = {CLIENT_ID: None, PREVIOUS_CLIENT_ID: named}
        marks = {RETIRED_BY: incident_id, REPLACED_BY: replaced_by, INCIDENT: incident_id}
        return {"metadata": {"annotations": {**gone, **marks}}}

    if known is None:
        return {"status": "nothing_to_do", "detail": f"{where} is gone"}
    try:
        before, written = await kube.update(
            path_of("serviceaccounts", ref["namespace"], ref["name"]), change, known=known
        )
    except NotFoundError:
        return {"status": "nothing_to_do", "detail": f"{where} is gone"}
    named = _annotations(before).get(CLIENT_ID)
    if written:
        detail = f"{where} no longer names {named}. {remark(before['metadata'])}".strip()
        return {"status": "done", "detail": detail, "items": [_changed(where, named, None)]}
    if named is None:
        return {"status": "nothing_to_do", "detail": f"{where} names no client id"}
    return _changed_since(kube, ref, named)


def back(ref: ServiceAccountRef, ids: Successor) -> tuple[str, Change]:
    """Where the old one is, and what lets it name its client id again as before this incident."""

    def change(account: Json) -> Json | None:
        notes = _annotations(account)
        if notes.get(INCIDENT) != ids.incident_id:
            return None
        named = notes.get(CLIENT_ID)
        if named not in {None, ids.client_id, ref["client_id"]}:
            raise RefusedError(
                f"{ref['cluster']} {ref['namespace']}/{ref['name']} names {named} by now"
            )
        gone = dict.fromkeys((PREVIOUS_CLIENT_ID, RETIRED_BY, REPLACED_BY, INCIDENT))
        return {"metadata": {"annotations": {**gone, CLIENT_ID: ref["client_id"]}}}

    return path_of("serviceaccounts", ref["namespace"], ref["name"]), change


def closed(ref: ServiceAccountRef, to: Successor) -> tuple[str, Change]:
    """Where the successor is, and what takes the new client id off it. It stays: a pod may still run as it."""

    def change(account: Json) -> Json | None:
        notes = _annotations(account)
        if notes.get(INCIDENT) != to.incident_id or CLIENT_ID not in notes:
            return None
        return {"metadata": {"annotations": {CLIENT_ID: None}}}

    return path_of("serviceaccounts", ref["namespace"], to.name), change


def stands(ref: ServiceAccountRef, known: Json | None, name: str, client_id: str) -> str | None:
    """Why the successor `name` does not say the new client id any more; None where it does."""
    where = f"{ref['cluster']} {ref['namespace']}/{name}"
    if known is None:
        return f"{where} is gone"
    named = _annotations(known).get(CLIENT_ID)
    return None if named == client_id else f"{where} names {named or 'no client id'}"


def names_again(ref: ServiceAccountRef, known: Json | None) -> str | None:
    """Why a retired ServiceAccount is not retired any more; None where it is, or is gone."""
    named = _annotations(known).get(CLIENT_ID) if known is not None else None
    if named is None or named.lower() != ref["client_id"].lower():
        return None
    return f"{ref['cluster']} {ref['namespace']}/{ref['name']} names {named} again"


def _changed(where: str, before: str | None, after: str | None) -> Json:
    return {"service_account": where, "annotation": CLIENT_ID, "before": before, "after": after}


def _changed_since(kube: Kube, ref: ServiceAccountRef, named: str | None) -> StepResult:
    look = (
        f"kubectl --context {kube.cluster} -n {ref['namespace']} get serviceaccount {ref['name']} "
        "-o yaml --show-managed-fields"
    )
    return {
        "status": "refused",
        "detail": f"{kube.cluster} {ref['namespace']}/{ref['name']} now names {named}, not "
        f"{ref['client_id']}: somebody changed it since. Look at it: {look}",
    }


def _gone(kube: Kube, ref: ServiceAccountRef, successor: Successor) -> StepResult:
    again = f"kubectl --context {kube.cluster} -n {ref['namespace']} create serviceaccount {ref['name']}"
    say = (
        f"kubectl --context {kube.cluster} -n {ref['namespace']} annotate serviceaccount {ref['name']} "
        f"{CLIENT_ID}={successor.client_id}"
    )
    where = f"{kube.cluster} {ref['namespace']}/{ref['name']}"
    detail = f"{where} is gone: make it again from its source: {again} && {say}"
    return {"status": "refused", "detail": detail, "by_hand": [again, say]}


def _successor(old: Json, ref: ServiceAccountRef, to: Successor) -> Json:
    """What pods need of the old one. Not its `secrets`: those are tokens that never expire."""
    annotations = {
        name: value
        for name, value in without_marks(_annotations(old)).items()
        if not name.startswith("firebreak.dev/")
    }
    annotations |= {CLIENT_ID: to.client_id, INCIDENT: to.incident_id, REPLACES: ref["name"]}
    annotations |= dict(to.marks)
    successor: Json = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {
            "name": to.name,
            "namespace": ref["namespace"],
            "labels": without_marks(old["metadata"].get("labels") or {}),
            "annotations": annotations,
        },
    }
    for kept in ("imagePullSecrets", "automountServiceAccountToken"):
        if kept in old:
            successor[kept] = old[kept]
    return successor


async def _adopt(kube: Kube, namespace: str, to: Successor) -> StepResult:
    """The name is taken: by an earlier run of this step, or by somebody else."""
    where = f"{kube.cluster} {namespace}/{to.name}"

    def change(account: Json) -> Json | None:
        found = _annotations(account)
        if found.get(INCIDENT) != to.incident_id or found.get(CLIENT_ID) == to.client_id:
            return None
        return {"metadata": {"annotations": {CLIENT_ID: to.client_id}}}

    before, written = await kube.update(path_of("serviceaccounts", namespace, to.name), change)
    found = _annotations(before)
    if found.get(INCIDENT) != to.incident_id:
        return {
            "status": "refused",
            "detail": f"{where} exists and is not of incident {to.incident_id}: look who made it "
            f"(kubectl -n {namespace} get serviceaccount {to.name} -o yaml "
            f"--show-managed-fields), and delete it before this step is run again",
        }
    if written:
        item = _changed(where, found.get(CLIENT_ID), to.client_id)
        return {"status": "done", "detail": f"{where} now names {to.client_id}", "items": [item]}
    return {"status": "nothing_to_do", "detail": f"{where} is there already"}


def _annotations(account: Json) -> Json:
    found: Json = account["metadata"].get("annotations") or {}
    return found


def ref_of(cluster: str, metadata: Json) -> ServiceAccountRef:
    """The reference that playbooks carry, of metadata as an inventory keeps it."""
    namespace, name = metadata["namespace"], metadata["name"]
    return {
        "cluster": cluster,
        "namespace": namespace,
        "name": name,
        "client_id": (metadata.get("annotations") or {}).get(CLIENT_ID, "").strip(),
        "subject": f"system:serviceaccount:{namespace}:{name}",
        "created": metadata.get("creationTimestamp"),
        "named_since": _named_since(metadata),
        "owner": owner_of(metadata),
    }


def _named_since(metadata: Json) -> str | None:
    """When somebody last wrote the fields that the client id is among: that is as old as it can be.

    https://kubernetes.io/docs/reference/using-api/server-side-apply/#managers
    """
    writers = [one for one in metadata.get("managedFields") or [] if one["names_client_id"]]
    times = [one["time"] for one in writers]
    return max(times) if times and all(times) else None
