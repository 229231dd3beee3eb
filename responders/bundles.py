"""Whether an incident's evidence is what its manifest says: `python -m responders.bundles PATH`.

What this can't see is a bundle that was forged as a whole, manifest and journal included. For that the manifest's own
SHA-256 has to be known from elsewhere (`--manifest-sha256`), or the container has to be immutable:
https://learn.microsoft.com/azure/storage/blobs/immutable-storage-overview
"""

import argparse
import json
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from responders.errors import NotFoundError, RefusedError
from responders.evidence import EvidenceStore, digest
from responders.evidence_folder import EvidenceFolder
from responders.journal import Entry, is_whole, verify_chain
from responders.reports import FORMAT

_MANIFEST = re.compile(r"manifest(-[\w-]+)?\.json")
_JOURNAL = "journal.jsonl"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not as it was kept."""

    path: str  # below the incident's folder
    what: str

    def __str__(self) -> str:
        """One line for a person."""
        return f"{self.path}: {self.what}"


def verify(
    store: EvidenceStore, folder: str, *, manifest_sha256: str | None = None
) -> list[Problem]:
    """Everything that differs from the manifests of this incident; an empty list is an intact bundle.

    The folder may lie elsewhere than when it was written. With `manifest_sha256` one manifest must hash to it.
    """
    root = folder.strip("/") + "/" if folder.strip("/") else ""
    present = {path.removeprefix(root) for path in store.list(folder)}
    manifests = {path: store.get(root + path) for path in manifests_of(present)}
    if not manifests:
        return [Problem("manifest.json", "missing: nothing says what belongs to this bundle")]
    problems: list[Problem] = []
    listed: set[str] = set()
    lines = store.get(root + _JOURNAL).splitlines() if _JOURNAL in present else []
    for name, content in manifests.items():
        manifest = _parsed(content)
        if manifest is None:
            problems.append(Problem(name, "changed: it is no manifest that this version knows"))
            continue
        files = {_relative(one["path"], manifest["folder"]): one for one in manifest["files"]}
        listed |= files.keys()
        for path, file in sorted(files.items()):
            problems += _file(store, root, path, file)
        problems += _head(lines, manifest["journal"], name)
    for path in sorted(present - listed - manifests.keys() - {_JOURNAL}):
        problems.append(Problem(path, "added: no manifest names it"))
    if manifest_sha256 and manifest_sha256.lower() not in map(digest, manifests.values()):
        problems.append(Problem("manifest.json", f"changed: none hashes to {manifest_sha256}"))
    return list(dict.fromkeys([*problems, *_chain(lines)]))


def manifests_of(paths: Iterable[str]) -> list[str]:
    """Those of these files that are manifests."""
    return sorted(path for path in paths if _MANIFEST.fullmatch(path))


def _parsed(content: bytes) -> dict[str, Any] | None:
    """The manifest, or None where it isn't one: whoever changes evidence may change this as well."""
    try:
        manifest = json.loads(content)
    except ValueError:
        return None
    match manifest:
        case {
            "format": int(version),
            "folder": str(),
            "files": list(files),
            "journal": {"entries": int(), "head": str()},
        } if version == FORMAT and all(_is_reference(one) for one in files):
            return dict(manifest)
    return None


def _is_reference(value: object) -> bool:
    match value:
        case {"path": str(), "sha256": str(), "size": int()}:
            return True
    return False


def _relative(path: str, folder: str) -> str:
    return path.removeprefix(folder.rstrip("/") + "/")


def _file(store: EvidenceStore, root: str, path: str, expected: dict[str, Any]) -> list[Problem]:
    try:
        content = store.get(root + path)
    except NotFoundError:
        return [Problem(path, "removed: the manifest names it, and it is not there")]
    except RefusedError:
        return [Problem(path, "changed: the manifest names a path outside of the bundle")]
    if digest(content) == expected["sha256"] and len(content) == expected["size"]:
        return []
    return [Problem(path, _difference(path, content, expected))]


def _difference(path: str, content: bytes, expected: dict[str, Any]) -> str:
    wanted = expected.get("log", {}).get("row_count") if path.endswith(".jsonl") else None
    rows = len(content.splitlines())
    if not isinstance(wanted, int):
        return "changed: its SHA-256 is not the manifest's"
    if rows < wanted:
        return f"row removed: {rows} rows, {wanted} were collected"
    if rows > wanted:
        return f"row added: {rows} rows, {wanted} were collected"
    return f"row changed: {rows} rows as collected, but another SHA-256"


def _head(lines: list[bytes], expected: dict[str, Any], manifest: str) -> list[Problem]:
    """A chain that was computed anew is whole in itself, but doesn't pass through the manifest's hash."""
    count = expected["entries"]
    if len(lines) < count:
        words = f"truncated: {len(lines)} lines, {manifest} saw {count}"
        return [Problem(_JOURNAL, words)]
    if count == 0 or _entry(lines[count - 1]).get("hash") == expected["head"]:
        return []
    return [Problem(_JOURNAL, f"changed: line {count} is not the one that {manifest} saw")]


def _chain(lines: list[bytes]) -> list[Problem]:
    entries = [_entry(line) for line in lines]
    number = verify_chain(entries)
    if number is None:
        return []
    entry, where = entries[number], f"line {number + 1} ({entries[number].get('step', 'no step')})"
    if not is_whole(entry):
        return [Problem(_JOURNAL, f"step changed: {where} does not hash to what it says")]
    later = (one.get("seq") for one in entries[number + 1 :])
    what = "steps reordered" if number in later else "step removed"
    return [Problem(_JOURNAL, f"{what}: {where} does not follow the line before it")]


def _entry(line: bytes) -> Entry:
    """One line; an empty entry, which is never whole, where it is no JSON object."""
    try:
        entry = json.loads(line)
    except ValueError:
        entry = {}
    found: Entry = entry if isinstance(entry, dict) else {}  # type: ignore[typeddict-item,assignment]
    return found


def _said(problems: list[Problem], store: EvidenceStore, folder: str) -> str:
    if problems:
        return "\n".join([f"NOT INTACT: {folder}", *(f"  {problem}" for problem in problems)])
    manifests = [path for path in store.list(folder) if _MANIFEST.fullmatch(Path(path).name)]
    hashes = [f"  {path} SHA-256 {digest(store.get(path))}" for path in manifests]
    return "\n".join([f"intact: {folder}", *hashes])


def main(arguments: list[str] | None = None) -> int:
    """0 where the bundle is intact, 1 where it isn't or isn't there."""
    parser = argparse.ArgumentParser(prog="python -m responders.bundles", description=__doc__)
    parser.add_argument("path", type=Path, help="the folder of one incident")
    parser.add_argument("--manifest-sha256", help="what the report's card or another record said")
    given = parser.parse_args(arguments)
    folder = given.path.resolve()
    if not folder.is_dir():
        sys.stderr.write(f"{given.path} is no folder\n")
        return 1
    store = EvidenceFolder(folder.parent)
    problems = verify(store, folder.name, manifest_sha256=given.manifest_sha256)
    sys.stdout.write(_said(problems, store, folder.name) + "\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
