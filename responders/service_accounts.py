"""Responder: ServiceAccounts that name an Entra client id, and their successors.

Stops    a retired ServiceAccount gives new pods no client id; the successor gives them the new one
Leaves   running pods with the environment they started with; ServiceAccount tokens already stolen,
         which Entra accepts until they expire: only the successor's new subject shuts them out
Undo     items: for each changed annotation its value before; a created ServiceAccount is deleted
Needs    serviceaccounts: get, list, create, patch
Source   https://learn.microsoft.com/azure/aks/workload-identity-overview
         https://kubernetes.io/docs/concepts/security/service-accounts/
"""

from responders.errors import ConflictError, NotFoundError
from responders.gitops import owner_of, remark, without_marks
from responders.inventories import Inventory
from responders.inventory_cuts import CLIENT_ID, says
from responders.kube import Kube
from responders.kube_requests import path_of
from responders.model import Json, ServiceAccountRef, StepResult

_EVERYWHERE = path_of("serviceaccounts")
INCIDENT = "firebreak.dev/incident"
REPLACES = "firebreak.dev/replaces"
RETIRED_BY = "firebreak.dev/retired-by"
REPLACED_BY = "firebreak.dev/replaced-by"


def find(inventory: Inventory) -> list[ServiceAccountRef]:
    """Every ServiceAccount, in any namespace, that is annotated with the inventory's client id."""
    found = [
        _ref(inventory.cluster, account["metadata"]) for account in inventory.of("serviceaccounts")
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


async def ensure_successor(
    kube: Kube, ref: ServiceAccountRef, new_name: str, client_id: str, incident_id: str
) -> StepResult:
    """Create the ServiceAccount under its new name, with the new client id. Safe to repeat.

    A namesake that this incident did not make is refused: somebody may have put it there to be
    given the new identity.
    """
    namespace = ref["namespace"]
    wanted = _successor(await _old(kube, ref), ref, new_name, client_id, incident_id)
    try:
        await kube.create(path_of("serviceaccounts", namespace), wanted)
    except ConflictError:
        return await _adopt(kube, namespace, new_name, client_id, incident_id)
    item = {"created": f"{namespace}/{new_name}", "metadata": wanted["metadata"]}
    return {
        "status": "done",
        "detail": f"created {kube.cluster} {namespace}/{new_name}",
        "items": [item],
    }


async def retire(
    kube: Kube, ref: ServiceAccountRef, replaced_by: str, incident_id: str
) -> StepResult:
    """Take the client id off the old ServiceAccount and say who did it and what replaces it."""
    where = f"{kube.cluster} {ref['namespace']}/{ref['name']}"

    def change(account: Json) -> Json | None:
        named = _annotations(account).get(CLIENT_ID)
        if named is None or named.lower() != ref["client_id"].lower():
            return None
        gone = {CLIENT_ID: None, RETIRED_BY: incident_id, REPLACED_BY: replaced_by}
        return {"metadata": {"annotations": gone}}

    try:
        before, written = await kube.update(
            path_of("serviceaccounts", ref["namespace"], ref["name"]), change
        )
    except NotFoundError:
        return {"status": "nothing_to_do", "detail": f"{where} is gone"}
    named = _annotations(before).get(CLIENT_ID)
    if written:
        owner = remark(before["metadata"])
        item = {"service_account": where, "annotation": CLIENT_ID, "before": named, "after": None}
        detail = f"{where} no longer names {named}. {owner}".strip()
        return {"status": "done", "detail": detail, "items": [item]}
    if named is None:
        return {"status": "nothing_to_do", "detail": f"{where} names no client id"}
    return {
        "status": "refused",
        "detail": f"{where} now names {named}, not {ref['client_id']}: somebody changed it since. "
        f"Look at it: kubectl -n {ref['namespace']} get serviceaccount {ref['name']} -o yaml",
    }


async def _old(kube: Kube, ref: ServiceAccountRef) -> Json:
    """The ServiceAccount to succeed, or an empty one where it was deleted: recovery goes on."""
    try:
        return await kube.get(path_of("serviceaccounts", ref["namespace"], ref["name"]))
    except NotFoundError:
        return {"metadata": {}}


def _successor(
    old: Json, ref: ServiceAccountRef, new_name: str, client_id: str, incident_id: str
) -> Json:
    """What pods need of the old one. Not its `secrets`: those are tokens that never expire."""
    annotations = {
        name: value
        for name, value in without_marks(_annotations(old)).items()
        if not name.startswith("firebreak.dev/")
    }
    annotations |= {CLIENT_ID: client_id, INCIDENT: incident_id, REPLACES: ref["name"]}
    successor: Json = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {
            "name": new_name,
            "namespace": ref["namespace"],
            "labels": without_marks(old["metadata"].get("labels") or {}),
            "annotations": annotations,
        },
    }
    for kept in ("imagePullSecrets", "automountServiceAccountToken"):
        if kept in old:
            successor[kept] = old[kept]
    return successor


async def _adopt(
    kube: Kube, namespace: str, name: str, client_id: str, incident_id: str
) -> StepResult:
    """The name is taken: by an earlier run of this step, or by somebody else."""
    where = f"{kube.cluster} {namespace}/{name}"

    def change(account: Json) -> Json | None:
        found = _annotations(account)
        if found.get(INCIDENT) != incident_id or found.get(CLIENT_ID) == client_id:
            return None
        return {"metadata": {"annotations": {CLIENT_ID: client_id}}}

    before, written = await kube.update(path_of("serviceaccounts", namespace, name), change)
    found = _annotations(before)
    if found.get(INCIDENT) != incident_id:
        return {
            "status": "refused",
            "detail": f"{where} exists and is not of incident {incident_id}: look who made it "
            f"(kubectl -n {namespace} get serviceaccount {name} -o yaml "
            f"--show-managed-fields), and delete it before this step is run again",
        }
    if written:
        item = {
            "service_account": where,
            "annotation": CLIENT_ID,
            "before": found.get(CLIENT_ID),
            "after": client_id,
        }
        return {"status": "done", "detail": f"{where} now names {client_id}", "items": [item]}
    return {"status": "nothing_to_do", "detail": f"{where} is there already"}


def _annotations(account: Json) -> Json:
    found: Json = account["metadata"].get("annotations") or {}
    return found


def _ref(cluster: str, metadata: Json) -> ServiceAccountRef:
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
