"""Responder: AKS identity bindings, by which clusters share one federated credential of a managed identity.

Stops    nothing: it reports
Leaves   the bindings and the ClusterRoles that let ServiceAccounts use them: a new identity needs new ones, by hand
Undo     none needed
Needs    NEEDS, below
Source   https://learn.microsoft.com/azure/aks/identity-bindings-concepts
         https://learn.microsoft.com/azure/aks/identity-bindings
"""

from collections.abc import Sequence
from typing import Final

from responders import consumers, workloads
from responders.cloud import Cloud
from responders.errors import NotFoundError
from responders.inventories import Inventory
from responders.inventory_cuts import TOKEN_PROXY, says
from responders.model import ClusterRef, Consumer, ConsumerKind, Json, WorkloadRef
from responders.needs import BINDINGS, CLUSTERS, AzureNeed, Needs
from responders.resource_graph import checked_resource_id
from responders.workload_objects import containers_of, template_of

# The feature is a preview: no stable version has it in every cloud.
API_VERSION = "2025-10-02-preview"
GROUP = "cid.wi.aks.azure.com"  # of the rule in a ClusterRole whose resource is a client id
_KIND: ConsumerKind = "IdentityBinding"
_FIRST = (
    "its pods get their tokens from the cluster's own proxy: bind the new identity to the cluster and let its "
    "ServiceAccount use the binding before it is moved"
)
USE = "azure.workload.identity/use-identity-binding"  # on the pod
NEEDS: Final = Needs(
    azure=(
        AzureNeed(
            f"{CLUSTERS}/identityBindings/read",
            "identity bindings of a cluster",
            ("read",),
            only_with=BINDINGS,
        ),
    ),
)


async def read(cloud: Cloud, cluster: ClusterRef, client_id: str) -> list[Consumer]:
    """The cluster's bindings to this identity. None where its cloud or region does not know such bindings."""
    resource_id = checked_resource_id(cluster["resource_id"])
    try:
        found = await cloud.arm.list(f"{resource_id}/identityBindings", API_VERSION)
    except NotFoundError:
        return []
    return [_bound(cluster, one) for one in found if _is_of(one, client_id)]


def in_cluster(inventory: Inventory, running: Sequence[WorkloadRef]) -> list[Consumer]:
    """ClusterRoles that allow the use of the identity by a binding, and what of `running` uses one."""
    roles = [
        consumers.new_of(
            inventory.cluster, _KIND, role, "rules[].resources", by_hand=_role(inventory, role)
        )
        for role in inventory.of("clusterroles")
        if any(_allows(rule, inventory.client_id) for rule in role["rules"] or [])
    ]
    places = {(one["kind"], one["namespace"], one["name"]) for one in running}
    users = [
        consumers.new_of(inventory.cluster, _KIND, found, "spec", by_hand=_FIRST)
        for kind, found in workloads.everything(inventory).values()
        if (kind, found["metadata"]["namespace"], found["metadata"]["name"]) in places
        and _uses_one(template_of(kind, found))
    ]
    return [*roles, *users]


def _uses_one(template: Json) -> bool:
    notes = template["metadata"].get("annotations") or {}
    return notes.get(USE) == "true" or _has_proxy(template)


def _has_proxy(template: Json) -> bool:
    return any(
        variable.get("name") == TOKEN_PROXY
        for container in containers_of(template["spec"])
        for variable in container.get("env") or []
    )


def _is_of(binding: Json, client_id: str) -> bool:
    profile = (binding.get("properties") or {}).get("managedIdentity") or {}
    return says(profile.get("clientId"), client_id)


def _bound(cluster: ClusterRef, binding: Json) -> Consumer:
    parts = cluster["resource_id"].split("/")
    name = str(binding.get("name"))
    where = f"--subscription {parts[2]} -g {parts[4]} --cluster-name {parts[-1]}"
    system: Json = binding.get("systemData") or {}
    return {
        "cluster": cluster["name"],
        "namespace": None,
        "kind": _KIND,
        "name": name,
        "field": "properties.managedIdentity.clientId",
        "patchable": False,
        "created": system.get("createdAt"),
        "owner": None,
        "by_hand": "rebuilt by hand: a binding keeps its identity. Once the new one is there: az aks identity-binding "
        f"create {where} -n {name}-new --managed-identity-resource-id <the new identity>, then az aks "
        f"identity-binding delete {where} -n {name}",
    }


def _allows(rule: Json, client_id: str) -> bool:
    return GROUP in (rule.get("apiGroups") or []) and any(
        says(one, client_id) for one in rule.get("resources") or []
    )


def _role(inventory: Inventory, role: Json) -> str:
    name = role["metadata"]["name"]
    kubectl = f"kubectl --context {inventory.cluster}"
    bound = [
        one["metadata"]["name"]
        for one in inventory.of("clusterrolebindings")
        if one["roleRef"]["name"] == name
    ]
    return (
        f"rebuilt by hand: {kubectl} create clusterrole {name}-new --verb=use-managed-identity --resource=<the new "
        f"client id>.{GROUP}, then bind it as {', '.join(sorted(bound)) or 'nothing so far'} does: {kubectl} get "
        f"clusterrolebinding -o wide"
    )
