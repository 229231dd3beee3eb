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
from responders.collected import Collected, gaps_of, late
from responders.errors import ResponderError
from responders.fan_out import failures, fan_out
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
    outcomes = await fan_out(
        TABLES, lambda name: log_tables.run(cloud, name, principal, start, end)
    )
    answers = [answer for _, answer in outcomes if not isinstance(answer, ResponderError)]
    rows = [row for _, found, _ in answers for row in found]
    return {
        "source": "Log Analytics: " + ", ".join(TABLES.values()),
        "rows": sorted(rows, key=lambda row: str(row.get("TimeGenerated"))),
        "query": "\n\n".join(query for query, _, _ in answers),
        "gaps": [
            *gaps_of(failures(outcomes), len(TABLES)),
            *(gap for _, _, found in answers for gap in found),
            late(end, _LAG, "sign-ins"),
        ],
        "start": start.isoformat(),
        "end": end.isoformat(),
    }
