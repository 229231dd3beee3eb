"""A notice as an event: CloudEvents 1.0, small, for programs that want to know what happens to incidents.

Its id is made of the incident and the notice, so a receiver knows an event that is delivered twice. Names, titles and
lines were chosen by others, an attacker among them: they are data, on one line each, and never part of a type or an id.
https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
"""

from playbooks.notices import INCIDENT_EVENTS, NOTICES
from playbooks.orders import Json, Order
from responders.cards import Card
from responders.model import Incident
from responders.redaction import scrub
from responders.untrusted import visible

OPERATIONS_EVENTS = "Firebreak.Operations."
OPERATIONS = (
    "KillSwitchPulled",
    "KillSwitchReleased",
    "SignalNotHandled",
    "SignalNeedsPerson",
    "RestoreAsked",
)
# Event Grid takes 1 MB and counts every 64 KB as one more event: it stays below that, whatever it is made of.
# https://learn.microsoft.com/azure/event-grid/quotas-limits
_MOST_LINES, _MOST_FACTS = 30, 14
_LINE, _FACT = 300, 300


def event(order: Order, card: Card, url: str) -> Json:
    """The event of one notice, from what its card says."""
    incident = order["incident"]
    key = order.get("notice_key", order["notice"])
    return {
        "specversion": "1.0",
        "id": f"{incident['incident_id']}/{key}",
        "source": source(incident),
        "type": f"{INCIDENT_EVENTS}{NOTICES[order['notice']].event}",
        "subject": incident["incident_id"],
        "time": order.get("at", incident["opened_at"]),
        "datacontenttype": "application/json",
        "data": _data(order, card, url),
    }


def of_operations(key: str, name: str, at: str, tenant: str, card: Card) -> Json:
    """The event of what is about no incident: the app itself, or a signal that opened none."""
    return {
        "specversion": "1.0",
        "id": key,
        "source": f"/firebreak/{tenant}/operations",
        "type": f"{OPERATIONS_EVENTS}{name}",
        "subject": key,
        "time": at,
        "datacontenttype": "application/json",
        "data": {**_said(card), "url": next((url for _, url in card.links), "")},
    }


def source(incident: Incident) -> str:
    """Where an incident's events come from: one name for all of them, whatever host the app runs on."""
    tenant = incident["principal"]["tenant_id"]
    return f"/firebreak/{tenant}/incidents/{incident['incident_id']}"


def _data(order: Order, card: Card, url: str) -> Json:
    incident = order["incident"]
    principal, signal = incident["principal"], incident["signal"]
    return {
        "incident_id": incident["incident_id"],
        "notice": order["notice"],
        **_said(card),
        "mode": incident["mode"],
        "opened_at": incident["opened_at"],
        "principal": {
            "object_id": principal["object_id"],
            "app_id": principal["app_id"],
            "kind": principal["kind"],
            "tenant_id": principal["tenant_id"],
            "display_name": _text(principal["display_name"], _FACT),
        },
        "signal": {
            "source": signal["source"],
            "kind": _text(signal.get("kind", ""), _FACT),
            "severity": _text(signal["severity"], _FACT),
            "title": _text(signal["title"], _FACT),
        },
        "url": url,
    }


def _said(card: Card) -> Json:
    return {
        "mood": card.mood,
        "title": _text(card.title, _LINE),
        "do_now": _text(card.now, _LINE),
        "facts": {_text(name, 60): _text(value, _FACT) for name, value in card.facts[:_MOST_FACTS]},
        "lines": [_text(one, _LINE) for one in card.lines[:_MOST_LINES]],
        "lines_left_out": max(len(card.lines) - _MOST_LINES, 0),
    }


def _text(text: str, length: int) -> str:
    """On one line, without what looks like a secret, and cut."""
    shown = visible(scrub(text))
    return shown if len(shown) <= length else f"{shown[: length - 1]}…"
