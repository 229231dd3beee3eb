"""What is kept of a tenant while it is audited: a few facts for each object, never the object itself.

Twenty thousand applications as Graph shows them are some hundred megabytes; as these, a few.
"""

from typing import NotRequired, TypedDict

from responders.model import Credential, FederatedCredential, GitOpsOwner


class Owner(TypedDict):
    """Who may add credentials to an application without any role."""

    object_id: str
    name: str
    kind: str  # "user", "servicePrincipal"


class ApplicationFacts(TypedDict):
    """An application that trusts somebody outside."""

    object_id: str
    app_id: str
    name: str
    created: str | None
    disabled: bool  # deactivated: `isDisabled`
    multi_tenant: bool
    credentials: list[Credential]
    trusts: list[FederatedCredential]
    owners: list[Owner] | None  # None: could not be read
    more_owners: bool


class ApplicationsChunk(TypedDict):
    """Some of the tenant's applications, and where the next ones are."""

    federated: list[ApplicationFacts]
    others: list[str]  # app ids of those that trust nobody
    unread: list[str]
    next_url: str | None


class PrincipalFacts(TypedDict):
    """A service principal, as far as an audit of workload identities asks."""

    object_id: str
    app_id: str
    name: str
    enabled: bool
    kind: str  # servicePrincipalType
    created: str | None
    resource_id: str | None  # of a managed identity
    credentials: list[Credential]


class PrincipalsChunk(TypedDict):
    """Some of the tenant's service principals, and where the next ones are."""

    principals: list[PrincipalFacts]
    microsofts: list[str]  # object ids of Microsoft's own, which hold roles too
    next_url: str | None


class IdentityFacts(TypedDict):
    """A user-assigned managed identity."""

    resource_id: str
    name: str
    object_id: str
    app_id: str
    trusts: list[FederatedCredential] | None  # None: could not be read
    gap: str | None  # why there may be flexible trusts that nobody lists


class GrantFacts(TypedDict):
    """A role assignment."""

    id: str
    scope: str
    role_id: str  # GUID of the definition
    principal_id: str
    principal_type: str
    created_on: str | None
    via: NotRequired[str]  # the group that carries it to an audited identity


class AssignmentsChunk(TypedDict):
    """The role assignments that one list shows."""

    grants: list[GrantFacts]
    definitions: dict[str, str]  # GUID of each role among them -> an id by which it can be read


class RoleFacts(TypedDict):
    """A role definition, as far as an audit asks."""

    name: str
    owner_level: str  # why it is; "" where it is not
    writes: bool  # whether it may change resources
    data: bool  # whether it reaches data


class LegacySecret(TypedDict):
    """How a workload still comes by a service principal's secret."""

    container: str
    how: str  # sentence, without the value
    secret: str | None  # name of the Secret, where it is one
    client_id: str | None  # where the container says it in so many words
    certain: bool  # False: a Secret is taken as a whole, and Secrets are never read


class AccountFacts(TypedDict):
    """A ServiceAccount that has to do with an Entra identity."""

    namespace: str
    name: str
    client_id: str | None  # as annotated
    created: str | None
    owner: GitOpsOwner | None
    runners: int  # workloads whose pods run as it
    pods: int  # that are there now


class RunnerFacts(TypedDict):
    """A workload that wants an Entra identity, or that holds a service principal's secret."""

    namespace: str
    kind: str
    name: str
    service_account: str
    labelled: bool  # `azure.workload.identity/use` is on its pods
    legacy: list[LegacySecret]


class ClusterFacts(TypedDict):
    """What one cluster says of the identities that run in it."""

    cluster: str
    resource_id: str
    issuer_url: str | None
    accounts: list[AccountFacts]
    account_names: list[str]  # "namespace/name" of every ServiceAccount
    runners: list[RunnerFacts]
    unread: str | None  # why nothing of it is known


class LogFacts(TypedDict):
    """What one log table says of use, by moments in RFC 3339."""

    oldest: str | None  # of its rows in the window; None: it has none at all, so it proves nothing
    last: dict[str, str]  # object id of a principal, or GUID of a role assignment -> its last use
    credentials: dict[str, str]  # key id or trust id -> its last use


class UseFacts(TypedDict):
    """What the logs say of who signed in and which roles were used."""

    since: str  # RFC 3339
    until: str
    application_sign_ins: LogFacts | None  # None: could not be read
    identity_sign_ins: LogFacts | None  # of managed identities
    activity: LogFacts | None
    unread: list[str]
