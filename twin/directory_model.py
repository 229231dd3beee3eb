"""The directory's part of an export: what Microsoft Graph says of the principal and of what it holds.

Of a credential there are its id, its dates and its kind: no value, no hint of one, no certificate.
https://learn.microsoft.com/graph/api/resources/application
https://learn.microsoft.com/graph/api/resources/serviceprincipal
"""

from pydantic import Field

from twin.wire import Json, Wire


class Secret(Wire):
    """A client secret, by what anybody may know of it."""

    keyId: str
    displayName: str | None = None
    startDateTime: str | None = None
    endDateTime: str | None = None


class Key(Secret):
    """A certificate's place, without the certificate and without its thumbprint."""

    type: str | None = None
    usage: str | None = None


class AppRole(Wire):
    """An app role that a resource defines."""

    id: str
    value: str | None = None
    displayName: str | None = None
    description: str | None = None
    isEnabled: bool = True
    allowedMemberTypes: list[str] = []


class Scope(Wire):
    """A delegated permission that an application exposes."""

    id: str
    value: str | None = None
    isEnabled: bool = True
    type: str | None = None


class Client(Wire):
    """A client that needs no consent."""

    appId: str
    delegatedPermissionIds: list[str] = []


class Redirects(Wire):
    """Where sign-ins are answered to."""

    redirectUris: list[str] = []


class Api(Wire):
    """What an application exposes."""

    requestedAccessTokenVersion: int | None = None
    oauth2PermissionScopes: list[Scope] = []
    preAuthorizedApplications: list[Client] = []


class _Held(Wire):
    """What applications and service principals have in common."""

    id: str
    appId: str
    displayName: str | None = None
    createdDateTime: str | None = None
    isDisabled: bool | None = None
    tags: list[str] = []
    appRoles: list[AppRole] = []
    keyCredentials: list[Key] = []
    passwordCredentials: list[Secret] = []
    signInAudience: str | None = None


class Application(_Held):
    """The application registration behind the principal."""

    identifierUris: list[str] = []
    api: Api = Field(default_factory=Api)
    web: Redirects = Field(default_factory=Redirects)
    spa: Redirects = Field(default_factory=Redirects)
    publicClient: Redirects = Field(default_factory=Redirects)
    servicePrincipalLockConfiguration: Json | None = None


class ServicePrincipal(_Held):
    """The principal itself."""

    accountEnabled: bool | None = None
    alternativeNames: list[str] = []
    appOwnerOrganizationId: str | None = None
    servicePrincipalType: str
    servicePrincipalNames: list[str] = []
    preferredSingleSignOnMode: str | None = None
    preferredTokenSigningKeyThumbprint: str | None = None


class Resource(Wire):
    """The service principal of something that the principal has a permission on: its name, and what was given."""

    id: str
    appId: str
    displayName: str | None = None
    appOwnerOrganizationId: str | None = None
    appRoles: list[AppRole] = []


class Expression(Wire):
    """By which claims a flexible trust is matched."""

    value: str
    languageVersion: int = 1


class FederatedCredential(Wire):
    """A trust of the application."""

    id: str
    name: str
    issuer: str
    subject: str | None = None
    audiences: list[str]
    description: str | None = None
    claimsMatchingExpression: Expression | None = None


class AppRoleAssignment(Wire):
    """An application permission that was given to it, or to a group of it."""

    id: str
    appRoleId: str
    createdDateTime: str | None = None
    principalId: str
    principalType: str | None = None
    principalDisplayName: str | None = None
    resourceId: str
    resourceDisplayName: str | None = None


class PermissionGrant(Wire):
    """Delegated permissions of which it is the client."""

    id: str
    clientId: str
    consentType: str
    principalId: str | None = None
    resourceId: str
    scope: str | None = None


class Person(Wire):
    """An owner: a user, or another service principal."""

    id: str
    kind: str = Field(alias="@odata.type")
    displayName: str | None = None
    userPrincipalName: str | None = None
    appId: str | None = None


class Group(Wire):
    """A group that it is in, by itself or through another one."""

    id: str
    displayName: str | None = None
    groupTypes: list[str] = []
    isAssignableToRole: bool | None = None
    mailEnabled: bool | None = None
    securityEnabled: bool | None = None
    onPremisesSyncEnabled: bool | None = None
    membershipRule: str | None = None
    members: list[str] = []  # of those in this file alone: the principal, and groups of it


class DirectoryRole(Wire):
    """An assignment of a directory role, with the role's name."""

    id: str
    principalId: str
    roleDefinitionId: str
    directoryScopeId: str | None = None
    roleName: str | None = None  # of its definition


class Directory(Wire):
    """All of it."""

    application: Application | None = None
    service_principal: ServicePrincipal | None = None
    federated_credentials: list[FederatedCredential] = []
    app_role_assignments: list[AppRoleAssignment] = []
    permission_grants: list[PermissionGrant] = []
    resources: list[Resource] = []
    people: list[Person] = []
    application_owners: list[str] = []  # ids of people
    principal_owners: list[str] = []
    groups: list[Group] = []
    directory_roles: list[DirectoryRole] = []
