"""The newest report of an incident, in the form that is asked for. It reads the evidence store alone."""

import re
from typing import Literal, NamedTuple

from responders import report_html
from responders.evidence import EvidenceStore
from responders.model import Json

Form = Literal["json", "md", "html"]
_NAME = re.compile(r"report(-[a-z0-9-]+)?\.json")


class Report(NamedTuple):
    """A report as it was written; it never changes."""

    name: str  # of the file, without its ending
    document: Json
    markdown: bytes
    kept_html: bytes | None  # reports of before there was HTML have none

    def html(self) -> bytes:
        """As it lies there, or as it would be written now."""
        if self.kept_html is not None:
            return self.kept_html
        return report_html.page(self.document).encode()


def newest(store: EvidenceStore, incident_id: str) -> Report | None:
    """The one that was written last; None before the first."""
    base = f"incidents/{incident_id}"
    names = [path.removeprefix(f"{base}/") for path in store.list(base)]
    found = [store.get_json(f"{base}/{name}") for name in names if _NAME.fullmatch(name)]
    stems = [name.removesuffix(".json") for name in names if _NAME.fullmatch(name)]
    if not found:
        return None
    at = max(range(len(found)), key=lambda one: str(found[one]["written_at"]))
    stem = f"{base}/{stems[at]}"
    html = store.get(f"{stem}.html") if store.exists(f"{stem}.html") else None
    return Report(stems[at], found[at], store.get(f"{stem}.md"), html)
