"""Responder: who a signal is about.

Stops    nothing
Leaves   everything as it is
Undo     none needed
Needs    Graph Application.Read.All
Source   https://learn.microsoft.com/graph/api/resources/serviceprincipal
"""

import asyncio
from typing import Literal

from responders.cloud import Cloud
from responders.errors import ContractChangedError, NotFoundError, RefusedError, UnresolvedError
from responders.model import Hint, Json, Principal
from responders.settings import is_guid

Kind = Literal["application", "foreign_application", "managed_identity", "unsupported"]

# The tenant that owns Microsoft's own applications, in every cloud tenant.
# https://learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in
MICROSOFT_TENANT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"

_PLAIN_TYPE = "#microsoft.graph.servicePrincipal"  # agent identities derive from it
_SELECT = {
    "$select": "id,appId,displayName,servicePrincipalType,appOwnerOrganizationId,accountEnabled"
}


async def resolve(cloud: Cloud, hint: Hint) -> Principal:
    """The service principal that the hint names by an immutable id, and the application behind it.

    Raises `UnresolvedError` that says what the id is instead, and which id to send.
    """
    key, value = _only(hint)
    by_id = f"/servicePrincipals/{value}"
    path = by_id if key == "object_id" else f"/servicePrincipals(appId='{value}')"
    try:
        found = await cloud.graph.get(path, _SELECT)
    except NotFoundError:
        raise UnresolvedError(await _what_it_is(cloud, key, value)) from None
    return await _principal(cloud, found)


def _only(hint: Hint) -> tuple[Literal["object_id", "app_id"], str]:
    named: list[tuple[Literal["object_id", "app_id"], str]] = []
    if "object_id" in hint:
        named.append(("object_id", hint["object_id"]))
    if "app_id" in hint:
        named.append(("app_id", hint["app_id"]))
    if len(named) != 1:
        raise UnresolvedError("name the identity by exactly one of object_id and app_id")
    key, value = named[0]
    if not isinstance(value, str) or not is_guid(value):
        raise UnresolvedError(
            f"{key} is not a GUID: {value!r:.60}; display names are never resolved"
        )
    return key, value.lower()


async def _principal(cloud: Cloud, found: Json) -> Principal:
    match found:
        case {
            "id": str(object_id),
            "appId": str(app_id),
            "servicePrincipalType": str(service_principal_type),
        } if is_guid(object_id) and is_guid(app_id):
            pass
        case _:
            raise ContractChangedError(f"not a service principal: {sorted(found)}")
    owner = found.get("appOwnerOrganizationId")
    kind = _kind(found, cloud.tenant_id)
    return {
        "kind": kind,
        "object_id": object_id.lower(),
        "app_id": app_id.lower(),
        "application_object_id": await _application(cloud, app_id)
        if kind == "application"
        else None,
        "display_name": str(found.get("displayName") or ""),
        "tenant_id": cloud.tenant_id,
        "owner_tenant_id": str(owner).lower() if owner else None,
        "service_principal_type": service_principal_type,
    }


def _kind(found: Json, tenant_id: str) -> Kind:
    owner = str(found.get("appOwnerOrganizationId") or "").lower()
    if owner == MICROSOFT_TENANT or found.get("@odata.type", _PLAIN_TYPE) != _PLAIN_TYPE:
        return "unsupported"
    match found["servicePrincipalType"]:
        case "ManagedIdentity":
            return "managed_identity"
        case "Application" if owner == tenant_id:
            return "application"
        case "Application" if owner:
            return "foreign_application"
        case _:
            return "unsupported"


async def _application(cloud: Cloud, app_id: str) -> str | None:
    """The object id of the application; None where its registration was deleted (it gets no tokens)."""
    try:
        found = await cloud.graph.get(f"/applications(appId='{app_id}')", {"$select": "id,appId"})
    except NotFoundError:
        return None
    object_id = found.get("id")
    if not isinstance(object_id, str) or not is_guid(object_id):
        raise ContractChangedError(f"application {app_id} has no object id")
    return object_id.lower()


async def _what_it_is(cloud: Cloud, key: str, value: str) -> str:
    """What a GUID is that names no service principal the way it was sent."""
    other = (
        f"/servicePrincipals/{value}" if key == "app_id" else f"/servicePrincipals(appId='{value}')"
    )
    swapped, application, orphan = await asyncio.gather(
        _exists(cloud, other),
        _exists(cloud, f"/applications/{value}"),
        _exists(cloud, f"/applications(appId='{value}')"),
    )
    if swapped:
        right = "object_id" if key == "app_id" else "app_id"
        return f"{value} was sent as {key} but is the {right} of a service principal: send it as {right}"
    if application:
        return (
            f"{value} is the object id of an application, not of its service principal: "
            f"send the application's appId as app_id (it is {application.get('appId')})"
        )
    if orphan:
        return (
            f"application {value} has no service principal in this tenant, so it gets no tokens; "
            "create one with accountEnabled false, so that nobody creates an enabled one"
        )
    return f"nothing in tenant {cloud.tenant_id} has the {key} {value}"


async def _exists(cloud: Cloud, path: str) -> Json | None:
    """None as well where we may not look: this only words an error."""
    try:
        return await cloud.graph.get(path, {"$select": "id,appId"})
    except (NotFoundError, RefusedError):
        return None
