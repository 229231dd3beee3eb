"""Which Azure roles come back, which a person has to choose, and why the rest does not. Pure.

https://learn.microsoft.com/azure/role-based-access-control/best-practices
"""

from playbooks.known import Known, choice, is_old, left
from playbooks.plan_model import Choice, LeftOut
from responders.model import Grant, Incident
from responders.snapshots import Snapshot

KIND = "grant"  # of what a choice restores


def grants(
    snapshot: Snapshot, incident: Incident, never: list[str], known: Known
) -> tuple[list[Grant], list[Choice], list[LeftOut]]:
    """Roles from before the window; owner-level ones only by choice, whatever they are called."""
    wanted: list[Grant] = []
    choices: list[Choice] = []
    gone: list[LeftOut] = []
    for grant in snapshot["grants"]:
        name = f"{grant['role_name']} at {grant['scope']}"
        if not is_old(grant["created_on"], incident["window_start"]):
            reason = "made inside the compromise window, or nobody knows when"
            gone.append(left("grant", name, reason, suspicious=True))
        elif reason := _why_chosen(grant, never, known):
            choices.append(choice("grant", name, reason, {"kind": KIND, "grant": dict(grant)}))
        else:
            wanted.append(grant)
    return wanted, choices, gone


def _why_chosen(grant: Grant, never: list[str], known: Known) -> str:
    if grant["role_name"] in never:
        return "owner-level: policy.toml [recovery] never_regrant names it"
    power = known.powers.get(grant["role_definition_id"])
    if power is None:
        return "what the role allows could not be read: it may be owner-level"
    return power and f"owner-level: {power}"
