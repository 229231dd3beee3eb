"""Responder: the evidence store as a local folder, for one machine.

Stops    nothing
Leaves   every byte that was put there: nothing is overwritten, nothing is deleted
Undo     none needed
Needs    write access to the folder in FIREBREAK_EVIDENCE
Source   https://csrc.nist.gov/pubs/sp/800/86/final (integrity of collected evidence)
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from responders.errors import ConflictError, NotFoundError, RefusedError
from responders.evidence import Claims, EvidenceRef, EvidenceStore, checked_path, digest

# Locks and unfinished files lie apart, so that an incident's folder holds evidence and nothing else.
_LOCKS, _PARTS = ".locks", ".parts"


class EvidenceFolder(EvidenceStore):
    """Immutable objects by path, claims by conditional create, all under one folder."""

    def __init__(self, folder: Path) -> None:
        """The folder is made with the first write, readable by its owner alone."""
        self.folder = folder.resolve()

    def put(self, path: str, content: bytes) -> EvidenceRef:
        """Write once. The same bytes again are fine; other bytes raise `ConflictError`."""
        try:
            self._create(path, content)
        except FileExistsError:
            if self._file(path).read_bytes() != content:
                raise ConflictError(f"evidence {path} exists with other content") from None
        return {"path": path, "sha256": digest(content), "size": len(content)}

    def get(self, path: str) -> bytes:
        """The bytes. Raises `NotFoundError`: "not there" is never "empty"."""
        try:
            return self._file(path).read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise NotFoundError(f"no evidence at {path}") from None

    def exists(self, path: str) -> bool:
        """Whether something was put there, whole."""
        return self._file(path).is_file()

    def list(self, folder: str) -> list[str]:
        """Paths below a folder, sorted."""
        files = (file for file in self._file(folder).rglob("*") if file.is_file())
        return sorted(file.relative_to(self.folder).as_posix() for file in files)

    def claim(self, path: str, content: bytes) -> bytes | None:
        """Conditional create: None when this call made it, else what somebody wrote before."""
        while True:
            try:
                self._create(path, content)
            except FileExistsError:
                try:
                    return self._file(path).read_bytes()
                except FileNotFoundError:
                    continue  # released between the two
            return None

    def claimed(self, path: str) -> bytes | None:
        """What a claim holds now; None where nobody has made it."""
        try:
            return self._file(path).read_bytes()
        except FileNotFoundError:
            return None

    def claims(self, folder: str) -> Claims:
        """Paths of the claims below a folder that are held now, sorted."""
        return self.list(folder)

    def replace_claim(self, path: str, expected: bytes, content: bytes) -> bool:
        """Swap a claim if it is still the expected one. False: somebody was faster."""
        with self._locked(path):
            file = self._file(path)
            if not file.exists() or file.read_bytes() != expected:
                return False
            part = self._part(content)
            part.replace(file)
            return True

    def release_claim(self, path: str, expected: bytes) -> None:
        """Drop a claim that is still ours; another one's is left alone."""
        with self._locked(path):
            file = self._file(path)
            if file.exists() and file.read_bytes() == expected:
                file.unlink()

    def append(self, path: str, content: bytes, *, expected: int) -> None:
        """Add bytes at the end and wait until the disk has them. `ConflictError`: it ends elsewhere."""
        file = self._file(path)
        _make(file.parent)
        with self._locked(path), file.open("ab") as handle:
            if handle.tell() != expected:
                raise ConflictError(f"{path} has {handle.tell()} bytes, not {expected}")
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())

    @contextmanager
    def _locked(self, path: str) -> Iterator[None]:
        """One writer at a time, across the processes of this machine."""
        import fcntl  # noqa: PLC0415 - not on Windows, where the app itself loads but this store does not

        self._file(path)
        lock = self.folder / _LOCKS / f"{digest(path.encode())[:32]}.lock"
        _make(lock.parent)
        with lock.open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def _create(self, path: str, content: bytes) -> None:
        """Whole or not at all: a link to a finished file fails where the name is taken."""
        file = self._file(path)
        _make(file.parent)
        part = self._part(content)
        try:
            os.link(part, file)
        finally:
            part.unlink(missing_ok=True)

    def _part(self, content: bytes) -> Path:
        """The bytes on the disk, under a name of their own."""
        part = self.folder / _PARTS / f"{os.getpid()}.{os.urandom(8).hex()}.part"
        _make(part.parent)
        with part.open("wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        return part

    def _file(self, path: str) -> Path:
        file = (self.folder / (checked_path(path) if path else "")).resolve()
        if not file.is_relative_to(self.folder):
            raise RefusedError(f"evidence path {path!r} leaves the store")
        if file.relative_to(self.folder).parts[:1] in {(_LOCKS,), (_PARTS,)}:
            raise RefusedError(f"evidence path {path!r} is the store's own")
        return file


def _make(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
