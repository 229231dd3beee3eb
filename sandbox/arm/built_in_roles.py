"""Built-in roles with the ids, actions and data actions that Microsoft publishes. A table, hence its length.

Simulates   what `GET /providers/Microsoft.Authorization/roleDefinitions` knows of itself
Faithful    ids, names, all four lists, as published in July 2026
Left out    the hundreds of built-in roles that no workload identity in the sandbox can need
Source      https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
"""

from dataclasses import dataclass

_READ_ROLES = "Microsoft.Authorization/*/read"
_CLASSIC_ALERTS = "Microsoft.Insights/alertRules/*"
_DEPLOYMENTS = "Microsoft.Resources/deployments/*"
_READ_GROUPS = "Microsoft.Resources/subscriptions/resourceGroups/read"
_SUPPORT = "Microsoft.Support/*"
_AKS = "Microsoft.ContainerService/managedClusters"
_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers"
_DELEGATION_KEY = "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action"
_IDENTITIES = "Microsoft.ManagedIdentity/userAssignedIdentities"
_VAULTS = "Microsoft.KeyVault/vaults"
_LOG_WORKSPACES = "Microsoft.OperationalInsights/workspaces"


@dataclass(frozen=True, slots=True)
class BuiltInRole:
    """One role; `name` is what people say and `guid` is what assignments carry."""

    guid: str
    name: str
    description: str
    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()
    not_data_actions: tuple[str, ...] = ()


_CLUSTER_READS = (
    _READ_ROLES,
    "Microsoft.Resources/subscriptions/operationresults/read",
    "Microsoft.Resources/subscriptions/read",
    _READ_GROUPS,
)
_KUBERNETES_READS = tuple(
    f"{_AKS}/{kind}/read"
    for kind in (
        "apps/controllerrevisions",
        "apps/daemonsets",
        "apps/deployments",
        "apps/replicasets",
        "apps/statefulsets",
        "autoscaling/horizontalpodautoscalers",
        "batch/cronjobs",
        "batch/jobs",
        "configmaps",
        "discovery.k8s.io/endpointslices",
        "endpoints",
        "events.k8s.io/events",
        "events",
        "extensions/daemonsets",
        "extensions/deployments",
        "extensions/ingresses",
        "extensions/networkpolicies",
        "extensions/replicasets",
        "limitranges",
        "metrics.k8s.io/pods",
        "metrics.k8s.io/nodes",
        "namespaces",
        "networking.k8s.io/ingresses",
        "networking.k8s.io/networkpolicies",
        "persistentvolumeclaims",
        "pods",
        "policy/poddisruptionbudgets",
        "replicationcontrollers",
        "resourcequotas",
        "serviceaccounts",
        "services",
    )
)
_KUBERNETES_WRITES = tuple(
    f"{_AKS}/{kind}"
    for kind in (
        "apps/controllerrevisions/read",
        "apps/daemonsets/*",
        "apps/deployments/*",
        "apps/replicasets/*",
        "apps/statefulsets/*",
        "autoscaling/horizontalpodautoscalers/*",
        "batch/cronjobs/*",
        "coordination.k8s.io/leases/read",
        "coordination.k8s.io/leases/write",
        "coordination.k8s.io/leases/delete",
        "discovery.k8s.io/endpointslices/read",
        "batch/jobs/*",
        "configmaps/*",
        "endpoints/*",
        "events.k8s.io/events/read",
        "events/*",
        "extensions/daemonsets/*",
        "extensions/deployments/*",
        "extensions/ingresses/*",
        "extensions/networkpolicies/*",
        "extensions/replicasets/*",
        "limitranges/read",
        "metrics.k8s.io/pods/read",
        "metrics.k8s.io/nodes/read",
        "namespaces/read",
        "networking.k8s.io/ingresses/*",
        "networking.k8s.io/networkpolicies/*",
        "persistentvolumeclaims/*",
        "pods/*",
        "policy/poddisruptionbudgets/*",
        "replicationcontrollers/*",
        "resourcequotas/read",
        "secrets/*",
        "serviceaccounts/*",
        "services/*",
    )
)
_VAULT_READS = (
    _READ_ROLES,
    _CLASSIC_ALERTS,
    _DEPLOYMENTS,
    _READ_GROUPS,
    _SUPPORT,
    "Microsoft.KeyVault/checkNameAvailability/read",
    "Microsoft.KeyVault/deletedVaults/read",
    "Microsoft.KeyVault/locations/*/read",
    f"{_VAULTS}/*/read",
    "Microsoft.KeyVault/operations/read",
)

BUILT_IN_ROLES = (
    BuiltInRole(
        "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
        "Owner",
        "Grants full access to manage all resources, including the ability to assign roles in "
        "Azure RBAC.",
        ("*",),
    ),
    BuiltInRole(
        "b24988ac-6180-42a0-ab88-20f7382dd24c",
        "Contributor",
        "Grants full access to manage all resources, but does not allow you to assign roles in "
        "Azure RBAC, manage assignments in Azure Blueprints, or share image galleries.",
        ("*",),
        (
            "Microsoft.Authorization/*/Delete",
            "Microsoft.Authorization/*/Write",
            "Microsoft.Authorization/elevateAccess/Action",
            "Microsoft.Blueprint/blueprintAssignments/write",
            "Microsoft.Blueprint/blueprintAssignments/delete",
            "Microsoft.Compute/galleries/share/action",
            "Microsoft.Purview/consents/write",
            "Microsoft.Purview/consents/delete",
            "Microsoft.Resources/deploymentStacks/manageDenySetting/action",
            "Microsoft.Subscription/cancel/action",
            "Microsoft.Subscription/enable/action",
        ),
    ),
    BuiltInRole(
        "acdd72a7-3385-48ef-bd42-f606fba81ae7",
        "Reader",
        "View all resources, but does not allow you to make any changes.",
        ("*/read",),
    ),
    BuiltInRole(
        "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
        "User Access Administrator",
        "Lets you manage user access to Azure resources.",
        ("*/read", "Microsoft.Authorization/*", _SUPPORT),
    ),
    BuiltInRole(
        "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
        "Role Based Access Control Administrator",
        "Manage access to Azure resources by assigning roles using Azure RBAC. This role does "
        "not allow you to manage access using other ways, such as Azure Policy.",
        (
            "Microsoft.Authorization/roleAssignments/write",
            "Microsoft.Authorization/roleAssignments/delete",
            "*/read",
            _SUPPORT,
        ),
    ),
    BuiltInRole(
        "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
        "Storage Blob Data Reader",
        "Allows for read access to Azure Storage blob containers and data",
        (f"{_BLOBS}/read", _DELEGATION_KEY),
        data_actions=(f"{_BLOBS}/blobs/read",),
    ),
    BuiltInRole(
        "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
        "Storage Blob Data Contributor",
        "Allows for read, write and delete access to Azure Storage blob containers and data",
        (f"{_BLOBS}/delete", f"{_BLOBS}/read", f"{_BLOBS}/write", _DELEGATION_KEY),
        data_actions=(
            f"{_BLOBS}/blobs/delete",
            f"{_BLOBS}/blobs/read",
            f"{_BLOBS}/blobs/write",
            f"{_BLOBS}/blobs/move/action",
            f"{_BLOBS}/blobs/add/action",
        ),
    ),
    BuiltInRole(
        "3e150937-b8fe-4cfb-8069-0eaf05ecd056",
        "Microsoft Sentinel Responder",
        "Microsoft Sentinel Responder",
        (
            "Microsoft.SecurityInsights/*/read",
            "Microsoft.SecurityInsights/dataConnectorsCheckRequirements/action",
            "Microsoft.SecurityInsights/automationRules/*",
            "Microsoft.SecurityInsights/cases/*",
            "Microsoft.SecurityInsights/incidents/*",
            "Microsoft.SecurityInsights/entities/runPlaybook/action",
            "Microsoft.SecurityInsights/threatIntelligence/indicators/appendTags/action",
            "Microsoft.SecurityInsights/threatIntelligence/indicators/query/action",
            "Microsoft.SecurityInsights/threatIntelligence/bulkTag/action",
            "Microsoft.SecurityInsights/threatIntelligence/indicators/replaceTags/action",
            "Microsoft.SecurityInsights/threatIntelligence/queryIndicators/action",
            "Microsoft.SecurityInsights/businessApplicationAgents/systems/undoAction/action",
            f"{_LOG_WORKSPACES}/analytics/query/action",
            f"{_LOG_WORKSPACES}/*/read",
            f"{_LOG_WORKSPACES}/dataSources/read",
            f"{_LOG_WORKSPACES}/savedSearches/read",
            "Microsoft.OperationsManagement/solutions/read",
            f"{_LOG_WORKSPACES}/query/read",
            f"{_LOG_WORKSPACES}/query/*/read",
            "Microsoft.OperationalInsights/querypacks/*/read",
            "Microsoft.Insights/workbooks/read",
            "Microsoft.Insights/myworkbooks/read",
            _READ_ROLES,
            _CLASSIC_ALERTS,
            _DEPLOYMENTS,
            _READ_GROUPS,
            _SUPPORT,
        ),
        (
            "Microsoft.SecurityInsights/cases/*/Delete",
            "Microsoft.SecurityInsights/incidents/*/Delete",
            "Microsoft.SecurityInsights/ConfidentialWatchlists/*",
        ),
    ),
    BuiltInRole(
        "d5a91429-5739-47e2-a06b-3470a27159e7",
        "EventGrid Data Sender",
        "Allows send access to event grid events.",
        (
            _READ_ROLES,
            "Microsoft.EventGrid/topics/read",
            "Microsoft.EventGrid/domains/read",
            "Microsoft.EventGrid/partnerNamespaces/read",
            _READ_GROUPS,
            "Microsoft.EventGrid/namespaces/read",
        ),
        data_actions=("Microsoft.EventGrid/events/send/action",),
    ),
    BuiltInRole(
        "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
        "Storage Blob Data Owner",
        "Allows for full access to Azure Storage blob containers and data, including assigning "
        "POSIX access control.",
        (f"{_BLOBS}/*", _DELEGATION_KEY),
        data_actions=(f"{_BLOBS}/blobs/*",),
    ),
    BuiltInRole(
        "0ab0b1a8-8aac-4efd-b8c2-3ee1fb270be8",
        "Azure Kubernetes Service Cluster Admin Role",
        "List cluster admin credential action.",
        (
            f"{_AKS}/listClusterAdminCredential/action",
            f"{_AKS}/accessProfiles/listCredential/action",
            f"{_AKS}/read",
            f"{_AKS}/runcommand/action",
        ),
    ),
    BuiltInRole(
        "4abbcc35-e782-43d8-92c5-2d3f1bd2253f",
        "Azure Kubernetes Service Cluster User Role",
        "List cluster user credential action.",
        (f"{_AKS}/listClusterUserCredential/action", f"{_AKS}/read"),
    ),
    BuiltInRole(
        "ed7f3fbd-7b88-4dd4-9017-9adb7ce333f8",
        "Azure Kubernetes Service Contributor Role",
        "Grants access to read and write Azure Kubernetes Service clusters",
        (
            _READ_ROLES,
            "Microsoft.ContainerService/locations/*",
            f"{_AKS}/*",
            "Microsoft.ContainerService/managedclustersnapshots/*",
            "Microsoft.ContainerService/snapshots/*",
            _CLASSIC_ALERTS,
            _DEPLOYMENTS,
            _READ_GROUPS,
        ),
    ),
    BuiltInRole(
        "3498e952-d568-435e-9b2c-8d77e338d7f7",
        "Azure Kubernetes Service RBAC Admin",
        "Lets you manage all resources under cluster/namespace, except update or delete "
        "resource quotas and namespaces.",
        (*_CLUSTER_READS, f"{_AKS}/listClusterUserCredential/action"),
        data_actions=(f"{_AKS}/*",),
        not_data_actions=(
            f"{_AKS}/resourcequotas/write",
            f"{_AKS}/resourcequotas/delete",
            f"{_AKS}/namespaces/write",
            f"{_AKS}/namespaces/delete",
        ),
    ),
    BuiltInRole(
        "b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b",
        "Azure Kubernetes Service RBAC Cluster Admin",
        "Lets you manage all resources in the cluster.",
        (*_CLUSTER_READS, f"{_AKS}/listClusterUserCredential/action"),
        data_actions=(f"{_AKS}/*",),
    ),
    BuiltInRole(
        "7f6c6a51-bcf8-42ba-9220-52d62157d7db",
        "Azure Kubernetes Service RBAC Reader",
        "Allows read-only access to see most objects in a namespace. It does not allow viewing "
        "roles or role bindings, or Secrets.",
        _CLUSTER_READS,
        data_actions=_KUBERNETES_READS,
    ),
    BuiltInRole(
        "a7ffa36f-339b-4b5c-8bdf-e2c188b2c0eb",
        "Azure Kubernetes Service RBAC Writer",
        "Allows read/write access to most objects in a namespace, Secrets and running Pods as "
        "any ServiceAccount included.",
        _CLUSTER_READS,
        data_actions=_KUBERNETES_WRITES,
    ),
    BuiltInRole(
        "73c42c96-874c-492b-b04d-ab87d138a893",
        "Log Analytics Reader",
        "Log Analytics Reader can view and search all monitoring data as well as and view "
        "monitoring settings, including viewing the configuration of Azure diagnostics on all "
        "Azure resources.",
        (
            "*/read",
            f"{_LOG_WORKSPACES}/analytics/query/action",
            f"{_LOG_WORKSPACES}/search/action",
            _SUPPORT,
        ),
        (f"{_LOG_WORKSPACES}/sharedKeys/read",),
    ),
    BuiltInRole(
        "3b03c2da-16b3-4a49-8834-0f8130efdd3b",
        "Log Analytics Data Reader",
        "Log Analytics Data Reader can query and search the logs it is allowed to view over Log "
        "Analytics workspaces and tables",
        (f"{_LOG_WORKSPACES}/query/read", f"{_LOG_WORKSPACES}/read"),
        data_actions=(f"{_LOG_WORKSPACES}/tables/data/read",),
    ),
    BuiltInRole(
        "43d0d8ad-25c7-4714-9337-8ba259a9fe05",
        "Monitoring Reader",
        "Can read all monitoring data.",
        ("*/read", f"{_LOG_WORKSPACES}/search/action", _SUPPORT),
    ),
    BuiltInRole(
        "e40ec5ca-96e0-45a2-b4ff-59039f2c2b59",
        "Managed Identity Contributor",
        "Create, Read, Update, and Delete User Assigned Identity",
        (
            f"{_IDENTITIES}/read",
            f"{_IDENTITIES}/write",
            f"{_IDENTITIES}/delete",
            f"{_IDENTITIES}/federatedIdentityCredentials/read",
            f"{_IDENTITIES}/federatedIdentityCredentials/write",
            f"{_IDENTITIES}/federatedIdentityCredentials/delete",
            f"{_IDENTITIES}/revokeTokens/action",
            _READ_ROLES,
            _CLASSIC_ALERTS,
            _READ_GROUPS,
            _DEPLOYMENTS,
            _SUPPORT,
        ),
    ),
    BuiltInRole(
        "f1a07417-d97a-45cb-824c-7a7467783830",
        "Managed Identity Operator",
        "Read and Assign User Assigned Identity",
        (
            f"{_IDENTITIES}/*/read",
            f"{_IDENTITIES}/*/assign/action",
            _READ_ROLES,
            _CLASSIC_ALERTS,
            _READ_GROUPS,
            _DEPLOYMENTS,
            _SUPPORT,
        ),
    ),
    BuiltInRole(
        "ac63b705-f282-497d-ac71-919bf39d939d",
        "Management Group Reader",
        "Management Group Reader Role",
        (
            "Microsoft.Management/managementGroups/read",
            "Microsoft.Management/managementGroups/subscriptions/read",
        ),
    ),
    BuiltInRole(
        "f25e0fa2-a7c8-4377-a976-54943a77a395",
        "Key Vault Contributor",
        "Lets you manage key vaults, but not access to them.",
        (
            _READ_ROLES,
            _CLASSIC_ALERTS,
            "Microsoft.KeyVault/*",
            _DEPLOYMENTS,
            _READ_GROUPS,
            _SUPPORT,
        ),
        (
            "Microsoft.KeyVault/locations/deletedVaults/purge/action",
            "Microsoft.KeyVault/hsmPools/*",
            "Microsoft.KeyVault/managedHsms/*",
        ),
    ),
    BuiltInRole(
        "21090545-7ca7-4776-b22c-e363652d74d2",
        "Key Vault Reader",
        "Read metadata of key vaults and its certificates, keys, and secrets. Cannot read "
        "sensitive values such as secret contents or key material.",
        _VAULT_READS,
        data_actions=(f"{_VAULTS}/*/read", f"{_VAULTS}/secrets/readMetadata/action"),
    ),
    BuiltInRole(
        "4633458b-17de-408a-b874-0445c86b69e6",
        "Key Vault Secrets User",
        "Read secret contents.",
        data_actions=(
            f"{_VAULTS}/secrets/getSecret/action",
            f"{_VAULTS}/secrets/readMetadata/action",
        ),
    ),
    BuiltInRole(
        "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
        "Key Vault Secrets Officer",
        "Perform any action on the secrets of a key vault, except manage permissions.",
        _VAULT_READS,
        data_actions=(f"{_VAULTS}/secrets/*",),
    ),
)
