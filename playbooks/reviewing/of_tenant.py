"""What a review notes of a tenant: clusters' switches, policies, vaults, trusts, and what the audit found. Pure."""

from collections.abc import Iterator, Sequence
from typing import TypedDict

from playbooks.auditing import roles, trusts, use
from playbooks.auditing.model import Holder, Tenant
from playbooks.reviewing.model import Note, note
from playbooks.runs.model import Finding
from responders.audit_model import GrantFacts
from responders.cluster_settings import ClusterSettings
from responders.policy_states import Assignment, Violation

# https://learn.microsoft.com/azure/aks/policy-reference (initiatives)
_POD_SECURITY = {
    "a8640138-9b0a-4a28-b8cb-1666c838647d": "baseline",
    "42b8ef37-b724-4e24-bbc8-7a7708edfe00": "restricted",
}
# Control -> the audit's rules that speak against it.
_RULES: dict[str, tuple[str, ...]] = {
    "mcsb-im-3": ("credential-beside-trusts", "credential-on-principal", "secret-mounted"),
    "mcsb-im-8": ("credential-old", "credential-expired", "credential-expiring"),
    "federation-trusts": (
        *("trust-foreign-tenant", "trust-unknown-issuer", "trust-wildcard", "trust-gone-cluster"),
        *("trust-near-miss", "trust-no-account", "trust-default-account", "trust-odd-audience"),
        *("trust-expression-unread", "label-without-trust", "account-unknown-client"),
    ),
    "mcsb-pa-1": ("role-owner-level",),
    "mcsb-pa-4": ("role-unused", "identity-unused", "role-orphaned", "owner-missing"),
    "mcsb-pa-7": ("role-broad", "owner-is-workload"),
}
_BY_USE = "mcsb-pa-4"


class Vault(TypedDict):
    """A key vault in sight."""

    id: str
    name: str
    rbac: str
    purge: str


class Around(TypedDict):
    """What a review reads of Azure beside the audit. None: it could not be read, and that is said elsewhere."""

    settings: list[ClusterSettings] | None
    assignments: list[Assignment] | None
    violations: list[Violation] | None
    vaults: list[Vault] | None
    changed: (
        dict[str, str] | None
    )  # application or identity -> when its trusts were last changed, by the logs


class Reading(TypedDict):
    """A SecretProviderClass: which vault it reads, and as whom."""

    cluster: str
    resource_id: str  # of the cluster
    namespace: str
    name: str
    vault: str
    client_id: str  # "" where it uses the node's identity


def judge(
    tenant: Tenant, findings: Sequence[Finding], around: Around, readings: Sequence[Reading]
) -> list[Note]:
    """All notes that are not about a namespace."""
    return [
        *_of_clusters(tenant, around),
        *_of_violations(around),
        *_of_audit(tenant, findings),
        *_of_use(tenant),
        *_of_vaults(tenant, around, readings),
    ]


def _of_clusters(tenant: Tenant, around: Around) -> Iterator[Note]:
    known = {one["resource_id"].lower(): one for one in around["settings"] or []}
    for cluster in tenant.clusters:
        path, name = cluster["resource_id"], cluster["cluster"]
        assigned = around["assignments"]
        if assigned is None:
            yield note(
                "policy-pod-security", path, name, holds=None, said="assignments were not read"
            )
        else:
            yield _of_pod_security(path, name, assigned)
        settings = known.get(path.lower())
        if settings is None:
            for control in ("policy-add-on", "policy-local-accounts"):
                yield note(control, path, name, holds=None, said="its settings were not read")
            continue
        yield note(
            "policy-add-on",
            path,
            name,
            holds=settings["policy_addon"],
            said="the add-on is on" if settings["policy_addon"] else "the add-on is off",
            fix=f"az aks enable-addons --addons azure-policy --ids {path}",
        )
        local = settings["local_accounts"]
        yield note(
            "policy-local-accounts",
            path,
            name,
            holds=not local,
            said="a shared administrator's certificate can be had"
            if local
            else "local accounts are off",
            fix=f"az aks update --ids {path} --disable-local-accounts; then az aks rotate-certs --ids {path}",
        )


def _of_pod_security(path: str, name: str, assigned: Sequence[Assignment]) -> Note:
    """An assignment counts at the cluster and above it; above a subscription, any management group may be."""
    reaching = [
        one
        for one in assigned
        if one["definition"] in _POD_SECURITY and _reaches(one["scope"], path)
    ]
    enforced = [one for one in reaching if one["enforced"]]
    said = ", ".join(
        f"{_POD_SECURITY[one['definition']]} at {one['scope']}"
        + ("" if one["enforced"] else ", not enforced")
        for one in enforced or reaching
    )
    subscription = "/".join(path.split("/")[:3])
    return note(
        "policy-pod-security",
        path,
        name,
        holds=bool(enforced),
        said=said or "neither initiative is assigned to it",
        fix="az policy assignment create --policy-set-definition a8640138-9b0a-4a28-b8cb-1666c838647d "
        f"--name aks-pod-security-baseline --scope {subscription}",
    )


def _reaches(scope: str, path: str) -> bool:
    lowered = scope.lower().rstrip("/")
    if lowered.startswith("/providers/microsoft.management/managementgroups/") or not lowered:
        return True
    return f"{path.lower()}/".startswith(f"{lowered}/")


def _of_violations(around: Around) -> Iterator[Note]:
    if around["violations"] is None or around["assignments"] is None:
        yield note("policy-compliance", "policy", "Azure Policy", holds=None, said="was not read")
        return
    names = {one["id"].lower(): one["name"] for one in around["assignments"]}
    for one in around["violations"]:
        assignment = names.get(one["assignment_id"].lower(), one["assignment_id"])
        which = one["name"] or one["definition"]
        yield note(
            "policy-compliance",
            f"{one['resource_id']}/policies/{one['definition']}",
            one["resource_id"].rpartition("/")[2],
            holds=False,
            said=f"{assignment} finds it non-compliant with {which}",
            fix=f"az policy state list --resource {one['resource_id']} --filter \"complianceState eq 'NonCompliant'\"",
        )
    if not around["violations"]:
        count = len(around["assignments"])
        yield note(
            "policy-compliance",
            "policy",
            "Azure Policy",
            holds=True if count else None,
            said=f"{count} assignments, nothing non-compliant" if count else "nothing is assigned",
        )


def _of_audit(tenant: Tenant, findings: Sequence[Finding]) -> Iterator[Note]:
    """Each finding against its control; identities that none is about hold it."""
    for control, rules in _RULES.items():
        against = [one for one in findings if one["rule"] in rules]
        for one in against:
            said = f"{one['detail']} ({one['rule']})"
            yield note(
                control,
                f"{one['subject']}#{one['rule']}",
                one["subject_name"],
                holds=False,
                said=said,
                fix=one["fix"],
            )
        touched = {one["subject"].split("/")[0] for one in against}
        for holder in tenant.holders:
            own = {
                holder.object_id,
                *(roles.subject(holder, one).lower() for one in _grants(tenant, holder)),
                *(trusts.subject(holder, one).lower() for one in holder.trusts),
            }
            if own & {*touched, *(one["subject"] for one in against)}:
                continue
            known = control != _BY_USE or use.can_tell(tenant, holder)
            said = "nothing against it" if known else "the logs can't tell whether it is used"
            yield note(
                control, holder.object_id, holder.name, holds=True if known else None, said=said
            )


def _of_use(tenant: Tenant) -> Iterator[Note]:
    """By the trust's id in the sign-ins; a log that never names trusts can't tell."""
    days = tenant.limits.unused_days
    log = tenant.use["application_sign_ins"]
    known = log["credentials"] if log is not None and use.covers(log, tenant.now, days) else {}
    # Where it names no trust at all, it is one that does not have the column.
    named = any(one["id"].lower() in known for holder in tenant.holders for one in holder.trusts)
    for holder in tenant.holders:
        if holder.resource_id is not None:
            continue  # whether the log names a managed identity's trust is not documented
        for trust in holder.trusts:
            last = log["credentials"].get(trust["id"].lower()) if log else None
            yield note(
                "federation-use",
                trusts.subject(holder, trust),
                f"{holder.name}: {trust['name']}",
                holds=True if last else (False if named else None),
                said=f"last used {last}"
                if last
                else (f"not used in {days} days" if named else "the logs can't tell"),
                fix=trusts.removal(holder, trust),
            )


def _of_vaults(tenant: Tenant, around: Around, readings: Sequence[Reading]) -> Iterator[Note]:
    vaults = {one["name"].lower(): one for one in around["vaults"] or []}
    for one in readings:
        place = f"{one['resource_id']}/namespaces/{one['namespace']}/secretproviderclasses/{one['name']}"
        name = f"{one['cluster']} {one['namespace']}/{one['name']}"
        yield note(
            "cis-4.5.2",
            place,
            name,
            holds=bool(one["client_id"]),
            said=f"reads {one['vault']} as {one['client_id']}"
            if one["client_id"]
            else f"reads {one['vault']} by the node's own identity, which every pod of the node can use",
            fix='set spec.parameters.clientID to a workload identity, and useVMManagedIdentity to "false": '
            "https://learn.microsoft.com/azure/aks/csi-secrets-store-identity-access",
        )
        vault = vaults.get(one["vault"].lower())
        if vault is None:
            why = (
                "vaults were not read" if around["vaults"] is None else "the vault is not in sight"
            )
            yield note(
                "policy-vault-rbac", f"vault/{one['vault']}", one["vault"], holds=None, said=why
            )
            continue
        yield note(
            "policy-vault-rbac",
            vault["id"],
            vault["name"],
            holds=vault["rbac"].lower() == "true",
            said="Azure RBAC decides"
            if vault["rbac"].lower() == "true"
            else "access policies decide",
            fix=f"az keyvault update --ids {vault['id']} --enable-rbac-authorization true  # give the roles first",
        )
        yield from _of_reader(tenant, one, vault)


def _of_reader(tenant: Tenant, one: Reading, vault: Vault) -> Iterator[Note]:
    holder = tenant.by_app_id.get(one["client_id"].lower())
    if holder is None:
        return
    on_vault = [
        grant
        for grant in _grants(tenant, holder)
        if vault["id"].lower().startswith(grant["scope"].lower().rstrip("/") + "/")
        or grant["scope"].lower() == vault["id"].lower()
    ]
    unknown = [one for one in on_vault if one["role_id"] not in tenant.roles]
    changing = [
        one
        for one in on_vault
        if one["role_id"] in tenant.roles
        and tenant.roles[one["role_id"]].tier in ("owner", "write")
    ]
    said = (
        "; ".join(roles.described(tenant, one) for one in changing or on_vault) or "no role on it"
    )
    yield note(
        "vault-least-privilege",
        f"{vault['id']}/readers/{holder.object_id}",
        f"{holder.name} on {vault['name']}",
        holds=False if changing else (None if unknown else True),
        said=said,
        fix="; ".join(roles.removal(one, holder.principal_id) for one in changing)
        + "; az role assignment create --role 'Key Vault Secrets User' "
        f"--assignee-object-id {holder.principal_id} --assignee-principal-type ServicePrincipal --scope {vault['id']}",
    )


def _grants(tenant: Tenant, holder: Holder) -> list[GrantFacts]:
    return tenant.grants.get(holder.principal_id or "", [])
