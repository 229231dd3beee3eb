"""What has changed since a plan was drawn, in the clusters that nobody has touched yet. Pure: no I/O, no clock.

A consent covers what its plan names. What is new is asked for again, never taken along; what was moved already has to
stand in the amended plan as it stood before.
"""

from playbooks.plan_model import ClusterPlan, Plan


def differences(old: Plan, new: Plan) -> list[str]:
    """A sentence for each thing that the plan in force does not say, or says otherwise."""
    before = {_id(one): one for one in old["clusters"]}
    found = []
    for part in new["clusters"]:
        was, name = before[_id(part)], part["survey"]["cluster"]["name"]
        if part["acts"] != was["acts"]:
            found.append(f"{name}: {'can be reached now' if part['acts'] else part['reason']}")
        gone, come = _things(was) - _things(part), _things(part) - _things(was)
        found += [f"{name}: {one} is new" for one in sorted(come)]
        found += [f"{name}: {one} is gone" for one in sorted(gone)] if part["acts"] else []
    return found


def contradiction(old: Plan, new: Plan, touched: set[str]) -> str | None:
    """Why the new plan can't take the old one's place; None where it can. `touched` are resource ids."""
    if old["refederation"]["method"] != new["refederation"]["method"]:
        return (
            f"stolen tokens would be shut out another way now ({new['refederation']['because']}): "
            "what was moved would not fit"
        )
    before = {_id(one): one for one in old["clusters"]}
    for part in new["clusters"]:
        if _id(part) in touched and part["new_names"] != before[_id(part)]["new_names"]:
            return f"{part['survey']['cluster']['name']}: was moved under other names"
    trusts = {(one["issuer"], one["subject"]) for one in new["federated_credentials"]}
    kept = {
        one["survey"]["cluster"]["issuer_url"] for one in old["clusters"] if _id(one) in touched
    }
    lost = [
        one["name"]
        for one in old["federated_credentials"]
        if one["issuer"] in kept and (one["issuer"], one["subject"]) not in trusts
    ]
    return f"trusts of what was moved would go: {', '.join(lost)}" if lost else None


def _id(part: ClusterPlan) -> str:
    return part["survey"]["cluster"]["resource_id"]


def _things(part: ClusterPlan) -> set[str]:
    """What a consent to this part covers, in words."""
    survey = part["survey"]
    accounts = {
        f"ServiceAccount {one['namespace']}/{one['name']}" for one in survey["service_accounts"]
    }
    running = {f"{one['kind']} {one['namespace']}/{one['name']}" for one in survey["workloads"]}
    others = {f"{one['kind']} {one['namespace'] or ''}/{one['name']}" for one in part["consumers"]}
    return accounts | running | others
