"""Who attacks, from where, with what, and how long."""

from fuzz.chance import Chance
from fuzz.plants import PLANTS
from fuzz.worlds import Attack, Foothold, Identity, Workload

NOBODY: Attack = {"footholds": [], "plants": [], "stubborn": 0, "patient": False}


def attack(
    chance: Chance, victim: Identity, workloads: list[Workload], people: list[str]
) -> Attack:
    """Some of the ways in that there are."""
    mine = [one for one in workloads if one["identity"] == victim["name"]]
    ways: list[Foothold] = []
    ways += [{"how": "secret", "of": "victim", "which": n} for n in range(len(victim["secrets"]))]
    ways += [
        {"how": "certificate", "of": "victim", "which": n}
        for n in range(len(victim["certificates"]))
    ]
    ways += [{"how": "person", "of": one, "which": 0} for one in people]
    ways += [{"how": "machine", "of": one, "which": 0} for one in victim["machines"]]
    ways += [
        {"how": "pod", "of": f"{one['cluster']}/{one['namespace']}/{one['name']}", "which": 0}
        for one in mine
    ]
    chosen = chance.sample(ways, min(len(ways), chance.randint(1, 4)))
    return {
        "footholds": chosen,
        "plants": chance.some([one for one in PLANTS if one not in ("enabled", "restored")], 4),
        "stubborn": chance.choice((0, 0, 0, 1, 3)),
        "patient": chance.maybe(0.5),
    }
