"""Scenario: a client secret on the service principal, which the application's page does not show."""

from functools import partial

from drill.options import Json
from drill.scenarios.scenario import OF_AN_APPLICATION, Scenario, Tell, orders_api
from sandbox.attacks import cashing_in, service_principal_secret_backdoor
from sandbox.attacks.attacker import Attacker
from sandbox.attacks.compromise import GRAPH
from sandbox.attacks.held import Held


async def _attack(attacker: Attacker, described: Json, tell: Tell) -> Held:
    held, victim = Held(), orders_api(described)
    token = await attacker.phish(victim.phished, GRAPH)
    tell(f"{victim.phished} is phished", "a token for Graph")
    held.secrets["phished Graph token"] = token
    secret = await service_principal_secret_backdoor.plant(attacker, token, victim.object_id)
    held.traces["planted secret"] = secret.key_id
    held.secrets["planted client secret"] = secret.value
    tell("secret planted on service principal", f"key id {secret.key_id}")
    ask = partial(attacker.exchange_secret, victim.app_id, secret.value)
    blob = described["seed"]["storage"]["blob_url"]
    await cashing_in.read_blob(attacker, held, "planted secret", ask, blob)
    tell("data read by planted secret", "HTTP 200")
    return held


SCENARIO = Scenario(
    name="secret-on-service-principal",
    story="a client secret sits on orders-api's service principal, not on its application",
    victim=orders_api,
    attack=_attack,
    levers=(*OF_AN_APPLICATION, "remove_service_principal_credentials"),
)
