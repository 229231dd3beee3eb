"""Responder: how an identity stands now, and whether all that it is to be given again still exists.

Stops    nothing
Leaves   everything as it is
Undo     none needed
Needs    NEEDS, below
Source   https://learn.microsoft.com/graph/api/directoryobject-getbyids
         https://learn.microsoft.com/azure/role-based-access-control/troubleshooting

It reads through the responders of the single nouns, which is why it may import them.
"""

import asyncio
from typing import Final, Literal, TypedDict

from responders import (
    clusters,
    credentials,
    deleted_items,
    grants,
    risk,
    service_accounts,
    snapshots,
)
from responders.cloud import Cloud
from responders.errors import NotFoundError, ResponderError
from responders.fan_out import fan_out
from responders.model import MANAGED, ClusterRef, Credential, Incident, Json, Principal
from responders.needs import GraphNeed, Needs
from responders.settings import checked_guid, is_guid
from responders.snapshots import Snapshot

Presence = Literal["there", "deleted", "gone", "recreated", "none"]
_BY_IDS = 1000  # ids that one getByIds takes
NEEDS: Final = Needs(
    graph=(
        GraphNeed(
            "Application.Read.All", "whether an application and its service principal are there"
        ),
        GraphNeed(
            "Directory.Read.All",
            "whether groups, owners and resources are there still",
            ("_missing",),
        ),
    ),
)


class Account(TypedDict):
    """One of our clusters: the subjects there whose ServiceAccount names the client id."""

    cluster: str
    subjects: list[str] | None  # None: it could not be asked
    reason: str


class Standing(TypedDict):
    """The identity now. What could not be read is said: it is neither there nor gone."""

    snapshot: Snapshot
    application: Presence
    service_principal: Presence
    enabled: bool | None  # None: there is no service principal, or it has no such switch
    deactivated: bool | None
    dangerous: list[Credential]  # secrets and keys that a token can be had with
    risk: str  # its state, or why it can't be told
    missing: list[
        str
    ]  # ids of groups, owners, users and APIs that don't exist any more, in lower case
    scopes_gone: list[str]
    unsure: dict[str, str]  # id or scope -> why nobody can say whether it exists
    accounts: dict[str, Account]  # by issuer, to the letter


async def look(cloud: Cloud, incident: Incident, before: Snapshot) -> Standing:
    """Read it all side by side. Raises where the identity itself can't be read."""
    principal = incident["principal"]
    objects = asyncio.gather(
        snapshots.take(cloud, incident, insist=False),
        _application(cloud, principal),
        _service_principal(cloud, principal),
        _dangerous(cloud, principal),
    )
    around = asyncio.gather(
        _missing(cloud, before),
        _scopes(cloud, principal, before),
        _accounts(cloud, before, principal["app_id"]),
        _risk(cloud, principal),
    )
    (now, application, found, dangerous), (missing, scopes, accounts, risky) = await asyncio.gather(
        objects, around
    )
    registered = now["application"]
    return {
        "snapshot": now,
        "application": application,
        "service_principal": found[0],
        "enabled": found[1],
        "deactivated": None if registered is None else registered.get("isDisabled") is True,
        "dangerous": dangerous,
        "risk": risky,
        "missing": missing[0],
        "scopes_gone": scopes[0],
        "unsure": {**missing[1], **scopes[1]},
        "accounts": accounts,
    }


async def _application(cloud: Cloud, principal: Principal) -> Presence:
    object_id = principal["application_object_id"]
    if object_id is None:
        return "none"
    try:
        await cloud.graph.get(f"/applications/{checked_guid(object_id, 'id')}", {"$select": "id"})
    except NotFoundError:
        binned = await deleted_items.find(cloud, "application", object_id)
        return "gone" if binned is None else "deleted"
    return "there"


async def _service_principal(cloud: Cloud, principal: Principal) -> tuple[Presence, bool | None]:
    """By its id: one with the same client id and another object id was made anew, and holds none of its roles."""
    select = {"$select": "id,accountEnabled"}
    if principal["kind"] == "application_without_principal":
        found = await _by_client_id(cloud, principal["app_id"])
        return ("none", None) if found is None else ("there", found.get("accountEnabled") is True)
    path = f"/servicePrincipals/{checked_guid(principal['object_id'], 'object id')}"
    try:
        raw = await cloud.graph.get(path, select)
    except NotFoundError:
        if await _by_client_id(cloud, principal["app_id"]) is not None:
            return "recreated", None
        binned = await deleted_items.find(cloud, "servicePrincipal", principal["object_id"])
        return ("gone" if binned is None else "deleted"), None
    return "there", raw.get("accountEnabled") is True


async def _by_client_id(cloud: Cloud, app_id: str) -> Json | None:
    path = f"/servicePrincipals(appId='{checked_guid(app_id, 'client id')}')"
    try:
        return await cloud.graph.get(path, {"$select": "id,accountEnabled"})
    except NotFoundError:
        return None


async def _dangerous(cloud: Cloud, principal: Principal) -> list[Credential]:
    return (
        [] if principal["kind"] in MANAGED else await credentials.read_dangerous(cloud, principal)
    )


async def _missing(cloud: Cloud, before: Snapshot) -> tuple[list[str], dict[str, str]]:
    """Directory objects that what it is to be given leads to."""
    wanted = {
        *(str(one["resource_id"]) for one in [*before["app_roles"], *before["oauth_grants"]]),
        *(str(one["principal_id"]) for one in before["oauth_grants"] if one["principal_id"]),
        *(str(one["id"]) for one in before["memberships"] if one["direct"]),
        *(str(one["id"]) for one in before["owners"]),
    }
    ids = sorted(one.lower() for one in wanted if is_guid(one))
    found: set[str] = set()
    try:
        for at in range(0, len(ids), _BY_IDS):
            body: Json = {"ids": ids[at : at + _BY_IDS], "types": ["directoryObject"]}
            answer = await cloud.graph.post("/directoryObjects/getByIds", body)
            found |= {str(one.get("id")).lower() for one in answer.get("value", [])}
    except ResponderError as error:
        return [], dict.fromkeys(ids, str(error))
    return [one for one in ids if one not in found], {}


async def _scopes(
    cloud: Cloud, principal: Principal, before: Snapshot
) -> tuple[list[str], dict[str, str]]:
    """Scopes of its grants: a resource that was deleted since has none."""
    if not before["grants"]:
        return [], {}
    condition = f"principalId eq '{checked_guid(principal['object_id'], 'object id')}'"

    async def ask(scope: str) -> str | None:
        """None: it is there; "": it is gone; else why that can't be told."""
        _, readable, unread = await grants.at_scopes(cloud, [scope], condition)
        return None if readable else "; ".join(map(str, unread))

    asked = await fan_out(sorted({one["scope"] for one in before["grants"]}), ask)
    gone = [scope for scope, said in asked if said == ""]
    return gone, {scope: str(said) for scope, said in asked if said not in {None, ""}}


async def _accounts(cloud: Cloud, before: Snapshot, app_id: str) -> dict[str, Account]:
    """Who names the client id, in each of our clusters that a trust of it leads to."""
    issuers = {one["issuer"] for one in before["federated_credentials"]}
    if not issuers:
        return {}
    ours = [one for one in await clusters.list_all(cloud) if one["issuer_url"] in issuers]

    async def ask(cluster: ClusterRef) -> list[str]:
        kube = await clusters.connect(cloud, cluster)
        return await service_accounts.subjects(kube, app_id)

    return {
        str(cluster["issuer_url"]): {
            "cluster": cluster["name"],
            "subjects": None if isinstance(answer, ResponderError) else answer,
            "reason": str(answer) if isinstance(answer, ResponderError) else "",
        }
        for cluster, answer in await fan_out(ours, ask)
    }


async def _risk(cloud: Cloud, principal: Principal) -> str:
    """ID Protection does not know every tenant and no managed identity: that is no reason to restore nothing."""
    try:
        return await risk.state(cloud, principal)
    except ResponderError as error:
        return f"not known: {error}"
