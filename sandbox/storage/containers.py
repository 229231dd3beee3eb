"""What lies in a storage account: containers, blobs, and the policy that makes them immutable.

Simulates   containers with block and append blobs; time-based retention of a whole container
Faithful    an immutable blob can be created and read, neither changed nor deleted before its time, and never
            overwritten; append blobs may grow where `allowProtectedAppendWrites` is set
Left out    legal holds, versions, snapshots, leases, soft delete, page blobs, tiers
Source      https://learn.microsoft.com/azure/storage/blobs/immutable-time-based-retention-policy-overview
"""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from sandbox.storage.errors import StorageError
from sandbox.world import Json, World


def new_etag() -> str:
    """Another one for every write."""
    return f'"0x8D{secrets.token_hex(6).upper()}"'


@dataclass
class Blob:
    """One blob. `modified` and `etag` change with every write."""

    kind: Literal["BlockBlob", "AppendBlob"]
    content: bytearray
    created: datetime
    modified: datetime
    content_type: str = "application/octet-stream"
    metadata: dict[str, str] = field(default_factory=dict)
    blocks: int = 0  # committed by Append Block
    etag: str = field(default_factory=new_etag)

    def touch(self, moment: datetime) -> None:
        """It was written."""
        self.modified, self.etag = moment, new_etag()


@dataclass(frozen=True)
class Retention:
    """A time-based retention policy of a container."""

    days: int
    protected_append_writes: bool


@dataclass
class Container:
    """One container."""

    created: datetime
    blobs: dict[str, Blob] = field(default_factory=dict)
    retention: Retention | None = None
    etag: str = field(default_factory=new_etag)

    def refuse_overwrite(self) -> None:
        """What has been under such a policy is never overwritten, not even after its time."""
        if self.retention is not None:
            raise StorageError("BlobImmutableDueToPolicy")

    def refuse_delete(self, blob: Blob, moment: datetime) -> None:
        """Retention is counted from the last write."""
        if self.retention and moment < blob.modified + timedelta(days=self.retention.days):
            raise StorageError("BlobImmutableDueToPolicy")

    def refuse_append(self) -> None:
        """Growing is a change, but for protected append writes."""
        if self.retention and not self.retention.protected_append_writes:
            raise StorageError("BlobImmutableDueToPolicy")


def plant(
    world: World, account: str, name: str, *, since: datetime, retention: Retention | None = None
) -> Container:
    """A container that is older than the run."""
    container = Container(created=since, retention=retention)
    world.containers[f"{account}/{name}"] = container
    return container


def plant_blob(container: Container, name: str, content: bytes, content_type: str) -> None:
    """A block blob as old as its container."""
    moment = container.created
    container.blobs[name] = Blob("BlockBlob", bytearray(content), moment, moment, content_type)


def account_of(world: World, name: str) -> Json:
    """The account's ARM resource. Raises 404 ResourceNotFound."""
    for resource in world.azure.resources.values():
        if resource["type"] == "Microsoft.Storage/storageAccounts" and resource["name"] == name:
            return resource
    raise StorageError("ResourceNotFound")


def container_of(world: World, account: str, name: str) -> Container:
    """Raises 404 ContainerNotFound."""
    container = world.containers.get(f"{account}/{name}")
    if container is None:
        raise StorageError("ContainerNotFound")
    return container


def blob_of(container: Container, name: str) -> Blob:
    """Raises 404 BlobNotFound."""
    blob = container.blobs.get(name)
    if blob is None:
        raise StorageError("BlobNotFound")
    return blob
