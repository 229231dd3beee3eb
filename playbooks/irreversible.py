"""What of a plan nothing brings back afterwards, in sentences: the reason to ask more than one person. Pure.

A workload that is scaled to zero comes back by one field, a ServiceAccount by its captured manifest: neither is here.
"""

from collections.abc import Sequence

from playbooks.plan_model import ClusterPlan, Refederation
from responders.model import WorkloadRef

# What is gone with the pods of each kind when they are stopped.
_LOST = {
    "Pod": "is deleted. Nothing makes it again by itself, and what was only in it is lost",
    "Job": "is suspended, which ends its pods: it begins anew later, and work that it had begun is lost",
}


def of(chosen: Refederation, clusters: Sequence[ClusterPlan]) -> list[str]:
    """Each irreversible act of the plan, cluster by cluster; a risk that is taken comes last."""
    acting = [one for one in clusters if one["acts"]]
    found = [_ended(part, one) for part in acting for one in _stopped(part)]
    if chosen["method"] == "rotate_keys":
        found += [
            f"{_name(part)}: the signing keys are rotated twice. Every ServiceAccount token of before is void for "
            "good, those of other teams too"
            for part in acting
        ]
    if chosen["method"] == "accept_risk":
        found.append(
            "Whoever holds a stolen ServiceAccount token may use it with the new identity until it expires: what is "
            "read meanwhile stays read"
        )
    return found


def _stopped(part: ClusterPlan) -> list[WorkloadRef]:
    return [one for one in part["survey"]["workloads"] if one["kind"] in _LOST]


def _ended(part: ClusterPlan, one: WorkloadRef) -> str:
    return f"{_name(part)}: {one['kind']} {one['namespace']}/{one['name']} {_LOST[one['kind']]}"


def _name(part: ClusterPlan) -> str:
    return part["survey"]["cluster"]["name"]
