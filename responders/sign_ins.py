"""Responder: sign-ins of a service principal, from Log Analytics.

Stops    nothing
Leaves   everything as it is; what has not been ingested yet comes with a later sweep
Undo     none needed
Needs    Log Analytics Reader on the workspace; diagnostic settings that send both tables there
Source   https://learn.microsoft.com/azure/azure-monitor/reference/tables/aadserviceprincipalsigninlogs
         https://learn.microsoft.com/azure/azure-monitor/reference/tables/aadmanagedidentitysigninlogs
"""

from datetime import datetime, timedelta

from responders import log_tables
from responders.cloud import Cloud
from responders.collected import Collected
from responders.model import Principal

# Both: which one a federated sign-in lands in is not documented.
TABLES = {
    "sign_ins_service_principal": "AADServicePrincipalSignInLogs",
    "sign_ins_managed_identity": "AADManagedIdentitySignInLogs",
}
# Entra states no latency for diagnostic logs; an hour was the longest seen by others.
_LAG = timedelta(hours=1)


async def collect(cloud: Cloud, principal: Principal, start: datetime, end: datetime) -> Collected:
    """Every sign-in of the window, failed ones included, with the credential that was used.

    A table that is missing, partial or refused is a named gap, never "no activity".
    """
    return await log_tables.sweep(cloud, TABLES, principal, (start, end), lag=_LAG)
