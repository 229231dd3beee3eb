"""What an ARM path points at.

Source      https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
            https://learn.microsoft.com/azure/azure-resource-manager/management/extension-resource-types
"""

import re
from dataclasses import dataclass

_PROVIDERS = re.compile(r".*(/providers/)", re.IGNORECASE)
_VERBS = {"PUT": "write", "PATCH": "write", "DELETE": "delete", "GET": "read", "HEAD": "read"}


@dataclass(frozen=True, slots=True)
class Target:
    """A resource, a collection, or an action on a resource."""

    scope: str  # what an extension resource hangs on; the resource group of any other one
    namespace: str  # Microsoft.ContainerService
    types: tuple[str, ...]  # managedClusters, agentPools
    names: tuple[str, ...]  # one fewer than `types` for a collection or an action

    @property
    def resource_type(self) -> str:
        """`Microsoft.ContainerService/managedClusters`, without an action's own name."""
        kinds = self.types if self.is_collection_or_resource else self.types[:-1]
        return "/".join((self.namespace, *kinds))

    @property
    def is_collection_or_resource(self) -> bool:
        """False only for `…/managedClusters/aks-weu/listClusterUserCredential` and the like."""
        return len(self.types) == 1 or not _looks_like_an_action(self.types[-1])

    def resource_id(self, path: str) -> str:
        """The id of the resource that a call to this path touches."""
        return path if self.is_collection_or_resource else path.rsplit("/", 1)[0]

    def operation(self, method: str) -> str:
        """The RBAC operation: `…/write`, `…/delete`, `…/read`, `…/listX/action`."""
        if not self.is_collection_or_resource:
            return f"{'/'.join((self.namespace, *self.types))}/action"
        return f"{self.resource_type}/{_VERBS.get(method, 'action')}"


def normal(path: str) -> str:
    """Without empty segments and without a slash at the end, as ARM reads it."""
    return "/" + "/".join(part for part in path.split("/") if part)


def parse(path: str) -> Target:
    """Split a normal path at its last `/providers/`."""
    match = _PROVIDERS.match(path)
    if match is None:
        return _subscription_or_group(path)
    scope, rest = path[: match.start(1)], path[match.end(1) :]
    namespace, *tail = rest.split("/")
    if not tail:  # a resource provider itself
        return Target(scope, "Microsoft.Resources", ("subscriptions", "providers"), (namespace,))
    return Target(scope or "/", namespace, tuple(tail[0::2]), tuple(tail[1::2]))


def resource_group_of(resource_id: str) -> str:
    """The resource group's name, or nothing above one."""
    found = re.search(r"/resourceGroups/([^/]+)", resource_id, re.IGNORECASE)
    return found.group(1) if found else ""


def subscription_of(resource_id: str) -> str:
    """The subscription's id, or nothing above one."""
    found = re.match(r"/subscriptions/([^/]+)", resource_id, re.IGNORECASE)
    return found.group(1) if found else ""


def _subscription_or_group(path: str) -> Target:
    parts = path.strip("/").split("/")
    kinds, names = tuple(parts[0::2]), tuple(parts[1::2])
    return Target(path, "Microsoft.Resources", kinds, names)


def _looks_like_an_action(word: str) -> bool:
    return word.lower() in _ACTIONS


_ACTIONS = {
    "listclusterusercredential",
    "listclusteradmincredential",
    "listclustermonitoringusercredential",
    "runcommand",
    "rotateserviceaccountsigningkeys",
    "rotateclustercertificates",
    "revoketokens",
    "listkeys",
}
