"""What an audit judges: the facts of the whole tenant, sorted so that each rule finds its own at once."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Literal, NamedTuple

from responders.audit_model import (
    ApplicationFacts,
    ClusterFacts,
    GrantFacts,
    IdentityFacts,
    PrincipalFacts,
    UseFacts,
)
from responders.model import Credential, FederatedCredential

# What a role lets its holder do: change everything, change resources, change or read data, read resources.
Tier = Literal["owner", "write", "data", "read"]
TIERS: dict[Tier, str] = {
    "owner": "0: owner-level",
    "write": "1: changes resources",
    "data": "2: reaches data",
    "read": "3: reads resources",
}


class Role(NamedTuple):
    """A role definition, as far as an audit asks."""

    name: str
    tier: Tier
    why: str  # why it is owner-level; "" where it is not


class Limits(NamedTuple):
    """Of `[audit]` in policy.toml."""

    unused_days: int
    expiring_days: int
    oldest_credential_days: int
    known_issuers: frozenset[str]


@dataclass(frozen=True, slots=True)
class Holder:
    """An application or a user-assigned identity: whoever can be signed in as by a trust."""

    object_id: str  # of the application, or of the identity's service principal
    principal_id: str | None  # of the service principal; None: nobody made one
    app_id: str
    name: str
    resource_id: str | None  # of a user-assigned identity
    enabled: bool
    created: str | None
    trusts: list[FederatedCredential]
    credentials: list[Credential]
    application: ApplicationFacts | None = None
    trusts_unread: bool = False
    duty: str = (
        ""  # what a cluster needs it for: AKS gives it its roles, and uses it without any trust
    )

    @property
    def kind(self) -> str:
        """For people."""
        return "application" if self.resource_id is None else "managed identity"


@dataclass
class Tenant:
    """Everything that was read."""

    tenant_id: str
    now: datetime
    limits: Limits
    use: UseFacts
    holders: list[Holder] = field(default_factory=list)
    app_ids: set[str] = field(default_factory=set)  # of all applications and service principals
    principal_ids: set[str] = field(default_factory=set)  # object ids of all service principals
    grants: dict[str, list[GrantFacts]] = field(default_factory=dict)  # of the holders
    orphans: list[GrantFacts] = field(default_factory=list)  # of service principals that are gone
    roles: dict[str, Role] = field(default_factory=dict)  # by GUID
    clusters: list[ClusterFacts] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    # Client ids of user-assigned identities that the directory knows and no subscription showed.
    opaque: set[str] = field(default_factory=set)
    ours: frozenset[str] = frozenset()  # object ids of Firebreak's own identities

    @cached_property
    def by_app_id(self) -> dict[str, Holder]:
        """The audited identities by client id; asked for when all are gathered."""
        return {one.app_id: one for one in self.holders}

    @cached_property
    def issuers(self) -> dict[str, ClusterFacts]:
        """The clusters by their issuer, to the letter."""
        return {one["issuer_url"]: one for one in self.clusters if one["issuer_url"]}


def holder_of_application(found: ApplicationFacts, principal: PrincipalFacts | None) -> Holder:
    """With what its service principal adds: whether it is enabled, and credentials of its own."""
    return Holder(
        object_id=found["object_id"],
        principal_id=principal["object_id"] if principal else None,
        app_id=found["app_id"],
        name=found["name"],
        resource_id=None,
        enabled=principal is not None and principal["enabled"] and not found["disabled"],
        created=found["created"],
        trusts=found["trusts"],
        credentials=[*found["credentials"], *(principal["credentials"] if principal else [])],
        application=found,
    )


def holder_of_identity(found: IdentityFacts, principal: PrincipalFacts | None, duty: str) -> Holder:
    """A managed identity has no credentials but its trusts and where it is attached."""
    return Holder(
        object_id=found["object_id"],
        principal_id=found["object_id"],
        app_id=found["app_id"],
        name=found["name"],
        resource_id=found["resource_id"],
        enabled=principal is None or principal["enabled"],
        created=principal["created"] if principal else None,
        trusts=found["trusts"] or [],
        credentials=[],
        trusts_unread=found["trusts"] is None,
        duty=duty,
    )
