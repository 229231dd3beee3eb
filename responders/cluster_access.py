"""Responder: who comes by tokens of ServiceAccounts through Azure: by its RBAC for Kubernetes, or as administrator.

Stops    nothing: it reports
Leaves   people who may give themselves such a role, and eligible assignments that nobody has activated
Undo     none needed
Needs    NEEDS, below
Source   https://learn.microsoft.com/azure/aks/manage-azure-rbac
         https://learn.microsoft.com/azure/aks/manage-local-accounts-managed-azure-ad
         https://learn.microsoft.com/azure/aks/access-private-cluster
         https://learn.microsoft.com/azure/role-based-access-control/permissions/containers#microsoftcontainerservice
"""

from collections.abc import Sequence, Set
from typing import Final

from responders import role_definitions
from responders.cloud import Cloud
from responders.errors import ContractChangedError, RefusedError
from responders.managed_identities import CLUSTERS_VERSION
from responders.model import ClusterRef, Json, ServiceAccountRef
from responders.needs import ASSIGNMENTS, CLUSTERS, DEFINITIONS, AzureNeed, Needs
from responders.role_definitions import Permission

_ASSIGNMENTS_VERSION = "2022-04-01"
_AKS = "Microsoft.ContainerService/managedClusters"
_ADMIN = f"{_AKS}/listClusterAdminCredential/action"
_COMMAND = f"{_AKS}/runCommand/action"
# What a data action lets its holder do; a subresource is asked for as its resource, but for exec.
_DATA = {
    f"{_AKS}/serviceaccounts/token/write": "requests tokens",
    f"{_AKS}/serviceaccounts/write": "requests tokens",
    f"{_AKS}/serviceaccounts/impersonate/action": "acts as ServiceAccounts",
    f"{_AKS}/users/impersonate/action": "acts as anybody",
    f"{_AKS}/pods/write": "runs pods",
    f"{_AKS}/pods/exec/action": "gets into pods",
    f"{_AKS}/apps/deployments/write": "runs pods",
    f"{_AKS}/apps/statefulsets/write": "runs pods",
    f"{_AKS}/apps/daemonsets/write": "runs pods",
    f"{_AKS}/batch/jobs/write": "runs pods",
    f"{_AKS}/batch/cronjobs/write": "runs pods",
}
NEEDS: Final = Needs(
    azure=(
        AzureNeed(f"{ASSIGNMENTS}/read", "who may request tokens in a cluster by Azure RBAC"),
        AzureNeed(f"{DEFINITIONS}/read", "what their roles allow"),
        AzureNeed(f"{CLUSTERS}/read", "whether Azure RBAC decides in the cluster"),
    ),
)


async def holders(
    cloud: Cloud, cluster: ClusterRef, accounts: Sequence[ServiceAccountRef], *, ours: Set[str]
) -> list[Json]:
    """Each principal with such a role at the cluster, above it, or at a namespace of these accounts.

    As `mint_rights.holders` names them. Raises where the assignments or a definition could not be read: a role that is
    not known may allow anything.
    """
    if not accounts:
        return []
    path = cluster["resource_id"]
    properties = await _properties(cloud, path)
    assigned = await cloud.arm.list(
        f"{path}/providers/Microsoft.Authorization/roleAssignments", _ASSIGNMENTS_VERSION
    )
    namespaces = {one["namespace"] for one in accounts}
    found = [one["properties"] | {"id": one["id"]} for one in assigned]
    others = [
        one
        for one in found
        if str(one["principalId"]).lower() not in ours
        and _namespace(path, str(one["scope"])) in {None, *namespaces}
    ]
    roles = await role_definitions.read(cloud, (str(one["roleDefinitionId"]) for one in others))
    if unknown := sorted({str(one["roleDefinitionId"]) for one in others} - roles.keys()):
        which = ", ".join(unknown)
        raise RefusedError(f"{cluster['name']}: what these roles allow could not be read: {which}")
    holding = []
    for one in others:
        within = _namespace(path, str(one["scope"])) is not None
        ways = _ways(properties, roles[str(one["roleDefinitionId"])], within=within)
        if ways:
            holding.append(_holder(one, ways))
    return sorted(holding, key=lambda one: (one["who"], one["binding"]))


def _namespace(cluster: str, scope: str) -> str | None:
    """The namespace that a role is given for; None: the whole cluster. Others' scopes below it are ""."""
    below = scope.lower().removeprefix(cluster.lower())
    if below == scope.lower() or not below.strip("/"):
        return None
    kind, _, name = below.strip("/").partition("/")
    return name if kind == "namespaces" else ""


async def _properties(cloud: Cloud, path: str) -> Json:
    found = (await cloud.arm.get(path, CLUSTERS_VERSION)).get("properties")
    if not isinstance(found, dict):
        raise ContractChangedError(f"{path} has no properties")
    return found


def _ways(properties: Json, role: list[Permission], *, within: bool) -> list[str]:
    """How a role comes by tokens in this cluster, as its switches stand; `within` a namespace by data actions alone."""
    found = []
    server = properties.get("apiServerAccessProfile") or {}
    if not within and not properties.get("disableLocalAccounts"):
        found += ["gets the administrator's credential"] * role_definitions.allows(role, _ADMIN)
    if not within and not server.get("disableRunCommand"):
        found += ["runs commands as its administrator"] * role_definitions.allows(role, _COMMAND)
    if (properties.get("aadProfile") or {}).get("enableAzureRBAC"):
        found += [
            how for one, how in _DATA.items() if role_definitions.allows(role, one, data=True)
        ]
    return list(dict.fromkeys(found))


def _holder(one: Json, ways: list[str]) -> Json:
    return {
        "who": f"{one.get('principalType') or 'Principal'} {one['principalId']}",
        "user": "" if one.get("principalType") == "Group" else str(one["principalId"]),
        "how": ", ".join(ways),
        "binding": f"Azure role assignment at {one['scope']}",
        "created": one.get("createdOn"),
        "by_hand": f"az role assignment delete --ids {one['id']}",
    }
