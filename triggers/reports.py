"""The newest report of an incident, in the form that is asked for. It reads the evidence store alone."""

import re
from typing import Literal, NamedTuple

from responders.evidence import EvidenceStore
from responders.model import Json

Form = Literal["json", "md"]
_NAME = re.compile(r"report(-[a-z0-9-]+)?\.json")


class Report(NamedTuple):
    """A report as it was written; it never changes."""

    name: str  # of the file, without its ending
    document: Json
    markdown: bytes


def newest(store: EvidenceStore, incident_id: str) -> Report | None:
    """The one that was written last; None before the first."""
    base = f"incidents/{incident_id}"
    names = [path.removeprefix(f"{base}/") for path in store.list(base)]
    found = [store.get_json(f"{base}/{name}") for name in names if _NAME.fullmatch(name)]
    stems = [name.removesuffix(".json") for name in names if _NAME.fullmatch(name)]
    if not found:
        return None
    at = max(range(len(found)), key=lambda one: str(found[one]["written_at"]))
    markdown = f"{base}/{stems[at]}.md"
    return Report(stems[at], found[at], store.get(markdown))
