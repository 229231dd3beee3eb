"""The words of an OData filter.

Source      https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html
"""

import re
from dataclasses import dataclass
from typing import Any

from sandbox.graph.errors import malformed

_CONSTANTS = {"true": True, "false": False, "null": None}
_TOKEN = re.compile(
    r"""
    (?P<string>'(?:[^']|'')*')
  | (?P<date>\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d))
  | (?P<guid>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})
  | (?P<number>-?\d+(?:\.\d+)?)
  | (?P<word>[$@]?[A-Za-z_][\w.]*)
  | (?P<punctuation>[(),/:])
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Token:
    """One word, with its value where it is a literal."""

    kind: str
    text: str
    value: Any
    position: int


def tokenize(text: str) -> list[Token]:
    """All tokens and an "end". Raises 400 where something is no token."""
    tokens, at = [], 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        match = _TOKEN.match(text, at)
        if match is None:
            what = (
                f"There is an unterminated string literal at position {len(text)} in '{text}'."
                if text[at] == "'"
                else f"Syntax error: character '{text[at]}' is not valid at position {at} in "
                f"'{text}'."
            )
            raise malformed(f"Invalid filter clause: {what}")
        tokens.append(_token(str(match.lastgroup), match.group(), at))
        at = match.end()
    return [*tokens, Token("end", "", None, at)]


def _token(kind: str, text: str, at: int) -> Token:
    if kind == "word" and text in _CONSTANTS:
        return Token("constant", text, _CONSTANTS[text], at)
    value: Any = None
    if kind == "string":
        value = text[1:-1].replace("''", "'")
    elif kind == "number":
        value = float(text)
    elif kind in ("guid", "date"):
        value = text
    return Token(kind, text, value, at)
