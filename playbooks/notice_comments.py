"""A notice as a comment on the Sentinel incident that a signal came from. Its id is made of incident and notice.

Sentinel renders Markdown and HTML in comments, and an attacker chose some of the names in them.
https://techcommunity.microsoft.com/blog/microsoftsentinelblog/whats-new-html-and-markdown-support-for-incident-comment/1747507
"""

import uuid

from playbooks.orders import Json, Order, folder
from responders.cards import Card
from responders.evidence import EvidenceStore
from responders.redaction import scrub
from responders.sentinel_comments import MOST_CHARACTERS
from responders.untrusted import in_markup

_OURS = uuid.UUID("0d0f7a0a-5d0b-5c39-9b1e-6f3f8e5c2f57")
_MOST_FACTS = 14
_FACT, _LINE, _NAME = 200, 300, 60  # characters; a character reference is up to six


def targets(store: EvidenceStore, order: Order) -> list[str]:
    """ARM ids of the Sentinel incidents whose signals opened or joined this one; none where the policy says no."""
    if not order["policy"].get("notices", {}).get("sentinel_comments"):
        return []
    incident = order["incident"]
    paths = store.list(f"{folder(incident)}/signals")
    signals = [incident["signal"], *(store.get_json(one) for one in paths)]
    named = [one["sentinel_incident"] for one in signals if "sentinel_incident" in one]
    return list({one.lower(): one for one in named}.values())


def comment(order: Order, card: Card, incidents: list[str]) -> Json:
    """What is written, and where."""
    key = f"{order['incident']['incident_id']}/{order.get('notice_key', order['notice'])}"
    return {
        "comment_id": str(uuid.uuid5(_OURS, key)),
        "message": message(card),
        "incidents": incidents,
    }


def message(card: Card) -> str:
    """In Markdown, never longer than Sentinel takes: lines that don't fit are counted."""
    parts = [f"**Firebreak: {_text(card.title, _LINE)}**"]
    if card.now:
        parts.append(f"Do now: {_text(card.now, _LINE)}")
    parts += [
        f"- **{_text(name, _NAME)}**: {_text(value, _FACT)}"
        for name, value in card.facts[:_MOST_FACTS]
    ]
    parts += [f"- [{_text(name, _NAME)}]({url})" for name, url in card.links if url]
    lines = [f"- {_text(one, _LINE)}" for one in card.lines]
    shown = len(lines)
    while True:
        left = len(lines) - shown
        more = [f"- … and {left} more: see the incident"] if left else []
        whole = "\n\n".join([parts[0], "\n".join([*parts[1:], *lines[:shown], *more])])
        if len(whole.encode("utf-16-le")) // 2 <= MOST_CHARACTERS:
            return whole
        shown -= 1


def _text(text: str, length: int) -> str:
    plain = scrub(text)
    return in_markup(plain if len(plain) <= length else f"{plain[: length - 1]}…")
