"""Responder: the Azure activity log, straight from Resource Manager, no workspace needed.

Stops    nothing
Leaves   everything as it is; sign-ins, Graph calls, data plane and tenant-level events, which are in
         other logs; what is older than 90 days
Undo     none needed
Needs    NEEDS, below
Source   https://learn.microsoft.com/rest/api/monitor/activity-logs/list
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from responders.calls import azure_call
from responders.cloud import Cloud
from responders.collected import Collected, gaps_of, late
from responders.errors import ContractChangedError, ResponderError
from responders.fan_out import failures, fan_out
from responders.model import Json, Principal
from responders.needs import AzureNeed, Needs
from responders.settings import checked_guid

_LAG = timedelta(minutes=20)  # learn.microsoft.com/azure/azure-monitor/logs/data-ingestion-time
_LIST_S = 150.0  # a busy subscription's day is many pages
_OID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
NEEDS: Final = Needs(
    azure=(
        AzureNeed(
            "Microsoft.Insights/eventtypes/values/read",
            "what an identity did in Azure, hour by hour",
        ),
    ),
)


async def collect(cloud: Cloud, principal: Principal, start: datetime, end: datetime) -> Collected:
    """What the principal did, and what was done to its own resource, in every visible subscription, as Azure wrote it.

    The API filters by time only ("no other syntax is allowed"), so all events of the window are read
    and compared here. A subscription that can't be read is a named gap.
    """
    query = f"eventTimestamp ge '{_moment(start)}' and eventTimestamp le '{_moment(end)}'"
    subscriptions = await cloud.subscription_ids()
    outcomes = await fan_out(subscriptions, lambda one: _of(cloud, one, principal, query))
    rows = [row for _, found in outcomes if not isinstance(found, ResponderError) for row in found]
    gaps = gaps_of(failures(outcomes), len(subscriptions))
    return {
        "source": f"activity log of {len(subscriptions)} subscriptions",
        "rows": sorted(rows, key=lambda row: str(row.get("eventTimestamp"))),
        "query": query,
        "gaps": [*gaps, late(end, _LAG, "activity log")],
        "complete": not gaps,
        "start": start.isoformat(),
        "end": end.isoformat(),
    }


async def _of(cloud: Cloud, subscription_id: str, principal: Principal, query: str) -> list[Json]:
    """Events as they are on the wire: the SDK's model would drop what it doesn't know."""
    found: list[Json] = []

    def keep(response: Any) -> None:
        """Called with each page."""
        if response.http_response.status_code == 200:  # not with what a retry replaces
            found.extend(_events(response.http_response.text(), subscription_id))

    client = cloud.monitor(subscription_id)
    async with azure_call(f"activity log of subscription {subscription_id}", seconds=_LIST_S):
        pages = client.activity_logs.list(filter=query, raw_response_hook=keep).by_page()
        async for page in pages:
            async for _ in page:
                break  # `keep` has it all
    return [event for event in found if is_by(event, principal) or is_about(event, principal)]


def is_by(event: Json, principal: Principal) -> bool:
    """True if this principal did it. `caller` is the object id, never the client id."""
    object_id = checked_guid(principal["object_id"], "object id")
    claims = event.get("claims")
    said: dict[str, Any] = claims if isinstance(claims, dict) else {}
    return (
        str(event.get("caller")).lower() == object_id
        or str(said.get(_OID)).lower() == object_id
        or str(said.get("appid")).lower() == principal["app_id"].lower()
    )


def is_about(event: Json, principal: Principal) -> bool:
    """True if it was done to its resource, or to something of it, such as a federated credential."""
    resource_id = (principal["resource_id"] or "").lower()
    target = str(event.get("resourceId")).lower()
    return bool(resource_id) and f"{target}/".startswith(f"{resource_id}/")


def _events(page: str, subscription_id: str) -> list[Json]:
    match json.loads(page):
        case {"value": [*events]}:
            return [event for event in events if isinstance(event, dict)]
        case _:
            raise ContractChangedError(
                f"activity log of {subscription_id} has no list under 'value'"
            )


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
