"""Rows of the sign-in logs, summed by what was answered. Pure.

Source   https://learn.microsoft.com/azure/azure-monitor/reference/tables/aadserviceprincipalsigninlogs
"""

from collections.abc import Iterable

from playbooks.runs.model import Json
from playbooks.troubleshooting.model import SignIns


def summed(rows: Iterable[Json]) -> list[SignIns]:
    """Each answer once, the latest first. A row whose result is no number is left out: nobody knows what it says."""
    found: dict[int, SignIns] = {}
    for row in rows:
        said = str(row.get("ResultType", ""))
        if not said.isdigit():
            continue
        code, when = int(said), str(row.get("TimeGenerated", ""))
        one = found.setdefault(code, {"code": code, "count": 0, "last": "", "addresses": []})
        one["count"] += 1
        one["last"] = max(one["last"], when)
        address = str(row.get("IPAddress") or "")
        if address and address not in one["addresses"]:
            one["addresses"].append(address)
    return sorted(found.values(), key=lambda one: one["last"], reverse=True)
