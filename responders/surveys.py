"""Responder: what one cluster knows of an identity: who names it, who runs with it, can we act there.

Stops    nothing
Leaves   everything as it is
Undo     none needed
Needs    what clusters.py, inventories.py, preflight.py, cluster_access.py and identity_bindings.py need
Source   https://learn.microsoft.com/azure/aks/workload-identity-overview

It reads through the responders of the single nouns, which is why it may import them.
"""

import asyncio
from typing import NotRequired, TypedDict

from responders import (
    bindings,
    cluster_access,
    clusters,
    config_consumers,
    consumers,
    identity_bindings,
    inventories,
    left_behind,
    mint_rights,
    preflight,
    service_accounts,
    workloads,
)
from responders.cloud import Cloud
from responders.errors import RefusedError, ResponderError, TransientError
from responders.inventories import Inventory
from responders.kube import Kube
from responders.model import (
    ClusterRef,
    Consumer,
    Json,
    Principal,
    ServiceAccountRef,
    StepResult,
    WorkloadRef,
)

_UNUSED: StepResult = {
    "status": "nothing_to_do",
    "detail": "not asked: no ServiceAccount here names the client id",
}


class Survey(TypedDict):
    """One cluster. An unreachable one is said to be so: that is not the same as one with no users."""

    cluster: ClusterRef
    reachable: bool
    reason: str  # why not, and what to do; empty where it is
    preflight: StepResult
    service_accounts: list[ServiceAccountRef]
    workloads: list[WorkloadRef]
    bindings: list[Json]  # RoleBindings that name those ServiceAccounts: a person moves them
    consumers: NotRequired[list[Consumer]]  # what else names the client id
    # Who else comes by tokens of those ServiceAccounts; None where that could not be read.
    minters: NotRequired[list[Json] | None]
    unread: NotRequired[list[str]]  # what could not be asked of this cluster, and why


async def take(cloud: Cloud, cluster: ClusterRef, principal: Principal, *, insist: bool) -> Survey:
    """Read one cluster. A cluster that can't be read is an answer here, not an error.

    With `insist` that holds for its parts as well, where time may still help.
    """
    try:
        return await _read(cloud, cluster, principal, insist=insist)
    except* ResponderError as group:
        said = [*(str(error) for error in group.exceptions), clusters.how_to_reach(cluster)]
        reason = "; ".join(filter(None, said))
    return unreachable(cluster, reason)


def unreachable(cluster: ClusterRef, reason: str) -> Survey:
    """What is known of a cluster that gave no answer: nothing, and that is said."""
    return {
        "cluster": cluster,
        "reachable": False,
        "reason": reason,
        "preflight": {"status": "failed", "detail": reason},
        "service_accounts": [],
        "workloads": [],
        "bindings": [],
    }


async def _read(cloud: Cloud, cluster: ClusterRef, principal: Principal, *, insist: bool) -> Survey:
    client_id = principal["app_id"]
    async with asyncio.TaskGroup() as reads:
        bound = reads.create_task(_bound(cloud, cluster, principal, insist=insist))
        kube = await clusters.connect(cloud, cluster)
        read = reads.create_task(inventories.read(kube, client_id, insist=insist))
    inventory, (bindings_of_cluster, unread) = read.result(), bound.result()
    accounts = service_accounts.find(inventory)
    running = workloads.find(inventory, accounts)
    # Thirty questions, and most clusters of a big company have nobody who runs as this identity.
    ready = await _ready(cloud, cluster, kube) if accounts else _UNUSED
    minters, unsaid = await _minters(cloud, cluster, inventory, accounts, insist=insist)
    return {
        "cluster": cluster,
        "reachable": True,
        "reason": "",
        "preflight": ready,
        "service_accounts": accounts,
        "workloads": running,
        "bindings": [one for account in accounts for one in bindings.find(inventory, account)],
        "consumers": [
            *consumers.find(inventory),
            *config_consumers.find(inventory, running),
            *left_behind.find(inventory, running),
            *identity_bindings.in_cluster(inventory, running),
            *bindings_of_cluster,
        ],
        "minters": minters,
        "unread": [*inventory.unread, *unread, *unsaid],
    }


async def _ready(cloud: Cloud, cluster: ClusterRef, kube: Kube) -> StepResult:
    """Whether a rebuild could act here. That its identity can't get in is no reason to know nothing of the cluster."""
    other = await cloud.acting_as("rebuild")
    if other is cloud:
        return await preflight.check(kube)
    try:
        acting = await clusters.connect(other, cluster)
    except RefusedError as error:
        return {"status": "refused", "detail": f"{cluster['name']}: the rebuild identity: {error}"}
    return await preflight.check(kube, acting=acting)


async def _minters(
    cloud: Cloud,
    cluster: ClusterRef,
    inventory: Inventory,
    accounts: list[ServiceAccountRef],
    *,
    insist: bool,
) -> tuple[list[Json] | None, list[str]]:
    """Who else comes by tokens, by the cluster's RBAC and by Azure's; None and a sentence where either is not known."""
    ours = await cloud.own_object_ids()
    within = mint_rights.find(inventory, accounts, ours=ours)
    if within is None:
        return within, []
    try:
        return [*within, *await cluster_access.holders(cloud, cluster, accounts, ours=ours)], []
    except TransientError as error:
        if insist:
            raise
        return None, [f"who has the cluster by an Azure role: {error}"]
    except ResponderError as error:
        return None, [f"who has the cluster by an Azure role: {error}"]


async def _bound(
    cloud: Cloud, cluster: ClusterRef, principal: Principal, *, insist: bool
) -> tuple[list[Consumer], list[str]]:
    """Identity bindings, which managed identities alone can have; a sentence where they can't be read."""
    if principal["kind"] != "user_assigned_identity":
        return [], []
    try:
        return await identity_bindings.read(cloud, cluster, principal["app_id"]), []
    except TransientError as error:
        if insist:
            raise
        return [], [f"identity bindings: {error}"]
    except ResponderError as error:
        return [], [f"identity bindings: {error}"]
