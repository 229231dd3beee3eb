"""The nouns of a plan: plain JSON, hashed, and shown to the person who is asked."""

from typing import TypedDict

from responders.model import FederatedCredential, Grant, ServiceAccountRef, WorkloadRef
from responders.surveys import Survey


class LeftOut(TypedDict):
    """Something of the old identity that does not come back."""

    what: str
    name: str
    reason: str
    suspicious: bool  # most likely the attacker's


class ClusterPlan(TypedDict):
    """What happens in one cluster."""

    survey: Survey  # everybody who names the client id: all of them are evicted
    acts: bool
    reason: str  # why not, where nothing is done there
    service_accounts: list[ServiceAccountRef]  # known-good: these get a successor
    workloads: list[WorkloadRef]  # known-good: these come back
    new_names: dict[str, str]  # "namespace/old ServiceAccount" -> new ServiceAccount name


class Plan(TypedDict):
    """The exact thing that a person says yes to."""

    incident_id: str
    display_name: str
    federated_credentials: list[FederatedCredential]
    grants: list[Grant]
    left_out: list[LeftOut]
    clusters: list[ClusterPlan]  # in the order in which they are moved, canary first
