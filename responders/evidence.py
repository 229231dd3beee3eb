"""Responder: the evidence store, one interface over a local folder and Azure Blob Storage.

Stops    nothing
Leaves   every byte that was put there: nothing is overwritten, nothing is deleted
Undo     none needed
Needs    what the store that FIREBREAK_EVIDENCE names needs: see evidence_folder and evidence_blobs
Source   https://csrc.nist.gov/pubs/sp/800/86/final (integrity of collected evidence)
"""

import hashlib
import json
from abc import abstractmethod
from functools import cache
from typing import Any, Protocol, TypedDict

from responders.errors import RefusedError
from responders.settings import Settings


class EvidenceRef(TypedDict):
    """Where evidence lies, and what it must hash to."""

    path: str
    sha256: str
    size: int


def canonical(value: object) -> bytes:
    """The one JSON text of a value: what plan hashes and the journal's chain are computed over."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(content: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()


def checked_path(path: str) -> str:
    """The path. Raises `RefusedError` for one that leaves the store, or that has a second spelling."""
    if any(part in {"", ".", ".."} for part in path.split("/")) or not path.isprintable():
        raise RefusedError(f"evidence path {path!r} leaves the store")
    return path


class EvidenceStore(Protocol):
    """Immutable objects by path, logs that only grow, claims by conditional create.

    Calls block: a coroutine makes them by `asyncio.to_thread`. Paths are relative, with "/" between their parts.
    """

    @abstractmethod
    def put(self, path: str, content: bytes) -> EvidenceRef:
        """Write once. The same bytes again are fine; other bytes raise `ConflictError`."""

    @abstractmethod
    def get(self, path: str) -> bytes:
        """The bytes. Raises `NotFoundError`: "not there" is never "empty"."""

    @abstractmethod
    def exists(self, path: str) -> bool:
        """Whether something was put there, whole."""

    @abstractmethod
    def list(self, folder: str) -> list[str]:
        """Paths below a folder, sorted."""

    @abstractmethod
    def claim(self, path: str, content: bytes) -> bytes | None:
        """Conditional create: None when this call made it, else what somebody wrote before."""

    @abstractmethod
    def claimed(self, path: str) -> bytes | None:
        """What a claim holds now; None where nobody has made it."""

    @abstractmethod
    def claims(self, folder: str) -> "Claims":
        """Paths of the claims below a folder that are held now, sorted."""

    @abstractmethod
    def replace_claim(self, path: str, expected: bytes, content: bytes) -> bool:
        """Swap a claim if it is still the expected one. False: somebody was faster."""

    @abstractmethod
    def release_claim(self, path: str, expected: bytes) -> None:
        """Drop a claim that is still ours; another one's is left alone."""

    @abstractmethod
    def append(self, path: str, content: bytes, *, expected: int) -> None:
        """Add bytes to a log that is `expected` bytes long, durably. `ConflictError`: it is not."""

    def put_json(self, path: str, value: object) -> EvidenceRef:
        """`put` for a JSON document, indented for the people who will read it."""
        text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        return self.put(path, text.encode())

    def put_rows(self, path: str, rows: "Rows") -> EvidenceRef:
        """`put` for log rows: JSON Lines, in the order in which they came."""
        lines = (json.dumps(row, sort_keys=True, ensure_ascii=False) + "\n" for row in rows)
        return self.put(path, "".join(lines).encode())

    def get_json(self, path: str) -> Any:
        """The document at this path."""
        return json.loads(self.get(path))


Rows = list[dict[str, Any]]
Claims = list[str]


@cache  # connections and tokens are worth keeping; one set of settings is one store
def open_evidence(settings: Settings) -> EvidenceStore:
    """The store that FIREBREAK_EVIDENCE names: a folder, or a container's URL."""
    if settings.evidence_url is None:
        from responders.evidence_folder import EvidenceFolder  # noqa: PLC0415 - it imports this module

        return EvidenceFolder(settings.evidence)
    from responders.evidence_blobs import EvidenceBlobs  # noqa: PLC0415

    return EvidenceBlobs.connect(settings.evidence_url, settings)
