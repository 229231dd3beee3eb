"""Who may call what: app permissions from the token, ownership for people.

Faithful    an app's permissions are those in its token's `roles` claim, whatever has been revoked since it
            was issued; Application.ReadWrite.OwnedBy covers what the app owns; a user without a directory
            role reads the directory and manages the applications that he owns; Application Administrators and
            the like, people or apps, manage all of them
Left out    delegated scopes: a user's token carries all of his own rights
Longer than most files here: it is a short function for each kind of operation.

Source      https://learn.microsoft.com/graph/permissions-reference
            https://learn.microsoft.com/entra/fundamentals/users-default-permissions
"""

from sandbox.graph import directory_role_definitions as roles
from sandbox.graph import held_roles
from sandbox.graph.errors import denied
from sandbox.graph.exchange import Request

OWNED_BY = "Application.ReadWrite.OwnedBy"
_WRITE_ALL = {"Application.ReadWrite.All", "Directory.ReadWrite.All"}
_UPDATE_ALL = {*_WRITE_ALL, "Application.ReadUpdate.All"}
READ = {*_UPDATE_ALL, OWNED_BY, "Application.Read.All", "Directory.Read.All"}
READ_USERS = {"User.Read.All", "User.ReadBasic.All", "User.ReadWrite.All"}
DIRECTORY = {"Directory.Read.All", "Directory.ReadWrite.All"}
_READ_GRANTS = {
    *DIRECTORY,
    "DelegatedPermissionGrant.Read.All",
    "DelegatedPermissionGrant.ReadWrite.All",
}
_READ_ORGANIZATION = {*DIRECTORY, "Organization.Read.All", "Organization.ReadWrite.All"}
# Directory roles that manage all applications, and that an app needs on top of its permissions to restore them.
# https://learn.microsoft.com/graph/api/directory-deleteditems-restore
# https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference
_APPLICATION_ADMINISTRATORS = {
    roles.GLOBAL_ADMINISTRATOR,
    roles.APPLICATION_ADMINISTRATOR,
    roles.CLOUD_APPLICATION_ADMINISTRATOR,
    roles.HYBRID_IDENTITY_ADMINISTRATOR,
}

_LOG_READERS = {
    roles.GLOBAL_ADMINISTRATOR,
    roles.GLOBAL_READER,
    roles.SECURITY_ADMINISTRATOR,
    roles.SECURITY_OPERATOR,
    roles.SECURITY_READER,
}
# Who may consent for everybody: https://learn.microsoft.com/entra/identity/enterprise-apps/grant-admin-consent
_CONSENTING = {roles.GLOBAL_ADMINISTRATOR, roles.PRIVILEGED_ROLE_ADMINISTRATOR}


def read_applications(request: Request) -> None:
    """Applications, service principals, their credentials and owners. Raises 403."""
    _need(request, READ)


def read_directory(request: Request) -> None:
    """Objects of any kind. Raises 403.

    https://learn.microsoft.com/graph/api/directoryobject-getbyids
    """
    _need(request, DIRECTORY)


def read_organization(request: Request) -> None:
    """The tenant itself. Raises 403.

    https://learn.microsoft.com/graph/api/organization-list
    """
    _need(request, _READ_ORGANIZATION)


def read_memberships(request: Request) -> None:
    """What a service principal is in: owning some applications is not enough. Raises 403.

    https://learn.microsoft.com/graph/api/serviceprincipal-list-memberof
    """
    _need(request, READ - {OWNED_BY})


def read_delegated_permissions(request: Request) -> None:
    """oauth2PermissionGrants. Raises 403.

    https://learn.microsoft.com/graph/api/oauth2permissiongrant-list
    """
    _need(request, _READ_GRANTS)


def read_users(request: Request) -> None:
    """People. Raises 403."""
    _need(request, DIRECTORY | READ_USERS)


def read_logs(request: Request) -> None:
    """Sign-in logs: not for people without a role. Raises 403.

    https://learn.microsoft.com/graph/api/signin-list
    """
    if request.caller.kind == "app" and held_roles.suffices(request, {"AuditLog.Read.All"}):
        return
    if not held_roles.of_caller(request) & _LOG_READERS:
        raise denied()


def read_audits(request: Request) -> None:
    """Audit logs, which take an app both permissions. Raises 403.

    https://learn.microsoft.com/graph/api/directoryaudit-list
    """
    read_logs(request)
    if request.caller.kind == "app":
        _need(request, DIRECTORY)


def create(request: Request) -> None:
    """New applications and service principals: for people too, unless the tenant says otherwise. Raises 403."""
    if request.caller.kind == "app" and not held_roles.suffices(request, {*_WRITE_ALL, OWNED_BY}):
        raise denied()


def register(request: Request) -> None:
    """New applications alone, for which there is a permission of their own. Raises 403.

    https://learn.microsoft.com/graph/api/application-post-applications
    """
    if "AppRegistration.Create" not in request.caller.roles:
        create(request)


def update(request: Request, object_id: str) -> None:
    """Change an application or service principal, or its credentials. Raises 403."""
    _own_or_hold(request, object_id, _UPDATE_ALL)


def delete(request: Request, object_id: str) -> None:
    """Delete one, or change its owners. Raises 403."""
    _own_or_hold(request, object_id, _WRITE_ALL)


def roll_own_key(request: Request, app_id: str, object_id: str) -> None:
    """AddKey and removeKey: "An application does not need any specific permission". Raises 403.

    https://learn.microsoft.com/graph/api/application-addkey
    """
    if request.caller.kind == "app" and request.caller.app_id == app_id:
        return
    update(request, object_id)


def restore(request: Request) -> None:
    """Bring a deleted application back: permission and directory role. Raises 403."""
    holds = held_roles.suffices(request, {*_WRITE_ALL, OWNED_BY})
    acts_as = held_roles.of_caller(request) & _APPLICATION_ADMINISTRATORS
    if not (acts_as and (holds or request.caller.kind == "user")):
        raise denied()


def purge(request: Request, object_id: str) -> None:
    """Delete for good what was deleted. Raises 403."""
    _own_or_hold(request, object_id, _WRITE_ALL)


def assign_app_roles(request: Request) -> None:
    """Revoke app roles: Application.ReadWrite.All is not enough. Raises 403.

    https://learn.microsoft.com/graph/api/serviceprincipal-delete-approleassignments
    """
    if request.caller.kind == "user" and held_roles.of_caller(request) & _CONSENTING:
        return
    if not held_roles.suffices(request, {"AppRoleAssignment.ReadWrite.All"}):
        raise denied()


def grant_app_roles(request: Request) -> None:
    """Grant one: that takes to read applications too. Raises 403.

    https://learn.microsoft.com/graph/api/serviceprincipal-post-approleassignments
    """
    assign_app_roles(request)
    read_applications(request)


def add_owner(request: Request, object_id: str) -> None:
    """What deleting takes, and for apps also to read the directory. Raises 403.

    https://learn.microsoft.com/graph/api/application-post-owners
    """
    delete(request, object_id)
    if request.caller.kind == "app":
        _need(request, DIRECTORY)


def grant_delegated_permissions(request: Request) -> None:
    """Write oauth2PermissionGrants. Raises 403.

    https://learn.microsoft.com/graph/api/oauth2permissiongrant-post
    """
    allowed = {"DelegatedPermissionGrant.ReadWrite.All", "Directory.ReadWrite.All"}
    if request.caller.kind == "user" and held_roles.of_caller(request) & _CONSENTING:
        return
    if not held_roles.suffices(request, allowed):
        raise denied()


def owns(request: Request, object_id: str) -> bool:
    """Whether the caller is an owner of this object."""
    return request.caller.object_id in request.world.directory.owners.get(object_id, [])


def _need(request: Request, roles: set[str]) -> None:
    if request.caller.kind == "app" and not held_roles.suffices(request, roles):
        raise denied()


def _own_or_hold(request: Request, object_id: str, roles: set[str]) -> None:
    if request.caller.kind == "app":
        owned = {OWNED_BY} if owns(request, object_id) else set()
        if held_roles.suffices(request, roles | owned):
            return
    elif owns(request, object_id):
        return
    if not held_roles.of_caller(request) & _APPLICATION_ADMINISTRATORS:
        raise denied()
