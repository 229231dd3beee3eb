"""What a drill of a whole recovery is: an attack, how stolen tokens are shut out by policy, and how to tell."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from drill.options import Json
from drill.scenarios.scenario import Attack, Table
from drill.scene import Victim
from drill.verdict import attacker, bystander, contained, old_identity, people, recovered, workloads
from drill.verdict.facts import Check
from drill.verdict.levers import LEVERS

Method = Literal["new_subject", "wait_out", "rotate_keys", "accept_risk"]


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """What goes wrong in a cluster while it is to be recovered, and what mends it."""

    cluster: str
    says: str  # for a person
    broken: Json  # switches of the cluster
    mended: Json
    hangs: str = ""  # "namespace/Deployment" whose pods somebody has to delete once it is mended


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """An alert of severity 0 starts it; a person confirms all that the plan wants confirmed."""

    name: str
    story: str  # one line, for a person
    method: Method  # for every vector: what the policy of this drill says
    victim: Callable[[Json], Victim]
    attack: Attack
    levers: Sequence[str]  # names of steps; each has a check in `drill.verdict.levers`
    namespace: str  # of the workload whose tokens are stolen
    service_account: str
    ground: Callable[[Json], Json] = field(default=lambda _described: {})
    troubles: Sequence[Trouble] = ()  # one at a time; after each the incident waits to be resumed
    policy: Mapping[str, str] = field(default_factory=dict)  # keys of policy.toml -> their values
    further: Table = field(default=())

    def table(self) -> Table:
        """Every fact that has to hold, in the order in which an incident lead asks for them."""
        # Restarted workloads are others' as well: theirs run on, and are not byte for byte what they were.
        others = bystander.CHECKS if self.method != "rotate_keys" else (bystander.STILL_READS,)
        is_long = self.method == "wait_out" or bool(self.troubles)
        opens = attacker.NOTHING_OPENS_LATER if is_long else attacker.NOTHING_OPENS
        return (
            ("attacker", (attacker.NO_WAY_IN, opens, *_STOLEN[self.method])),
            ("old identity", tuple(LEVERS[step] for step in self.levers)),
            ("new identity", (*recovered.CHECKS, recovered.SUBJECTS[self.method == "new_subject"])),
            ("workloads", workloads.CHECKS),
            ("incident", (recovered.SAID, recovered.EXPLAINED[self.method], *_CLAIMS[self.method])),
            ("evidence", (contained.WRITTEN_FIRST, contained.TRACES)),
            ("bystander", others),
            ("people", people.CHECKS),
            *self.further,
        )


_OLD = (recovered.OLD_REFUSED, old_identity.NO_ACCOUNT)
_STOLEN: dict[Method, tuple[Check, ...]] = {
    "new_subject": (*_OLD, recovered.NEW_REFUSED),
    "wait_out": (*_OLD, recovered.NEW_REFUSED, recovered.EXPIRED_FIRST),
    "rotate_keys": (*_OLD, recovered.NEW_REFUSED),
    "accept_risk": (*_OLD, recovered.RISK_IS_AS_SAID),
}
_CLAIMS: dict[Method, tuple[Check, ...]] = {
    "new_subject": (recovered.NO_RISK_SAID,),
    "wait_out": (recovered.NO_RISK_SAID,),
    "rotate_keys": (recovered.NO_RISK_SAID,),
    "accept_risk": (recovered.RISK_SAID,),
}
