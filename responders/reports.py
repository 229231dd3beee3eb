"""Responder: the incident document, as JSON and as Markdown.

Stops    nothing
Leaves   two files in the evidence store, and the manifest that hashes every other one
Undo     none needed
Needs    the evidence store
Source   https://csrc.nist.gov/pubs/sp/800/61/r3/final (what an incident record holds)
"""

from responders.evidence import EvidenceRef, EvidenceStore, digest
from responders.journal import Journal
from responders.model import Json

FORMAT = 1  # of a manifest; `bundles.verify` refuses those that it does not know


def write_manifest(
    store: EvidenceStore, folder: str, *, name: str = "manifest.json"
) -> EvidenceRef:
    """Path, size and SHA-256 of every file of the incident or run, and how far its journal had come.

    The journal goes on and chains itself. A later manifest names the earlier ones among its files.
    """
    journal = Journal(store, folder.rpartition("/")[2], folder=folder)
    kept = set(store.list(folder)) - {journal.path, f"{folder}/{name}"}
    files = [{**reference(store, path), **_collected(store, path, kept)} for path in sorted(kept)]
    head = journal.head()
    manifest = {"format": FORMAT, "folder": folder, "files": files, "journal": head}
    return store.put_json(f"{folder}/{name}", manifest)


def _collected(store: EvidenceStore, path: str, kept: set[str]) -> Json:
    """Of log rows also how they were come by: query, window, row count, collector, as noted beside them."""
    about = path.removesuffix(".jsonl") + ".json"
    if not path.endswith(".jsonl") or about not in kept:
        return {}
    return {"log": {key: value for key, value in store.get_json(about).items() if key != "rows"}}


def reference(store: EvidenceStore, path: str) -> EvidenceRef:
    """Path, size and SHA-256 of a file as it lies there now."""
    content = store.get(path)
    return {"path": path, "sha256": digest(content), "size": len(content)}
