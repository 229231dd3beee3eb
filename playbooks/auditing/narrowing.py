"""An audit of some identities alone: judged by the whole tenant, told of themselves. Pure, no I/O."""

from collections.abc import Sequence
from dataclasses import replace

from playbooks.auditing.model import Tenant
from responders.audit_model import ClusterFacts
from responders.errors import RefusedError


def to(tenant: Tenant, client_ids: Sequence[str]) -> Tenant:
    """The tenant with these identities alone; all of it where none is named.

    Raises `RefusedError` for one that is neither federated nor a managed identity: nothing would be said of it.
    """
    wanted = {one.lower() for one in client_ids}
    if not wanted:
        return tenant
    if strange := sorted(wanted - tenant.by_app_id.keys()):
        raise RefusedError(
            f"no application with trusts and no user-assigned identity in sight has the client id {strange[0]}"
        )
    return replace(
        tenant,
        holders=[one for one in tenant.holders if one.app_id in wanted],
        orphans=[],
        clusters=[_of(one, wanted) for one in tenant.clusters],
    )


def _of(cluster: ClusterFacts, wanted: set[str]) -> ClusterFacts:
    accounts = [one for one in cluster["accounts"] if (one["client_id"] or "").lower() in wanted]
    places = {(one["namespace"], one["name"]) for one in accounts}
    runners = [
        one
        for one in cluster["runners"]
        if (one["namespace"], one["service_account"]) in places
        or any(secret["client_id"] in wanted for secret in one["legacy"])
    ]
    return {**cluster, "accounts": accounts, "runners": runners}
