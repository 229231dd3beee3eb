"""What a responder's calls ask of Microsoft Graph, Azure and a cluster, as data: each module says its own in `NEEDS`.

`permissions/` makes roles, conditions and scripts of it, for the two identities that Firebreak acts as. Each need is
the smallest that lets the call through: an app role of Graph, one action of Azure, verbs on one resource of Kubernetes.

Source   https://learn.microsoft.com/graph/permissions-reference
         https://learn.microsoft.com/azure/role-based-access-control/resource-provider-operations
         https://kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

# Where a role is assigned: management group or subscriptions that Firebreak guards; the log workspace; the container of
# the evidence and the one of its claims; the Event Grid topic of our events; the workspace of Sentinel.
Scope = Literal["guarded", "workspace", "evidence", "claims", "topic", "sentinel"]

IDENTITIES = "Microsoft.ManagedIdentity/userAssignedIdentities"
TRUSTS = f"{IDENTITIES}/federatedIdentityCredentials"
CLUSTERS = "Microsoft.ContainerService/managedClusters"
ASSIGNMENTS = "Microsoft.Authorization/roleAssignments"
DEFINITIONS = "Microsoft.Authorization/roleDefinitions"
VAULTS = "Microsoft.KeyVault/vaults"
BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
WORKSPACES = "Microsoft.OperationalInsights/workspaces"
RUNNERS = (
    *("deployments.apps", "statefulsets.apps", "daemonsets.apps", "replicasets.apps"),
    *("jobs.batch", "cronjobs.batch"),
)
RBAC = tuple(
    f"{kind}.rbac.authorization.k8s.io"
    for kind in ("roles", "clusterroles", "rolebindings", "clusterrolebindings")
)
ROLLOUTS = "rollouts.argoproj.io"
GITOPS = (
    "kustomizations.kustomize.toolkit.fluxcd.io",
    "helmreleases.helm.toolkit.fluxcd.io",
    "applications.argoproj.io",
)
# Settings without which nobody needs what is marked with them.
ENABLING = "[provision] enable_clusters"
SUSPENDING = '[recovery] gitops = "suspend"'
ROTATING = "rotation of signing keys"
# A preview: a cloud that does not know its action refuses the whole role that has it, so it has one of its own.
BINDINGS = "AKS identity bindings (preview)"


@dataclass(frozen=True, slots=True)
class GraphNeed:
    """An app role. `by`: the functions and classes of the module that ask for it; none: all that call out.

    `applications_only`: nobody asks for it about a managed identity.
    """

    role: str
    why: str
    by: tuple[str, ...] = ()
    applications_only: bool = False


@dataclass(frozen=True, slots=True)
class AzureNeed:
    """One action, at one kind of scope.

    `only_with` is the setting without which nobody calls it. `untried` says why no drill can show that it is needed.
    """

    action: str
    why: str
    by: tuple[str, ...] = ()
    data: bool = False
    scope: Scope = "guarded"
    only_with: str = ""
    untried: str = ""


@dataclass(frozen=True, slots=True)
class ClusterNeed:
    """Verbs on one resource, `plural.group/subresource`, or on a path that is no resource.

    `wanted`: without it less is seen or done, which is said, and the rest goes on.
    """

    resource: str
    verbs: tuple[str, ...]
    why: str
    by: tuple[str, ...] = ()
    wanted: bool = False
    only_with: str = ""


Need = GraphNeed | AzureNeed | ClusterNeed


@dataclass(frozen=True, slots=True)
class Needs:
    """All that one module asks for."""

    graph: tuple[GraphNeed, ...] = ()
    azure: tuple[AzureNeed, ...] = ()
    cluster: tuple[ClusterNeed, ...] = ()

    def every(self) -> tuple[Need, ...]:
        """Of all three."""
        return (*self.graph, *self.azure, *self.cluster)


def on_each(
    resources: Iterable[str],
    verbs: tuple[str, ...],
    why: str,
    by: tuple[str, ...] = (),
    *,
    wanted: bool = False,
) -> tuple[ClusterNeed, ...]:
    """The same verbs on several resources."""
    return tuple(ClusterNeed(one, verbs, why, by, wanted) for one in resources)
