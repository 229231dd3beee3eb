"""Findings about role assignments: how much they let an identity do, and whether it does. Pure, no I/O.

Source   https://learn.microsoft.com/azure/role-based-access-control/best-practices
         https://learn.microsoft.com/azure/azure-monitor/platform/activity-log-schema
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Literal

from playbooks.auditing import use
from playbooks.auditing.credentials import moment_of
from playbooks.auditing.model import TIERS, Holder, Role, Tenant
from playbooks.auditing.rules import found
from playbooks.runs.model import Finding, Severity
from responders.audit_model import GrantFacts

Breadth = Literal["tenant", "management group", "subscription", "resource group", "resource"]
_BROAD = ("tenant", "management group", "subscription")


def judge(tenant: Tenant, holder: Holder) -> Iterator[Finding]:
    """About each role of one identity."""
    for grant in tenant.grants.get(holder.principal_id or "", []):
        role = tenant.roles.get(grant["role_id"])
        if role is None:
            continue  # what it allows could not be read, and is said so
        if holder.duty and breadth(grant["scope"]) not in _BROAD:
            continue  # AKS gives it what a cluster needs, at its own groups
        ours = holder.principal_id in tenant.ours
        yield from _of_reach(holder, grant, role, ours=ours)
        # The log names a group's assignment, and not for whom of it; who rebuilds is hoped to have nothing to do.
        if "via" not in grant and not ours:
            yield from _of_use(tenant, holder, grant, role)


def orphans(tenant: Tenant) -> Iterator[Finding]:
    """About assignments of service principals that are gone: they count against limits, and hide what is there."""
    for grant in tenant.orphans:
        yield found(
            "role-orphaned",
            grant["id"],
            grant["principal_id"],
            f"a role assignment at {grant['scope']} is of the service principal {grant['principal_id']}, which is gone",
            fix=removal(grant),
        )


def breadth(scope: str) -> Breadth:
    """How much lies below a scope."""
    lowered = scope.lower().rstrip("/")
    if not lowered:
        return "tenant"
    if lowered.startswith("/providers/microsoft.management/managementgroups/"):
        return "management group"
    if re.fullmatch(r"/subscriptions/[^/]+", lowered):
        return "subscription"
    if re.fullmatch(r"/subscriptions/[^/]+/resourcegroups/[^/]+", lowered):
        return "resource group"
    return "resource"


def removal(grant: GrantFacts, principal_id: str | None = None) -> str:
    """The command that takes it away: from a group the member, since others are in it."""
    if "via" in grant:
        return f"az ad group member remove --group {grant['via']} --member-id {principal_id}"
    return f"az role assignment delete --ids {grant['id']}"


def subject(holder: Holder, grant: GrantFacts) -> str:
    """What names this role of this identity for good."""
    return f"{grant['id']}#{holder.object_id}" if "via" in grant else grant["id"]


def described(tenant: Tenant, grant: GrantFacts) -> str:
    """In a line: the role, its tier, and where."""
    role = tenant.roles.get(grant["role_id"])
    if role is None:
        return f"{grant['role_id']} (what it allows could not be read) at {grant['scope']}"
    via = f", by group {grant['via']}" if "via" in grant else ""
    return f"{role.name} (tier {TIERS[role.tier]}) at {grant['scope']}{via}"


def _of_reach(holder: Holder, grant: GrantFacts, role: Role, *, ours: bool) -> Iterator[Finding]:
    wide = breadth(grant["scope"])
    where = f"at the {wide} {grant['scope']}" if wide != "tenant" else "at the root of the tenant"
    if role.tier == "owner":
        severity: Severity = "critical" if wide in _BROAD else "high"
        said = f"{role.name} {where}: {role.why}"
        if ours:
            severity = "medium"
            said += "; it is Firebreak's own: firebreak doctor says whether it has its condition, and nothing beyond"
        yield _found("role-owner-level", holder, grant, said, severity=severity)
    elif role.tier == "write" and wide in _BROAD:
        said = f"{role.name} {where}: give it where the identity works, at a resource group or a resource"
        yield _found("role-broad", holder, grant, said)


def _of_use(tenant: Tenant, holder: Holder, grant: GrantFacts, role: Role) -> Iterator[Finding]:
    """Only what the activity log would show: it has writes, and no reads and no data."""
    days = tenant.limits.unused_days
    if role.tier not in ("owner", "write") or not use.covers(
        tenant.use["activity"], tenant.now, days
    ):
        return
    given = moment_of(grant["created_on"])
    if given is None or given > tenant.now - timedelta(days=days):
        return
    log = tenant.use["activity"]
    name = grant["id"].rpartition("/")[2].lower()
    if log is None or name in log["last"]:
        return
    said = (
        f"{role.name} at {grant['scope']} has changed nothing in {days} days, by the activity log"
    )
    severity: Severity = "medium" if role.tier == "owner" else "low"
    yield _found("role-unused", holder, grant, said, severity=severity)


def _found(
    rule: str, holder: Holder, grant: GrantFacts, said: str, *, severity: Severity | None = None
) -> Finding:
    via = f", by group {grant['via']}" if "via" in grant else ""
    return found(
        rule,
        subject(holder, grant),
        holder.name,
        f"a role of the {holder.kind} {holder.app_id}{via}: {said}",
        fix=removal(grant, holder.principal_id),
        severity=severity,
        evidence=[f"given {grant['created_on'] or 'nobody knows when'}"],
    )
