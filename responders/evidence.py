"""Responder: the evidence store, a local folder.

Stops    nothing
Leaves   every byte that was put there: nothing is overwritten, nothing is deleted
Undo     none needed
Needs    write access to the folder in FIREBREAK_EVIDENCE
Source   https://csrc.nist.gov/pubs/sp/800/86/final (integrity of collected evidence)
"""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypedDict

from responders.errors import ConflictError, NotFoundError, RefusedError


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


class EvidenceStore:
    """Immutable objects by path, claims by conditional create, all under one folder."""

    def __init__(self, folder: Path) -> None:
        """The folder is made if it is missing, readable by its owner alone."""
        self.folder = folder.resolve()
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def put(self, path: str, content: bytes) -> EvidenceRef:
        """Write once. The same bytes again are fine; other bytes raise `ConflictError`."""
        try:
            self._create(path, content)
        except FileExistsError:
            if self._file(path).read_bytes() != content:
                raise ConflictError(f"evidence {path} exists with other content") from None
        return {"path": path, "sha256": digest(content), "size": len(content)}

    def put_json(self, path: str, value: object) -> EvidenceRef:
        """`put` for a JSON document, indented for the people who will read it."""
        text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        return self.put(path, text.encode())

    def put_rows(self, path: str, rows: list[dict[str, Any]]) -> EvidenceRef:
        """`put` for log rows: JSON Lines, in the order in which they came."""
        lines = (json.dumps(row, sort_keys=True, ensure_ascii=False) + "\n" for row in rows)
        return self.put(path, "".join(lines).encode())

    def get(self, path: str) -> bytes:
        """The bytes. Raises `NotFoundError`: "not there" is never "empty"."""
        try:
            return self._file(path).read_bytes()
        except FileNotFoundError:
            raise NotFoundError(f"no evidence at {path}") from None

    def get_json(self, path: str) -> Any:
        """The document at this path."""
        return json.loads(self.get(path))

    def exists(self, path: str) -> bool:
        """Whether something was put there, whole."""
        return self._file(path).is_file()

    def list(self, folder: str) -> list[str]:
        """Paths below a folder, sorted."""
        root = self._file(folder)
        files = (file for file in root.rglob("*") if file.is_file() and file.suffix != ".part")
        return sorted(str(file.relative_to(self.folder)) for file in files)

    def claim(self, path: str, content: bytes) -> bytes | None:
        """Conditional create: None when this call made it, else what somebody wrote before."""
        try:
            self._create(path, content)
        except FileExistsError:
            return self._file(path).read_bytes()
        return None

    def replace_claim(self, path: str, expected: bytes, content: bytes) -> bool:
        """Swap a claim if it is still the expected one. False: somebody was faster."""
        with self.locked(path):
            file = self._file(path)
            if not file.exists() or file.read_bytes() != expected:
                return False
            part = file.with_suffix(".part")
            part.write_bytes(content)
            part.replace(file)
            return True

    def release_claim(self, path: str, expected: bytes) -> None:
        """Drop a claim that is still ours; another one's is left alone."""
        with self.locked(path):
            file = self._file(path)
            if file.exists() and file.read_bytes() == expected:
                file.unlink()

    @contextmanager
    def locked(self, path: str) -> Iterator[None]:
        """One writer at a time, across the processes of this machine."""
        import fcntl  # noqa: PLC0415 - not on Windows, where the app itself loads but this store does not

        lock = self._file(path + ".lock")
        lock.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with lock.open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def append(self, path: str, content: bytes) -> None:
        """Add bytes at the end and wait until the disk has them. Call it under `locked`."""
        file = self._file(path)
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with file.open("ab") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())

    def _create(self, path: str, content: bytes) -> None:
        """Whole or not at all: a link to a finished file fails where the name is taken."""
        file = self._file(path)
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = file.with_name(f"{file.name}.{os.getpid()}.{os.urandom(4).hex()}.part")
        try:
            with part.open("wb") as handle:
                handle.write(content)
                handle.flush()
                os.fsync(handle.fileno())
            os.link(part, file)
        finally:
            part.unlink(missing_ok=True)

    def _file(self, path: str) -> Path:
        file = (self.folder / path).resolve()
        if not file.is_relative_to(self.folder):
            raise RefusedError(f"evidence path {path!r} leaves the store")
        return file
