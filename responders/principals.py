"""Responder: who a signal is about.

Stops    nothing
Leaves   everything as it is
Undo     none needed
Needs    NEEDS, below
Source   https://learn.microsoft.com/graph/api/resources/serviceprincipal
"""

import asyncio
from typing import Final, Literal

from responders import hints
from responders.cloud import Cloud
from responders.errors import (
    AmbiguousError,
    ContractChangedError,
    NotFoundError,
    RefusedError,
    UnresolvedError,
)
from responders.model import Hint, Json, Principal, PrincipalKind
from responders.needs import GraphNeed, Needs
from responders.settings import is_guid

# The tenant that owns Microsoft's own applications, in every cloud tenant.
# https://learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in
MICROSOFT_TENANT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"

_USER_ASSIGNED = "/providers/microsoft.managedidentity/userassignedidentities/"
_PLAIN_TYPE = "#microsoft.graph.servicePrincipal"  # agent identities derive from it
_SELECT = {
    "$select": "id,appId,displayName,servicePrincipalType,appOwnerOrganizationId,accountEnabled,"
    "alternativeNames"
}
NEEDS: Final = Needs(
    graph=(GraphNeed("Application.Read.All", "whose identity it is"),),
)


async def resolve(cloud: Cloud, hint: Hint) -> Principal:
    """The service principal that the hint names by an immutable id, and the application behind it.

    Raises `UnresolvedError` that says what the id is instead, and which id to send; `AmbiguousError` with the
    candidates where there are several.
    """
    if "any_of" in hint:
        return await _one_of(cloud, hint["any_of"])
    named = await hints.named(cloud, hint)
    principal = await _of(cloud, named.key, named.value)
    if named.by is not None:
        await hints.must_trust(cloud, principal, named.by)
    return principal


async def _one_of(cloud: Cloud, named: list[Hint]) -> Principal:
    """The one workload identity among what several entities are called: most of them are people or machines."""
    found: dict[str, Principal] = {}
    reasons: list[str] = []
    for one in named:
        try:
            if "any_of" in one:
                raise UnresolvedError("a choice within a choice")
            principal = await resolve(cloud, one)
        except UnresolvedError as problem:
            reasons.append(str(problem))
            continue
        found[principal["object_id"]] = principal
    if len(found) > 1:
        raise AmbiguousError("it names several workload identities", sorted(found))
    if not found:
        raise UnresolvedError("; ".join(reasons[:5]) or "it names nobody")
    (only,) = found.values()
    return only


async def _of(cloud: Cloud, key: Literal["object_id", "app_id"], value: str) -> Principal:
    by_id = f"/servicePrincipals/{value}"
    path = by_id if key == "object_id" else f"/servicePrincipals(appId='{value}')"
    try:
        found = await cloud.graph.get(path, _SELECT)
    except NotFoundError:
        if key == "app_id" and (orphan := await _without_principal(cloud, value)):
            return orphan
        if key == "object_id" and (app_id := await _app_id_of_application(cloud, value)):
            return await _of(cloud, "app_id", app_id)
        raise UnresolvedError(await _what_it_is(cloud, key, value)) from None
    return await _principal(cloud, found)


async def _app_id_of_application(cloud: Cloud, object_id: str) -> str | None:
    """An application has one service principal in its tenant, so its own object id is as good."""
    try:
        found = await cloud.graph.get(f"/applications/{object_id}", {"$select": "id,appId"})
    except NotFoundError:
        return None
    app_id = found.get("appId")
    if not isinstance(app_id, str) or not is_guid(app_id):
        raise ContractChangedError(f"application {object_id} has no appId")
    return app_id.lower()


async def _without_principal(cloud: Cloud, app_id: str) -> Principal | None:
    """An application that nothing can sign in as yet: whoever creates its service principal can.

    https://learn.microsoft.com/security/operations/incident-response-playbook-compromised-malicious-app
    """
    try:
        found = await cloud.graph.get(
            f"/applications(appId='{app_id}')", {"$select": "id,appId,displayName"}
        )
    except NotFoundError:
        return None
    object_id = found.get("id")
    if not isinstance(object_id, str) or not is_guid(object_id):
        raise ContractChangedError(f"application {app_id} has no object id")
    return {
        "kind": "application_without_principal",
        "object_id": object_id.lower(),
        "app_id": app_id,
        "application_object_id": object_id.lower(),
        "display_name": str(found.get("displayName") or ""),
        "tenant_id": cloud.tenant_id,
        "owner_tenant_id": cloud.tenant_id,
        "service_principal_type": "none",
        "resource_id": None,
        "unsupported_because": None,
    }


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
    kind, why = _kind(found, cloud.tenant_id)
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
        "resource_id": _resource_id(found),
        "unsupported_because": why,
        "enabled": found.get("accountEnabled"),
    }


def _kind(found: Json, tenant_id: str) -> tuple[PrincipalKind, str | None]:
    """What it is, and for what we never touch, why."""
    owner = str(found.get("appOwnerOrganizationId") or "").lower()
    derived = found.get("@odata.type", _PLAIN_TYPE)
    if owner == MICROSOFT_TENANT:
        return "unsupported", "one of Microsoft's own applications: it serves every tenant"
    if derived != _PLAIN_TYPE:
        name = str(derived).rpartition(".")[2]
        return "unsupported", f"an agent identity ({name}): its blueprint's owner has to act on it"
    match found["servicePrincipalType"]:
        case "ManagedIdentity":
            return _managed_kind(found)
        case "Application" if owner == tenant_id:
            return "application", None
        case "Application" if owner:
            return "foreign_application", None
        case other:
            return "unsupported", f"a service principal of type {other}, whose owner is not known"


def _managed_kind(found: Json) -> tuple[PrincipalKind, str | None]:
    """Which of the two kinds of managed identity, told by the Azure resource that it stands for.

    `alternativeNames` holds "isExplicit=True" and the resource id of a user-assigned one. The format is not
    documented, so anything else is refused rather than guessed.
    """
    names = [str(one) for one in found.get("alternativeNames") or []]
    resource_id = _resource_id(found)
    if resource_id is None:
        return "unsupported", "a managed identity that does not say which Azure resource it is of"
    if _USER_ASSIGNED in resource_id.lower():
        return "user_assigned_identity", None
    if "isexplicit=true" in {one.lower() for one in names}:
        return "unsupported", f"a managed identity of an unknown kind, {resource_id}"
    return "system_assigned_identity", None


def _resource_id(found: Json) -> str | None:
    names = [str(one) for one in found.get("alternativeNames") or []]
    ids = [one for one in names if one.lower().startswith("/subscriptions/")]
    return ids[0] if len(ids) == 1 else None


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
    swapped, application = await asyncio.gather(
        _exists(cloud, other),
        _exists(cloud, f"/applications/{value}"),
    )
    if swapped:
        right = "object_id" if key == "app_id" else "app_id"
        return f"{value} was sent as {key} but is the {right} of a service principal: send it as {right}"
    if application:
        return (
            f"{value} is the object id of an application, not of its service principal: "
            f"send the application's appId as app_id (it is {application.get('appId')})"
        )
    return f"nothing in tenant {cloud.tenant_id} has the {key} {value}"


async def _exists(cloud: Cloud, path: str) -> Json | None:
    """None as well where we may not look: this only words an error."""
    try:
        return await cloud.graph.get(path, {"$select": "id,appId"})
    except (NotFoundError, RefusedError):
        return None
