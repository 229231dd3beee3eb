"""Responder: the application that takes the place of a compromised one.

Stops    nothing: the old one is contained, and stays for whoever looks into it
Leaves   app roles, scopes and URIs of the old one, which a person carries over after looking at them
Undo     DELETE /applications/{id}, which can be restored for 30 days
Needs    Graph Application.ReadWrite.All
Source   https://learn.microsoft.com/graph/api/application-post-applications
         https://learn.microsoft.com/graph/api/serviceprincipal-post-serviceprincipals
"""

from structlog.contextvars import bound_contextvars

from responders.cloud import Cloud
from responders.errors import (
    ConflictError,
    ContractChangedError,
    NotFoundError,
    RefusedError,
    TransientError,
)
from responders.model import Json, NewIdentity, Principal
from responders.patience import rounds
from responders.settings import checked_guid

INDEX_S = 30.0  # how long a $filter may not know of an application that exists: its index lags
_SELECT = "id,appId,displayName,tags,passwordCredentials,keyCredentials"


async def ensure(
    cloud: Cloud,
    principal: Principal,
    incident_id: str,
    display_name: str,
    *,
    intent_on_record: bool = False,
) -> NewIdentity:
    """Find the successor that this incident made, by its tag, or make it. There is never a second.

    With `intent_on_record` an earlier run may have created it just before a crash: the index is
    then given its time before anything is created. Without it nobody of us can have made one, whatever its
    tags say: raises `RefusedError`, because whoever prepared it may hold a secret of it.
    """
    found = await _find(cloud, incident_id, INDEX_S if intent_on_record else 0)
    if found is not None:
        _refuse_prepared(found, incident_id, ours=intent_on_record)
    else:
        found = await _create(cloud, principal, incident_id, display_name)
    object_id, app_id = _ids(found)
    service_principal = await _service_principal(cloud, app_id)
    await _await_reading(cloud, f"/applications/{object_id}")
    return {
        "kind": "application",
        "app_id": app_id,
        "object_id": service_principal,
        "application_object_id": object_id,
        "resource_id": None,
        "display_name": str(found.get("displayName") or display_name),
    }


async def _find(cloud: Cloud, incident_id: str, seconds: float) -> Json | None:
    """By tag. The filter is answered from an index, so "not there" is only believed after a while."""
    value = _tag(incident_id).replace("'", "''")  # OData's escape for a quote
    query = {"$filter": f"tags/any(t:t eq '{value}')", "$select": _SELECT}
    async for _ in rounds(seconds):
        found = await cloud.graph.list("/applications", query)
        if len(found) > 1:
            ids = ", ".join(str(one.get("appId")) for one in found)
            raise RefusedError(
                f"incident {incident_id} has more than one successor: {ids}; keep one"
            )
        if found:
            return found[0]
    return None


def _refuse_prepared(found: Json, incident_id: str, *, ours: bool) -> None:
    """One that somebody else made under our tag, or put a credential on: it would be theirs as well."""
    armed = found.get("passwordCredentials") or found.get("keyCredentials")
    if ours and not armed:
        return
    what = "has a secret or key" if armed else f"was not made by incident {incident_id}"
    raise RefusedError(
        f"application {found.get('appId')} carries the tag of this incident, but {what}: find out "
        "whose it is, delete it"
    )


async def _create(cloud: Cloud, principal: Principal, incident_id: str, display_name: str) -> Json:
    body: Json = {
        "displayName": display_name,
        "signInAudience": "AzureADMyOrg",
        "tags": [_tag(incident_id), f"firebreak:replaces:{principal['app_id']}"],
        # Nobody adds a credential to its service principal behind the application's back.
        # https://learn.microsoft.com/entra/identity-platform/howto-configure-app-instance-property-locks
        "servicePrincipalLockConfiguration": {"isEnabled": True, "allProperties": True},
    }
    with bound_contextvars(responder="application_successors.ensure", target=display_name):
        try:
            return await cloud.graph.post("/applications", body)
        except TransientError:
            found = await _find(cloud, incident_id, INDEX_S)  # it may have worked after all
            if found is None:
                raise
            return found


async def _service_principal(cloud: Cloud, app_id: str) -> str:
    """The object id of the application's service principal, made if it is missing."""
    path = f"/servicePrincipals(appId='{app_id}')"
    last = ""
    async for _ in rounds():
        try:
            found = await cloud.graph.get(path, {"$select": "id,appId,accountEnabled"})
        except NotFoundError:
            last = await _post_service_principal(cloud, app_id)
        else:
            return checked_guid(str(found.get("id")), "object id of the new service principal")
    raise TransientError(f"service principal of the new application {app_id}: {last}")


async def _post_service_principal(cloud: Cloud, app_id: str) -> str:
    """Why it did not work, or an empty string. A second one can't come of it: appId is unique."""
    body: Json = {"appId": app_id, "accountEnabled": True}
    with bound_contextvars(responder="application_successors.ensure", target=app_id):
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


def _tag(incident_id: str) -> str:
    return f"firebreak:incident:{incident_id}"


def _ids(found: Json) -> tuple[str, str]:
    match found:
        case {"id": str(object_id), "appId": str(app_id)}:
            return checked_guid(object_id, "application id"), checked_guid(app_id, "appId")
        case _:
            raise ContractChangedError(f"not an application: {sorted(found)}")
