"""Secrets that the principal has seen, in the order in which Microsoft has them rotated.

Source   https://learn.microsoft.com/security/operations/incident-response-playbook-compromised-malicious-app
         (first what was read, then the rest of those vaults, then the rest across those subscriptions)
"""

import re
from typing import TypedDict

from playbooks.tracing.acts import Rows
from playbooks.tracing.rows import Act, same

# https://learn.microsoft.com/azure/key-vault/general/logging (operation names)
_READ_IN_A_VAULT = {"secretget", "secretbackup", "keybackup", "certificatebackup"}
_KEYS = re.compile(
    r"/(?:listkeys|listaccountsas|listservicesas|listclusteradmincredential|listclusterusercredential"
    r"|listcredentials|listconnectionstrings|listsecrets|regeneratekey|listadminkeys|config/list)/action$",
    re.IGNORECASE,
)
# https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates#object-identifiers
_OBJECT = re.compile(
    r"https://(?P<vault>[^?#]+?)/(?:secrets|keys|certificates)/[^/?#]+", re.IGNORECASE
)
_SUBSCRIPTION = re.compile(r"/subscriptions/([0-9a-f-]{36})", re.IGNORECASE)


class Rotation(TypedDict):
    """Something to rotate. `order` 1 comes before 2 and 3."""

    order: int
    what: str
    where: str
    why: str


def secrets_read(acts: list[Act]) -> list[Act]:
    """Values that left a vault or a cluster."""
    return [one for one in acts if one["ok"] and (_from_vault(one) or _from_cluster(one))]


def keys_listed(acts: list[Act]) -> list[Act]:
    """Keys, SAS and kubeconfigs that Resource Manager handed out: they work without the principal."""
    return [
        one
        for one in acts
        if one["ok"] and one["table"] == "AzureActivity" and _KEYS.search(one["operation"])
    ]


def rotations(rows: Rows, acts: list[Act]) -> list[Rotation]:
    """The worklist, most urgent first."""
    read, listed = secrets_read(acts), keys_listed(acts)
    first: list[Rotation] = [
        {
            "order": 1,
            "what": _without_version(one["target"]),
            "where": _vault(one) or one["table"],
            "why": f"{one['operation']} at {one['when']} from {one['address'] or 'an unknown address'}",
        }
        for one in [*read, *listed]
    ]
    vaults = list(dict.fromkeys(vault for one in read if (vault := _vault(one))))
    second: list[Rotation] = [
        {
            "order": 2,
            "what": "every other secret, key and certificate",
            "where": vault,
            "why": "a secret of this vault was read",
        }
        for vault in vaults
    ]
    third: list[Rotation] = [
        {
            "order": 3,
            "what": "secrets of every other vault",
            "where": f"subscription {subscription}",
            "why": "a secret or key of this subscription was read",
        }
        for subscription in _subscriptions(rows, vaults, listed)
    ]
    return [*_each_once(first), *second, *third]


def _each_once(found: list[Rotation]) -> list[Rotation]:
    return list({(one["what"].lower(), one["where"]): one for one in reversed(found)}.values())[
        ::-1
    ]


def _from_vault(one: Act) -> bool:
    return (
        one["table"] in {"AZKVAuditLogs", "AzureDiagnosticsKeyVault"}
        and one["operation"].lower() in _READ_IN_A_VAULT
    )


def _from_cluster(one: Act) -> bool:
    return one["table"] == "AKSAudit" and one["operation"] in {"get secrets", "list secrets"}


def _vault(one: Act) -> str:
    return _vault_in(one["target"]) if _from_vault(one) else ""


def _vault_in(target: str) -> str:
    """The vault's address: what stands before /secrets/{name}."""
    match = _OBJECT.match(target)
    return match["vault"] if match else ""


def _without_version(target: str) -> str:
    """https://{vault}/secrets/{name}, whichever version was read: the next one is as well known."""
    match = _OBJECT.match(target)
    return match[0] if match else target


def _subscriptions(rows: Rows, vaults: list[str], listed: list[Act]) -> list[str]:
    """Those that the rows of what was read name."""
    texts = [one["target"] for one in listed]
    for table in ("AZKVAuditLogs", "AzureDiagnosticsKeyVault"):
        for row in rows.get(table, []):
            asked = str(row.get("Id") or row.get("id_s") or row.get("RequestUri") or "")
            if any(same(_vault_in(asked), vault) for vault in vaults):
                texts.append(str(row.get("_ResourceId")))
    found = (match[1].lower() for text in texts if (match := _SUBSCRIPTION.search(text)))
    return list(dict.fromkeys(found))
