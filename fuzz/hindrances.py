"""What gets in the way of an incident: locks, propagation, faults, steps that come twice, and what a policy forbids."""

from typing import Literal

from fuzz.chance import Chance
from fuzz.identities import CLUSTERS
from fuzz.worlds import Identity, Json, Lock

_METHODS = ("new_subject", "wait_out", "wait_out", "rotate_keys", "rotate_keys", "accept_risk")


class Hindrances:
    """Draws in one order, as `drawing.py` does."""

    def __init__(self, chance: Chance, mode: Literal["contain", "respond"]) -> None:
        """Nothing is drawn yet."""
        self._chance, self._mode = chance, mode

    def locks(self, victim: Identity, stores: list[str]) -> list[Lock]:
        """On a store, a group or the victim itself."""
        if not self._chance.maybe(0.1):
            return []
        at = self._chance.choice([f"store:{one}" for one in stores] + ["group:rg-orders"])
        if victim["kind"] == "user_assigned_identity" and self._chance.maybe(0.5):
            at = f"identity:{victim['name']}"
        return [{"at": at, "level": self._chance.choice(("CanNotDelete", "ReadOnly"))}]

    def delays(self) -> dict[str, float]:
        """Some things are late, each by as much as Azure may be."""
        if not self._chance.maybe(0.4):
            return {}
        longest = {
            "federation": 240,
            "directory": 60,
            "role_assignments": 540,
            "vault_policies": 300,
            "resource_graph": 120,
            "ingestion": 900,
            "replication": 20,
            "directory_reads": 20,
            "issuer_keys": 300,
            "cluster_operations": 120,
        }
        chosen = self._chance.sample(sorted(longest), self._chance.randint(1, 3))
        return {name: float(self._chance.randint(1, longest[name])) for name in chosen}

    def faults(self) -> list[Json]:
        """Answers that go wrong a few times."""
        if not self._chance.maybe(0.4):
            return []
        kinds: list[Json] = [
            {"service": "graph", "status": 429, "retry_after": "0", "times": 6},
            {"service": "arm", "status": 429, "retry_after": "0", "times": 6},
            {"service": "graph", "method": "DELETE", "status": 503, "times": 3},
            {"service": "arm", "method": "DELETE", "status": 409, "times": 3},
            {"service": "graph", "method": "PATCH", "kind": "reset", "times": 2, "after": True},
            {"service": "arm", "method": "DELETE", "kind": "reset", "times": 2, "after": True},
            {
                "service": "arm",
                "method": "GET",
                "status": 403,
                "path": "roleAssignments",
                "times": 2,
            },
            {"service": "graph", "path": "owners", "status": 404, "times": 1},
            {
                "service": "graph",
                "path": "federatedId",
                "method": "POST",
                "status": 409,
                "times": 3,
            },
            {"service": "arm", "path": "federatedId", "method": "PUT", "status": 409, "times": 3},
            {"service": "arm", "path": "roleAssign", "method": "PUT", "status": 429, "times": 4},
            {"service": "login", "status": 503, "times": 4},
            {"service": f"kube-{self._chance.choice(CLUSTERS)}", "status": 429, "times": 6},
            {"service": f"kube-{self._chance.choice(CLUSTERS)}", "status": 500, "times": 4},
            {"service": f"kube-{self._chance.choice(CLUSTERS)}", "kind": "reset", "times": 3},
            {
                "service": f"kube-{self._chance.choice(CLUSTERS)}",
                "method": "PATCH",
                "kind": "reset",
                "times": 2,
                "after": True,
            },
            {"service": "*", "status": 503, "times": 5},
        ]
        return self._chance.sample(kinds, self._chance.randint(1, 3))

    def twice(self) -> list[str]:
        """Steps that are delivered twice."""
        steps = (
            "disable_service_principal",
            "take_snapshot",
            "remove_role_assignments",
            "remove_application_credentials",
            "remove_federated_credentials",
            "remove_identity_trusts",
            "verify_containment",
            "create_identity",
            "federate_identity",
            "grant_roles",
            "move_workloads",
            "create_service_accounts",
        )
        return self._chance.some(steps, 3) if self._chance.maybe(0.5) else []

    def policy(self) -> Json:
        """What a policy says otherwise than the one that is shipped."""
        containment: Json = {}
        if self._chance.maybe(0.15):
            containment["owners"] = "report"
        if self._chance.maybe(0.15):
            containment["memberships"] = "report"
        recovery: Json = {}
        if self._mode == "respond" and self._chance.maybe(0.6):
            method = self._chance.choice(_METHODS)
            recovery["refederation"] = dict.fromkeys(("credential", "cluster", "unknown"), method)
        if self._mode == "respond" and self._chance.maybe(0.3):
            recovery["quarantine"] = False
        both = {"containment": containment, "recovery": recovery}
        return {section: keys for section, keys in both.items() if keys}
