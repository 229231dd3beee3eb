"""Findings about identities that nobody uses, and how far the logs go. Pure, no I/O.

Nothing is called unused by a log that does not go back far enough, or that has no row at all.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from playbooks.auditing import trusts
from playbooks.auditing.credentials import moment_of
from playbooks.auditing.model import Holder, Tenant
from playbooks.auditing.rules import found
from playbooks.runs.model import Finding
from responders.audit_model import LogFacts

# A table begins with its first row, which is hours after the window's begin even where all is kept.
_SLACK = timedelta(days=2)


def covers(log: LogFacts | None, now: datetime, days: int) -> bool:
    """Whether this log goes back so many days."""
    if log is None or log["oldest"] is None:
        return False
    oldest = moment_of(log["oldest"])
    return oldest is not None and oldest <= now - timedelta(days=days) + _SLACK


def gaps(tenant: Tenant) -> Iterator[str]:
    """A sentence for each log by which nothing can be called unused."""
    days = tenant.limits.unused_days
    logs = {
        "sign-ins of applications": tenant.use["application_sign_ins"],
        "sign-ins of managed identities": tenant.use["identity_sign_ins"],
        "the activity log": tenant.use["activity"],
    }
    for name, log in logs.items():
        if log is None:
            continue  # named with the reason already
        if log["oldest"] is None:
            yield f"{name}: the table has no row since {tenant.use['since']}, so nothing can be called unused by it"
        elif not covers(log, tenant.now, days):
            yield (
                f"{name}: the table begins {log['oldest']}, and audit.unused_days is {days}: nothing can be called "
                "unused by it yet"
            )


def can_tell(tenant: Tenant, holder: Holder) -> bool:
    """Whether the logs go back far enough to call this identity and its roles unused."""
    days = tenant.limits.unused_days
    logs = [*_logs(tenant, holder), tenant.use["activity"]]
    return all(covers(log, tenant.now, days) for log in logs)


def last_sign_in(tenant: Tenant, holder: Holder) -> str | None:
    """The newest of both logs; None where there is none in the window, or where it can't be told."""
    seen = [log["last"].get(holder.principal_id or "") for log in _logs(tenant, holder) if log]
    return max(filter(None, seen), default=None)


def shown(tenant: Tenant, holder: Holder) -> str:
    """For a table."""
    if last := last_sign_in(tenant, holder):
        return last
    if all(covers(log, tenant.now, tenant.limits.unused_days) for log in _logs(tenant, holder)):
        return f"none in {tenant.limits.unused_days} days"
    return "not known"


def judge(tenant: Tenant, holder: Holder) -> Iterator[Finding]:
    """Whether anybody signed in as this identity at all."""
    days = tenant.limits.unused_days
    logs = _logs(tenant, holder)
    if (
        holder.duty
        or holder.principal_id is None
        or holder.principal_id
        in tenant.ours  # nobody signs in as the one that rebuilds while all is well
        or not all(covers(log, tenant.now, days) for log in logs)
    ):
        return
    made = moment_of(holder.created)
    if made is None or made > tenant.now - timedelta(days=days) or last_sign_in(tenant, holder):
        return
    fix = (
        f"az ad sp update --id {holder.app_id} --set accountEnabled=false  # undo: =true; then delete the application"
        if holder.resource_id is None
        else "; ".join(trusts.removal(holder, one) for one in holder.trusts)
        or f"az identity delete --ids {holder.resource_id}"
    )
    yield found(
        "identity-unused",
        holder.object_id,
        holder.name,
        f"nobody has signed in as the {holder.kind} {holder.app_id} in {days} days",
        fix=fix,
        evidence=[f"made {holder.created}", *(trusts.evidence(one) for one in holder.trusts)],
    )


def _logs(tenant: Tenant, holder: Holder) -> list[LogFacts | None]:
    """In which table a managed identity's federated sign-in lands isn't documented: both have to be there."""
    applications = tenant.use["application_sign_ins"]
    if holder.resource_id is None:
        return [applications]
    return [applications, tenant.use["identity_sign_ins"]]
