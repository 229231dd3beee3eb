"""The nouns. Plain JSON, because each of them crosses the Durable boundary or lands in evidence."""

from typing import Any, Literal, NotRequired, TypedDict

Json = dict[str, Any]
Mode = Literal["plan", "contain", "respond"]
Status = Literal["done", "nothing_to_do", "planned", "refused", "failed"]


class ServiceAccountHint(TypedDict):
    """A ServiceAccount of a cluster, which names its identity itself."""

    cluster: str  # ARM id or name of the cluster, or its issuer URL
    namespace: str
    name: str


class Hint(TypedDict, total=False):
    """What a signal says about the identity: exactly one immutable id, never a display name.

    An empty one names nobody: the signal is recorded, and starts nothing.
    """

    object_id: (
        str  # of the service principal; an application's own is followed to its service principal
    )
    app_id: str  # client id
    resource_id: (
        str  # ARM id of a user-assigned identity, or of a resource with a system-assigned one
    )
    role_assignment_id: str  # ARM id of a role assignment: whoever the role was given to
    service_account: ServiceAccountHint
    any_of: (
        "list[Hint]"  # what several entities are called: exactly one has to be a workload identity
    )


PrincipalKind = Literal[
    "application",
    "application_without_principal",  # registered here, but nothing to sign in as: nobody made it
    "foreign_application",  # another tenant's; only its service principal is ours
    "user_assigned_identity",
    "system_assigned_identity",
    "unsupported",
]
MANAGED = frozenset[PrincipalKind]({"user_assigned_identity", "system_assigned_identity"})


class Principal(TypedDict):
    """The service principal that an incident is about, and the application or resource behind it."""

    kind: PrincipalKind
    # Of the service principal: `caller` in the activity log, principalId in RBAC. Of the application
    # where it has no service principal.
    object_id: str
    app_id: str  # client id
    application_object_id: str | None  # None where the application lives in another tenant
    display_name: str  # for people only; nothing is ever looked up by it
    tenant_id: str
    owner_tenant_id: str | None  # appOwnerOrganizationId
    service_principal_type: str  # as Graph says it
    # Of the user-assigned identity, or of the resource whose system-assigned identity it is.
    resource_id: str | None
    unsupported_because: str | None  # a sentence, for kind "unsupported" alone
    # accountEnabled as the signal came in, before anything was touched: a restore must not open what was closed.
    enabled: NotRequired[bool | None]


# How the attacker got in: through a credential of the identity itself, through something that runs in a
# cluster, or nobody can tell.
Vector = Literal["credential", "cluster", "unknown"]


class Stated(TypedDict):
    """What a responder says about how the attacker got in, and who said it."""

    vector: Vector
    by: str  # name
    object_id: str
    at: str


# "firebreak": a run of ours that judged failing sign-ins to be an attack.
Source = Literal[
    "azure-monitor",
    "event-grid",
    "alertmanager",
    "sentinel",
    "defender",
    "responder",
    "firebreak",
]
Confidence = Literal["high", "medium", "low"]
# How the sender was known: a function key, the platform's own key (Event Grid's), or an Entra token that was verified.
Authenticated = Literal["key", "system", "token"]


class Late(TypedDict):
    """Entities of an alert arrive minutes after the alert: the row of the workspace that will have them."""

    table: Literal["SecurityIncident", "SecurityAlert"]
    key: str  # IncidentName, SystemAlertId


class Requester(TypedDict):
    """A person who had something done."""

    object_id: str
    name: str


class Signal(TypedDict):
    """What came in, whatever the wire format was."""

    source: Source
    kind: (
        str  # what it is within its source: "log-alert", "federated-credential-write", an alertname
    )
    signal_id: str  # the sender's id: (source, signal_id) is the dedupe key
    fired_at: str  # RFC 3339, UTC
    title: str
    severity: str  # the source's own word
    confidence: Confidence  # medium where the source says nothing of it
    authenticated: Authenticated
    hint: Hint
    actor: NotRequired[str]  # object id of whoever did what the alert is about, where it says so
    inert: NotRequired[str]  # why it starts nothing, whatever the policy says: a sentence
    fault: NotRequired[str]  # beside `inert`: the code of what its sender has to change
    candidates: NotRequired[
        list[str]
    ]  # beside `fault`: the identities between which nobody chooses for the sender
    # ARM id of the incident of Microsoft Sentinel that it came from, where what is done is written as a comment.
    sentinel_incident: NotRequired[str]
    late: NotRequired[Late]  # where to ask for its entities, which were not there yet
    asked: NotRequired[Mode]  # how deep a responder, or a run of ours, asked to go; of those alone
    stated: NotRequired[Stated]  # of a responder alone
    asked_by: NotRequired[Requester]  # of a person who called, not of an application


class Incident(TypedDict):
    """A signal that was accepted. `incident_id` is the Durable instance id."""

    incident_id: str
    mode: Mode
    principal: Principal
    signal: Signal
    opened_at: str
    window_start: str  # compromise window: what was made after this is not known-good


class Change(TypedDict):
    """One object, before and after: what a plan shows, and what was done."""

    object: str
    before: str
    after: str


class StepResult(TypedDict):
    """How a step ended. Refusals are data: a person can help; only what time can fix is raised."""

    status: Status
    detail: NotRequired[str]  # one sentence: what, which resource, and what to do next
    items: NotRequired[list[Json]]  # what was removed, created, found; never key material
    changes: NotRequired[list[Change]]
    by_hand: NotRequired[list[str]]  # commands for a person, where the step could not do it all
    final: NotRequired[bool]  # failed, and waiting longer changes nothing


class FederatedCredential(TypedDict):
    """A trust of issuer + subject. `subject` is None for a flexible one."""

    id: str
    name: str
    issuer: str
    subject: str | None
    audiences: list[str]
    description: NotRequired[str | None]
    claims_matching_expression: NotRequired[Json]  # of a flexible one
    expression_unread: NotRequired[str]  # why it is not known


class Credential(TypedDict):
    """A secret or key of an application or service principal, without its value."""

    key_id: str
    kind: Literal["password", "key"]
    display_name: str | None
    started: str | None
    ends: str | None
    usage: str | None  # keys: Verify or Sign
    holder: Literal["application", "service_principal"]


class Grant(TypedDict):
    """A role assignment, with all that its faithful re-creation needs."""

    id: str
    scope: str
    role_definition_id: str
    role_name: str
    principal_id: str
    principal_type: str
    condition: str | None
    condition_version: str | None
    description: str | None
    delegated_managed_identity_resource_id: NotRequired[str | None]
    created_on: str | None
    created_by: str | None  # object id


class ClusterRef(TypedDict):
    """An AKS cluster that the app can see."""

    name: str
    resource_id: str
    location: str
    issuer_url: str | None  # exact string, trailing slash included; None: OIDC issuer is off
    # What enforces NetworkPolicies, as Azure says it; "none" where nothing does.
    network_policy: NotRequired[str]
    private: NotRequired[bool]  # the API server has no public address
    entra: NotRequired[
        bool
    ]  # False: without Entra integration, so its user credential is an administrator's


GitOpsController = Literal[
    "Flux Kustomization", "Flux HelmRelease", "Argo CD application", "Helm release"
]


class GitOpsOwner(TypedDict):
    """The controller that writes an object too, and puts back what somebody else changed."""

    controller: GitOpsController
    namespace: str | None  # of the owner; None where its mark does not say
    name: str  # "" where its mark does not say
    mark: str  # the label or annotation that says so, "name=value"


class ServiceAccountRef(TypedDict):
    """A ServiceAccount that names a client id."""

    cluster: str
    namespace: str
    name: str
    client_id: str
    subject: str  # system:serviceaccount:<namespace>:<name>
    created: NotRequired[str | None]  # creationTimestamp: inside the window, it may be planted
    # When the annotation was last written, at the latest; None where the cluster does not say. Whoever may write the
    # object can make this older, never younger: the audit log is the other witness.
    named_since: NotRequired[str | None]
    owner: NotRequired[GitOpsOwner | None]


class WorkloadRef(TypedDict):
    """What runs as such a ServiceAccount."""

    cluster: str
    namespace: str
    kind: Literal[
        "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod", "ReplicaSet", "Rollout"
    ]
    name: str
    service_account: str
    replicas: int
    paused: bool
    hard_coded_client_id: bool  # the template says which client id: re-annotation can't reach it
    created: NotRequired[str | None]  # creationTimestamp: inside the window, it may be planted
    owner: NotRequired[GitOpsOwner | None]
    budgets: NotRequired[list[str]]  # PodDisruptionBudgets that select its pods
    blocking_budgets: NotRequired[list[str]]  # those that allow no disruption now
    template_of: NotRequired[str]  # "Deployment/web", where a Rollout has no template of its own
    update_strategy: NotRequired[str]  # RollingUpdate, Recreate, OnDelete
    # Where its containers take a client id from, other than from the webhook: a sentence each.
    overrides: NotRequired[list[str]]
    longest_token_s: NotRequired[int]  # longest life of an Entra token projected into its pods


ConsumerKind = Literal[
    "SecretProviderClass",
    "StorageClass",
    "PersistentVolume",
    "TriggerAuthentication",
    "ClusterTriggerAuthentication",
    "ConfigMap",
    "Secret",
    "IdentityBinding",
    "Workload",  # its template or its pods name the client id, under a ServiceAccount that does not
]


class Consumer(TypedDict):
    """Something besides a ServiceAccount that names the client id: forgotten, it breaks after the move."""

    cluster: str
    namespace: str | None
    kind: ConsumerKind
    name: str
    field: str  # where the client id stands, e.g. "spec.parameters.clientID"
    patchable: bool  # whether a merge patch of that field moves it
    created: str | None
    owner: GitOpsOwner | None
    by_hand: str  # what a person does where it can't be patched; empty where it can
    used_by: NotRequired[
        list[str]
    ]  # "Kind/name" of the workloads that use it, with their namespace before it where it has none itself


RebuiltKind = Literal["application", "user_assigned_identity"]


class NewIdentity(TypedDict):
    """The successor of a compromised identity."""

    kind: RebuiltKind
    app_id: str  # client id
    object_id: str  # of the service principal
    application_object_id: str | None  # of an application
    resource_id: str | None  # of a user-assigned identity
    display_name: str


class TokenVerdict(TypedDict):
    """What the token endpoint said to one request. The token itself is dropped where it arrived."""

    accepted: bool
    error_code: int | None  # AADSTS number
    error: str | None
    correlation_id: str | None
