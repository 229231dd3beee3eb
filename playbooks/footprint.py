"""What the principal did in the window, read out of the collected rows. Pure: no I/O, no clock."""

from collections import Counter
from typing import TypedDict

from playbooks.orders import Json
from playbooks.plans import Plan
from responders.snapshots import Snapshot

_WRITES = ("/write", "/delete", "/action")
_SECRETS = ("/listkeys/action", "/listaccountsas/action", "/listclusteradmincredential/action")


class Footprint(TypedDict):
    """Findings: what to look at next."""

    addresses: list[str]  # where its tokens were asked for, most often first
    credentials_used: list[str]  # key ids and federated credential ids
    changed: list[str]  # what it created, changed or deleted through ARM
    keys_listed: list[str]  # secondary credentials it may have harvested: rotate these
    planted: list[str]  # of its own credentials, trusts and grants: most likely the attacker's


def trace(activity: list[Json], sign_ins: list[Json], plan: Plan | None) -> Footprint:
    """Group the rows into findings. Rows in the columns of AzureActivity's REST shape and of the KQL files."""
    operations = [_operation(event) for event in activity]
    writes = [line for name, line in operations if name.lower().endswith(_WRITES)]
    listed = [line for name, line in operations if name.lower().endswith(_SECRETS)]
    used = Counter(
        str(row.get(column))
        for row in sign_ins
        for column in ("ServicePrincipalCredentialKeyId", "FederatedCredentialId")
        if row.get(column)
    )
    addresses = Counter(str(row["IPAddress"]) for row in sign_ins if row.get("IPAddress"))
    left_out = plan["left_out"] if plan else []
    return {
        "addresses": [address for address, _ in addresses.most_common()],
        "credentials_used": [key for key, _ in used.most_common()],
        "changed": list(dict.fromkeys(writes)),
        "keys_listed": list(dict.fromkeys(listed)),
        "planted": [f"{one['what']}: {one['name']}" for one in left_out if one["suspicious"]],
    }


def uncovered(snapshot: Snapshot) -> list[str]:
    """What the principal may do that this playbook takes away from nobody: a person has to look.

    Application permissions are written into a token when it is issued, so removing them later doesn't
    reach it. https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
    """
    permissions = [
        f"application permission {one.get('appRoleId')} on {one.get('resourceDisplayName')}: tokens "
        "already issued keep it until they expire"
        for one in snapshot["app_role_assignments"]
    ]
    return [
        *permissions,
        "delegated permission grants, group memberships and directory roles of the principal",
        "access outside Azure RBAC: Key Vault access policies, database users, keys and SAS it has read",
    ]


def _operation(event: Json) -> tuple[str, str]:
    operation = event.get("operationName")
    name = str(operation.get("value") if isinstance(operation, dict) else operation)
    return name, f"{name} on {event.get('resourceId') or 'an unnamed resource'}"
