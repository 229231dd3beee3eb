"""What runs in a world: workloads, what they can read, and who may do what in their clusters."""

from fuzz.chance import Chance
from fuzz.worlds import ClusterGrant, Identity, Role, Workload

_KINDS = ("deployments", "deployments", "deployments", "statefulsets", "daemonsets")


class Workloads:
    """Draws in one order, as `drawing.py` does."""

    def __init__(self, chance: Chance, stores: list[str], people: list[str]) -> None:
        """`stores` are what they read, `people` may get rights in clusters."""
        self._chance, self._stores, self._people = chance, stores, people

    def of(self, identity: Identity) -> list[Workload]:
        """One for most of its trusts in clusters."""
        return [
            {
                "cluster": trust["cluster"],
                "namespace": trust["namespace"],
                "name": f"{trust['account']}-app",
                "account": trust["account"],
                "kind": self._chance.choice(_KINDS),
                "replicas": self._chance.randint(1, 2),
                "identity": identity["name"],
                "reads": self._chance.choice(self._stores),
                "knows": "annotation",
            }
            for trust in identity["trusts"]
            if trust["cluster"] and self._chance.maybe(0.85)
        ]

    def let_read(self, identities: list[Identity], workloads: list[Workload]) -> None:
        """Most workloads can read what they are there to read: else that they are back would prove nothing."""
        named = {
            one["name"]: one for one in identities if one["kind"] != "application_without_principal"
        }
        for work in workloads:
            if work["identity"] not in named:
                continue
            role: Role = {
                "role": "Storage Blob Data Reader",
                "at": f"store:{work['reads']}",
                "through": "",
                "only_store": "",
            }
            roles = named[work["identity"]]["roles"]
            if self._chance.maybe(0.8) and role not in roles:
                roles.append(role)

    def cluster_grants(self, victim: Identity, workloads: list[Workload]) -> list[ClusterGrant]:
        """Rights beside the victim's workloads, some of them its own."""
        found: list[ClusterGrant] = []
        mine = [one for one in workloads if one["identity"] == victim["name"]]
        for one in mine:
            if self._chance.maybe(0.15):
                holders = [*self._people, victim["name"]]
                found.append(
                    {
                        "cluster": one["cluster"],
                        "namespace": one["namespace"] if self._chance.maybe(0.7) else "",
                        "to": self._chance.choice(holders),
                        "may": self._chance.choice(("mint", "mint", "read", "pods", "bind")),
                    }
                )
        return found
