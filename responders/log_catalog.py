"""Which log tables an incident reads: each has a query of its own in `queries/<name>.kql`.

Source   https://learn.microsoft.com/azure/azure-monitor/reference/tables-index
"""

from dataclasses import dataclass
from datetime import timedelta

# https://learn.microsoft.com/azure/azure-monitor/logs/data-ingestion-time
_ACTIVITY_LAG = timedelta(minutes=20)
_RESOURCE_LAG = timedelta(minutes=10)
# Entra states no latency for its diagnostic logs; an hour was the longest seen by others.
_DIRECTORY_LAG = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class LogTable:
    """A query and the table that it reads. AzureDiagnostics holds two unrelated logs."""

    name: str  # of the query file and of the files in the evidence
    table: str
    lag: timedelta


def _same(name: str, lag: timedelta) -> LogTable:
    return LogTable(name, name, lag)


TABLES: dict[str, LogTable] = {
    one.name: one
    for one in (
        _same("AzureActivity", _ACTIVITY_LAG),
        # Both: which of the two a federated sign-in of a managed identity lands in is not documented.
        _same("AADServicePrincipalSignInLogs", _DIRECTORY_LAG),
        _same("AADManagedIdentitySignInLogs", _DIRECTORY_LAG),
        _same("AADRiskyServicePrincipals", _DIRECTORY_LAG),
        _same("AADServicePrincipalRiskEvents", _DIRECTORY_LAG),
        _same("AuditLogs", _DIRECTORY_LAG),
        _same("MicrosoftGraphActivityLogs", _DIRECTORY_LAG),
        # AKSAuditAdmin has no reads; a cluster sends either one, or still AzureDiagnostics.
        _same("AKSAuditAdmin", _RESOURCE_LAG),
        _same("AKSAudit", _RESOURCE_LAG),
        LogTable("AzureDiagnosticsKubeAudit", "AzureDiagnostics", _RESOURCE_LAG),
        _same("AZKVAuditLogs", _RESOURCE_LAG),
        LogTable("AzureDiagnosticsKeyVault", "AzureDiagnostics", _RESOURCE_LAG),
        _same("StorageBlobLogs", _RESOURCE_LAG),
        _same("StorageFileLogs", _RESOURCE_LAG),
        _same("StorageQueueLogs", _RESOURCE_LAG),
        _same("StorageTableLogs", _RESOURCE_LAG),
        _same("SecurityAlert", _RESOURCE_LAG),
        _same("SecurityIncident", _RESOURCE_LAG),
    )
}
