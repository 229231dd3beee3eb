"""Where everything of a world lies in a running sandbox: addresses and ids, by name."""

from collections.abc import Mapping

from fuzz.worlds import Json, made_id

_STORE = "Microsoft.Storage/storageAccounts"
_GROUP = "rg-orders"


class Ground:
    """Addresses in a running sandbox, by what `sandbox.json` says."""

    def __init__(self, described: Json, homes: Mapping[str, str] | None = None) -> None:
        """`described`: the content of sandbox.json; `homes`: as a world has them."""
        self.described = described
        self._homes = homes or {}
        self.endpoints: dict[str, str] = described["endpoints"]
        self.subscription = f"/subscriptions/{described['subscription_id']}"
        self.group = f"{self.subscription}/resourceGroups/{_GROUP}"

    def subscription_of(self, name: str) -> str:
        """The subscription that this store, vault, identity or machine is in."""
        home = self._homes.get(name)
        return f"/subscriptions/{made_id('subscription', home)}" if home else self.subscription

    def group_of(self, name: str) -> str:
        """The resource group that this store, vault, identity or machine is in."""
        return f"{self.subscription_of(name)}/resourceGroups/{_GROUP}"

    def place(self, name: str) -> Json:
        """The same, as a seed names it."""
        home = self._homes.get(name)
        return {"subscriptionId": made_id("subscription", home)} if home else {}

    def store_id(self, name: str) -> str:
        """Resource id of a storage account."""
        return f"{self.group_of(name)}/providers/{_STORE}/{name}"

    def vault_id(self, name: str) -> str:
        """Resource id of a key vault."""
        return f"{self.group_of(name)}/providers/Microsoft.KeyVault/vaults/{name}"

    def identity_id(self, name: str) -> str:
        """Resource id of a user-assigned identity."""
        kind = "Microsoft.ManagedIdentity/userAssignedIdentities"
        return f"{self.group_of(name)}/providers/{kind}/{name}"

    def cluster_id(self, name: str) -> str:
        """Resource id of an AKS cluster."""
        return str(self.described["seed"]["clusters"][name]["resource_id"])

    def blob_url(self, store: str) -> str:
        """The one blob of a store."""
        return f"{self.endpoints['storage']}/{store}/data/secret.csv"

    def secret_url(self, vault: str) -> str:
        """The one secret of a vault."""
        return f"{self.endpoints['keyvault']}/{vault}/secrets/password?api-version=7.4"

    def issuer(self, cluster: str) -> str:
        """A cluster's issuer, or that of somebody outside where there is no cluster."""
        if cluster:
            return str(self.described["seed"]["clusters"][cluster]["issuer"])
        return f"{self.endpoints['oidc']}/partner-ci/"

    def scope(self, at: str) -> str:
        """The scope that a role or a lock is at."""
        kind, _, name = at.partition(":")
        root = f"/providers/Microsoft.Management/managementGroups/{self.described['tenant_id']}"
        platform = "/providers/Microsoft.Management/managementGroups/mg-platform"
        fixed = {"subscription": self.subscription, "platform": platform, "root": root}
        if at in fixed:
            return fixed[at]
        if kind == "subscription":
            return f"/subscriptions/{made_id('subscription', name)}"
        named = {"store": self.store_id, "vault": self.vault_id, "identity": self.identity_id}
        return named[kind](name) if kind in named else f"{self.subscription}/resourceGroups/{name}"
