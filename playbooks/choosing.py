"""What a consent chose of a plan, and what that restores. Only keys of the plan count."""

from playbooks import known_grants, plan_files
from playbooks.orders import Json
from playbooks.plan_model import Plan
from responders.evidence import EvidenceStore
from responders.model import Grant, Incident, NewIdentity, Principal

_OFFERED = 8  # choices on a card, which has to stay small


def chosen(store: EvidenceStore, incident: Incident, plan: Plan, kind: str) -> list[Json]:
    """What the chosen ones of this kind restore, in the plan's order."""
    keys = set(plan_files.consent_of(store, incident).get("chosen", []))
    return [
        one["restores"]
        for one in plan["choices"]
        if one["key"] in keys and one["restores"]["kind"] == kind
    ]


def offered(plan: Plan) -> list[str]:
    """For the card that asks: what comes back only where the answer names it. The plan has all of them."""
    lines = [
        f"Comes back only if you choose it ({one['key']}): {one['what']} {one['name']}: {one['reason']}"
        for one in plan["choices"][:_OFFERED]
    ]
    more = len(plan["choices"]) - len(lines)
    return [*lines, *([f"… and {more} more choices: see the plan"] if more > 0 else [])]


def told(plan: Plan, consent: Json) -> list[str]:
    """For the report: what was to choose and to confirm, and what the answer said to each."""
    keys, confirmed = set(consent.get("chosen", [])), set(consent.get("confirmed", []))
    said = [
        f"{'chosen' if one['key'] in keys else 'not chosen'}: {one['what']} {one['name']}: {one['reason']}"
        for one in plan["choices"]
    ]
    return said + [
        f"{'confirmed' if one['key'] in confirmed else 'not confirmed'}: {one['sentence']}"
        for one in plan["confirmations"]
    ]


def grants_of(store: EvidenceStore, incident: Incident, plan: Plan) -> list[Grant]:
    """The roles that the new one is given: the plan's, and those that were chosen."""
    more = chosen(store, incident, plan, known_grants.KIND)
    return [*plan["grants"], *(one["grant"] for one in more)]


def for_successor(policy: Json, principal: Principal, identity: NewIdentity) -> Json:
    """A vault's access policy that names the new one wherever it named the old one."""
    news = {
        principal["object_id"].lower(): identity["object_id"],
        principal["app_id"].lower(): identity["app_id"],
    }
    ids = {
        name: news.get(str(policy[name]).lower(), policy[name])
        for name in ("object_id", "application_id")
    }
    return {**policy, **ids}
