"""How much an alert alone may take away. Pure: no I/O, no clock."""

from playbooks.orders import Json
from responders.model import Incident
from responders.snapshots import Snapshot


def removals(snapshot: Snapshot) -> int:
    """How many things containment would take away from this identity."""
    return (
        len(snapshot["federated_credentials"])
        + len(snapshot["credentials"])
        + len(snapshot["grants"])
        + len(snapshot["app_roles"])
        + len(snapshot["oauth_grants"])
        + sum(1 for one in snapshot["memberships"] if one["direct"])
        + len(snapshot["key_vault_policies"])
    )


def too_many(incident: Incident, count: int, policy: Json) -> str | None:
    """Why an alert alone may not take so much away; None where it may. The identity stays disabled."""
    most = policy["guards"]["most_removals_per_run"]
    if incident["signal"]["source"] == "responder" or count <= most:
        return None
    return (
        f"{count} grants, credentials and memberships would go; policy.toml [guards] "
        f"most_removals_per_run allows {most} to an alert. A responder's own call does it"
    )
