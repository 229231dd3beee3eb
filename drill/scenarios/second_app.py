"""Scenario: the compromised application makes another one with a permission of its own."""

from functools import partial

from drill.options import Json
from drill.scenarios.scenario import OF_AN_APPLICATION, Scenario, Tell, orders_api
from drill.scenarios.stolen_service_account_token import ACCOUNT, CLUSTER, NAMESPACE
from drill.verdict import contained
from sandbox.attacks import cashing_in, second_application
from sandbox.attacks.attacker import Attacker
from sandbox.attacks.held import Held

_PERMISSION = "Application.ReadWrite.OwnedBy"


def _ground(described: Json) -> Json:
    """orders-api was once allowed to register clients of its own."""
    holder = described["seed"]["orders_api"]["object_id"]
    return {"appRoleAssignments": [{"principalId": holder, "role": _PERMISSION}]}


async def _attack(attacker: Attacker, described: Json, tell: Tell) -> Held:
    held, victim = Held(), orders_api(described)
    stolen = await cashing_in.steal_account_token(attacker, held, CLUSTER, NAMESPACE, ACCOUNT)
    tell("ServiceAccount token stolen from a pod", CLUSTER)
    how = "stolen ServiceAccount token"
    ask = partial(attacker.exchange_assertion, victim.app_id, stolen)
    blob = described["seed"]["storage"]["blob_url"]
    await cashing_in.read_blob(attacker, held, how, ask, blob)
    graph = partial(attacker.exchange_assertion, victim.app_id, stolen, cashing_in.GRAPH_SCOPE)
    token = await cashing_in.buy(held, f"{how}, for Graph", graph)
    made = await second_application.make(attacker, token)
    held.secrets["secret of the second application"] = made.secret.value
    held.made["application"] = made.application_object_id
    held.made["service principal"] = made.object_id
    tell("second application made", f"{second_application.DISPLAY_NAME}, with a secret")
    return held


SCENARIO = Scenario(
    name="second-app",
    story="orders-api registers an application of the attacker's: the next suspect",
    victim=orders_api,
    attack=_attack,
    ground=_ground,
    levers=OF_AN_APPLICATION,
    further=(("next suspect", (contained.SUSPECTS,)),),
)
