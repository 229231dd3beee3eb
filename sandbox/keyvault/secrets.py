"""Secrets in a vault, in all their versions, as the world keeps them.

Simulates   SecretBundle and SecretItem, api-version 7.4
Left out    soft-deleted secrets, certificates and keys, backup, expiry dates
Source      https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret/get-secret
"""

import uuid
from datetime import datetime

from sandbox.world import Json, World


def new_secret(
    world: World, vault_id: str, name: str, value: str, *, created: datetime | None = None
) -> Json:
    """Write a new version of a secret; returns that version. `created` back-dates it, for seeds."""
    key = _key(vault_id, name)
    secret = world.azure.vault_secrets.get(key) or {"vault": vault_id, "name": name, "versions": []}
    moment = int((created or world.clock.now()).timestamp())
    version = {
        "version": uuid.uuid4().hex,
        "value": value,
        "attributes": {
            "enabled": True,
            "created": moment,
            "updated": moment,
            "recoveryLevel": "Recoverable+Purgeable",
            "recoverableDays": 90,
        },
    }
    secret["versions"].append(version)
    world.azure.vault_secrets.put(key, secret, since=created)
    return version


def find(world: World, vault_id: str, name: str, version: str = "") -> Json | None:
    """This version of the secret, or the latest one, or None."""
    secret = world.azure.vault_secrets.get(_key(vault_id, name))
    for each in reversed(secret["versions"] if secret else []):
        if version.lower() in ("", each["version"]):
            return dict(each)
    return None


def secrets_of(world: World, vault_id: str) -> list[Json]:
    """All secrets of a vault, each with its versions."""
    return [
        secret
        for secret in world.azure.vault_secrets.values()
        if secret["vault"].lower() == vault_id.lower()
    ]


def _key(vault_id: str, name: str) -> str:
    return f"{vault_id}/secrets/{name}".lower()
