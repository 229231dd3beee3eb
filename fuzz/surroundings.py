"""What is drawn around the identities of a world: what their clusters are like, where things lie, and how it ends."""

from typing import Literal

from fuzz.chance import Chance
from fuzz.worlds import Binding, Budget, Consumer, GitOps, Identity, Knows, Trouble, Workload

_KNOWS: tuple[Knows, ...] = (*(("annotation",) * 6), "variable", "configmap", "secret")
_KINDS: tuple[
    Literal[
        "secretproviderclasses", "triggerauthentications", "storageclasses", "persistentvolumes"
    ],
    ...,
] = ("secretproviderclasses", "triggerauthentications", "storageclasses", "persistentvolumes")
_TROUBLES: tuple[Trouble, ...] = ("down", "falls", "webhook")


class Surroundings:
    """Draws in one order, as `drawing.py` does."""

    def __init__(
        self,
        chance: Chance,
        mode: Literal["contain", "respond"],
        victim: Identity,
        places: list[str],
    ) -> None:
        """`places`: stores and vaults."""
        self._chance, self._mode, self._victim = chance, mode, victim
        self.subscriptions = ["sub-world0"] if chance.maybe(0.25) else []
        self.homes = {
            name: one for one in self.subscriptions for name in places if chance.maybe(0.4)
        }
        self._restores = chance.maybe(0.2 if mode == "contain" else 0.1)
        self.is_attacked = not self._restores or chance.maybe(0.4)

    def settle(self, identities: list[Identity], workloads: list[Workload]) -> None:
        """Identities lie elsewhere, have a role there, or are bound to a cluster; workloads have ways to know them."""
        for one in identities:
            managed = one["kind"] == "user_assigned_identity"
            for name in self.subscriptions:
                if managed and self._chance.maybe(0.4):
                    self.homes[one["name"]] = name
                if one["roles"] and self._chance.maybe(0.4):
                    at = f"subscription:{name}"
                    role = {"role": "Reader", "at": at, "through": "", "only_store": ""}
                    one["roles"].append(role)  # type: ignore[arg-type]  # exactly these keys
        for work in workloads:
            work["knows"] = self._chance.choice(_KNOWS)
            if self._chance.maybe(0.05):
                work["kind"] = "pods"
        if self._victim["kind"] == "user_assigned_identity" and self._chance.maybe(0.25):
            self._bind(workloads)

    def ending(self) -> Literal["watch", "restore"]:
        """Mostly nobody takes it back."""
        return "restore" if self._restores else "watch"

    def gitops(self, workloads: list[Workload]) -> list[GitOps]:
        """Git owns some of what runs in one cluster."""
        owned = [
            one
            for one in self._mine(workloads)
            if one["kind"] != "pods" and self._chance.maybe(0.6)
        ]
        if not owned or not self._chance.maybe(0.35):
            return []
        cluster = self._chance.choice(owned)["cluster"]
        names = [f"{one['namespace']}/{one['name']}" for one in owned if one["cluster"] == cluster]
        tool: Literal["flux", "argo"] = self._chance.choice(("flux", "argo"))
        return [{"cluster": cluster, "tool": tool, "owns": names}]

    def budgets(self, workloads: list[Workload]) -> list[Budget]:
        """Some let none of their pods go."""
        return [
            {"cluster": one["cluster"], "namespace": one["namespace"], "name": one["name"]}
            for one in workloads
            if one["kind"] != "pods" and self._chance.maybe(0.12)
        ]

    def consumers(self, workloads: list[Workload]) -> list[Consumer]:
        """What else names the client id, where a workload of it runs."""
        found: list[Consumer] = []
        for at, one in enumerate(workloads):
            if self._chance.maybe(0.12):
                kind = self._chance.choice(_KINDS)
                where = {"cluster": one["cluster"], "namespace": one["namespace"]}
                named = {"name": f"consumer{at}", "kind": kind, "identity": one["identity"]}
                found.append({**where, **named})  # type: ignore[typeddict-item]  # all its keys
        return found

    def bindings(self, workloads: list[Workload]) -> list[Binding]:
        """One for each cluster in which something is bound."""
        places = {
            (one["cluster"], one["identity"]) for one in workloads if one["knows"] == "binding"
        }
        return [{"cluster": cluster, "identity": name} for cluster, name in sorted(places)]

    def troubles(self, workloads: list[Workload]) -> dict[str, Trouble]:
        """One cluster in which something is to be rebuilt is not well, or two."""
        places = sorted({one["cluster"] for one in self._mine(workloads)})
        if self._mode == "contain" or not places or not self._chance.maybe(0.35):
            return {}
        chosen = self._chance.sample(places, min(len(places), self._chance.choice((1, 1, 2))))
        return {one: self._chance.choice(_TROUBLES) for one in chosen}

    def _mine(self, workloads: list[Workload]) -> list[Workload]:
        return [one for one in workloads if one["identity"] == self._victim["name"]]

    def _bind(self, workloads: list[Workload]) -> None:
        """A workload of the victim that needs no trust for its ServiceAccount."""
        mine = self._mine(workloads)
        if mine:
            like = self._chance.choice(mine)
            bound: Workload = {**like, "name": "bound-app", "account": "bound", "knows": "binding"}
            workloads.append({**bound, "kind": "deployments"})
