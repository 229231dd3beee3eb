"""Responder: what one cluster knows of an identity: who names it, who runs with it, can we act there.

Stops    nothing
Leaves   everything as it is
Undo     none needed
Needs    Azure Kubernetes Service Cluster User; get and list on serviceaccounts, workloads, pods, role bindings
Source   https://learn.microsoft.com/azure/aks/workload-identity-overview

It reads through the responders of the single nouns, which is why it may import them.
"""

import asyncio
from typing import NotRequired, TypedDict

from responders import bindings, clusters, mint_rights, preflight, service_accounts, workloads
from responders.cloud import Cloud
from responders.errors import RefusedError, ResponderError
from responders.kube import Kube
from responders.model import ClusterRef, Consumer, Json, ServiceAccountRef, StepResult, WorkloadRef


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
    # Who else may request tokens of those ServiceAccounts; None where that could not be read.
    minters: NotRequired[list[Json] | None]
    unread: NotRequired[list[str]]  # what could not be asked of this cluster, and why


async def take(cloud: Cloud, cluster: ClusterRef, client_id: str) -> Survey:
    """Read one cluster. A cluster that can't be read is an answer here, not an error."""
    try:
        return await _read(cloud, cluster, client_id)
    except* ResponderError as group:
        reason = "; ".join(str(error) for error in group.exceptions)
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


async def _read(cloud: Cloud, cluster: ClusterRef, client_id: str) -> Survey:
    kube = await clusters.connect(cloud, cluster)
    async with asyncio.TaskGroup() as reads:
        ready = reads.create_task(preflight.check(kube))
        accounts_read = reads.create_task(service_accounts.find(kube, client_id))
    accounts = accounts_read.result()
    async with asyncio.TaskGroup() as reads:
        running = [reads.create_task(workloads.find(kube, account)) for account in accounts]
        bound = [reads.create_task(bindings.find(kube, account)) for account in accounts]
        minting = reads.create_task(_minters(cloud, kube, accounts))
    return {
        "cluster": cluster,
        "reachable": True,
        "reason": "",
        "preflight": ready.result(),
        "service_accounts": accounts,
        "workloads": [workload for task in running for workload in task.result()],
        "bindings": [binding for task in bound for binding in task.result()],
        "minters": minting.result(),
    }


async def _minters(
    cloud: Cloud, kube: Kube, accounts: list[ServiceAccountRef]
) -> list[Json] | None:
    """A cluster that does not say who may request tokens is one where anybody may."""
    try:
        return await mint_rights.find(kube, accounts, ours=await cloud.own_object_id())
    except RefusedError:
        return None
