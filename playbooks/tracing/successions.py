"""Who signs in as whom after a recovery: the new identity by its trusts alone, the old one in vain. Information. Pure.

Source   https://learn.microsoft.com/azure/azure-monitor/reference/tables/aadserviceprincipalsigninlogs
         https://learn.microsoft.com/azure/azure-monitor/reference/tables/aadmanagedidentitysigninlogs
"""

from collections.abc import Iterable
from datetime import datetime
from typing import TypedDict

from playbooks.orders import Json
from playbooks.tracing.rows import moment


class Succession(TypedDict):
    """Counts for people, and what none of them should be."""

    said: str
    strange: list[str]  # sign-ins as the new one with a secret or a key: it has none of ours


def judge(new: Iterable[Json], old: Iterable[Json], since: str) -> Succession:
    """By the rows of both since the new one was there. No rows may mean that they come late: so it is said."""
    start = moment(since)
    new, old = _after(new, start), _after(old, start)
    trusted = [one for one in new if _succeeded(one) and one.get("FederatedCredentialId")]
    armed = [one for one in new if _succeeded(one) and one.get("ServicePrincipalCredentialKeyId")]
    addresses = len({str(one.get("IPAddress")) for one in trusted})
    refused = sum(not _succeeded(one) for one in old)
    accepted = len(old) - refused
    return {
        "said": f"new identity: {len(trusted)} sign-ins by its trusts from {addresses} addresses, "
        f"{len(new) - len(trusted)} others; old one since then: {refused} refused, {accepted} "
        "accepted; rows may still be on their way",
        "strange": [
            f"somebody signed in as the new identity with the credential "
            f"{one['ServicePrincipalCredentialKeyId']} from {one.get('IPAddress')} at "
            f"{one.get('TimeGenerated')}: it was given none"
            for one in armed
        ],
    }


def _after(rows: Iterable[Json], start: datetime) -> list[Json]:
    return [one for one in rows if moment(one.get("TimeGenerated")) >= start]


def _succeeded(row: Json) -> bool:
    """ResultType is an error code, 0 where there was none."""
    return str(row.get("ResultType")) == "0"
