"""The directory's part of an export, read from Microsoft Graph."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from responders.cloud import Cloud
from responders.errors import NotFoundError, RefusedError
from responders.model import MANAGED, Principal
from responders.settings import checked_guid
from twin.directory_model import (
    Application,
    AppRoleAssignment,
    Directory,
    DirectoryRole,
    FederatedCredential,
    Group,
    PermissionGrant,
    Person,
    Resource,
    ServicePrincipal,
)
from twin.wire import cut, cut_all

T = TypeVar("T")
_GROUP = "#microsoft.graph.group"
_ROLES = "/roleManagement/directory"


async def read(cloud: Cloud, principal: Principal, gaps: list[str]) -> Directory:
    """All of it. What may not be read is named in `gaps`; what the plan can't do without raises."""
    found = Directory()
    application_id, of_ours = principal["application_object_id"], principal["kind"] not in MANAGED
    if application_id is not None:
        raw = await cloud.graph.get(f"/applications/{application_id}")
        found.application = cut(Application, raw)
        found.federated_credentials = await _trusts(cloud, application_id)
    if principal["kind"] == "application_without_principal":
        found.application_owners = await _owners(cloud, f"/applications/{application_id}", found)
        return found
    here = f"/servicePrincipals/{checked_guid(principal['object_id'], 'object id')}"
    found.service_principal = cut(ServicePrincipal, await cloud.graph.get(here))
    if of_ours:
        found.principal_owners = await _owners(cloud, here, found)
        if application_id is not None:
            found.application_owners = await _owners(
                cloud, f"/applications/{application_id}", found
            )
    found.groups = await _asked("groups", gaps, lambda: _groups(cloud, principal["object_id"]))
    found.app_role_assignments = cut_all(
        AppRoleAssignment, await cloud.graph.list(f"{here}/appRoleAssignments")
    )
    found.permission_grants = cut_all(
        PermissionGrant, await cloud.graph.list(f"{here}/oauth2PermissionGrants")
    )
    found.resources = await _resources(cloud, found, gaps)
    found.directory_roles = await _asked(
        "directory roles", gaps, lambda: _directory_roles(cloud, principal["object_id"])
    )
    return found


async def _asked(what: str, gaps: list[str], ask: Callable[[], Awaitable[list[T]]]) -> list[T]:
    try:
        return await ask()
    except RefusedError as error:
        gaps.append(f"{what}: {error}")
        return []


async def _trusts(cloud: Cloud, application_id: str) -> list[FederatedCredential]:
    """Those of v1.0, with the expressions of the flexible ones, which beta alone shows."""
    path = f"/applications/{checked_guid(application_id, 'object id')}/federatedIdentityCredentials"
    found = cut_all(FederatedCredential, await cloud.graph.list(path))
    if all(one.subject is not None for one in found):
        return found
    shown = cut_all(FederatedCredential, await cloud.graph.list(path, beta=True))
    expressions = {one.id: one.claimsMatchingExpression for one in shown}
    for one in found:
        if one.subject is None:
            one.claimsMatchingExpression = expressions.get(one.id)
    return found


async def _owners(cloud: Cloud, path: str, found: Directory) -> list[str]:
    people = cut_all(Person, await cloud.graph.list(f"{path}/owners"))
    known = {one.id for one in found.people}
    found.people = [*found.people, *(one for one in people if one.id not in known)]
    return [one.id for one in people]


async def _groups(cloud: Cloud, object_id: str) -> list[Group]:
    """Upwards from the principal: each group with those of its members that led to it."""
    found: dict[str, Group] = {}
    above = [(object_id, "/servicePrincipals")]
    while above:
        member, kind = above.pop()
        for raw in await cloud.graph.list(f"{kind}/{checked_guid(member, 'object id')}/memberOf"):
            if raw.get("@odata.type") != _GROUP:
                continue
            group = cut(Group, raw)
            if group.id not in found:
                found[group.id] = group
                above.append((group.id, "/groups"))
            found[group.id].members = [*found[group.id].members, member]
    return [found[one] for one in sorted(found)]


async def _resources(cloud: Cloud, directory: Directory, gaps: list[str]) -> list[Resource]:
    """What it has permissions on: of their app roles those alone that were given."""
    given = {(one.resourceId, one.appRoleId) for one in directory.app_role_assignments}
    ids = {one.resourceId for one in directory.app_role_assignments}
    ids |= {one.resourceId for one in directory.permission_grants}

    async def one(resource_id: str) -> Resource | None:
        try:
            path = f"/servicePrincipals/{checked_guid(resource_id, 'object id')}"
            found = cut(Resource, await cloud.graph.get(path))
        except (NotFoundError, RefusedError) as error:
            gaps.append(f"the resource {resource_id} of a permission: {error}")
            return None
        found.appRoles = [role for role in found.appRoles if (found.id, role.id) in given]
        return found

    found = await asyncio.gather(*(one(each) for each in sorted(ids)))
    return [each for each in found if each is not None]


async def _directory_roles(cloud: Cloud, object_id: str) -> list[DirectoryRole]:
    mine = {"$filter": f"principalId eq '{checked_guid(object_id, 'object id')}'"}
    found = cut_all(DirectoryRole, await cloud.graph.list(f"{_ROLES}/roleAssignments", mine))
    for one in found:
        role = (
            f"{_ROLES}/roleDefinitions/{checked_guid(one.roleDefinitionId, 'role definition id')}"
        )
        one.roleName = (await cloud.graph.get(role)).get("displayName")
    return found
