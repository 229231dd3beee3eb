"""Responder: whose client id it is, whether that identity gets tokens, whom it trusts, and what it may do.

Stops    nothing
Leaves   everything as it is; access that neither Azure's roles, app roles nor Key Vault's policies carry is not seen
Undo     none needed
Needs    what the readers that it asks need: app_roles.py, applications.py, grants.py, key_vault_policies.py, trusts.py
Source   https://learn.microsoft.com/graph/api/resources/serviceprincipal
         https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations

It reads through the responders of the single nouns, which is why it may import them.
"""

import asyncio
from collections.abc import Awaitable
from typing import TypedDict, TypeVar

from responders import (
    app_roles,
    applications,
    federated_credentials,
    identity_trusts,
    key_vault_policies,
    principals,
    role_assignments,
)
from responders.cloud import Cloud
from responders.errors import ResponderError, UnresolvedError
from responders.model import FederatedCredential, Grant, Principal
from responders.settings import is_guid

T = TypeVar("T")


class Held(TypedDict):
    """Something that the identity may do, and by which way."""

    role: str
    scope: str
    way: str  # "role assignment", "group", "app role", "Key Vault access policy"


class Entitlement(TypedDict):
    """An identity as a workload that names its client id meets it."""

    client_id: str
    principal: Principal | None
    unresolved: (
        str  # why the client id is nobody's; "" where it is somebody's or could not be asked
    )
    meant: str  # the client id of the identity whose object id was named instead
    deactivated: (
        bool | None
    )  # its application's own switch; None: it has none, or it could not be read
    trusts: list[FederatedCredential] | None  # None: they could not be read
    held: list[Held] | None
    unread: dict[str, str]  # part -> why


async def read(cloud: Cloud, client_id: str) -> Entitlement:
    """All of it side by side. What could not be read is named, and is not "none"."""
    found: Entitlement = {
        "client_id": client_id,
        "principal": None,
        "unresolved": "",
        "meant": "",
        "deactivated": None,
        "trusts": None,
        "held": None,
        "unread": {},
    }
    unread = found["unread"]
    try:
        principal = await principals.resolve(cloud, {"app_id": client_id})
    except UnresolvedError as problem:
        meant = await _meant(cloud, client_id)
        return {**found, "unresolved": str(problem), "meant": meant}
    except ResponderError as problem:
        unread["the identity"] = str(problem)
        return found
    application_id = principal["application_object_id"]
    deactivated, trusts, held = await asyncio.gather(
        _or_none(_deactivated(cloud, application_id), "its application", unread),
        _or_none(_trusts(cloud, principal, unread), "its federated credentials", unread),
        _held(cloud, principal, unread),
    )
    return {
        **found,
        "principal": principal,
        "deactivated": deactivated,
        "trusts": trusts,
        "held": held,
    }


async def _meant(cloud: Cloud, value: str) -> str:
    """An object id where a client id belongs is a common slip: whose it is, or ""."""
    if not is_guid(value):
        return ""
    try:
        return (await principals.resolve(cloud, {"object_id": value}))["app_id"]
    except ResponderError:
        return ""  # this only words a fix


async def _or_none(reading: Awaitable[T], what: str, unread: dict[str, str]) -> T | None:
    try:
        return await reading
    except ResponderError as error:
        unread[what] = str(error)
        return None


async def _deactivated(cloud: Cloud, application_id: str | None) -> bool | None:
    return (
        None if application_id is None else await applications.is_deactivated(cloud, application_id)
    )


async def _trusts(
    cloud: Cloud, principal: Principal, unread: dict[str, str]
) -> list[FederatedCredential]:
    if principal["kind"] == "user_assigned_identity" and principal["resource_id"]:
        found, gap = await identity_trusts.read_left(cloud, principal["resource_id"])
        if gap is not None:
            unread["its flexible federated credentials"] = gap
        return found
    if principal["application_object_id"] is not None:
        return await federated_credentials.read_all(cloud, principal["application_object_id"])
    return []


async def _held(cloud: Cloud, principal: Principal, unread: dict[str, str]) -> list[Held] | None:
    """None where a part could not be read and the others hold nothing: that would look like nothing at all."""
    if principal["kind"] == "application_without_principal":
        return []
    object_id = principal["object_id"]
    missing: dict[str, str] = {}
    direct, carried, roles, policies = await asyncio.gather(
        _or_none(
            role_assignments.read_known(cloud, object_id, insist=False),
            "its role assignments",
            missing,
        ),
        _or_none(
            role_assignments.group_grants(cloud, object_id),
            "roles that groups carry to it",
            missing,
        ),
        _or_none(app_roles.read_all(cloud, principal), "its app roles", missing),
        _or_none(
            key_vault_policies.read_all(cloud, principal), "Key Vault access policies", missing
        ),
    )
    if direct is not None and direct[1] is not None:
        missing["some of its role assignments"] = direct[1]
    held = [_granted(one) for one in (direct[0] if direct else [])]
    held += [
        {"role": one["role_name"], "scope": one["scope"], "way": f"group {one['group_id']}"}
        for one in carried or []
    ]
    held += [
        {
            "role": str(one["role_name"] or one["app_role_id"]),
            "scope": str(one["resource_id"]),
            "way": "app role",
        }
        for one in roles or []
    ]
    held += [
        {"role": "access policy", "scope": str(one["vault_id"]), "way": "Key Vault access policy"}
        for one in policies or []
    ]
    unread |= missing
    return held if held or not missing else None


def _granted(one: Grant) -> Held:
    return {"role": one["role_name"], "scope": one["scope"], "way": "role assignment"}
