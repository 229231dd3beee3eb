"""Where two texts that should be the same differ, character by character. Pure.

Entra compares issuer, subject and audience to the letter: https://learn.microsoft.com/entra/workload-id/
workload-identity-federation-considerations
"""

import difflib
import unicodedata

_MOST = 6  # differences that are told; more is another text
_ASCII = 128
_BY_CHANCE = 2


def lines(wanted: str, has: str) -> list[str]:
    """Both texts, the places marked beneath, and each difference in words. Nothing where they are the same."""
    if wanted == has:
        return []
    changes = _changes(wanted, has)
    said = [_said(*one, wanted, has) for one in changes[:_MOST]]
    if len(changes) > _MOST:
        said.append(f"and {len(changes) - _MOST} more: it is another text")
    return [f"token says  {shown(wanted)}", f"trust says  {_marked(has, changes)}", *said]


def in_short(wanted: str, has: str) -> str:
    """The first differences as one sentence."""
    changes = _changes(wanted, has)
    said = "; ".join(_said(*one, wanted, has) for one in changes[:2])
    return f"{said}; and more" if len(changes) > 2 else said


def is_slip(wanted: str, has: str) -> bool:
    """Whether it can only be meant: the same but for case, white space, or a slash at its end."""
    return wanted != has and _plain(wanted) == _plain(has)


def nearest(wanted: str, among: list[str]) -> str | None:
    """The text that is most like it; None where none is like it at all."""
    slips = [one for one in among if _plain(one) == _plain(wanted)]
    if slips:
        return slips[0]
    found = difflib.get_close_matches(wanted, among, n=1, cutoff=0.6)
    return found[0] if found else None


def shown(text: str) -> str:
    """The text with what the eye does not see written out."""
    return "".join(_visible(one) for one in text)


def _plain(text: str) -> str:
    return text.strip().casefold().rstrip("/")


def _changes(wanted: str, has: str) -> list[tuple[int, int, int, int]]:
    """Spans of `wanted` and `has` that differ. One or two equal characters between two of them are so by chance."""
    matcher = difflib.SequenceMatcher(None, wanted, has, autojunk=False)
    found: list[tuple[int, int, int, int]] = []
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            continue
        if found and a - found[-1][1] <= _BY_CHANCE:
            start, _, begin, _ = found.pop()
            a, c = start, begin  # noqa: PLW2901 - the two are one
        found.append((a, b, c, d))
    return found


def _said(a: int, b: int, c: int, d: int, wanted: str, has: str) -> str:
    lacks, holds = wanted[a:b], has[c:d]
    at = f"at character {c + 1}"
    if not holds:
        end = " (the end)" if c == len(has) else ""
        return f"{at}{end}: {_named(lacks)} is missing"
    if not lacks:
        end = " (the end)" if d == len(has) else ""
        return f"{at}{end}: {_named(holds)} is too much"
    if lacks.casefold() == holds.casefold():
        return f"{at}: {_named(holds)} instead of {_named(lacks)}, another case"
    return f"{at}: {_named(holds)} instead of {_named(lacks)}"


def _named(text: str) -> str:
    """Quoted, and one that looks like another is called by its name."""
    strange = [one for one in text if ord(one) >= _ASCII or not one.isprintable() or one == " "]
    names = ", ".join(_name(one) for one in dict.fromkeys(strange))
    return f'"{shown(text)}"' + (f" ({names})" if names else "")


def _name(one: str) -> str:
    return f"U+{ord(one):04X} {unicodedata.name(one, 'control character')}"


def _marked(has: str, changes: list[tuple[int, int, int, int]]) -> str:
    """The text with «» around what differs; «» alone is where something is missing."""
    out, at = "", 0
    for _, _, start, end in changes:
        out += f"{shown(has[at:start])}«{shown(has[start:end])}»"
        at = end
    return out + shown(has[at:])


def _visible(one: str) -> str:
    return one if one.isprintable() and ord(one) < _ASCII else f"\\u{ord(one):04x}"
