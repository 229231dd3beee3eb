"""What stands in the box of a node of the drawing: whole words in lines that fit, the end of long paths. Pure.

Without a font at hand a line is measured in characters, of the widest common font; what is wider still is clipped.
"""

import re
import unicodedata
from typing import NamedTuple

from responders.graph_model import Node
from responders.untrusted import visible

LONGEST = 42  # characters that fit into a line of a box
_PLACES = re.compile(r"(?<=[\s/:,.-])")  # where a line may end
_MORE = "…"


class Line(NamedTuple):
    """A line, and what it is about: kind, name, detail, why or breaks."""

    about: str
    text: str


def lines(one: Node) -> list[Line]:
    """The lines of its box, the most important first."""
    why = f"Suspicious: {one['suspicious']}" if one["suspicious"] else ""
    parts = (
        ("kind", one["kind"], 1),
        ("name", one["name"], 2),
        ("detail", short(one["detail"]), 2),
        ("why", why, 3),
        ("breaks", one["breaks"], 2),
    )
    return [
        Line(about, text)
        for about, said, most in parts
        if said
        for text in wrapped(visible(said), most)
    ]


def wrapped(text: str, most: int) -> list[str]:
    """The text in at most so many lines; what is left out of the last one says so."""
    found, line = [], ""
    for piece in _pieces(text):
        if line and _wide(line + piece.rstrip()) > LONGEST:
            found.append(line.rstrip())
            line = ""
        line += piece
    found.append(line.rstrip())
    if len(found) <= most:
        return found
    last = found[most - 1]
    while _wide(last) > LONGEST - 1:
        last = last[:-1]
    return [*found[: most - 1], last + _MORE]


def _pieces(text: str) -> list[str]:
    """Words and parts of paths; one that is wider than a line is cut into lines."""
    pieces: list[str] = []
    for part in _PLACES.split(text):
        rest = part
        while _wide(rest) > LONGEST:
            size = LONGEST if _wide(rest[:LONGEST]) <= LONGEST else LONGEST // 2
            pieces.append(rest[:size])
            rest = rest[size:]
        pieces.append(rest)
    return pieces


def short(detail: str) -> str:
    """Of a resource id its end: the subscription in front is the same in every box."""
    parts = detail.split("/")
    return "…/" + "/".join(parts[-2:]) if detail.startswith("/subscriptions/") else detail


def _wide(text: str) -> int:
    """In columns: letters of some scripts take two."""
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)
