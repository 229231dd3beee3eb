"""What an audit shows beside its findings: an inventory of identities, and how many findings each rule has. Pure."""

from collections import Counter
from collections.abc import Iterable

from playbooks.auditing import credentials, issuers, roles, trusts, use
from playbooks.auditing.model import TIERS, Holder, Tenant
from playbooks.auditing.rules import ORDER, RULES
from playbooks.runs.model import Finding, Table
from responders.model import Credential
from responders.untrusted import visible

COLUMNS = [
    *("kind", "name", "client id", "enabled", "trusts", "issuers", "secrets and certificates"),
    *("roles", "highest tier", "last sign-in", "owners", "worst finding"),
]
_MOST_ROWS = 200  # of a page; the whole inventory is a file beside it


def inventory(tenant: Tenant, findings: Iterable[Finding]) -> list[list[str]]:
    """A row for each identity, those with the worst findings first."""
    worst: dict[str, int] = {}
    for one in findings:
        rank = ORDER.index(one["severity"])
        worst[one["subject"]] = min(rank, worst.get(one["subject"], len(ORDER)))
    ranked = [(_rank(tenant, holder, worst), holder) for holder in tenant.holders]
    ranked.sort(key=lambda one: (one[0], one[1].name.lower(), one[1].object_id))
    return [_row(tenant, holder, rank) for rank, holder in ranked]


def tables(findings: list[Finding], rows: list[list[str]]) -> list[Table]:
    """By rule, and the first of the inventory."""
    counts = Counter(one["rule"] for one in findings)
    by_rule = [
        [rule, str(counts[rule]), RULES[rule].severity, RULES[rule].means]
        for rule in RULES
        if counts[rule]
    ]
    shown = rows[:_MOST_ROWS]
    more = f", the first {len(shown)} of {len(rows)}" if len(rows) > len(shown) else ""
    return [
        {
            "title": "Findings by rule",
            "columns": ["rule", "findings", "severity", "means"],
            "rows": by_rule,
        },
        {"title": f"Identities{more}", "columns": COLUMNS, "rows": shown},
    ]


def _rank(tenant: Tenant, holder: Holder, worst: dict[str, int]) -> int:
    subjects = [
        holder.object_id,
        *(trusts.subject(holder, one) for one in holder.trusts),
        *(f"{holder.object_id}/credentials/{one['key_id']}" for one in holder.credentials),
        *(
            roles.subject(holder, grant)
            for grant in tenant.grants.get(holder.principal_id or "", [])
        ),
    ]
    return min(worst.get(one.lower(), len(ORDER)) for one in subjects)


def _row(tenant: Tenant, holder: Holder, rank: int) -> list[str]:
    grants = tenant.grants.get(holder.principal_id or "", [])
    known = [tenant.roles[one["role_id"]].tier for one in grants if one["role_id"] in tenant.roles]
    highest = next(
        (TIERS[tier] for tier in TIERS if tier in known), "" if not grants else "not read"
    )
    return [
        holder.kind + (f", {holder.duty}" if holder.duty else ""),
        visible(holder.name),
        holder.app_id,
        "yes" if holder.enabled else "no",
        "not read" if holder.trusts_unread else str(len(holder.trusts)),
        visible("; ".join(_issuers(tenant, holder))),
        visible("; ".join(_credential(tenant, one) for one in holder.credentials)),
        "; ".join(sorted({roles.described(tenant, one) for one in grants})),
        highest,
        use.shown(tenant, holder),
        visible(_owners(holder)),
        ORDER[rank] if rank < len(ORDER) else "",
    ]


def _issuers(tenant: Tenant, holder: Holder) -> list[str]:
    clusters = tenant.issuers
    named = [
        clusters[one["issuer"]]["cluster"]
        if one["issuer"] in clusters
        else f"{one['issuer']} ({issuers.of(tenant, one['issuer'], clusters)})"
        for one in holder.trusts
    ]
    return list(dict.fromkeys(named))


def _credential(tenant: Tenant, one: Credential) -> str:
    started = credentials.moment_of(one["started"])
    age = f"{(tenant.now - started).days} days old" if started else "of unknown age"
    return f"{credentials.name_of(one)}: {age}, until {one['ends'] or 'ever'}"


def _owners(holder: Holder) -> str:
    if holder.application is None:
        return "by its resource"
    owners = holder.application["owners"]
    if owners is None:
        return "not read"
    more = [", more"] if holder.application["more_owners"] else []
    return ", ".join([one["name"] or one["object_id"] for one in owners] + more)
