"""From a number to a world. The same number draws the same world."""

from typing import Literal

from fuzz.attacks import NOBODY, attack
from fuzz.chance import Chance
from fuzz.hindrances import Hindrances
from fuzz.identities import KINDS, REBUILT, Identities
from fuzz.running import Workloads
from fuzz.surroundings import Surroundings
from fuzz.worlds import World


def draw(seed: int, mode: Literal["contain", "respond"] = "contain") -> World:
    """The world of this number. It is drawn in one order: what comes first never depends on what comes later."""
    chance = Chance(seed)
    who = Identities(chance, mode)
    victim = who.identity("victim", chance.choice(REBUILT if mode == "respond" else KINDS))
    others = [
        who.identity(f"other{at}", chance.choice(KINDS)) for at in range(chance.randint(1, 3))
    ]
    identities = [victim, *others]
    running = Workloads(chance, who.stores, who.people)
    workloads = [one for each in identities for one in running.of(each)]
    running.let_read(identities, workloads)
    grants = running.cluster_grants(victim, workloads)
    around = Surroundings(chance, mode, victim, who.stores + who.vaults)
    around.settle(identities, workloads)
    hindrances = Hindrances(chance, mode)
    return {
        "name": f"{mode}-{seed}",
        "mode": mode,
        "opened_by": chance.choice(("alert", "alert", "responder")),
        "ending": around.ending(),
        "order": chance.randrange(1_000_000),
        "twice": hindrances.twice(),
        "victim": "victim",
        "identities": identities,
        "people": [who.person(each) for each in who.people],
        "stores": who.stores,
        "vaults": [who.vault(each, identities) for each in who.vaults],
        "workloads": workloads,
        "cluster_grants": grants,
        "locks": hindrances.locks(victim, who.stores),
        "gitops": around.gitops(workloads),
        "budgets": around.budgets(workloads),
        "consumers": around.consumers(workloads),
        "bindings": around.bindings(workloads),
        "subscriptions": around.subscriptions,
        "homes": around.homes,
        "troubles": around.troubles(workloads),
        "delays": hindrances.delays(),
        "faults": hindrances.faults(),
        "policy": hindrances.policy(),
        "attack": attack(chance, victim, workloads, who.people) if around.is_attacked else NOBODY,
    }
