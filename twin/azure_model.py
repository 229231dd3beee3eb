"""Resource Manager's part of an export: scopes, roles, the identity, where it is attached, locks and vaults.

https://learn.microsoft.com/rest/api/authorization/role-assignments
https://learn.microsoft.com/rest/api/aks/managed-clusters/get
"""

from twin.wire import Wire


class Subscription(Wire):
    """A subscription in sight."""

    subscriptionId: str
    displayName: str | None = None
    managementGroup: str | None = None  # name of the one that it is in, where that is known


class ManagementGroup(Wire):
    """A management group in sight; the root's name is the tenant's id."""

    name: str
    displayName: str | None = None
    parent: str | None = None  # name of the one above


class Assigned(Wire):
    """What a role assignment says."""

    roleDefinitionId: str
    principalId: str
    principalType: str | None = None
    scope: str
    condition: str | None = None
    conditionVersion: str | None = None
    description: str | None = None
    delegatedManagedIdentityResourceId: str | None = None
    createdOn: str | None = None
    createdBy: str | None = None


class RoleAssignment(Wire):
    """A role that it has, that a group carries to it, or by which somebody comes by its tokens in a cluster."""

    id: str
    name: str
    properties: Assigned


class Permission(Wire):
    """One block of a role definition."""

    actions: list[str] = []
    notActions: list[str] = []
    dataActions: list[str] = []
    notDataActions: list[str] = []


class Defined(Wire):
    """What a role definition says."""

    roleName: str | None = None
    type: str | None = None  # BuiltInRole, CustomRole
    permissions: list[Permission] = []
    assignableScopes: list[str] = []


class RoleDefinition(Wire):
    """A role that one of the assignments is of."""

    id: str
    name: str
    properties: Defined


class Level(Wire):
    """How strict a lock is."""

    level: str


class Lock(Wire):
    """A management lock, without its notes."""

    id: str
    name: str
    properties: Level


class IdentityFacts(Wire):
    """Whose it is."""

    tenantId: str | None = None
    principalId: str
    clientId: str


class Identity(Wire):
    """A user-assigned managed identity."""

    id: str
    name: str
    location: str
    tags: dict[str, str] | None = None
    properties: IdentityFacts


class Trust(Wire):
    """What a managed identity's federated credential says."""

    issuer: str
    subject: str | None = None
    audiences: list[str]


class IdentityTrust(Wire):
    """A federated credential of a user-assigned identity."""

    id: str
    name: str
    properties: Trust


class Attached(Wire):
    """A resource that can ask for its tokens: how, and nothing else of it."""

    id: str
    type: str
    location: str | None = None
    identity_type: str  # SystemAssigned, UserAssigned, or both


class Allowed(Wire):
    """What an access policy lets somebody do."""

    keys: list[str] = []
    secrets: list[str] = []
    certificates: list[str] = []
    storage: list[str] = []


class AccessPolicy(Wire):
    """An access policy of a key vault that names the principal. Others' are left behind."""

    tenantId: str | None = None
    objectId: str
    applicationId: str | None = None
    permissions: Allowed


class Vault(Wire):
    """A key vault with a policy for the principal: no address and no secret of it."""

    id: str
    name: str
    location: str
    enableRbacAuthorization: bool | None = None
    accessPolicies: list[AccessPolicy]


class IdentityBinding(Wire):
    """A cluster's binding to the identity."""

    id: str
    name: str
    managed_identity_id: str | None = None
    created: str | None = None


class Azure(Wire):
    """All of it but the clusters."""

    subscriptions: list[Subscription] = []
    management_groups: list[ManagementGroup] = []
    role_assignments: list[RoleAssignment] = []
    role_definitions: list[RoleDefinition] = []
    locks: list[Lock] = []
    identity: Identity | None = None
    identity_trusts: list[IdentityTrust] = []
    attachments: list[Attached] = []
    vaults: list[Vault] = []
