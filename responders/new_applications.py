"""Making an application with its service principal, once: a crash or a late answer must not lead to a second one.

Source   https://learn.microsoft.com/graph/api/application-post-applications
         https://learn.microsoft.com/graph/api/serviceprincipal-post-serviceprincipals
         https://learn.microsoft.com/entra/identity-platform/howto-configure-app-instance-property-locks
"""

from typing import Final

from structlog.contextvars import bound_contextvars

from responders.cloud import Cloud
from responders.errors import (
    ConflictError,
    ContractChangedError,
    NotFoundError,
    RefusedError,
    TransientError,
)
from responders.model import Json, NewIdentity
from responders.needs import GraphNeed, Needs
from responders.patience import rounds
from responders.settings import checked_guid

INDEX_S = 30.0  # how long a $filter may not know of an application that exists: its index lags
_SELECT = "id,appId,displayName,tags,createdDateTime,passwordCredentials,keyCredentials"
NEEDS: Final = Needs(
    graph=(
        GraphNeed("Application.Read.All", "whether a new application is there"),
        GraphNeed(
            "Application.ReadWrite.All",
            "make a new application",
            ("create", "_post_service_principal"),
        ),
    ),
)


async def tagged(cloud: Cloud, tag: str, seconds: float) -> list[Json]:
    """Every application with the tag. The filter is answered from an index: "none" is only believed after a while."""
    value = tag.replace("'", "''")  # OData's escape for a quote
    query = {"$filter": f"tags/any(t:t eq '{value}')", "$select": _SELECT}
    found: list[Json] = []
    async for _ in rounds(seconds):
        found = await cloud.graph.list("/applications", query)
        if found:
            break
    return found


async def create(cloud: Cloud, display_name: str, tags: list[str], *, responder: str) -> Json:
    """The application, found by its first tag where the answer was lost: it may have worked after all."""
    body: Json = {
        "displayName": display_name,
        "signInAudience": "AzureADMyOrg",
        "tags": tags,
        # Nobody adds a credential to its service principal behind the application's back.
        "servicePrincipalLockConfiguration": {"isEnabled": True, "allProperties": True},
    }
    with bound_contextvars(responder=responder, target=display_name):
        try:
            return await cloud.graph.post("/applications", body)
        except TransientError:
            found = await tagged(cloud, tags[0], INDEX_S)
            if not found:
                raise
            if len(found) > 1:
                ids = ", ".join(str(one.get("appId")) for one in found)
                raise RefusedError(
                    f"more than one application is tagged {tags[0]}: {ids}"
                ) from None
            return found[0]


async def completed(cloud: Cloud, found: Json, display_name: str, *, responder: str) -> NewIdentity:
    """The application with its service principal, made if it is missing, once both can be addressed."""
    object_id, app_id = _ids(found)
    service_principal = await _service_principal(cloud, app_id, responder)
    await _await_reading(cloud, f"/applications/{object_id}")
    return {
        "kind": "application",
        "app_id": app_id,
        "object_id": service_principal,
        "application_object_id": object_id,
        "resource_id": None,
        "display_name": str(found.get("displayName") or display_name),
    }


async def _service_principal(cloud: Cloud, app_id: str, responder: str) -> str:
    """The object id of the application's service principal."""
    path = f"/servicePrincipals(appId='{app_id}')"
    last = ""
    async for _ in rounds():
        try:
            found = await cloud.graph.get(path, {"$select": "id,appId,accountEnabled"})
        except NotFoundError:
            last = await _post_service_principal(cloud, app_id, responder)
        else:
            return checked_guid(str(found.get("id")), "object id of the new service principal")
    raise TransientError(f"service principal of the new application {app_id}: {last}")


async def _post_service_principal(cloud: Cloud, app_id: str, responder: str) -> str:
    """Why it did not work, or an empty string. A second one can't come of it: appId is unique."""
    body: Json = {"appId": app_id, "accountEnabled": True}
    with bound_contextvars(responder=responder, target=app_id):
        try:
            await cloud.graph.post("/servicePrincipals", body)
        except (ConflictError, NotFoundError, TransientError) as error:
            return str(error)  # there already, or the application is not known everywhere yet
    return "created, but not found yet"


async def _await_reading(cloud: Cloud, path: str) -> None:
    """What follows (trusts, roles) addresses the object by its id: let it be readable by it first."""
    async for _ in rounds():
        try:
            await cloud.graph.get(path, {"$select": "id"})
        except NotFoundError:
            continue
        return
    raise TransientError(f"{path} was created, but can't be read yet")


def _ids(found: Json) -> tuple[str, str]:
    match found:
        case {"id": str(object_id), "appId": str(app_id)}:
            return checked_guid(object_id, "application id"), checked_guid(app_id, "appId")
        case _:
            raise ContractChangedError(f"not an application: {sorted(found)}")
