"""The incident document as one HTML file that prints well: no script, nothing loaded, every name as text.

A pure function of the document. A browser that opens the file is told by the file itself to run and load nothing, so it
is as safe from a mail or a folder as from the app.

Source   https://developer.mozilla.org/docs/Web/HTTP/Guides/CSP
         https://www.w3.org/TR/css-page-3/ (page boxes: size, margins, page numbers)
"""

from typing import Any, cast

from markupsafe import Markup

from responders import graph_drawings, graph_pages, inert_html
from responders.graph_model import Graph
from responders.model import Json

# Documents of before they had these parts are shown without them.
_SINCE: Json = {
    "format": "",
    "summary": {},
    "timeline": [],
    "techniques": [],
    "journal": {},
    "deepened": [],
}
_VERDICTS = {
    "no": ("No.", "bad"),
    "not_yet": ("Not yet.", "asking"),
    "as_far_as_proven": ("Yes, as far as it was proven.", "good"),
    "nothing_was_done": ("Nothing was touched.", "asking"),
}
_PROOFS = ("verify_", "prove_", "check_", "recheck_")


def page(report: Json) -> str:
    """The whole file. The same document is always the same bytes."""
    whole = {**_SINCE, "cancelled": {}, **report}
    verdict = _VERDICTS.get(whole["summary"].get("safe", ""), ("", "asking"))
    return inert_html.template("report.html").render(
        report=whole,
        verdict=verdict,
        proofs=[one for one in whole["steps"] if one["step"].startswith(_PROOFS)],
        undone=[one for one in whole["undo"] if one["state"] in {"open", "unknown"}],
        blast=_blast(whole["graph"]),
    )


def _blast(graph: Json) -> dict[str, Any]:
    """Who breaks, in sentences and as a picture; nothing where no cluster was asked."""
    if not graph:
        return {}
    drawn = cast(Graph, graph)
    # Our own drawing escapes every name in it.
    picture = Markup(graph_drawings.svg(drawn))  # noqa: S704
    return {
        "lines": graph_pages.summary(drawn),
        "by_hand": graph_pages.by_hand(drawn),
        "picture": picture,
    }
