"""Who may call what: every HTTP function of the app by its name. A test plays every kind of caller against each.

The functions ask for themselves, with the role that stands here; a function without a line here fails the test, and so
does a line that a function does not keep.
"""

from dataclasses import dataclass
from typing import Literal

from triggers.people import ADMIN, APPROVE, READ, RESPOND

Who = Literal["person", "key", "sender", "anyone"]


@dataclass(frozen=True, slots=True)
class Rule:
    """Who gets past the door."""

    who: Who
    roles: frozenset[str] = frozenset()  # one of them is enough
    page: bool = False  # for browsers: who is not signed in is sent to sign in


def person(*roles: str, page: bool = False) -> Rule:
    """A proven identity with one of these app roles; any of them all may read."""
    return Rule("person", frozenset(roles), page=page)


KEY = Rule("key")  # the platform asks for a function key; a token beside it has to be good
SENDER = Rule("sender")  # a token of a machine that may send signals
ANYONE = Rule("anyone")

RULES: dict[str, Rule] = {
    "on_azure_monitor_alert": KEY,
    "on_azure_monitor_secure_alert": SENDER,
    "on_alertmanager_alerts": KEY,
    "on_alertmanager_secure_alerts": SENDER,
    "on_sentinel_incident": KEY,
    "on_sentinel_secure_incident": SENDER,
    "on_defender_alert": KEY,
    "on_defender_secure_alert": SENDER,
    "open_incident": person(RESPOND),
    "list_incidents": person(READ),
    "read_incident": person(READ),
    "read_steps": person(READ),
    "read_report": person(READ),
    "read_plan": person(READ),
    "read_undo": person(READ),
    "answer_plan": person(APPROVE),
    "refuse_plan": person(APPROVE),
    "resume_recovery": person(RESPOND),
    "restore_incident": person(APPROVE),
    "cancel_incident": person(RESPOND),
    "list_signals": person(READ),
    "read_signal": person(READ),
    "list_playbooks": person(READ),
    "start_run": person(RESPOND, APPROVE),  # to take confirmations upon themselves: APPROVE alone
    "list_runs": person(READ),
    "read_run": person(READ),
    "read_run_report": person(READ),
    "read_kill_switch": person(READ),
    "set_kill_switch": person(RESPOND, ADMIN),  # to let Firebreak act again: ADMIN alone
    "check_policy": person(READ),
    "read_metrics": person(READ),  # a scraper is an application with that role
    "read_health": ANYONE,  # in a word; with ?deep for who may read
    "send_test_card": person(RESPOND),
    "read_openapi": ANYONE,
    "page_incidents": person(READ, page=True),
    "page_open_form": person(READ, page=True),
    "page_open": person(RESPOND, page=True),
    "page_incident": person(READ, page=True),
    "page_live": person(READ, page=True),
    "page_graph": person(READ, page=True),
    "page_consent": person(READ, page=True),
    "page_answer": person(APPROVE, page=True),
    "page_refuse": person(APPROVE, page=True),
    "page_resume_form": person(READ, page=True),
    "page_resume": person(RESPOND, page=True),
    "page_cancel_form": person(READ, page=True),
    "page_cancel": person(RESPOND, page=True),
    "page_restore_form": person(READ, page=True),
    "page_restore": person(APPROVE, page=True),
    "page_signals": person(READ, page=True),
    "page_playbooks": person(READ, page=True),
    "page_start_run": person(RESPOND, page=True),
    "page_runs": person(READ, page=True),
    "page_run": person(READ, page=True),
    "page_apply_run": person(APPROVE, page=True),
    "page_switch": person(READ, page=True),
    "page_turn_switch": person(RESPOND, ADMIN, page=True),  # to release it: ADMIN alone
    "page_asset": ANYONE,
}
