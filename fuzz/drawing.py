"""From a number to a world. The same number draws the same world."""

from random import Random
from typing import Literal

from fuzz.plants import PLANTS
from fuzz.surroundings import Surroundings
from fuzz.worlds import (
    Attack,
    ClusterGrant,
    Foothold,
    Holder,
    Identity,
    Json,
    Kind,
    Lock,
    Person,
    Role,
    Trust,
    Vault,
    Workload,
    World,
)

CLUSTERS = ("aks-weu", "aks-neu", "aks-frc")
_KINDS: tuple[Kind, ...] = (
    *(("application",) * 10),
    *(("user_assigned_identity",) * 5),
    *(("foreign_application",) * 2),
    "application_without_principal",
    *(("system_assigned_identity",) * 2),
)
_REBUILT: tuple[Kind, ...] = ("application", "application", "user_assigned_identity")
_DATA = ("Storage Blob Data Reader", "Storage Blob Data Contributor", "Reader", "Contributor")
_STRONG = ("Owner", "User Access Administrator", "Managed Identity Contributor")
_PERMISSIONS = (
    "User.Read.All",
    "Directory.Read.All",
    "Application.Read.All",
    "Application.ReadWrite.OwnedBy",
    "GroupMember.ReadWrite.All",
)
_NOBODY: Attack = {"footholds": [], "plants": [], "stubborn": 0, "patient": False}
_METHODS = ("new_subject", "wait_out", "wait_out", "rotate_keys", "rotate_keys", "accept_risk")
_WORKLOADS = ("deployments", "deployments", "deployments", "statefulsets", "daemonsets")


def draw(seed: int, mode: Literal["contain", "respond"] = "contain") -> World:
    """The world of this number."""
    drawer = _Drawer(Random(seed), mode)  # noqa: S311 - repeatable, and no secret
    return drawer.world(f"{mode}-{seed}")


class _Drawer:
    """Draws in one order, always: what is drawn first never depends on what comes later."""

    def __init__(self, random: Random, mode: Literal["contain", "respond"]) -> None:
        self._random = random
        self._mode = mode
        self._stores = [f"stworld{at}" for at in range(random.randint(1, 3))]
        self._vaults = [f"kv-world{at}" for at in range(random.randint(0, 2))]
        self._people = [f"person{at}" for at in range(random.randint(1, 3))]
        self._machines = 0

    def world(self, name: str) -> World:
        random = self._random
        victim = self._identity("victim", random.choice(_REBUILT if self._respond else _KINDS))
        others = [
            self._identity(f"other{at}", random.choice(_KINDS))
            for at in range(random.randint(1, 3))
        ]
        identities = [victim, *others]
        workloads = [one for each in identities for one in self._workloads(each)]
        self._let_read(identities, workloads)
        grants = self._cluster_grants(victim, workloads)
        around = Surroundings(random, self._mode, victim, self._stores + self._vaults)
        around.settle(identities, workloads)
        return {
            "name": name,
            "mode": self._mode,
            "opened_by": random.choice(("alert", "alert", "responder")),
            "ending": around.ending(),
            "order": random.randrange(1_000_000),
            "twice": self._twice(),
            "victim": "victim",
            "identities": identities,
            "people": [self._person(each) for each in self._people],
            "stores": self._stores,
            "vaults": [self._vault(each, identities) for each in self._vaults],
            "workloads": workloads,
            "cluster_grants": grants,
            "locks": self._locks(victim),
            "gitops": around.gitops(workloads),
            "budgets": around.budgets(workloads),
            "consumers": around.consumers(workloads),
            "bindings": around.bindings(workloads),
            "subscriptions": around.subscriptions,
            "homes": around.homes,
            "troubles": around.troubles(workloads),
            "delays": self._delays(),
            "faults": self._faults(),
            "policy": self._policy(),
            "attack": self._attack(victim, workloads) if around.is_attacked else _NOBODY,
        }

    @property
    def _respond(self) -> bool:
        return self._mode == "respond"

    def _maybe(self, chance: float) -> bool:
        return self._random.random() < chance

    def _some(self, of: tuple[str, ...] | list[str], most: int) -> list[str]:
        return self._random.sample(list(of), min(len(of), self._random.randint(0, most)))

    def _identity(self, name: str, kind: Kind) -> Identity:
        random, application = self._random, kind in ("application", "application_without_principal")
        holders: list[Holder] = []
        if application:
            holders.append("application")
        if kind in ("application", "foreign_application"):
            holders.append("principal")
        managed = kind in ("user_assigned_identity", "system_assigned_identity")
        real = kind != "application_without_principal"
        return {
            "name": name,
            "kind": kind,
            "secrets": [random.choice(holders) for _ in range(random.randint(0, 2)) if holders],
            "certificates": [
                random.choice(holders) for _ in range(random.randint(0, 2)) if holders
            ],
            "trusts": self._trusts(name) if application or kind == "user_assigned_identity" else [],
            "roles": [self._role() for _ in range(random.randint(1, 4))] if real else [],
            "app_roles": self._some(_PERMISSIONS, 2) if real else [],
            "consents": ["User.Read"] if real and not managed and self._maybe(0.3) else [],
            "owners": self._some(self._people, 2) if not managed else [],
            "directory_roles": ["Directory Readers"] if real and self._maybe(0.1) else [],
            "machines": self._attached(kind),
        }

    def _attached(self, kind: Kind) -> list[str]:
        chance = {"system_assigned_identity": 1.0, "user_assigned_identity": 0.4}.get(kind, 0.0)
        if not self._maybe(chance):
            return []
        self._machines += 1
        return [f"vm-world{self._machines}"]

    def _trusts(self, name: str) -> list[Trust]:
        found: list[Trust] = []
        for cluster in self._random.sample(CLUSTERS, self._random.randint(0, len(CLUSTERS))):
            for at in range(self._random.randint(1, 2)):
                found.append({"cluster": cluster, "namespace": f"ns-{name}", "account": f"sa{at}"})
        if self._maybe(0.25):
            found.append({"cluster": "", "namespace": "", "account": name})
        return found

    def _role(self) -> Role:
        at = self._random.choice(
            (
                *(f"store:{one}" for one in self._stores * 2),
                *(f"vault:{one}" for one in self._vaults),
                "group:rg-orders",
                "subscription",
                "platform",
                "root",
            )
        )
        role = self._random.choice(_DATA)
        if at.startswith("vault:"):
            role = "Key Vault Secrets User"
        elif self._maybe(0.1):
            role = self._random.choice(_STRONG)
        conditional = role.startswith("Storage Blob") and self._maybe(0.2)
        return {
            "role": role,
            "at": at,
            "through": f"sg-world{self._random.randint(0, 1)}" if self._maybe(0.2) else "",
            "only_store": self._random.choice(self._stores) if conditional else "",
        }

    def _person(self, name: str) -> Person:
        roles: list[Role] = []
        if self._maybe(0.4):
            role = self._random.choice(("User Access Administrator", "Owner", "Contributor"))
            roles = [{"role": role, "at": "group:rg-orders", "through": "", "only_store": ""}]
        administers = not self._respond and self._maybe(0.1)
        return {
            "name": name,
            "roles": roles,
            "directory_roles": ["Cloud Application Administrator"] if administers else [],
        }

    def _vault(self, name: str, identities: list[Identity]) -> Vault:
        readers = [
            one["name"]
            for one in identities
            if self._maybe(0.6) and one["kind"] != "application_without_principal"
        ]
        return {"name": name, "readers": None if self._maybe(0.4) else readers}

    def _workloads(self, identity: Identity) -> list[Workload]:
        return [
            {
                "cluster": trust["cluster"],
                "namespace": trust["namespace"],
                "name": f"{trust['account']}-app",
                "account": trust["account"],
                "kind": self._random.choice(_WORKLOADS),
                "replicas": self._random.randint(1, 2),
                "identity": identity["name"],
                "reads": self._random.choice(self._stores),
                "knows": "annotation",
            }
            for trust in identity["trusts"]
            if trust["cluster"] and self._maybe(0.85)
        ]

    def _let_read(self, identities: list[Identity], workloads: list[Workload]) -> None:
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
            if self._maybe(0.8) and role not in roles:
                roles.append(role)

    def _cluster_grants(self, victim: Identity, workloads: list[Workload]) -> list[ClusterGrant]:
        found: list[ClusterGrant] = []
        mine = [one for one in workloads if one["identity"] == victim["name"]]
        for one in mine:
            if self._maybe(0.15):
                holders = [*self._people, victim["name"]]
                found.append(
                    {
                        "cluster": one["cluster"],
                        "namespace": one["namespace"] if self._maybe(0.7) else "",
                        "to": self._random.choice(holders),
                        "may": self._random.choice(("mint", "mint", "read", "pods", "bind")),
                    }
                )
        return found

    def _locks(self, victim: Identity) -> list[Lock]:
        if not self._maybe(0.1):
            return []
        at = self._random.choice([f"store:{one}" for one in self._stores] + ["group:rg-orders"])
        if victim["kind"] == "user_assigned_identity" and self._maybe(0.5):
            at = f"identity:{victim['name']}"
        return [{"at": at, "level": self._random.choice(("CanNotDelete", "ReadOnly"))}]

    def _delays(self) -> dict[str, float]:
        if not self._maybe(0.4):
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
        chosen = self._random.sample(sorted(longest), self._random.randint(1, 3))
        return {name: float(self._random.randint(1, longest[name])) for name in chosen}

    def _faults(self) -> list[Json]:
        if not self._maybe(0.4):
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
            {"service": f"kube-{self._random.choice(CLUSTERS)}", "status": 429, "times": 6},
            {"service": f"kube-{self._random.choice(CLUSTERS)}", "status": 500, "times": 4},
            {"service": f"kube-{self._random.choice(CLUSTERS)}", "kind": "reset", "times": 3},
            {
                "service": f"kube-{self._random.choice(CLUSTERS)}",
                "method": "PATCH",
                "kind": "reset",
                "times": 2,
                "after": True,
            },
            {"service": "*", "status": 503, "times": 5},
        ]
        return self._random.sample(kinds, self._random.randint(1, 3))

    def _twice(self) -> list[str]:
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
        return self._some(steps, 3) if self._maybe(0.5) else []

    def _policy(self) -> Json:
        containment: Json = {}
        if self._maybe(0.15):
            containment["owners"] = "report"
        if self._maybe(0.15):
            containment["memberships"] = "report"
        recovery: Json = {}
        if self._respond and self._maybe(0.6):
            method = self._random.choice(_METHODS)
            recovery["refederation"] = dict.fromkeys(("credential", "cluster", "unknown"), method)
        if self._respond and self._maybe(0.3):
            recovery["quarantine"] = False
        both = {"containment": containment, "recovery": recovery}
        return {section: keys for section, keys in both.items() if keys}

    def _attack(self, victim: Identity, workloads: list[Workload]) -> Attack:
        mine = [one for one in workloads if one["identity"] == victim["name"]]
        ways: list[Foothold] = []
        ways += [
            {"how": "secret", "of": "victim", "which": n} for n in range(len(victim["secrets"]))
        ]
        ways += [
            {"how": "certificate", "of": "victim", "which": n}
            for n in range(len(victim["certificates"]))
        ]
        ways += [{"how": "person", "of": one, "which": 0} for one in self._people]
        ways += [{"how": "machine", "of": one, "which": 0} for one in victim["machines"]]
        ways += [
            {"how": "pod", "of": f"{one['cluster']}/{one['namespace']}/{one['name']}", "which": 0}
            for one in mine
        ]
        chosen = self._random.sample(ways, min(len(ways), self._random.randint(1, 4)))
        return {
            "footholds": chosen,
            "plants": self._some([one for one in PLANTS if one not in ("enabled", "restored")], 4),
            "stubborn": self._random.choice((0, 0, 0, 1, 3)),
            "patient": self._maybe(0.5),
        }
