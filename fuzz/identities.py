"""Who is in a world: identities with what they have and may do, people, and vaults with their readers."""

from typing import Literal

from fuzz.chance import Chance
from fuzz.worlds import Holder, Identity, Kind, Person, Role, Trust, Vault

CLUSTERS = ("aks-weu", "aks-neu", "aks-frc")
KINDS: tuple[Kind, ...] = (
    *(("application",) * 10),
    *(("user_assigned_identity",) * 5),
    *(("foreign_application",) * 2),
    "application_without_principal",
    *(("system_assigned_identity",) * 2),
)
REBUILT: tuple[Kind, ...] = ("application", "application", "user_assigned_identity")
_DATA = ("Storage Blob Data Reader", "Storage Blob Data Contributor", "Reader", "Contributor")
_STRONG = ("Owner", "User Access Administrator", "Managed Identity Contributor")
_PERMISSIONS = (
    "User.Read.All",
    "Directory.Read.All",
    "Application.Read.All",
    "Application.ReadWrite.OwnedBy",
    "GroupMember.ReadWrite.All",
)


class Identities:
    """Draws in one order, as `drawing.py` does. First of all come the places and the people."""

    def __init__(self, chance: Chance, mode: Literal["contain", "respond"]) -> None:
        """`chance` is drawn from at once."""
        self._chance, self._mode = chance, mode
        self.stores = [f"stworld{at}" for at in range(chance.randint(1, 3))]
        self.vaults = [f"kv-world{at}" for at in range(chance.randint(0, 2))]
        self.people = [f"person{at}" for at in range(chance.randint(1, 3))]
        self._machines = 0

    def identity(self, name: str, kind: Kind) -> Identity:
        """Of this kind, and what such a one can have."""
        chance, application = self._chance, kind in ("application", "application_without_principal")
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
            "secrets": [chance.choice(holders) for _ in range(chance.randint(0, 2)) if holders],
            "certificates": [
                chance.choice(holders) for _ in range(chance.randint(0, 2)) if holders
            ],
            "trusts": self._trusts(name) if application or kind == "user_assigned_identity" else [],
            "roles": [self._role() for _ in range(chance.randint(1, 4))] if real else [],
            "app_roles": self._chance.some(_PERMISSIONS, 2) if real else [],
            "consents": ["User.Read"] if real and not managed and self._chance.maybe(0.3) else [],
            "owners": self._chance.some(self.people, 2) if not managed else [],
            "directory_roles": ["Directory Readers"] if real and self._chance.maybe(0.1) else [],
            "machines": self._attached(kind),
        }

    def person(self, name: str) -> Person:
        """Mostly somebody without rights."""
        roles: list[Role] = []
        if self._chance.maybe(0.4):
            role = self._chance.choice(("User Access Administrator", "Owner", "Contributor"))
            roles = [{"role": role, "at": "group:rg-orders", "through": "", "only_store": ""}]
        administers = self._mode != "respond" and self._chance.maybe(0.1)
        return {
            "name": name,
            "roles": roles,
            "directory_roles": ["Cloud Application Administrator"] if administers else [],
        }

    def vault(self, name: str, identities: list[Identity]) -> Vault:
        """Opened by role, or by policies that name its readers."""
        readers = [
            one["name"]
            for one in identities
            if self._chance.maybe(0.6) and one["kind"] != "application_without_principal"
        ]
        return {"name": name, "readers": None if self._chance.maybe(0.4) else readers}

    def _attached(self, kind: Kind) -> list[str]:
        chance = {"system_assigned_identity": 1.0, "user_assigned_identity": 0.4}.get(kind, 0.0)
        if not self._chance.maybe(chance):
            return []
        self._machines += 1
        return [f"vm-world{self._machines}"]

    def _trusts(self, name: str) -> list[Trust]:
        found: list[Trust] = []
        for cluster in self._chance.sample(CLUSTERS, self._chance.randint(0, len(CLUSTERS))):
            for at in range(self._chance.randint(1, 2)):
                found.append({"cluster": cluster, "namespace": f"ns-{name}", "account": f"sa{at}"})
        if self._chance.maybe(0.25):
            found.append({"cluster": "", "namespace": "", "account": name})
        return found

    def _role(self) -> Role:
        at = self._chance.choice(
            (
                *(f"store:{one}" for one in self.stores * 2),
                *(f"vault:{one}" for one in self.vaults),
                "group:rg-orders",
                "subscription",
                "platform",
                "root",
            )
        )
        role = self._chance.choice(_DATA)
        if at.startswith("vault:"):
            role = "Key Vault Secrets User"
        elif self._chance.maybe(0.1):
            role = self._chance.choice(_STRONG)
        conditional = role.startswith("Storage Blob") and self._chance.maybe(0.2)
        return {
            "role": role,
            "at": at,
            "through": f"sg-world{self._chance.randint(0, 1)}" if self._chance.maybe(0.2) else "",
            "only_store": self._chance.choice(self.stores) if conditional else "",
        }
