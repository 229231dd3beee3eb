"""Where the plans of an incident lie, and which of them a person has agreed to.

The first is plan.json. A recovery that is resumed may find clusters that the plan does not know, or that are others by
now: then it is drawn once more as plan-2.json, and asked for again. A plan that nobody agreed to is never acted on.
"""

from playbooks.orders import Json, folder
from playbooks.plan_model import Plan
from responders.evidence import EvidenceStore
from responders.model import Incident


def plan_path(incident: Incident, number: int = 1) -> str:
    """The plan of this number."""
    return f"{folder(incident)}/{_named('plan', number)}"


def consent_path(incident: Incident, number: int = 1) -> str:
    """The answer to the plan of this number."""
    return f"{folder(incident)}/{_named('consent', number)}"


def newest(store: EvidenceStore, incident: Incident) -> int:
    """The number of the plan that was drawn last; 1 where there is none yet."""
    return _newest(store, folder(incident))


def newest_path(store: EvidenceStore, base: str) -> str:
    """Where the plan lies that was drawn last, or would lie. `base` is the incident's folder."""
    return f"{base}/{_named('plan', _newest(store, base))}"


def in_force(store: EvidenceStore, incident: Incident) -> int:
    """The number of the newest plan that a person said yes to; 1 where nobody did to any."""
    for number in range(newest(store, incident), 1, -1):
        path = consent_path(incident, number)
        if store.exists(path) and store.get_json(path).get("granted"):
            return number
    return 1


def latest(store: EvidenceStore, incident: Incident) -> Plan:
    """The plan that was drawn last, whatever people said to it."""
    plan: Plan = store.get_json(plan_path(incident, newest(store, incident)))
    return plan


def plan_of(store: EvidenceStore, incident: Incident) -> Plan:
    """The plan that a person agreed to."""
    plan: Plan = store.get_json(plan_path(incident, in_force(store, incident)))
    return plan


def consent_of(store: EvidenceStore, incident: Incident) -> Json:
    """The answer to the plan in force; empty where nobody was asked."""
    path = consent_path(incident, in_force(store, incident))
    return dict(store.get_json(path)) if store.exists(path) else {}


def _newest(store: EvidenceStore, base: str) -> int:
    number = 1
    while store.exists(f"{base}/{_named('plan', number + 1)}"):
        number += 1
    return number


def _named(what: str, number: int) -> str:
    return f"{what}.json" if number == 1 else f"{what}-{number}.json"
