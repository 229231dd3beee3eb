"""Responder: queries against Azure Resource Graph, to discover what no single list shows.

Stops    nothing
Leaves   everything as it is; what was changed within the last minutes may be missing or stale, and a resource whose
         type is not in CARRIERS is not seen
Undo     none needed
Needs    NEEDS, below
Source   https://learn.microsoft.com/azure/governance/resource-graph/concepts/query-language
         https://learn.microsoft.com/rest/api/azureresourcegraph/resourcegraph/resources/resources

It discovers; what is to be deleted, or believed to be gone, is read from Resource Manager.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from responders.cloud import Cloud
from responders.errors import ContractChangedError, RefusedError
from responders.model import Json
from responders.needs import ASSIGNMENTS, VAULTS, AzureNeed, Needs
from responders.settings import checked_guid

API_VERSION = "2022-10-01"  # the newest stable one; the SDK's lacks authorizationScopeFilter
_PATH = "/providers/Microsoft.ResourceGraph/resources"
_PAGE = 1000  # the most that it gives at once
_MOST_PAGES = 100
_QUERIES = Path(__file__).parent / "queries" / "resource_graph"
_DECLARED = re.compile(r"^// param (\w+):string$", re.MULTILINE)
# What Azure allows in the names along a resource id, without quotes, backslashes and control characters.
# https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
_RESOURCE_ID = re.compile(
    r"/subscriptions/[0-9a-f-]{36}(/resourceGroups/[\w.()-]{1,90})?/providers(/[\w.() @-]{1,260})+",
    re.IGNORECASE | re.ASCII,
)
# Types that can carry a user-assigned identity, or one of their own. One that is not among these is not seen.
# https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/managed-identities-status
CARRIERS = (
    "Microsoft.ApiManagement/service",
    "Microsoft.App/containerApps",
    "Microsoft.App/jobs",
    "Microsoft.AppConfiguration/configurationStores",
    "Microsoft.Automation/automationAccounts",
    "Microsoft.Batch/batchAccounts",
    "Microsoft.Cache/redis",
    "Microsoft.Cdn/profiles",
    "Microsoft.CognitiveServices/accounts",
    "Microsoft.Compute/diskEncryptionSets",
    "Microsoft.Compute/virtualMachineScaleSets",
    "Microsoft.Compute/virtualMachines",
    "Microsoft.ContainerInstance/containerGroups",
    "Microsoft.ContainerRegistry/registries",
    "Microsoft.ContainerService/managedClusters",
    "Microsoft.DBforMySQL/flexibleServers",
    "Microsoft.DBforPostgreSQL/flexibleServers",
    "Microsoft.DataFactory/factories",
    "Microsoft.Databricks/accessConnectors",
    "Microsoft.Devices/IotHubs",
    "Microsoft.DocumentDB/databaseAccounts",
    "Microsoft.EventGrid/domains",
    "Microsoft.EventGrid/namespaces",
    "Microsoft.EventGrid/systemTopics",
    "Microsoft.EventGrid/topics",
    "Microsoft.EventHub/namespaces",
    "Microsoft.HDInsight/clusters",
    "Microsoft.HybridCompute/machines",
    "Microsoft.Insights/scheduledQueryRules",
    "Microsoft.Kubernetes/connectedClusters",
    "Microsoft.Kusto/clusters",
    "Microsoft.Logic/workflows",
    "Microsoft.MachineLearningServices/workspaces",
    "Microsoft.Network/applicationGateways",
    "Microsoft.RecoveryServices/vaults",
    "Microsoft.Resources/deploymentScripts",
    "Microsoft.Search/searchServices",
    "Microsoft.ServiceBus/namespaces",
    "Microsoft.SignalRService/SignalR",
    "Microsoft.Sql/managedInstances",
    "Microsoft.Sql/servers",
    "Microsoft.Storage/storageAccounts",
    "Microsoft.StreamAnalytics/streamingjobs",
    "Microsoft.Synapse/workspaces",
    "Microsoft.VirtualMachineImages/imageTemplates",
    "Microsoft.Web/sites",
)
CARRYING: Final = "which resources have an identity"
NEEDS: Final = Needs(
    azure=(
        AzureNeed(f"{ASSIGNMENTS}/read", "roles that no list shows", ("grants",)),
        AzureNeed(f"{VAULTS}/read", "key vaults that no list shows", ("vaults_naming", "vaults")),
        *(
            AzureNeed(
                f"{kind}/read",
                CARRYING,
                ("attachments", "system_identity"),
            )
            for kind in CARRIERS
        ),
    ),
)


async def attachments(cloud: Cloud, resource_id: str) -> list[Json]:
    """Resources whose identity or cluster profiles contain this id of a user-assigned identity.

    Contain, not equal: the caller compares the keys. `{id, type, identity, identityProfile, addonProfiles}`.
    """
    return await run(cloud, "attachments", {"resource_id": resource_id})


async def system_identity(cloud: Cloud, resource_id: str) -> list[Json]:
    """`{id, type, identity}` of one resource; none where it is gone, unreadable, or too new."""
    return await run(cloud, "system_identity", {"resource_id": resource_id})


async def vaults_naming(cloud: Cloud, object_id: str, app_id: str) -> list[str]:
    """Ids of key vaults whose access policies name a service principal, alone or with a user."""
    ids = {"object_id": object_id, "app_id": app_id}
    return [_id(one) for one in await run(cloud, "vaults_naming", ids)]


async def vaults(cloud: Cloud) -> list[Json]:
    """Every key vault in sight: `{id, name, rbac, purge}`."""
    return await run(cloud, "vaults", {})


async def grants(cloud: Cloud, object_id: str) -> list[str]:
    """Ids of role assignments of a principal, those of management groups and the root included."""
    return [_id(one) for one in await run(cloud, "grants", {"object_id": object_id})]


async def run(cloud: Cloud, name: str, values: Mapping[str, str]) -> list[Json]:
    """Every row of `queries/resource_graph/<name>.kql`, over all its pages."""
    query = bind(_text(name), values)
    rows: list[Json] = []
    token: str | None = None
    for _ in range(_MOST_PAGES):
        options: Json = {
            "resultFormat": "objectArray",
            "$top": _PAGE,
            # The default leaves out what is assigned above a subscription.
            "authorizationScopeFilter": "AtScopeAboveAndBelow",
        }
        if token is not None:
            options["$skipToken"] = token
        answer = await cloud.arm.post(_PATH, API_VERSION, {"query": query, "options": options})
        match answer.get("data"):
            case [*found] if all(isinstance(one, dict) for one in found):
                rows.extend(found)
            case other:
                raise ContractChangedError(f"Resource Graph {name} has no rows: {other!r:.200}")
        token = answer.get("$skipToken")
        if token is None:
            return _whole(rows, answer, name)
    raise ContractChangedError(f"Resource Graph {name} did not end after {_MOST_PAGES} pages")


def bind(text: str, values: Mapping[str, str]) -> str:
    """The query with its `// param name:string` names replaced by quoted, checked values.

    Resource Graph has no `let`, so each name is replaced where it stands. Only ids get here.
    Raises `RefusedError` for any other value, `ContractChangedError` where file and values differ.
    """
    declared = _DECLARED.findall(text)
    if set(declared) != values.keys():
        raise ContractChangedError(f"query wants {sorted(declared)}, given {sorted(values)}")
    body = "\n".join(line for line in text.strip().splitlines() if not line.startswith("//"))
    if not declared:
        return body
    literals = {name: f"'{_checked(values[name])}'" for name in declared}
    names = "|".join(literals)
    return re.sub(rf"\b({names})\b", lambda found: literals[found[1]], body)


def checked_resource_id(text: str) -> str:
    """The id itself. Raises `RefusedError`: nothing else may reach a URL or a query."""
    parts = text.split("/")
    if not _RESOURCE_ID.fullmatch(text) or {".", ".."} & set(parts):
        raise RefusedError(f"not a resource id: {text[:120]!r}")
    return text


def _checked(value: str) -> str:
    return checked_resource_id(value) if value.startswith("/") else checked_guid(value, "query id")


def _whole(rows: list[Json], answer: Json, name: str) -> list[Json]:
    """A cut answer is no answer: Resource Graph says so, and gives no token to go on with."""
    if str(answer.get("resultTruncated", "false")).lower() == "true":
        raise ContractChangedError(f"Resource Graph {name}: the answer was cut after {len(rows)}")
    return rows


def _id(row: Json) -> str:
    match row:
        case {"id": str(found)} if found:
            return found
        case _:
            raise ContractChangedError(f"a row of Resource Graph without id: {sorted(row)}")


@cache
def _text(name: str) -> str:
    return (_QUERIES / f"{name}.kql").read_text(encoding="utf-8")
