"""Scenario: the projected token of a pod is carried away and used from outside."""

from functools import partial

from drill.options import Json
from drill.scenarios.scenario import OF_AN_APPLICATION, Scenario, Tell, orders_api
from sandbox.attacks import cashing_in
from sandbox.attacks.attacker import Attacker, TokenAnswer
from sandbox.attacks.held import Held

CLUSTER, NAMESPACE, ACCOUNT = "aks-weu", "shop", "orders-api"


async def _attack(attacker: Attacker, described: Json, tell: Tell) -> Held:
    held, victim = Held(), orders_api(described)
    stolen = await cashing_in.steal_account_token(attacker, held, CLUSTER, NAMESPACE, ACCOUNT)
    tell("ServiceAccount token stolen from a pod", CLUSTER)
    ask = partial(attacker.exchange_assertion, victim.app_id, stolen)
    blob = described["seed"]["storage"]["blob_url"]
    await cashing_in.read_blob(attacker, held, "stolen ServiceAccount token", ask, blob)
    tell("data read by stolen ServiceAccount token", "HTTP 200")

    async def steal_again() -> TokenAnswer:
        """The pods still run: containment alone does not end the foothold."""
        fresh = await cashing_in.steal_account_token(attacker, held, CLUSTER, NAMESPACE, ACCOUNT)
        return await attacker.exchange_assertion(victim.app_id, fresh)

    held.ways["fresh ServiceAccount token"] = steal_again
    return held


SCENARIO = Scenario(
    name="stolen-service-account-token",
    story="a pod's projected token is used from outside; Entra can't tell whose hands hold it",
    victim=orders_api,
    attack=_attack,
    levers=OF_AN_APPLICATION,
)
