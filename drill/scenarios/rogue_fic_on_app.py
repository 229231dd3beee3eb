"""Scenario: the application trusts an issuer of the attacker's."""

from drill.options import Json
from drill.scenarios.scenario import OF_AN_APPLICATION, Scenario, Tell, orders_api
from sandbox.attacks import application_fic_backdoor, cashing_in
from sandbox.attacks.attacker import Attacker, TokenAnswer
from sandbox.attacks.compromise import GRAPH
from sandbox.attacks.held import Held


async def _attack(attacker: Attacker, described: Json, tell: Tell) -> Held:
    held, victim = Held(), orders_api(described)
    token = await attacker.phish(victim.phished, GRAPH)
    tell(f"{victim.phished} is phished", "a token for Graph")
    held.secrets["phished Graph token"] = token
    trust = await application_fic_backdoor.plant(attacker, token, victim.application_object_id)
    held.traces["rogue federated credential"] = trust.credential_id
    tell("rogue federated credential planted", trust.issuer)

    async def forge() -> TokenAnswer:
        forged = await attacker.forge_assertion(trust.issuer, trust.subject)
        return await attacker.exchange_assertion(victim.app_id, forged)

    blob = described["seed"]["storage"]["blob_url"]
    await cashing_in.read_blob(attacker, held, "rogue trust", forge, blob)
    tell("data read by rogue trust", "HTTP 200")
    return held


SCENARIO = Scenario(
    name="rogue-fic-on-app",
    story="orders-api trusts an issuer of the attacker's; no list of secrets shows it",
    victim=orders_api,
    attack=_attack,
    levers=OF_AN_APPLICATION,
)
