"""Responder: the evidence store in Azure Blob Storage, for an app with more than one instance.

Stops    nothing
Leaves   blobs that are created once and logs that only grow; the container may be immutable
Undo     none needed
Needs    NEEDS, below
Source   https://learn.microsoft.com/azure/storage/blobs/immutable-storage-overview
         https://learn.microsoft.com/rest/api/storageservices/append-block
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from azure.core import MatchConditions
from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError, HttpResponseError
from azure.storage.blob import BlobClient, ContainerClient, LinearRetry

from responders import own_credential
from responders.calls import map_azure_error
from responders.errors import ConflictError, ContractChangedError, NotFoundError, RefusedError
from responders.evidence import Claims, EvidenceRef, EvidenceStore, checked_path, digest
from responders.evidence_transport import EvidenceTransport
from responders.needs import BLOBS, AzureNeed, Needs
from responders.settings import Settings

# Old enough to be in every region and sovereign cloud: the SDK's newest is not, for weeks.
# https://learn.microsoft.com/rest/api/storageservices/versioning-for-the-azure-storage-services
_API_VERSION = "2023-11-03"
_ONE_PUT = 256 * 1024 * 1024  # bytes in one request: whole or not at all, without staged blocks
RETRIES, RETRY_DELAY_S = 2, 1  # the SDK's own would be three, after 15 seconds and more
_CLAIM_TRIES = 5  # claims that are released between our write and our read
NEEDS: Final = Needs(
    azure=(
        AzureNeed(
            f"{BLOBS}/read", "read evidence back", ("EvidenceBlobs",), data=True, scope="evidence"
        ),
        AzureNeed(
            f"{BLOBS}/add/action",
            "add evidence, and never change any",
            ("EvidenceBlobs",),
            data=True,
            scope="evidence",
        ),
        AzureNeed(
            f"{BLOBS}/read", "who has claimed what", ("EvidenceBlobs",), data=True, scope="claims"
        ),
        AzureNeed(
            f"{BLOBS}/write",
            "claim, and hand a claim on",
            ("EvidenceBlobs",),
            data=True,
            scope="claims",
        ),
        AzureNeed(
            f"{BLOBS}/delete", "release a claim", ("EvidenceBlobs",), data=True, scope="claims"
        ),
    ),
)


class _ImmutableError(RefusedError):
    """The container's policy forbids it: it is there already, or may not grow."""


class EvidenceBlobs(EvidenceStore):
    """Immutable objects and logs in one container, claims in another, which no policy makes immutable."""

    def __init__(self, url: str, credential: TokenCredential, ca_bundle: Path | None) -> None:
        """Nothing is called yet. Both containers must exist."""
        containers = (url, f"{url}-claims")
        transport = EvidenceTransport(containers, ca_bundle)
        self._evidence, self._claims = (
            ContainerClient.from_container_url(
                one,
                credential=credential,
                transport=transport,
                retry_policy=LinearRetry(RETRY_DELAY_S, RETRIES, random_jitter_range=0),
                permit_redirects=False,
                max_single_put_size=_ONE_PUT,
                api_version=_API_VERSION,
            )
            for one in containers
        )

    @classmethod
    def connect(cls, url: str, settings: Settings) -> "EvidenceBlobs":
        """As the app's own identity."""
        return cls(url, own_credential.synchronous(settings), settings.ca_bundle)

    def put(self, path: str, content: bytes) -> EvidenceRef:
        """Write once. The same bytes again are fine; other bytes raise `ConflictError`."""
        try:
            self._create(self._blob(path), content)
        except (ConflictError, _ImmutableError):
            if self.get(path) != content:
                raise ConflictError(f"evidence {path} exists with other content") from None
        return {"path": path, "sha256": digest(content), "size": len(content)}

    def get(self, path: str) -> bytes:
        """The bytes. Raises `NotFoundError`: "not there" is never "empty"."""
        return self._read(self._blob(path))[0]

    def exists(self, path: str) -> bool:
        """Whether something was put there, whole."""
        blob = self._blob(path)
        try:
            # Not the SDK's `exists`: it takes a container that is not there for an answer.
            with _call(f"HEAD {path}"):
                blob.get_blob_properties()
        except NotFoundError:
            return False
        return True

    def list(self, folder: str) -> list[str]:
        """Paths below a folder, sorted."""
        prefix = f"{checked_path(folder)}/" if folder else None
        with _call(f"list of {folder}"):
            return sorted(self._evidence.list_blob_names(name_starts_with=prefix))

    def claim(self, path: str, content: bytes) -> bytes | None:
        """Conditional create: None when this call made it, else what somebody wrote before."""
        blob = self._claims.get_blob_client(checked_path(path))
        for _ in range(_CLAIM_TRIES):
            try:
                self._create(blob, content)
            except ConflictError:
                try:
                    return self._read(blob)[0]
                except NotFoundError:
                    continue
            return None
        raise ConflictError(f"claim {path} comes and goes")

    def claimed(self, path: str) -> bytes | None:
        """What a claim holds now; None where nobody has made it."""
        try:
            return self._read(self._claims.get_blob_client(checked_path(path)))[0]
        except NotFoundError:
            return None

    def claims(self, folder: str) -> Claims:
        """Paths of the claims below a folder that are held now, sorted."""
        with _call(f"list of claims {folder}"):
            return sorted(self._claims.list_blob_names(name_starts_with=f"{checked_path(folder)}/"))

    def replace_claim(self, path: str, expected: bytes, content: bytes) -> bool:
        """Swap a claim if it is still the expected one. False: somebody was faster."""
        blob = self._claims.get_blob_client(checked_path(path))
        try:
            found, etag = self._read(blob)
            if found != expected:
                return False
            with _call(f"PUT {path}"):
                blob.upload_blob(
                    content,
                    overwrite=True,
                    etag=etag,
                    match_condition=MatchConditions.IfNotModified,
                )
        except NotFoundError:
            return False
        except ConflictError:
            # A write whose answer was lost is sent again and loses against itself.
            return self.claimed(path) == content
        return True

    def release_claim(self, path: str, expected: bytes) -> None:
        """Drop a claim that is still ours; another one's is left alone."""
        blob = self._claims.get_blob_client(checked_path(path))
        try:
            found, etag = self._read(blob)
            if found == expected:
                with _call(f"DELETE {path}"):
                    blob.delete_blob(etag=etag, match_condition=MatchConditions.IfNotModified)
        except (NotFoundError, ConflictError):
            return  # gone, or another's by now

    def append(self, path: str, content: bytes, *, expected: int) -> None:
        """Add bytes to a log that is `expected` bytes long, durably. `ConflictError`: it is not."""
        blob = self._blob(path)
        try:
            with _call(f"append to {path}"):
                if expected == 0:
                    _begin(blob)
                blob.append_block(content, appendpos_condition=expected, validate_content=True)
        except NotFoundError:
            raise ConflictError(f"{path} is not there, {expected} bytes were expected") from None
        except ConflictError:
            # A block whose answer was lost is sent again and finds itself at its place.
            if self.get(path)[expected:].startswith(content):
                return
            raise

    def _blob(self, path: str) -> BlobClient:
        return self._evidence.get_blob_client(checked_path(path))

    def _create(self, blob: BlobClient, content: bytes) -> None:
        with _call(f"PUT {blob.blob_name}"):
            blob.upload_blob(content, overwrite=False, validate_content=True)

    def _read(self, blob: BlobClient) -> tuple[bytes, str]:
        """The bytes, and the state that they are."""
        with _call(f"GET {blob.blob_name}"):
            answer = blob.download_blob()
            return answer.readall(), answer.properties.etag


def _begin(blob: BlobClient) -> None:
    """An empty log, if there is none."""
    try:
        blob.create_append_blob(match_condition=MatchConditions.IfMissing)
    except HttpResponseError as error:
        if _code(error) not in {"BlobAlreadyExists", "BlobImmutableDueToPolicy"}:
            raise


@contextmanager
def _call(target: str) -> Iterator[None]:
    """Around one call: the SDK's exceptions become those of `errors`."""
    try:
        yield
    except HttpResponseError as error:
        if _code(error) == "BlobImmutableDueToPolicy":
            hint = "its policy needs allowProtectedAppendWrites for the journal"
            raise _ImmutableError(f"{target}: the container is immutable; {hint}") from error
        if _code(error) == "ContainerNotFound":
            raise RefusedError(
                f"{target}: ContainerNotFound: create the containers that FIREBREAK_EVIDENCE names"
            ) from error
        if _code(error) == "InvalidBlobType":
            raise ContractChangedError(f"{target}: somebody put a blob of another type") from error
        raise map_azure_error(error, f"evidence {target}") from error
    except AzureError as error:
        raise map_azure_error(error, f"evidence {target}") from error


def _code(error: HttpResponseError) -> str:
    return str(getattr(error, "error_code", None) or "")
