"""What can hold credentials: an application, or a service principal on its own.

Both have passwordCredentials, keyCredentials and owners, with the same actions under two addresses.
"""

from dataclasses import dataclass

from sandbox.graph import audit, directory, permissions, property_locks
from sandbox.graph.errors import denied
from sandbox.graph.exchange import Request
from sandbox.graph.schema import APPLICATION, SERVICE_PRINCIPAL, Resource
from sandbox.world import Json, Shelf, World


@dataclass(frozen=True, slots=True)
class Holder:
    """The object that a path is about, and where it is kept."""

    resource: Resource
    shelf: Shelf
    item: Json

    @property
    def object_id(self) -> str:
        """Its object id."""
        return str(self.item["id"])

    @property
    def is_application(self) -> bool:
        """Whether it is an application, not a service principal."""
        return self.resource is APPLICATION

    def check_lock(self, world: World, changed: Json) -> None:
        """Raises 400 where a service principal's application locks what is changed."""
        if not self.is_application:
            property_locks.check(world, self.item, changed)

    def write(self, changed: Json) -> None:
        """Keep the changed object."""
        self.shelf.put(self.object_id, changed)


def find(request: Request) -> Holder:
    """The holder that the path names. Raises 404."""
    world, key = request.world, request.params["key"]
    if request.path.lower().startswith("/applications"):
        item = directory.application(request, key)
        return Holder(APPLICATION, world.directory.applications, item)
    item = directory.service_principal(request, key)
    return Holder(SERVICE_PRINCIPAL, world.directory.service_principals, item)


def find_to_update(request: Request) -> Holder:
    """The holder, if the caller may change it. Raises 403, 404."""
    holder = find(request)
    permissions.update(request, holder.object_id)
    refuse_managed_identity(holder.item)
    return holder


def refuse_managed_identity(item: Json) -> None:
    """They "cannot be updated or modified directly". Raises 403.

    https://learn.microsoft.com/graph/api/resources/serviceprincipal (servicePrincipalType)
    """
    if item.get("servicePrincipalType") == "ManagedIdentity":
        raise denied()


def write_credentials(request: Request, holder: Holder, changed: Json) -> None:
    """Keep the object with its changed credentials, and say so in the audit log.

    https://learn.microsoft.com/entra/architecture/security-operations-applications
    """
    before, after = described(holder.item), described(changed)
    holder.check_lock(request.world, changed)
    holder.write(changed)
    if holder.is_application:
        operation = audit.CREDENTIALS_OF_APPLICATION
    elif len(after) < len(before):
        operation = "Remove service principal credentials"
    else:
        operation = "Add service principal credentials"
    change = audit.modified("KeyDescription", before, after)
    audit.record(request, operation, changed, [change])


def described(item: Json) -> list[str]:
    """One line per credential, as the audit log's KeyDescription has it."""
    keys = [("AsymmetricX509Cert", key["usage"], key) for key in item["keyCredentials"]]
    keys += [("Password", "Verify", key) for key in item["passwordCredentials"]]
    return [
        f"[KeyIdentifier={key['keyId']},KeyType={kind},KeyUsage={usage},"
        f"DisplayName={key['displayName'] or ''}]"
        for kind, usage, key in keys
    ]
