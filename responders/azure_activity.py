"""Responder: the AzureActivity table of the workspace.

Stops    nothing
Leaves   everything as it is; what has not been ingested yet comes with a later sweep
Undo     none needed
Needs    Log Analytics Reader on the workspace; a diagnostic setting that sends the activity log there
Source   https://learn.microsoft.com/azure/azure-monitor/reference/tables/azureactivity

It says the same as `activity_logs`, with the token id in the claims (`uti`) that joins an act with
the sign-in behind it, and it outlives the activity log's 90 days.
"""

from datetime import datetime, timedelta

from responders import log_tables
from responders.cloud import Cloud
from responders.collected import Collected
from responders.model import Principal

TABLES = {"azure_activity": "AzureActivity"}
_LAG = timedelta(minutes=20)  # learn.microsoft.com/azure/azure-monitor/logs/data-ingestion-time


async def collect(cloud: Cloud, principal: Principal, start: datetime, end: datetime) -> Collected:
    """Every row of the window that names the principal as its caller.

    A table that is missing, partial or refused is a named gap, never "no activity".
    """
    return await log_tables.sweep(cloud, TABLES, principal, (start, end), lag=_LAG)
