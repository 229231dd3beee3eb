"""Who may call what: app permissions from the token, ownership for people.

Faithful    an app's permissions are those in its token's `roles` claim, whatever has been revoked since it
            was issued; Application.ReadWrite.OwnedBy covers what the app owns; a user without a directory
            role reads the directory and manages the applications that he owns
Left out    delegated scopes: a user's token carries all of his own rights; directory roles, but for those
            in the `wids` claim when something is restored
Source      https://learn.microsoft.com/graph/permissions-reference
            https://learn.microsoft.com/entra/fundamentals/users-default-permissions
"""

from sandbox.graph.errors import denied
from sandbox.graph.exchange import Request

OWNED_BY = "Application.ReadWrite.OwnedBy"
_WRITE_ALL = {"Application.ReadWrite.All", "Directory.ReadWrite.All"}
_UPDATE_ALL = {*_WRITE_ALL, "Application.ReadUpdate.All"}
_READ = {*_UPDATE_ALL, OWNED_BY, "Application.Read.All", "Directory.Read.All"}
_READ_USERS = {"User.Read.All", "User.ReadBasic.All", "User.ReadWrite.All"}
_DIRECTORY = {"Directory.Read.All", "Directory.ReadWrite.All"}
# Role templates that an app needs on top of its permissions to restore applications: Global, Application, Cloud
# Application and Hybrid Identity Administrator.
# https://learn.microsoft.com/graph/api/directory-deleteditems-restore
# https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference
_RESTORING_ROLES = {
    "62e90394-69f5-4237-9190-012177145e10",
    "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",
    "158c047a-c907-4556-b7ef-446551a6b5f7",
    "8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2",
}


def read_applications(request: Request) -> None:
    """Applications, service principals, their credentials and owners. Raises 403."""
    _need(request, _READ)


def read_directory(request: Request) -> None:
    """Objects of any kind, the organization. Raises 403."""
    _need(request, _DIRECTORY | _READ)


def read_users(request: Request) -> None:
    """People. Raises 403."""
    _need(request, _DIRECTORY | _READ_USERS)


def read_logs(request: Request) -> None:
    """Audit and sign-in logs: not for people without a role. Raises 403.

    https://learn.microsoft.com/graph/api/directoryaudit-list
    """
    if request.caller.kind == "user" or "AuditLog.Read.All" not in request.caller.roles:
        raise denied()


def create(request: Request) -> None:
    """Register applications: people may too, unless the tenant says otherwise. Raises 403."""
    if request.caller.kind == "app" and not request.caller.roles & {*_WRITE_ALL, OWNED_BY}:
        raise denied()


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
    holds = request.caller.roles & {*_WRITE_ALL, OWNED_BY}
    acts_as = set(request.caller.claims.get("wids", [])) & _RESTORING_ROLES
    if not (acts_as and (holds or request.caller.kind == "user")):
        raise denied()


def purge(request: Request, object_id: str) -> None:
    """Delete for good what was deleted. Raises 403."""
    _own_or_hold(request, object_id, _WRITE_ALL)


def assign_app_roles(request: Request) -> None:
    """Grant or revoke app roles: Application.ReadWrite.All is not enough. Raises 403.

    https://learn.microsoft.com/graph/api/serviceprincipal-post-approleassignments
    """
    if "AppRoleAssignment.ReadWrite.All" not in request.caller.roles:
        raise denied()


def grant_delegated_permissions(request: Request) -> None:
    """Write oauth2PermissionGrants. Raises 403.

    https://learn.microsoft.com/graph/api/oauth2permissiongrant-post
    """
    allowed = {"DelegatedPermissionGrant.ReadWrite.All", "Directory.ReadWrite.All"}
    if not request.caller.roles & allowed:
        raise denied()


def owns(request: Request, object_id: str) -> bool:
    """Whether the caller is an owner of this object."""
    return request.caller.object_id in request.world.directory.owners.get(object_id, [])


def _need(request: Request, roles: set[str]) -> None:
    if request.caller.kind == "app" and not request.caller.roles & roles:
        raise denied()


def _own_or_hold(request: Request, object_id: str, roles: set[str]) -> None:
    if request.caller.kind == "app":
        held = request.caller.roles
        if held & roles or (OWNED_BY in held and owns(request, object_id)):
            return
    elif owns(request, object_id):
        return
    raise denied()
