"""The document of an audit. Pure, no I/O."""

import csv
import io
from datetime import datetime

from playbooks.auditing import judging, tables
from playbooks.auditing.model import Tenant
from playbooks.runs.model import Document, Finding, Json, counts, document

TITLE = "Audit of workload identities"
_MOST_EXPIRING = 500  # of 20,000 applications; each is a series of a metric
_FORMULA = ("=", "+", "-", "@")  # https://owasp.org/www-community/attacks/CSV_Injection
Rows = list[list[str]]


def of(tenant: Tenant, read: Json) -> tuple[Document, Rows]:
    """What the audit says, and a row for each identity. `read` is how much was read of what."""
    findings = judging.judge(tenant)
    unread = judging.unread(tenant)
    rows = tables.inventory(tenant, findings)
    found = document(
        TITLE,
        _summary(tenant, findings, unread),
        "partly" if unread else "done",
        findings=findings,
        tables=tables.tables(findings, rows),
        unread=unread,
        data={
            "read": read,
            "rules": _by_rule(findings),
            "identities": len(tenant.holders),
            "expiring": _expiring(tenant),
        },
    )
    return found, rows


def csv_of(rows: Rows) -> str:
    """The inventory as CSV. No cell begins as a formula does, whoever wrote its text."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(tables.COLUMNS)
    writer.writerows([_inert(cell) for cell in row] for row in rows)
    return written.getvalue()


def _inert(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _summary(tenant: Tenant, findings: list[Finding], unread: list[str]) -> str:
    severities = counts(findings)
    named = ", ".join(f"{number} {severity}" for severity, number in severities.items() if number)
    said = f"{len(tenant.holders)} identities in {len(tenant.clusters)} clusters: {named or 'no'} findings"
    return said + (f"; {len(unread)} things could not be read or told" if unread else "")


def _expiring(tenant: Tenant) -> list[Json]:
    """Secrets and certificates with an end, the first to end first: what is measured between two audits."""
    found = [
        {
            "object_id": holder.principal_id or "",
            "client_id": holder.app_id,
            "kind": "client_secret" if one["kind"] == "password" else "certificate",
            "ends": one["ends"],
        }
        for holder in tenant.holders
        for one in holder.credentials
        if one["ends"] and one["usage"] != "Sign"
    ]
    found.sort(key=lambda one: datetime.fromisoformat(str(one["ends"])))
    return found[:_MOST_EXPIRING]


def _by_rule(findings: list[Finding]) -> Json:
    rules = sorted({one["rule"] for one in findings})
    return {rule: sum(1 for one in findings if one["rule"] == rule) for rule in rules}
