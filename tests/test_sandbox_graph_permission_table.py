"""Which application permissions each operation of the pretend Graph takes, as the operation's page has them.

https://learn.microsoft.com/graph/api/application-get and the like, table "Permissions", row "Application". Each
operation is tried with every permission alone: those that are listed get past the check, the others get 403.
"""

from collections.abc import Sequence
from urllib.parse import urlsplit

import pytest

from sandbox.entra.bearer import Caller
from sandbox.graph import shapes
from sandbox.graph.dispatch import answer
from sandbox.graph.exchange import Request
from sandbox.seed import names
from sandbox.seed.first_party import GRAPH_ROLES
from sandbox.world import World
from tests.sandbox_graph_calls import NOBODY, ORDERS, ORDERS_PRINCIPAL, LocalCaller, planted

APPS = {"Application.Read.All", "Application.ReadUpdate.All", "Application.ReadWrite.All"}
DIRECTORY = {"Directory.Read.All", "Directory.ReadWrite.All"}
READ = {*APPS, *DIRECTORY, "Application.ReadWrite.OwnedBy"}
UPDATE = {"Application.ReadUpdate.All", "Application.ReadWrite.All", "Directory.ReadWrite.All"}
WRITE = {"Application.ReadWrite.All", "Directory.ReadWrite.All"}
CREATE = {*WRITE, "Application.ReadWrite.OwnedBy"}
GROUPS = {
    *DIRECTORY,
    "Group.Read.All",
    "Group.ReadWrite.All",
    "GroupMember.Read.All",
    "GroupMember.ReadWrite.All",
}
MEMBERS = {"Directory.ReadWrite.All", "Group.ReadWrite.All", "GroupMember.ReadWrite.All"}
ROLES = {*DIRECTORY, "RoleManagement.Read.Directory", "RoleManagement.ReadWrite.Directory"}
GRANTS = {*DIRECTORY, "DelegatedPermissionGrant.ReadWrite.All"}
CONSENT = {"Directory.ReadWrite.All", "DelegatedPermissionGrant.ReadWrite.All"}
RISK = {
    "IdentityRiskyServicePrincipal.Read.All",
    "IdentityRiskyServicePrincipal.ReadWrite.All",
}
GROUP = f"/groups/{names.group_id(names.DATA_READERS)}"
BINDING = "/roleManagement/directory/roleAssignments"
PROTECTION = "/identityProtection"
NEW_GROUP = {"displayName": "x", "mailEnabled": False, "mailNickname": "x", "securityEnabled": True}
GRANT = {"clientId": NOBODY, "consentType": "AllPrincipals", "resourceId": NOBODY, "scope": "x"}

# Bodies and ids name what is not there, so that what passes the check changes nothing.
TABLE = [
    ("GET", "/applications", None, READ),
    ("POST", "/applications", {"colour": "red"}, CREATE),
    ("GET", ORDERS, None, READ),
    ("PATCH", ORDERS, {"colour": "red"}, UPDATE),
    ("POST", f"{ORDERS}/addPassword", {"colour": "red"}, UPDATE),
    ("POST", f"{ORDERS}/removePassword", {"keyId": NOBODY}, UPDATE),
    ("GET", f"{ORDERS}/federatedIdentityCredentials", None, READ),
    ("POST", f"{ORDERS}/federatedIdentityCredentials", {"colour": "red"}, UPDATE),
    ("DELETE", f"{ORDERS}/federatedIdentityCredentials/{NOBODY}", None, UPDATE),
    ("GET", f"{ORDERS}/owners", None, READ),
    ("POST", f"{ORDERS}/owners/$ref", {}, {"Directory.ReadWrite.All"}),  # or two permissions
    ("DELETE", f"{ORDERS}/owners/{NOBODY}/$ref", None, WRITE),
    ("GET", "/servicePrincipals", None, READ),
    ("POST", "/servicePrincipals", {"appId": NOBODY}, CREATE),
    ("GET", ORDERS_PRINCIPAL, None, READ),
    ("PATCH", ORDERS_PRINCIPAL, {"colour": "red"}, UPDATE),
    ("POST", f"{ORDERS_PRINCIPAL}/removePassword", {"keyId": NOBODY}, UPDATE),
    ("GET", f"{ORDERS_PRINCIPAL}/owners", None, READ),
    ("DELETE", f"{ORDERS_PRINCIPAL}/owners/{NOBODY}/$ref", None, WRITE),
    ("GET", f"{ORDERS_PRINCIPAL}/appRoleAssignments", None, READ),
    ("POST", f"{ORDERS_PRINCIPAL}/appRoleAssignments", {}, set()),  # takes two permissions
    (
        "DELETE",
        f"{ORDERS_PRINCIPAL}/appRoleAssignments/{NOBODY}",
        None,
        {"AppRoleAssignment.ReadWrite.All"},
    ),
    ("GET", f"{ORDERS_PRINCIPAL}/appRoleAssignedTo", None, READ),
    ("GET", f"{ORDERS_PRINCIPAL}/oauth2PermissionGrants", None, GRANTS),
    ("GET", f"{ORDERS_PRINCIPAL}/memberOf", None, {*APPS, *DIRECTORY}),
    ("GET", f"{ORDERS_PRINCIPAL}/transitiveMemberOf", None, {*APPS, *DIRECTORY}),
    ("GET", f"{ORDERS_PRINCIPAL}/ownedObjects", None, READ),
    ("GET", f"{ORDERS_PRINCIPAL}/createdObjects", None, READ),
    ("GET", "/oauth2PermissionGrants", None, GRANTS),
    ("POST", "/oauth2PermissionGrants", GRANT, CONSENT),
    ("DELETE", f"/oauth2PermissionGrants/{NOBODY}", None, CONSENT),
    ("GET", "/groups", None, GROUPS),
    (
        "POST",
        "/groups",
        NEW_GROUP | {"securityEnabled": False},
        MEMBERS - {"GroupMember.ReadWrite.All"},
    ),
    ("GET", GROUP, None, GROUPS),
    ("GET", f"{GROUP}/members", None, GROUPS),
    ("GET", f"{GROUP}/owners", None, GROUPS),
    ("POST", f"{GROUP}/members/$ref", {}, MEMBERS),
    ("DELETE", f"{GROUP}/members/{NOBODY}/$ref", None, MEMBERS),
    ("GET", "/roleManagement/directory/roleDefinitions", None, ROLES),
    ("GET", BINDING, None, ROLES),
    ("POST", BINDING, {}, {"RoleManagement.ReadWrite.Directory"}),
    ("DELETE", f"{BINDING}/{NOBODY}", None, {"RoleManagement.ReadWrite.Directory"}),
    ("GET", f"{PROTECTION}/riskyServicePrincipals", None, RISK),
    (
        "POST",
        f"{PROTECTION}/riskyServicePrincipals/confirmCompromised",
        {},
        {"IdentityRiskyServicePrincipal.ReadWrite.All"},
    ),
    (
        "POST",
        f"{PROTECTION}/riskyServicePrincipals/dismiss",
        {},
        {"IdentityRiskyServicePrincipal.ReadWrite.All"},
    ),
    ("GET", f"{PROTECTION}/servicePrincipalRiskDetections", None, {"IdentityRiskEvent.Read.All"}),
    ("GET", "/directory/deletedItems/microsoft.graph.application", None, READ),
    ("GET", "/directory/deletedItems/microsoft.graph.user", None, {*DIRECTORY, "User.Read.All"}),
    ("GET", f"/directoryObjects/{names.ORDERS_API.object_id}", None, DIRECTORY),
    ("POST", "/directoryObjects/getByIds", {"ids": [NOBODY]}, DIRECTORY),
    ("GET", "/users", None, {*DIRECTORY, "User.Read.All"}),
    ("GET", "/organization", None, DIRECTORY),
    ("GET", "/auditLogs/signIns", None, {"AuditLog.Read.All"}),
    ("GET", "/auditLogs/directoryAudits", None, set()),  # takes two permissions
]
IDS = [f"{method} {path.partition('?')[0]}" for method, path, _, _ in TABLE]


@pytest.fixture(scope="module")
def world() -> World:
    """One directory for all, as nothing is changed in it; without limits."""
    found = planted()
    found.limits.identity_protection = 1e6
    return found


def _status(world: World, roles: Sequence[str], method: str, path: str, body: object) -> int:
    """What an app with these permissions gets: beneath tokens and connections, as it is a thousand calls."""
    caller = Caller(NOBODY, NOBODY, world.tenant_id, "app", frozenset(roles), "", {})
    request = Request(
        world=world,
        caller=caller,
        method=method,
        version="v1.0",
        path=urlsplit(path).path,
        query={},
        headers={},
        body=body,
        origin=world.endpoints["graph"],
        client_ip="",
        request_id="",
        correlation_id="",
    )
    return answer(request).status


@pytest.mark.parametrize(("method", "path", "body", "allowed"), TABLE, ids=IDS)
def test_each_operation_takes_what_its_page_says(
    world: World, method: str, path: str, body: object, allowed: set[str]
) -> None:
    passed = {role for role in GRAPH_ROLES if _status(world, [role], method, path, body) != 403}

    assert passed == allowed


@pytest.mark.parametrize(
    ("method", "path", "body", "roles"),
    [
        (
            "POST",
            f"{ORDERS}/owners/$ref",
            {},
            ["Application.ReadWrite.All", "Directory.Read.All"],
        ),
        (
            "POST",
            f"{ORDERS_PRINCIPAL}/appRoleAssignments",
            {},
            ["AppRoleAssignment.ReadWrite.All", "Application.Read.All"],
        ),
        ("GET", "/auditLogs/directoryAudits", None, ["AuditLog.Read.All", "Directory.Read.All"]),
    ],
)
def test_some_take_two_permissions_together(
    world: World, method: str, path: str, body: object, roles: list[str]
) -> None:
    assert _status(world, roles, method, path, body) != 403


def test_registering_has_a_permission_of_its_own(world: World) -> None:
    roles = ["AppRegistration.Create"]

    assert _status(world, roles, "POST", "/applications", {"colour": "red"}) == 400
    assert _status(world, roles, "POST", "/servicePrincipals", {"appId": NOBODY}) == 403


def test_a_derived_type_is_shown_as_what_it_is() -> None:
    graph = LocalCaller()
    shelf = graph.world.directory.service_principals
    agent = shapes.new_service_principal(
        {"appId": NOBODY, "displayName": "agent"},
        created=graph.world.clock.now(),
        tenant_id=graph.world.tenant_id,
    ) | {"@odata.type": "#microsoft.graph.agentIdentity"}
    shelf.put(agent["id"], agent)

    by_id = graph.ok("GET", f"/directoryObjects/{agent['id']}")
    typed = graph.ok("GET", f"/servicePrincipals/{agent['id']}")

    assert by_id["@odata.type"] == typed["@odata.type"] == "#microsoft.graph.agentIdentity"
