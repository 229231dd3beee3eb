"""Seeds of the directory: who exists, and who is what to whom."""

from datetime import datetime

from sandbox.control.wishes import WishError, a_list, text
from sandbox.entra.resources import FIRST_PARTY, GRAPH
from sandbox.graph import directory_role_definitions, group_shapes, shapes
from sandbox.seed.first_party import GRAPH_ROLES
from sandbox.world import Json, World


def _user(world: World, since: datetime, one: Json) -> Json:
    """{"name", "id"?}: a member of the tenant, who can be signed in as."""
    user = shapes.new_user(text(one, "name"), created=since, object_id=one.pop("id", None))
    world.directory.users.put(user["id"], user, since=since)
    return {"object_id": user["id"], "upn": user["userPrincipalName"]}


def _application(world: World, since: datetime, one: Json) -> Json:
    """{"displayName", "servicePrincipalId"?, ...}: the application and its service principal; null: it has none."""
    name = text(one, "displayName")
    principal_id = one.pop("servicePrincipalId", "")
    plain = shapes.new_application(name, created=since)
    if unknown := sorted(set(one) - set(plain)):
        raise WishError(f"applications: an application has no {', '.join(unknown)}")
    application = plain | {name: one.pop(name) for name in list(one)} | {"displayName": name}
    world.directory.applications.put(application["id"], application, since=since)
    made = {"application_object_id": application["id"], "app_id": application["appId"]}
    if principal_id is None:
        return made
    principal = shapes.new_service_principal(
        application,
        created=since,
        tenant_id=world.tenant_id,
        object_id=principal_id or None,
        tags=[shapes.ENTERPRISE_APP_TAG],
    )
    world.directory.service_principals.put(principal["id"], principal, since=since)
    return {**made, "object_id": principal["id"]}


def _service_principal(world: World, since: datetime, one: Json) -> Json:
    """{"displayName", "appOwnerOrganizationId", "id"?, "appId"?}: of an application of another tenant."""
    application = {
        "appId": one.pop("appId", None) or shapes.new_id(),
        "displayName": text(one, "displayName"),
        "signInAudience": "AzureADMultipleOrgs",
    }
    home = text(one, "appOwnerOrganizationId")
    principal = shapes.new_service_principal(
        application, created=since, tenant_id=home, object_id=one.pop("id", None)
    )
    world.directory.service_principals.put(principal["id"], principal, since=since)
    return {"app_id": principal["appId"], "object_id": principal["id"]}


def _group(world: World, since: datetime, one: Json) -> Json:
    """{"displayName", "members", "id"?, "isAssignableToRole"?}: members are users, principals or other groups."""
    group = group_shapes.new_group(
        text(one, "displayName"),
        created=since,
        object_id=one.pop("id", None),
        isAssignableToRole=one.pop("isAssignableToRole", None),
    )
    members = [str(each) for each in a_list("members", one.pop("members", []))]
    directory = world.directory
    for each in members:
        if not any(
            each in kind
            for kind in (directory.users, directory.service_principals, directory.groups)
        ):
            raise WishError(f"groups: no member {each}")
    directory.groups.put(group["id"], group, since=since)
    directory.group_members[group["id"]] = members
    return {"object_id": group["id"]}


def _owner(world: World, since: datetime, one: Json) -> Json:
    """{"objectId", "ownerId"}: of an application or a service principal."""
    holder, owner = text(one, "objectId"), text(one, "ownerId")
    directory = world.directory
    if holder not in directory.applications and holder not in directory.service_principals:
        raise WishError(f"owners: no application or service principal {holder}")
    if owner not in directory.users and owner not in directory.service_principals:
        raise WishError(f"owners: no user or service principal {owner}")
    directory.owners.setdefault(holder, []).append(owner)
    return {"id": owner}


def _app_role(world: World, since: datetime, one: Json) -> Json:
    """{"principalId", "role"}: an application permission of Microsoft Graph, by its name."""
    principal = world.directory.service_principals.get(text(one, "principalId"))
    role = text(one, "role")
    if principal is None:
        raise WishError("appRoleAssignments: no such service principal")
    if role not in GRAPH_ROLES:
        raise WishError(f"appRoleAssignments: Microsoft Graph has no role {role!r}")
    found = shapes.new_app_role_assignment(
        principal, _graph(world), GRAPH_ROLES[role], created=since
    )
    world.directory.app_role_assignments.put(found["id"], found, since=since)
    return {"id": found["id"]}


def _consent(world: World, since: datetime, one: Json) -> Json:
    """{"clientId", "scope"}: delegated permissions of Microsoft Graph; the client is a service principal's id."""
    client = text(one, "clientId")
    if client not in world.directory.service_principals:
        raise WishError(f"oauth2PermissionGrants: no service principal {client}")
    found = shapes.new_permission_grant(
        client_id=client, resource_id=_graph(world)["id"], scope=text(one, "scope")
    )
    world.directory.oauth2_permission_grants.put(found["id"], found, since=since)
    return {"id": found["id"]}


def _directory_role(world: World, since: datetime, one: Json) -> Json:
    """{"principalId", "role"}: a built-in role of the directory, by its name, for the whole tenant."""
    named = {each["displayName"]: each["id"] for each in directory_role_definitions.definitions()}
    principal, role = text(one, "principalId"), text(one, "role")
    directory = world.directory
    if not any(
        principal in kind
        for kind in (directory.users, directory.service_principals, directory.groups)
    ):
        raise WishError(f"directoryRoleAssignments: nobody is {principal}")
    if role not in named:
        raise WishError(f"directoryRoleAssignments: no built-in role {role!r}")
    found = group_shapes.new_directory_role_assignment(principal, named[role])
    directory.role_assignments.put(found["id"], found, since=since)
    return {"id": found["id"]}


def _graph(world: World) -> Json:
    app_id, _ = FIRST_PARTY[GRAPH]
    principals = world.directory.service_principals.values()
    return next(each for each in principals if each["appId"] == app_id)


PRINCIPALS = {
    "users": _user,
    "applications": _application,
    "servicePrincipals": _service_principal,
}
RELATIONS = {
    "groups": _group,
    "owners": _owner,
    "appRoleAssignments": _app_role,
    "oauth2PermissionGrants": _consent,
    "directoryRoleAssignments": _directory_role,
}
