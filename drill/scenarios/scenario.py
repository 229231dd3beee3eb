"""What a scenario is: an attack, the identity it abuses, the levers that end it, and how to tell that they did."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from drill.options import Json
from drill.scene import Victim
from drill.verdict import attacker as attackers
from drill.verdict import bystander, contained, people
from drill.verdict.facts import Check
from drill.verdict.levers import LEVERS
from sandbox.attacks.attacker import Attacker
from sandbox.attacks.held import Held

Tell = Callable[[str, str], None]
Attack = Callable[[Attacker, Json, Tell], Awaitable[Held]]
Table = Sequence[tuple[str, Sequence[Check]]]

# What Firebreak pulls for an application of the tenant that has all that orders-api has.
OF_AN_APPLICATION = (
    "disable_service_principal",
    "deactivate_application",
    "remove_federated_credentials",
    "remove_application_credentials",
    "remove_role_assignments",
    "remove_app_roles",
    "remove_oauth_grants",
    "remove_memberships",
    "remove_key_vault_policies",
    "remove_owners",
    "confirm_compromised",
)


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One module, one of these. An alert of severity 1 starts it: containment, and nobody is asked."""

    name: str
    story: str  # one line, for a person
    victim: Callable[[Json], Victim]  # by what sandbox.json says
    attack: Attack
    levers: Sequence[str]  # names of steps; each has a check in `drill.verdict.levers`
    ground: Callable[[Json], Json] = lambda _described: {}  # planted long before: /sandbox/seed
    further: Table = field(default=())  # facts that only this scenario has

    def table(self) -> Table:
        """Every fact that has to hold, in the order in which an incident lead asks for them."""
        return (
            ("attacker", (attackers.NO_WAY_IN, attackers.NOTHING_OPENS)),
            ("identity", tuple(LEVERS[step] for step in self.levers)),
            ("incident", (contained.SAID, contained.RESIDUAL)),
            ("evidence", (contained.WRITTEN_FIRST, contained.TRACES)),
            ("bystander", bystander.CHECKS),
            ("people", people.CHECKS),
            *self.further,
        )


def orders_api(described: Json) -> Victim:
    """The application that most scenarios are about; dana is its owner."""
    ids = described["seed"]["orders_api"]
    return Victim(ids["app_id"], ids["application_object_id"], ids["object_id"], "dana")
