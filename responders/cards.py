"""A card for the channel: what a person at night reads first, on a phone, before anything else.

Headline, what to do now, facts; long lists behind a button. Always under the size limit, whatever an incident holds.
https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-format
"""

import json
from dataclasses import dataclass, field
from typing import Literal

from responders.model import Json
from responders.untrusted import visible

# 28 KB is the limit of the whole message with Teams' own wrapping; a body of 24,453 B has failed.
# https://github.com/MicrosoftDocs/msteams-docs/issues/11274
BUDGET_B = 20_000
VERSION = "1.5"  # what Teams' clients render. https://learn.microsoft.com/adaptive-cards/resources/partners
_MOST_LINES = 60  # nobody reads more on a phone at night
_AT_ONCE = 8  # lines that are shown without a press
_FACTS = 14
# Characters of a headline, a fact and a line; the last row fits whatever the text is made of.
_LENGTHS = ((200, 300, 400), (150, 120, 200), (60, 40, 60))
_STYLES = {"good": "good", "bad": "attention", "asking": "warning"}

Mood = Literal["good", "bad", "asking"]


@dataclass(frozen=True, slots=True)
class Card:
    """What a notice says, in the order in which it is read."""

    title: str
    mood: Mood
    now: str  # what a person does; "" where there is nothing to do
    facts: list[tuple[str, str]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)  # a title, and a page of the app


def content(card: Card) -> Json:
    """The Adaptive Card. Lines that don't fit are counted, never silently dropped.

    Only `Action.OpenUrl` and `Action.ToggleVisibility`: a card that could submit could be pressed by a link preview.
    """
    lines = min(len(card.lines), _MOST_LINES)
    for lengths in _LENGTHS:
        shown = lines
        while True:
            drawn = _drawn(card, shown, lengths)
            if size(drawn) <= BUDGET_B:
                return drawn
            if not shown:
                break
            shown -= 1
    raise AssertionError("the last row of lengths fits whatever the text is made of")


def size(document: Json) -> int:
    """Bytes on the wire at most: escaped, a character outside of ASCII takes six or twelve."""
    return len(json.dumps(document).encode())


def _drawn(card: Card, shown: int, lengths: tuple[int, int, int]) -> Json:
    heading, fact, line = lengths
    body = [_headline(card, heading)]
    if card.now:
        todo = [_run("Do now  ", weight="Bolder"), _run(_cut(card.now, line))]
        body.append(_text(*todo, spacing="Medium"))
    body += [
        _text(_run(f"{_cut(name, 30)}  ", weight="Bolder"), _run(_cut(value, fact)))
        for name, value in card.facts[:_FACTS]
    ]
    texts = [_text(_run(_cut(one, line))) for one in card.lines[:shown]]
    body += texts[:_AT_ONCE]
    if more := texts[_AT_ONCE:]:
        body += _folded(more)
    if hidden := len(card.lines) - shown:
        body.append(_text(_run(f"… and {hidden} more: see the incident.", isSubtle=True)))
    drawn: Json = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": VERSION,
        "msteams": {"width": "Full"},
        "body": body,
    }
    if opens := [_open(name, url) for name, url in card.links if url]:
        drawn["actions"] = opens
    return drawn


def _headline(card: Card, length: int) -> Json:
    title = _run(_cut(card.title, length), weight="Bolder", size="Large")
    style = _STYLES[card.mood]
    return {"type": "Container", "style": style, "bleed": True, "items": [_text(title)]}


def _folded(texts: list[Json]) -> list[Json]:
    """The rest of a list, behind a button that is there without any script of ours."""
    press = {
        "type": "Action.ToggleVisibility",
        "title": f"{len(texts)} more lines",
        "targetElements": ["rest"],
    }
    return [
        {"type": "ActionSet", "actions": [press]},
        {"type": "Container", "id": "rest", "isVisible": False, "items": texts},
    ]


def _open(title: str, url: str) -> Json:
    return {"type": "Action.OpenUrl", "title": title, "url": url}


def _text(*runs: Json, spacing: str = "Small") -> Json:
    """One paragraph. Not a TextBlock or a FactSet: those read Markdown, so a planted name could become a link.

    https://adaptivecards.io/explorer/TextRun.html
    """
    return {"type": "RichTextBlock", "spacing": spacing, "inlines": list(runs)}


def _run(text: str, **look: object) -> Json:
    return {"type": "TextRun", "text": visible(text), **look}


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
