"""Who may call what of groups, directory roles and risk: the counterpart of `permissions.py`, which has applications.

Faithful    the app permissions that each operation's page lists; a person's directory role or ownership instead of them
Left out    delegated scopes, as in `permissions.py`
Source      https://learn.microsoft.com/graph/api/group-delete-members (and group-get, group-post-members)
            https://learn.microsoft.com/graph/api/rbacapplication-list-roleassignments
            https://learn.microsoft.com/graph/api/riskyserviceprincipal-confirmcompromised
            https://learn.microsoft.com/entra/fundamentals/users-default-permissions
"""

from sandbox.graph import directory_role_definitions as roles
from sandbox.graph import held_roles, permissions
from sandbox.graph.errors import denied
from sandbox.graph.exchange import Request
from sandbox.world import Json

READ_GROUPS = {
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "GroupMember.Read.All",
    "GroupMember.ReadWrite.All",
}
_WRITE_GROUPS = {"Directory.ReadWrite.All", "Group.ReadWrite.All"}
_WRITE_MEMBERS = {*_WRITE_GROUPS, "GroupMember.ReadWrite.All"}
_WRITE_ROLES = {"RoleManagement.ReadWrite.Directory"}
READ_ROLES = {
    *_WRITE_ROLES,
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "RoleManagement.Read.All",
    "RoleManagement.Read.Directory",
}
_WRITE_RISK = {"IdentityRiskyServicePrincipal.ReadWrite.All"}
_READ_RISK = {*_WRITE_RISK, "IdentityRiskyServicePrincipal.Read.All"}
_READ_DETECTIONS = {"IdentityRiskEvent.Read.All", "IdentityRiskEvent.ReadWrite.All"}
_GROUP_ADMINISTRATORS = {
    roles.GLOBAL_ADMINISTRATOR,
    roles.GROUPS_ADMINISTRATOR,
    roles.USER_ADMINISTRATOR,
}
_ROLE_ADMINISTRATORS = {roles.GLOBAL_ADMINISTRATOR, roles.PRIVILEGED_ROLE_ADMINISTRATOR}
_ROLE_READERS = {*_ROLE_ADMINISTRATORS, roles.GLOBAL_READER, roles.DIRECTORY_READERS}
_RISK_OPERATORS = {
    roles.GLOBAL_ADMINISTRATOR,
    roles.SECURITY_ADMINISTRATOR,
    roles.SECURITY_OPERATOR,
}
_RISK_READERS = {*_RISK_OPERATORS, roles.SECURITY_READER, roles.GLOBAL_READER}


def read_groups(request: Request) -> None:
    """Groups and their members; people may. Raises 403."""
    if request.caller.kind == "app" and not held_roles.suffices(request, READ_GROUPS):
        raise denied()


def create_group(request: Request, *, assignable_to_roles: bool) -> None:
    """A new group: people may make security groups, but none that can carry roles. Raises 403."""
    if assignable_to_roles:
        _need(request, _WRITE_ROLES, _ROLE_ADMINISTRATORS)
    if request.caller.kind == "app":
        _need(request, {*_WRITE_GROUPS, "Group.Create"}, set())


def write_members(request: Request, group: Json) -> None:
    """Add to and remove from this group: more is needed where it can carry roles, nobody may where a rule does it.

    https://learn.microsoft.com/troubleshoot/entra/entra-id/users-groups-entra-apis/authorization-requestdenied-403-error-add-user-group
    """
    if "DynamicMembership" in group["groupTypes"]:
        raise denied()
    owns = request.caller.kind == "user" and permissions.owns(request, group["id"])
    if group["isAssignableToRole"] and not owns:
        _need(request, _WRITE_ROLES, _ROLE_ADMINISTRATORS)
    if not owns:
        _need(request, _WRITE_MEMBERS, _GROUP_ADMINISTRATORS | _ROLE_ADMINISTRATORS)


def add_member(request: Request, member: Json) -> None:
    """What the kind of the new member takes on top. Raises 403.

    https://learn.microsoft.com/graph/api/group-post-members
    """
    if request.caller.kind == "user":
        return
    if "servicePrincipalType" in member:
        _need(request, {"Application.ReadWrite.All", "Directory.ReadWrite.All"}, set())
    elif "groupTypes" in member:
        _need(request, {"Group.ReadWrite.All", "Directory.ReadWrite.All"}, set())


def read_roles(request: Request) -> None:
    """Directory roles and who has them: not for people without one. Raises 403."""
    _need(request, READ_ROLES, _ROLE_READERS)


def write_roles(request: Request) -> None:
    """Give and take directory roles. Raises 403."""
    _need(request, _WRITE_ROLES, _ROLE_ADMINISTRATORS)


def read_risk(request: Request) -> None:
    """Risky service principals. Raises 403."""
    _need(request, _READ_RISK, _RISK_READERS)


def write_risk(request: Request) -> None:
    """Confirm and dismiss risk. Raises 403."""
    _need(request, _WRITE_RISK, _RISK_OPERATORS)


def read_detections(request: Request) -> None:
    """What was detected of service principals. Raises 403.

    https://learn.microsoft.com/graph/api/serviceprincipalriskdetection-get
    """
    _need(request, _READ_DETECTIONS, _RISK_READERS)


def _need(request: Request, app_roles: set[str], directory_roles: set[str]) -> None:
    """A permission, for apps; or a directory role, for whoever has one."""
    if request.caller.kind == "app" and held_roles.suffices(request, app_roles):
        return
    if not held_roles.of_caller(request) & directory_roles:
        raise denied()
