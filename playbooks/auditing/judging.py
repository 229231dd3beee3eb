"""All findings about a tenant, the worst first. Pure, no I/O."""

from playbooks.auditing import credentials, in_clusters, roles, trusts, use
from playbooks.auditing.model import Tenant
from playbooks.auditing.rules import ORDER
from playbooks.runs.model import Finding


def judge(tenant: Tenant) -> list[Finding]:
    """Every finding, each (rule, subject) once."""
    clusters = tenant.issuers
    found = [
        one
        for holder in tenant.holders
        for one in (
            *trusts.judge(tenant, holder, clusters),
            *credentials.judge(tenant, holder),
            *roles.judge(tenant, holder),
            *use.judge(tenant, holder),
        )
    ]
    known = in_clusters.trusted(tenant.holders)
    found += [
        one for cluster in tenant.clusters for one in in_clusters.judge(tenant, cluster, known)
    ]
    found += roles.orphans(tenant)
    once = {(one["rule"], one["subject"]): one for one in found}
    return sorted(
        once.values(), key=lambda one: (ORDER.index(one["severity"]), one["rule"], one["subject"])
    )


def unread(tenant: Tenant) -> list[str]:
    """What could not be read or told, each once: none of it is "nothing there"."""
    clusters = [f"{one['cluster']}: {one['unread']}" for one in tenant.clusters if one["unread"]]
    trusts_unread = [
        f"trusts of the managed identity {one.resource_id}"
        for one in tenant.holders
        if one.trusts_unread
    ]
    said = [*tenant.unread, *tenant.use["unread"], *use.gaps(tenant), *clusters, *trusts_unread]
    return list(dict.fromkeys(said))
