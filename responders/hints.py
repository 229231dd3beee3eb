"""Responder: what a signal calls an identity, turned into an id that the directory knows.

Stops    nothing
Leaves   everything as it is
Undo     none needed
Needs    NEEDS, below
Source   https://learn.microsoft.com/azure/aks/workload-identity-overview
         https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/overview

Nothing is ever looked up by a display name. What fits several identities is refused with all of them.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal, cast

from responders import clusters, federated_credentials, identity_trusts, managed_identities
from responders import resource_graph as graph
from responders.cloud import Cloud
from responders.errors import (
    AmbiguousError,
    ContractChangedError,
    NotFoundError,
    RefusedError,
    UnresolvedError,
)
from responders.inventory_cuts import CLIENT_ID
from responders.kube_requests import path_of
from responders.model import ClusterRef, Hint, Json, Principal, ServiceAccountHint
from responders.needs import ASSIGNMENTS, AzureNeed, ClusterNeed, Needs
from responders.settings import is_guid

_ASSIGNMENTS_VERSION = "2022-04-01"
_USER_ASSIGNED = "/providers/microsoft.managedidentity/userassignedidentities/"
_KINDS = ("object_id", "app_id", "resource_id", "role_assignment_id", "service_account")
# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_SUBDOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9.-]*[a-z0-9])?", re.ASCII)
# At any scope: a management group's and the root's have no subscription.
_ASSIGNMENT = re.compile(
    r"(/[\w.() @-]{1,260})*/providers/Microsoft\.Authorization/roleAssignments/[0-9a-f-]{36}",
    re.IGNORECASE | re.ASCII,
)
NEEDS: Final = Needs(
    azure=(
        AzureNeed(
            f"{ASSIGNMENTS}/read",
            "whom the role was given to that an alert is about",
            ("_of_assignment",),
        ),
    ),
    cluster=(
        ClusterNeed(
            "serviceaccounts",
            ("get",),
            "which identity the ServiceAccount names that an alert is about",
            ("_of_account",),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Federated:
    """The ServiceAccount that named a client id: the identity has to trust it back."""

    issuer: str
    subject: str
    where: str  # for people


@dataclass(frozen=True, slots=True)
class Named:
    """A GUID, and what it is said to be."""

    key: Literal["object_id", "app_id"]
    value: str
    by: Federated | None = None


async def named(cloud: Cloud, hint: Hint) -> Named:
    """The one id that the hint leads to. Raises `UnresolvedError`, `AmbiguousError` with the candidates."""
    given = [(kind, value) for kind, value in hint.items() if kind in _KINDS]
    if len(given) != 1 or len(hint) != 1:
        raise UnresolvedError(f"name the identity by exactly one of {', '.join(_KINDS)}")
    match given[0]:
        case ("object_id" | "app_id") as key, value:
            return _guid(key, value)
        case "resource_id", str(value):
            return await _of_resource(cloud, value)
        case "role_assignment_id", str(value):
            return await _of_assignment(cloud, value)
        case "service_account", {"cluster": str(), "namespace": str(), "name": str()} as account:
            return await _of_account(cloud, cast(ServiceAccountHint, account))
        case kind, value:
            raise UnresolvedError(f"{kind} cannot be read: {value!r:.60}")


async def must_trust(cloud: Cloud, principal: Principal, by: Federated) -> None:
    """Raises `UnresolvedError` unless the identity trusts the ServiceAccount that names it.

    Whoever may write a ServiceAccount may write anybody's client id on it: without this, a signal about it would be
    turned against an identity that has nothing to do with it.
    """
    if principal["kind"] == "user_assigned_identity" and principal["resource_id"]:
        trusts = await identity_trusts.read_all(cloud, principal["resource_id"])
    elif principal["application_object_id"]:
        trusts = await federated_credentials.read_all(cloud, principal["application_object_id"])
    else:
        trusts = []
    for one in trusts:
        # A flexible one matches by an expression, which is not evaluated here: its issuer has to do.
        if one["issuer"] == by.issuer and one["subject"] in {by.subject, None}:
            return
    raise UnresolvedError(
        f"{by.where} names {principal['app_id']}, which does not trust it: nobody but the identity's own owner can say "
        "whether it is meant. Send its object id or client id"
    )


def _guid(key: Literal["object_id", "app_id"], value: object) -> Named:
    if not isinstance(value, str) or not is_guid(value):
        raise UnresolvedError(
            f"{key} is not a GUID: {value!r:.60}; display names are never resolved"
        )
    return Named(key, value.lower())


async def _of_resource(cloud: Cloud, resource_id: str) -> Named:
    """The identity itself, or the one that the resource has."""
    resource_id = _checked(resource_id)
    if _USER_ASSIGNED in resource_id.lower():
        try:
            found = await managed_identities.read(cloud, resource_id)
        except NotFoundError:
            raise UnresolvedError(f"there is no identity {resource_id}") from None
        return _guid("object_id", _property(found, "principalId"))
    rows = await graph.system_identity(cloud, resource_id)
    if not rows:
        raise UnresolvedError(f"{resource_id} is not there, or Firebreak may not see it")
    candidates = _identities(rows[0])
    if len(candidates) > 1:
        raise AmbiguousError(
            f"{resource_id} has several identities; send the object id of one", candidates
        )
    if not candidates:
        raise UnresolvedError(f"{resource_id} has no identity")
    return _guid("object_id", candidates[0].partition(" ")[0])


def _checked(resource_id: str) -> str:
    try:
        return graph.checked_resource_id(resource_id.rstrip("/"))
    except RefusedError as error:
        raise UnresolvedError(str(error)) from error


def _identities(row: Json) -> list[str]:
    """Object ids of what a resource signs in as, each with what it is."""
    identity = row.get("identity") or {}
    found: list[str] = []
    if isinstance(own := identity.get("principalId"), str) and own:
        found.append(f"{own.lower()} (system-assigned)")
    for name, one in sorted((identity.get("userAssignedIdentities") or {}).items()):
        principal_id = one.get("principalId") if isinstance(one, dict) else None
        found.append(f"{str(principal_id).lower()} ({name})")
    return found


async def _of_assignment(cloud: Cloud, assignment_id: str) -> Named:
    """Whom a role was given to."""
    if not _ASSIGNMENT.fullmatch(assignment_id) or {".", ".."} & set(assignment_id.split("/")):
        raise UnresolvedError(f"not the id of a role assignment: {assignment_id[:120]!r}")
    try:
        found = await cloud.arm.get(assignment_id, _ASSIGNMENTS_VERSION)
    except NotFoundError:
        raise UnresolvedError(
            f"the role assignment is gone, so nobody can say whose it was: {assignment_id}"
        ) from None
    kind = _property(found, "principalType")
    if kind != "ServicePrincipal":
        raise UnresolvedError(
            f"the role was given to a {kind}, which is no workload identity: {assignment_id}"
        )
    return _guid("object_id", _property(found, "principalId"))


def _property(found: Json, name: str) -> str:
    match found.get("properties"):
        case {**properties} if isinstance(properties.get(name), str):
            return str(properties[name])
    raise ContractChangedError(f"{found.get('id')} has no {name}")


async def _of_account(cloud: Cloud, account: ServiceAccountHint) -> Named:
    """The client id that the ServiceAccount is annotated with."""
    namespace, name = account["namespace"], account["name"]
    if not _LABEL.fullmatch(namespace) or not _SUBDOMAIN.fullmatch(name):
        raise UnresolvedError(f"no ServiceAccount is called {namespace[:60]!r}/{name[:60]!r}")
    cluster = _only(await clusters.list_all(cloud), account["cluster"])
    where = f"ServiceAccount {namespace}/{name} of {cluster['name']}"
    kube = await clusters.connect(cloud, cluster)
    try:
        found = await kube.get(path_of("serviceaccounts", namespace, name))
    except NotFoundError:
        raise UnresolvedError(f"there is no {where}") from None
    client_id = (found["metadata"].get("annotations") or {}).get(CLIENT_ID, "").strip()
    if not is_guid(client_id):
        raise UnresolvedError(f"{where} names no client id ({CLIENT_ID}): {client_id[:60]!r}")
    issuer = cluster["issuer_url"] or ""
    subject = f"system:serviceaccount:{namespace}:{name}"
    return Named("app_id", client_id.lower(), Federated(issuer, subject, where))


def _only(known: list[ClusterRef], wanted: str) -> ClusterRef:
    """The one cluster with this resource id, issuer or name, in this order."""
    wanted = wanted.strip().rstrip("/")
    found = [
        one
        for one in known
        if wanted.lower() == one["resource_id"].lower()
        or (one["issuer_url"] or "").rstrip("/") == wanted
    ] or [one for one in known if wanted.lower() == one["name"].lower()]
    if not found:
        raise UnresolvedError(f"Firebreak sees no cluster {wanted[:120]!r}")
    if len(found) > 1:
        raise AmbiguousError(
            f"several clusters are called {wanted[:120]!r}; send the resource id of one",
            [one["resource_id"] for one in found],
        )
    return found[0]
