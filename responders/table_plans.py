"""Which tables the workspace has, and on which plan: a cheaper one is searched, not queried.

Source   https://learn.microsoft.com/rest/api/loganalytics/tables/list-by-workspace
         https://learn.microsoft.com/azure/azure-monitor/logs/data-platform-logs#table-plans
"""

from dataclasses import dataclass, field
from typing import Final

from responders.cloud import Cloud
from responders.errors import NotFoundError, ResponderError
from responders.fan_out import fan_out
from responders.model import Json
from responders.needs import WORKSPACES, AzureNeed, Needs

SEARCHED = frozenset({"Basic", "Auxiliary"})
_WORKSPACES = "Microsoft.OperationalInsights/workspaces"
_API_VERSION = "2023-09-01"
NEEDS: Final = Needs(
    azure=(
        AzureNeed(f"{WORKSPACES}/read", "which workspace has the logs", scope="workspace"),
        AzureNeed(
            f"{WORKSPACES}/tables/read",
            "which tables there are, and their plans",
            scope="workspace",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Plans:
    """Table -> plan, and for how long its rows can be queried. `unread` says why that is not known."""

    by_table: dict[str, str]
    unread: str = ""
    kept_days: dict[str, int] = field(default_factory=dict)
    workspace: str = ""  # its resource id

    def of(self, table: str) -> str | None:
        """The plan, None where there is no such table or where nobody knows."""
        return self.by_table.get(table)

    def why(self, table: str) -> str:
        """Why a table could not be queried, for a person."""
        if self.unread:
            return f"whether the workspace has {table}, and on which plan, is not known ({self.unread})"
        if table not in self.by_table:
            return f"the workspace has no table {table}: a diagnostic setting has to send it there"
        return f"{table} is on the plan {self.by_table[table]}"


async def read(cloud: Cloud) -> Plans:
    """The plans of our workspace's tables. That they can't be read is an answer, not an error."""
    try:
        workspace = await find_workspace(cloud)
        tables = await cloud.arm.list(f"{workspace}/tables", _API_VERSION)
    except ResponderError as error:
        return Plans({}, str(error))
    properties = {str(one["name"]): one["properties"] for one in tables}
    return Plans(
        {name: str(one.get("plan")) for name, one in properties.items()},
        kept_days={
            name: one["retentionInDays"]
            for name, one in properties.items()
            if isinstance(one.get("retentionInDays"), int)
        },
        workspace=workspace,
    )


async def find_workspace(cloud: Cloud) -> str:
    """The resource id of the workspace, which the settings name by its customer id."""

    async def of(subscription_id: str) -> list[Json]:
        path = f"/subscriptions/{subscription_id}/providers/{_WORKSPACES}"
        return list(await cloud.arm.list(path, _API_VERSION))

    found = await fan_out(await cloud.subscription_ids(), of)
    for _, listed in found:
        for one in listed if isinstance(listed, list) else []:
            properties = one.get("properties") or {}
            if str(properties.get("customerId")).lower() == cloud.settings.log_workspace_id.lower():
                return str(one["id"])
    errors = "; ".join(str(error) for _, error in found if isinstance(error, ResponderError))
    raise NotFoundError(f"no visible workspace has the id in FIREBREAK_LOG_WORKSPACE_ID {errors}")
