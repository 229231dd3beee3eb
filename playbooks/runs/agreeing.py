"""Whether a plan that was drawn again is the one that people agreed to. Pure."""

from collections.abc import Sequence

from playbooks.runs.model import Confirmation, Run


def why_not(run: Run, plan_hash: str, confirmations: Sequence[Confirmation]) -> str:
    """Why nothing of this plan may be carried out; "" where it may, or where the run only shows it."""
    if run["mode"] == "plan":
        return ""
    asked = run.get("plan_hash")
    if asked is not None and asked != plan_hash:
        return (
            f"the plan is another one by now ({plan_hash[:12]}…, not {asked[:12]}…): read it in mode plan, and apply "
            "that. Nothing was changed"
        )
    missing = [one for one in confirmations if one["key"] not in run["accepted"]]
    if missing:
        listed = "; ".join(f"{one['key']}: {one['text']}" for one in missing)
        return (
            "a person with the role Incident.Approve has to take this upon themselves, by its key, with the plan's "
            f"hash: {listed}. Nothing was changed"
        )
    return ""
