"""Findings about secrets, certificates and owners. Pure, no I/O.

Source   https://learn.microsoft.com/entra/identity-platform/security-best-practices-for-app-registration
         https://learn.microsoft.com/graph/api/serviceprincipal-addpassword (credentials of a service principal)
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from playbooks.auditing.model import Holder, Tenant
from playbooks.auditing.rules import found
from playbooks.runs.model import Finding, Severity
from responders.model import Credential


def judge(tenant: Tenant, holder: Holder) -> Iterator[Finding]:
    """About each secret and certificate of an application, on it and on its service principal."""
    for one in holder.credentials:
        ends = moment_of(one["ends"])
        expired = ends is not None and ends <= tenant.now
        if expired:
            yield _found("credential-expired", holder, one, f"it ended {one['ends']}")
            continue
        yield from _of_age(tenant, holder, one, ends)
        if one["holder"] == "service_principal" and one["usage"] != "Sign":
            said = (
                "it lies on the service principal, where neither the portal nor az ad app shows it"
            )
            yield _found("credential-on-principal", holder, one, said)
        elif holder.trusts and one["usage"] != "Sign":
            said = f"the application is federated ({len(holder.trusts)} trusts), so nothing should need it"
            yield _found("credential-beside-trusts", holder, one, said, evidence=_use(tenant, one))
    yield from _of_owners(holder)


def moment_of(text: str | None) -> datetime | None:
    """A moment as Graph or Resource Manager writes it; None for none."""
    return datetime.fromisoformat(text) if text else None


def name_of(one: Credential) -> str:
    """For people."""
    what = "secret" if one["kind"] == "password" else "certificate"
    return f"{what} {one['display_name'] or one['key_id']}"


def removal(holder: Holder, one: Credential) -> str:
    """The command that takes it away."""
    base, key = ("app", holder.app_id) if one["holder"] == "application" else ("sp", holder.app_id)
    cert = " --cert" if one["kind"] == "key" else ""
    return f"az ad {base} credential delete --id {key} --key-id {one['key_id']}{cert}"


def _of_age(
    tenant: Tenant, holder: Holder, one: Credential, ends: datetime | None
) -> Iterator[Finding]:
    started = moment_of(one["started"])
    limits = tenant.limits
    if ends is not None and ends <= tenant.now + timedelta(days=limits.expiring_days):
        days = (ends - tenant.now).days
        unused = _is_unused(tenant, one)
        severity: Severity = "medium" if not unused else "low"
        said = f"it ends in {days} days ({one['ends']})" + (
            ", and nothing used it lately" if unused else ""
        )
        yield _found(
            "credential-expiring",
            holder,
            one,
            said,
            severity=severity,
            fix=f"Federate what uses it (firebreak run rotate_federation), then: {removal(holder, one)}",
            evidence=_use(tenant, one),
        )
    if started is not None and started <= tenant.now - timedelta(
        days=limits.oldest_credential_days
    ):
        age = (tenant.now - started).days
        said = f"it is {age} days old, and audit.oldest_credential_days is {limits.oldest_credential_days}"
        yield _found("credential-old", holder, one, said, evidence=_use(tenant, one))


def _is_unused(tenant: Tenant, one: Credential) -> bool:
    log = tenant.use["application_sign_ins"]
    return log is not None and log["oldest"] is not None and one["key_id"] not in log["credentials"]


def _use(tenant: Tenant, one: Credential) -> list[str]:
    """When it was last used, by the log; nothing where the log can't tell."""
    log = tenant.use["application_sign_ins"]
    if log is None or log["oldest"] is None:
        return ["whether it is used is not known: the sign-in log could not be read"]
    last = log["credentials"].get(one["key_id"].lower())
    return [f"last used {last}" if last else f"not used since {log['oldest']}, when the log begins"]


def _of_owners(holder: Holder) -> Iterator[Finding]:
    application = holder.application
    if application is None or application["owners"] is None:
        return  # a managed identity's owner is whoever has roles on it; what could not be read is said elsewhere
    if not application["owners"]:
        yield found(
            "owner-missing",
            holder.object_id,
            holder.name,
            f"nobody owns the application {holder.app_id}, so nobody answers for its trusts",
            fix=f"az ad app owner add --id {holder.app_id} --owner-object-id <object id>",
        )
    for owner in application["owners"]:
        if owner["kind"] == "servicePrincipal":
            yield found(
                "owner-is-workload",
                f"{holder.object_id}/owners/{owner['object_id']}",
                holder.name,
                f"the service principal {owner['object_id']} owns the application {holder.app_id}: whoever has it "
                "adds trusts and secrets",
                fix=f"az ad app owner remove --id {holder.app_id} --owner-object-id {owner['object_id']}",
                evidence=[f"owner: {owner['name']}"],
            )


def _found(  # noqa: PLR0913 - what differs between findings of credentials
    rule: str,
    holder: Holder,
    one: Credential,
    said: str,
    *,
    fix: str = "",
    severity: Severity | None = None,
    evidence: list[str] | None = None,
) -> Finding:
    where = "application" if one["holder"] == "application" else "service principal"
    return found(
        rule,
        f"{holder.object_id}/credentials/{one['key_id']}",
        f"{holder.name}: {name_of(one)}",
        f"a {name_of(one).partition(' ')[0]} of the {where} {holder.app_id}: {said}",
        fix=fix or removal(holder, one),
        severity=severity,
        evidence=evidence or [],
    )
