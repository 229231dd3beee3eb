"""How slow and how generous the cloud is: what no cloud lets anybody set, and a drill has to."""

from dataclasses import dataclass


@dataclass
class Delays:
    """How long Azure takes, in seconds, scaled down for a drill. `/sandbox/delays` changes them.

    The documented originals: a new federated credential "a couple of minutes", RBAC up to 10 minutes, log tables 3-20
    minutes. https://learn.microsoft.com/azure/role-based-access-control/troubleshooting
    """

    federation: float = 1.0  # federated credential written -> the token endpoint sees it
    directory: float = 0.5  # application or service principal written -> the token endpoint sees it
    identity_writes: float = 0.01  # a write of a federated credential holds its managed identity
    role_assignments: float = 1.0  # role assignment written -> a resource honours it
    role_assignment_reads: float = 0.0  # role assignment written -> its list and its id show it
    ingestion: float = 0.5  # something happened -> its row can be queried
    replication: float = 0.0  # directory object created -> Graph's reads find it; 404 until then
    directory_reads: float = 0.0  # directory object changed or deleted -> Graph's reads show it
    vault_policies: float = 0.5  # access policy of a key vault changed -> the vault honours it
    resource_graph: float = 1.0  # resource or role assignment changed -> Resource Graph shows it
    directory_writes: float = 0.01  # how long a write holds its object: one that overlaps gets 409
    issuer_keys: float = 10.0  # signing keys of an issuer are remembered, withdrawn ones too
    cluster_operations: float = 1.0  # an operation on an AKS cluster accepted -> done


@dataclass
class Limits:
    """How much is too much: what answers 429. `/sandbox/limits` changes them.

    Graph's are those of a tenant of fewer than 50 users: https://learn.microsoft.com/graph/throttling-limits
    """

    graph_resource_units: float = 3500  # for each application, in 10 s
    graph_writes: float = 3000  # for each application, in 150 s
    graph_personal_account_writes: float = 60  # on apps for personal accounts, in 60 s
    identity_protection: float = 1  # for the whole tenant, in 1 s
    # Token buckets of ARM, for each caller and subscription: capacity, and how much comes back in 1 s.
    # https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling
    arm_reads: float = 250
    arm_reads_refill: float = 25
    arm_writes: float = 200
    arm_writes_refill: float = 10
    arm_deletes: float = 200
    arm_deletes_refill: float = 10
    # For each managed identity, in 1 s. Azure's are 0.5 and 0.25, which a drill would wait for; set them to see it.
    # https://learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits#managed-identity-limits
    managed_identity_reads: float = 100
    managed_identity_writes: float = 100
    # https://learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits#azure-rbac-limits
    role_assignments: float = 4000  # in a subscription
    management_group_role_assignments: float = 500
    resource_graph_queries: float = 15  # for each caller, in 5 s
    # https://learn.microsoft.com/azure/azure-monitor/service-limits#log-analytics-workspaces
    log_queries: float = 200  # for each caller, in 30 s
    # https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using#rate-limiting-for-connectors
    teams_messages: float = 4  # for each workflow, in 1 s
    teams_messages_30s: float = 60
    teams_messages_hour: float = 100
    teams_messages_2h: float = 150
    teams_messages_day: float = 1800
    log_rows: float = 500_000  # of one query; with more the answer is partial
