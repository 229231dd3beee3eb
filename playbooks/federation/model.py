"""What a rotation replaces, and in what order. Plain JSON: it lands in evidence."""

from typing import TypedDict

from playbooks.runs.model import Confirmation, Finding
from responders.audit_model import RunnerFacts
from responders.model import (
    ClusterRef,
    Credential,
    FederatedCredential,
    Json,
    NewIdentity,
    Principal,
    ServiceAccountRef,
    WorkloadRef,
)
from responders.surveys import Survey


class ClusterSeen(TypedDict):
    """One cluster as it is."""

    survey: Survey
    roots: dict[str, str]  # "namespace/name" -> the name before all rotations
    marks: dict[str, str]  # "namespace/name" -> the run or incident that made it
    named: dict[
        str, str
    ]  # "namespace/name" -> client id that it names, of every ServiceAccount of legacy workloads
    runners: list[RunnerFacts]  # that hold a secret of the identity
    # "namespace/Kind/name" -> container -> the entries by which they hold it: references, never values
    variables: dict[str, dict[str, list[Json]]]


class Seen(TypedDict):
    """Everything that a plan is drawn from."""

    principal: Principal
    identity: NewIdentity
    stop: list[str]
    trusts: list[FederatedCredential]
    credentials: list[Credential]
    used: dict[str, str]  # key id or trust id -> its last use
    used_since: str  # how far back the logs were read; "" where they could not be
    clusters: list[ClusterSeen]
    unread: list[str]


class AccountRotation(TypedDict):
    """One trust that another one takes the place of."""

    old: ServiceAccountRef
    root: str
    new_name: str
    trust: FederatedCredential
    new_trust: FederatedCredential
    workloads: list[WorkloadRef]


class Migration(TypedDict):
    """A workload that gets a trust instead of a secret."""

    namespace: str
    kind: str
    name: str
    before: str  # its ServiceAccount
    account: str  # afterwards
    variables: dict[
        str, list[Json]
    ]  # container -> entries that are taken out: references, never values
    new_trust: FederatedCredential | None  # None: it is trusted already


class ClusterRotation(TypedDict):
    """What is done in one cluster."""

    ref: ClusterRef
    accounts: list[AccountRotation]
    migrations: list[Migration]


class RotationPlan(TypedDict):
    """The whole of a run."""

    principal: Principal
    identity: NewIdentity
    label: str
    blocked: list[str]
    clusters: list[ClusterRotation]
    remove_trusts: list[FederatedCredential]
    remove_credentials: list[Credential]
    confirmations: list[Confirmation]
    findings: list[Finding]
    by_hand: list[str]
