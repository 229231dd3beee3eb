"""Responder: the compromised application's own switch.

Stops    `deactivate`: every new token for the application, in every tenant that uses it
Leaves   tokens already issued
Undo     `deactivate`: `reactivate`
Needs    NEEDS, below
Source   https://learn.microsoft.com/entra/identity/enterprise-apps/deactivate-app-registration
"""

from typing import Final

from structlog.contextvars import bound_contextvars

from responders.cloud import Cloud
from responders.model import Change, Principal, StepResult
from responders.needs import GraphNeed, Needs
from responders.patience import until_it_reads_back
from responders.read_only import is_read_only
from responders.settings import checked_guid

NEEDS: Final = Needs(
    graph=(
        GraphNeed(
            "Application.ReadWrite.All", "deactivate an application in all tenants", ("deactivate",)
        ),
        GraphNeed("Application.ReadWrite.All", "activate it again", ("reactivate",)),
        GraphNeed("Application.Read.All", "whether it is deactivated", ("is_deactivated",)),
    ),
)


async def deactivate(cloud: Cloud, principal: Principal) -> StepResult:
    """Set isDisabled and read it back. It keeps everything else as it is. Safe to repeat."""
    object_id = principal["application_object_id"]
    if object_id is None:
        detail = f"application {principal['app_id']} is not in this tenant, or was deleted"
        return {"status": "nothing_to_do", "detail": detail}
    path = f"/applications/{checked_guid(object_id, 'application object id')}"
    if await is_deactivated(cloud, object_id):
        return {"status": "nothing_to_do", "detail": f"{path} is deactivated already"}
    change: Change = {"object": path, "before": "isDisabled not set", "after": "isDisabled true"}
    if is_read_only():
        detail = f"{path}: isDisabled -> true"
        return {"status": "planned", "detail": detail, "changes": [change]}
    with bound_contextvars(responder="applications.deactivate", target=object_id):
        await until_it_reads_back(
            lambda: cloud.graph.patch(path, {"isDisabled": True}),
            lambda: is_deactivated(cloud, object_id),
            f"{path}: isDisabled true",
        )
    return {"status": "done", "detail": f"{path} is deactivated", "changes": [change]}


async def reactivate(cloud: Cloud, principal: Principal) -> StepResult:
    """Take isDisabled back and read it back. Safe to repeat. Whoever calls has looked at what is on it."""
    object_id = checked_guid(str(principal["application_object_id"]), "application object id")
    path = f"/applications/{object_id}"
    if not await is_deactivated(cloud, object_id):
        return {"status": "nothing_to_do", "detail": f"{path} is active already"}
    change: Change = {"object": path, "before": "isDisabled true", "after": "isDisabled false"}
    if is_read_only():
        detail = f"{path}: isDisabled -> false"
        return {"status": "planned", "detail": detail, "changes": [change]}

    async def is_active() -> bool:
        return not await is_deactivated(cloud, object_id)

    with bound_contextvars(responder="applications.reactivate", target=object_id):
        await until_it_reads_back(
            lambda: cloud.graph.patch(path, {"isDisabled": False}),
            is_active,
            f"{path}: isDisabled false",
        )
    return {"status": "done", "detail": f"{path} is active", "changes": [change]}


def by_hand(principal: Principal) -> list[str]:
    """What a person would run. An application of another tenant is its owner's to deactivate."""
    object_id = principal["application_object_id"]
    if object_id is None:
        return []
    url = f"https://graph.microsoft.com/v1.0/applications/{checked_guid(object_id, 'object id')}"
    return [f"az rest --method PATCH --url {url} --body '{{\"isDisabled\": true}}'"]


async def is_deactivated(cloud: Cloud, object_id: str) -> bool:
    """Null and absent mean active: the property is new and unset on most applications."""
    path = f"/applications/{checked_guid(object_id, 'application object id')}"
    return (await cloud.graph.get(path, {"$select": "id,isDisabled"})).get("isDisabled") is True
