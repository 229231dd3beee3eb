"""What there is of what is declared, and what a run would do about the difference. Plain JSON: it lands in evidence."""

from typing import Literal, TypedDict

from playbooks.runs.model import Confirmation, Finding
from responders.model import Change, ClusterRef, FederatedCredential, Grant, Json, NewIdentity
from responders.named_roles import NamedRole


class AccountState(TypedDict):
    """A ServiceAccount that is declared and there."""

    annotations: dict[str, str]  # those that a declaration is about
    labelled: bool  # with the label that belongs on pods
    replaced_by: (
        str  # the ServiceAccount that a rotation or an incident put in its place; "" where none did
    )
    remark: str  # who else writes it


class WorkloadState(TypedDict):
    """A workload that is declared and there."""

    label: str | None
    service_account: str
    stuck: str  # why a changed template reaches none of its pods; "" where it does
    remark: str


class ClusterState(TypedDict):
    """One declared cluster."""

    ref: ClusterRef
    issuer_url: str | None
    command: str  # switches on what it lacks; "" where it lacks nothing
    problem: str  # why nothing can be wired there, and what to do; "" where it can
    namespaces: list[str]  # of the declared ones
    accounts: dict[str, AccountState]  # "namespace/name"
    workloads: dict[str, WorkloadState]  # "namespace/Kind/name"


class IdentityState(TypedDict):
    """The identity itself."""

    found: NewIdentity | None
    known: bool  # made by an earlier run, or named by its client id
    made: str  # when, and what it has: for a person who is to say whether it is the one
    stop: list[str]  # why nothing is done about it
    tags: dict[str, str]
    trusts: list[FederatedCredential]
    grants: list[Grant]
    credentials: int  # secrets and keys of an application


class Actual(TypedDict):
    """Everything that a plan is drawn from."""

    clusters: dict[str, ClusterState]  # by what declarations call them
    unknown_clusters: dict[str, str]  # the same, and why there is none
    roles: dict[str, NamedRole]  # "role scope"
    unknown_roles: dict[str, str]  # the same, and why
    identities: dict[str, IdentityState]  # by declared name


OperationKind = Literal[
    "create_identity",
    "adopt",
    "tag",
    "trust",
    "untrust",
    "grant",
    "revoke",
    "namespace",
    "account",
    "label",
]
ORDER: tuple[OperationKind, ...] = (
    *("create_identity", "adopt", "tag", "untrust", "trust", "revoke", "grant"),
    *("namespace", "account", "label"),
)


class Operation(TypedDict):
    """One change, with all that doing and undoing it needs."""

    kind: OperationKind
    cluster: str  # ARM id; "" where it is in none
    target: str
    before: Json | None
    after: Json | None
    change: Change


class WiredAccount(TypedDict):
    """A ServiceAccount that gets the identity, in one cluster."""

    cluster: str  # ARM id
    namespace: str
    name: str
    expiration: str | None


State = Literal["in_sync", "drifted", "missing", "blocked"]


class IdentityPlan(TypedDict):
    """What is to be done about one identity."""

    name: str
    kind: Literal["application", "user_assigned_identity"]
    state: State
    found: NewIdentity | None
    address: str  # ARM id of a user-assigned identity
    location: str
    tags: dict[str, str]
    blocked: list[str]
    operations: list[Operation]
    accounts: list[WiredAccount]
    confirmations: list[Confirmation]
    findings: list[Finding]


class Plan(TypedDict):
    """The whole of a run. Its hash is what a person agrees to."""

    enable: list[ClusterRef]  # clusters that policy.toml lets Firebreak switch on
    clusters: dict[str, ClusterRef]  # by ARM id
    identities: list[IdentityPlan]
