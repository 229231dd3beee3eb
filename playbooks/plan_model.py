"""The nouns of a plan: plain JSON, hashed, and shown to the person who is asked."""

from typing import Literal, NotRequired, TypedDict

from responders.model import (
    Consumer,
    FederatedCredential,
    Grant,
    Json,
    RebuiltKind,
    ServiceAccountRef,
    Vector,
    WorkloadRef,
)
from responders.surveys import Survey

# How a stolen ServiceAccount token is kept from opening the new identity.
Method = Literal["new_subject", "wait_out", "rotate_keys", "accept_risk"]


class LeftOut(TypedDict):
    """Something of the old identity that does not come back."""

    what: str
    name: str
    reason: str
    suspicious: bool  # most likely the attacker's


class Choice(TypedDict):
    """Something that comes back only where a person says so for this very one."""

    key: str  # what a consent names; the same plan makes the same keys
    what: str
    name: str
    reason: str  # why it is not simply given
    restores: Json  # what the step that gives it needs


class Confirmation(TypedDict):
    """Something that a consent has to name, or it is none: a risk, or an act on others' workloads."""

    key: str
    sentence: str


class Refederation(TypedDict):
    """How the new identity's trusts are made safe against tokens that were stolen before."""

    vector: Vector
    because: str  # what the vector was judged by
    method: Method
    explained: str  # what that means for the workloads, and what stays open
    longest_token_s: int  # the longest that a stolen ServiceAccount token can live


class ClusterPlan(TypedDict):
    """What happens in one cluster."""

    survey: Survey  # everybody who names the client id: all of them are evicted
    acts: bool
    reason: str  # why not, where nothing is done there
    service_accounts: list[ServiceAccountRef]  # known-good: these are given the new identity
    workloads: list[WorkloadRef]  # known-good: these come back
    consumers: list[Consumer]  # known-good: what else names the client id, patched or reported
    # "namespace/old ServiceAccount" -> the name that it has afterwards: a new one, or, where the method keeps
    # the subject, its own.
    new_names: dict[str, str]


class Plan(TypedDict):
    """The exact thing that a person says yes to."""

    incident_id: str
    kind: RebuiltKind
    display_name: str
    refederation: Refederation
    confirmations: list[Confirmation]
    choices: list[Choice]
    federated_credentials: list[FederatedCredential]
    grants: list[Grant]
    app_roles: list[Json]  # as the snapshot has them
    left_out: list[LeftOut]
    clusters: list[ClusterPlan]  # in the order in which they are moved, canary first
    waves: list[
        list[str]
    ]  # resource ids of the clusters that are moved side by side; the canary alone
    irreversible: list[str]  # sentences: what nothing brings back afterwards
    on_expiry: str  # what happens where nobody answers in time
    asked: NotRequired[
        int
    ]  # of a plan that people are asked about anew: its number, so that its hash is another one
    graph: NotRequired[str]  # SHA-256 of the graph of who breaks, so that a consent covers it
