"""Which api-versions each resource type takes: the ones that are published and still sent.

Left out    previews that neither the pinned SDKs nor `az` send
Source      https://learn.microsoft.com/azure/templates/ (versions of each type)
"""

from sandbox.arm.errors import ArmError
from sandbox.arm.paths import Target
from sandbox.web import Call

_RESOURCES = (
    "2016-06-01",
    "2016-09-01",
    "2017-05-10",
    "2018-05-01",
    "2019-05-01",
    "2019-06-01",
    "2019-10-01",
    "2019-11-01",
    "2020-01-01",
    "2020-06-01",
    "2020-10-01",
    "2021-01-01",
    "2021-04-01",
    "2022-01-01",
    "2022-09-01",
    "2022-12-01",
    "2023-07-01",
    "2024-03-01",
    "2024-07-01",
    "2024-11-01",
    "2025-03-01",
    "2025-04-01",
)
_CLUSTERS = (
    "2020-09-01",
    "2021-05-01",
    "2022-09-01",
    "2023-01-01",
    "2023-08-01",
    "2024-01-01",
    "2024-02-01",
    "2024-05-01",
    "2024-07-01",
    "2024-08-01",
    "2024-09-01",
    "2025-01-01",
    "2025-02-01",
    "2025-03-01",
    "2025-04-01",
    "2025-05-01",
    "2025-07-01",
    "2025-08-01",
    "2025-09-01",
    "2025-10-01",
    "2026-04-01",
    "2026-05-01",
    "2026-06-01",
    "2026-07-01",
    "2026-08-01",
)
# In preview since the first, for everybody since 2026-04-01: azure-mgmt-containerservice says which has them.
_BINDINGS = (
    "2025-06-02-preview",
    "2025-07-02-preview",
    "2025-08-02-preview",
    "2025-09-02-preview",
    "2025-10-02-preview",
    *(version for version in _CLUSTERS if version >= "2026-04-01"),
)
_CLUSTER_OPERATIONS = ("2016-03-30", "2017-08-31", *_CLUSTERS)
_IDENTITIES = (
    "2018-11-30",
    "2023-01-31",
    "2023-07-31-preview",
    "2024-11-30",
    "2025-01-31-preview",
    "2025-05-31-preview",
)
_MACHINES = (
    "2023-03-01",
    "2023-07-01",
    "2023-09-01",
    "2024-03-01",
    "2024-07-01",
    "2024-11-01",
    "2025-04-01",
)
_STORAGE = (
    "2019-06-01",
    "2021-09-01",
    "2022-09-01",
    "2023-01-01",
    "2023-05-01",
    "2024-01-01",
    "2025-01-01",
    "2025-06-01",
    "2025-08-01",
)
_VAULTS = (
    "2019-09-01",
    "2021-10-01",
    "2022-07-01",
    "2023-02-01",
    "2023-07-01",
    "2024-11-01",
    "2025-05-01",
    "2026-02-01",
)
_SENTINEL = (
    "2022-11-01",
    "2023-02-01",
    "2023-11-01",
    "2024-03-01",
    "2024-09-01",
    "2025-03-01",
    "2025-06-01",
    "2025-09-01",
)
SUPPORTED: dict[str, tuple[str, ...]] = {
    "Microsoft.Resources/subscriptions": _RESOURCES,
    "Microsoft.Resources/subscriptions/resourceGroups": _RESOURCES,
    "Microsoft.Resources/subscriptions/resources": _RESOURCES,
    "Microsoft.Resources/subscriptions/providers": _RESOURCES,
    "Microsoft.Resources/subscriptions/resourceGroups/resources": _RESOURCES,
    "Microsoft.Resources/tenants": _RESOURCES,
    "Microsoft.Authorization/roleAssignments": (
        "2015-07-01",
        "2018-07-01",
        "2018-09-01-preview",
        "2020-03-01-preview",
        "2020-04-01-preview",
        "2020-08-01-preview",
        "2020-10-01-preview",
        "2022-04-01",
    ),
    "Microsoft.Authorization/roleDefinitions": (
        "2015-07-01",
        "2018-01-01-preview",
        "2022-04-01",
        "2022-05-01-preview",
    ),
    "Microsoft.Authorization/permissions": (
        "2015-07-01",
        "2018-07-01",
        "2022-04-01",
        "2022-05-01-preview",
    ),
    "Microsoft.Authorization/denyAssignments": (
        "2018-07-01-preview",
        "2022-04-01",
        "2024-07-01-preview",
    ),
    "Microsoft.Authorization/locks": ("2015-01-01", "2016-09-01", "2017-04-01", "2020-05-01"),
    "Microsoft.Insights/eventtypes": ("2014-04-01", "2015-04-01"),
    "Microsoft.ContainerService/managedClusters": _CLUSTERS,
    "Microsoft.ContainerService/managedClusters/identityBindings": _BINDINGS,
    "Microsoft.ContainerService/locations/operations": _CLUSTER_OPERATIONS,
    "Microsoft.ContainerService/locations/operationresults": _CLUSTER_OPERATIONS,
    "Microsoft.Storage/storageAccounts": _STORAGE,
    "Microsoft.Storage/storageAccounts/blobServices/containers": _STORAGE,
    "Microsoft.OperationalInsights/workspaces/tables": (
        "2021-12-01-preview",
        "2022-10-01",
        "2023-09-01",
        "2025-02-01",
        "2025-07-01",
    ),
    "Microsoft.OperationalInsights/workspaces": (
        "2020-08-01",
        "2021-06-01",
        "2021-12-01-preview",
        "2022-10-01",
        "2023-09-01",
        "2025-02-01",
        "2025-07-01",
    ),
    "Microsoft.SecurityInsights/incidents": _SENTINEL,
    "Microsoft.SecurityInsights/incidents/comments": _SENTINEL,
    "Microsoft.Management/managementGroups": (
        "2018-03-01-preview",
        "2019-11-01",
        "2020-02-01",
        "2020-05-01",
        "2020-10-01",
        "2021-04-01",
        "2023-04-01",
    ),
    "Microsoft.KeyVault/vaults": _VAULTS,
    "Microsoft.KeyVault/vaults/accessPolicies": _VAULTS,
    "Microsoft.ResourceGraph/resources": (
        "2019-04-01",
        "2021-03-01",
        "2022-10-01",
        "2024-04-01",
    ),
    "Microsoft.ManagedIdentity/userAssignedIdentities": _IDENTITIES,
    "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials": _IDENTITIES[
        1:
    ],
    "Microsoft.Compute/virtualMachines": _MACHINES,
    "Microsoft.Compute/virtualMachineScaleSets": _MACHINES,
    "Microsoft.Web/sites": (
        "2022-03-01",
        "2022-09-01",
        "2023-01-01",
        "2023-12-01",
        "2024-04-01",
        "2024-11-01",
        "2025-03-01",
    ),
}
_BY_TYPE = {kind.lower(): versions for kind, versions in SUPPORTED.items()}
_NAMESPACES = {kind.split("/")[0].lower() for kind in SUPPORTED}


def check(call: Call, target: Target) -> None:
    """400 without an api-version or with an unknown one, 404 for an unknown namespace or type."""
    version = call.query.get("api-version", "")
    if not version:
        raise ArmError(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )
    if target.namespace.lower() not in _NAMESPACES:
        raise ArmError(
            404,
            "InvalidResourceNamespace",
            f"The resource namespace '{target.namespace}' is invalid.",
        )
    known = _BY_TYPE.get(_known_type(target))
    kind = "/".join(target.types)
    if known is None:
        raise ArmError(
            404,
            "InvalidResourceType",
            f"The resource type '{kind}' could not be found in the namespace "
            f"'{target.namespace}' for api version '{version}'.",
        )
    if version.lower() not in known:
        raise _unsupported(target, version, known)


def _known_type(target: Target) -> str:
    if target.namespace.lower() == "microsoft.insights":
        return "microsoft.insights/eventtypes"  # …/eventtypes/management/values is one operation
    return target.resource_type.lower()


def _unsupported(target: Target, version: str, known: tuple[str, ...]) -> ArmError:
    if target.namespace == "Microsoft.Resources":
        return ArmError(
            400,
            "InvalidApiVersionParameter",
            f"The api-version '{version}' is invalid. "
            f"The supported versions are '{','.join(reversed(known))}'.",
        )
    return ArmError(
        400,
        "NoRegisteredProviderFound",
        f"No registered resource provider found for location '' and API version '{version}' for "
        f"type '{'/'.join(target.types)}'. The supported api-versions are '{', '.join(known)}'. "
        "The supported locations are ''.",
    )
