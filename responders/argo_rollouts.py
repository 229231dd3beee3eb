"""Responder: what is peculiar to Argo Rollouts: a full promotion, and how their status is read.

Stops    nothing
Leaves   analysis and the steps of a canary, which are skipped: the old template may not come back beside the new one
Undo     none needed: what was promoted is the template that stands
Needs    NEEDS, below
Source   https://argo-rollouts.readthedocs.io/en/stable/features/specification/
         https://argo-rollouts.readthedocs.io/en/stable/generated/kubectl-argo-rollouts/kubectl-argo-rollouts_promote/
         https://argo-rollouts.readthedocs.io/en/stable/features/restart/
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from responders.errors import NotFoundError, RefusedError
from responders.kube import Kube
from responders.model import Json, StepResult, WorkloadRef
from responders.needs import ROLLOUTS, ClusterNeed, Needs
from responders.workload_objects import describe, has_seen, kubectl, path

_DEGRADED = "Degraded"
NEEDS: Final = Needs(
    cluster=(
        ClusterNeed(
            f"{ROLLOUTS}/status",
            ("patch",),
            "let a Rollout skip its pauses",
            ("promote",),
            wanted=True,
        ),
    ),
)


def needed(refs: Iterable[WorkloadRef]) -> list[tuple[str, str, str]]:
    """What the pre-flight asks for beside what every plan needs: verb, resource, namespace."""
    spaces = sorted({one["namespace"] for one in refs if one["kind"] == "Rollout"})
    verbs = (*(("rollouts.argoproj.io", verb) for verb in ("get", "list", "patch")),)
    asked = [*verbs, ("rollouts.argoproj.io/status", "patch")] if spaces else []
    return [(verb, resource, space) for space in spaces for resource, verb in asked]


def is_promoted(found: Json) -> bool:
    """Whether the pods of the current template are the stable ones, or are told to become so."""
    status: Json = found.get("status") or {}
    both = (status.get("currentPodHash"), status.get("stableRS"))
    return bool(status.get("promoteFull")) or (None not in both and both[0] == both[1])


async def promote(kube: Kube, ref: WorkloadRef) -> StepResult | None:
    """Let it skip pauses, steps and analysis, as `kubectl argo rollouts promote --full` does. Safe to repeat.

    While its steps wait, pods of the template before, with the old identity, make up the rest of its replicas. None
    where it was told to; else what a person has to do.
    """
    try:
        await kube.patch(f"{path(ref)}/status", {"status": {"promoteFull": True}})
    except (NotFoundError, RefusedError) as error:
        command = (
            f"{kubectl(ref)} patch rollouts.argoproj.io {ref['name']} --subresource status --type merge "
            '-p \'{"status":{"promoteFull":true}}\''
        )
        detail = f"{describe(ref)} waits for a promotion: {error}: {command}"
        return {"status": "refused", "detail": detail, "by_hand": [command]}
    return None


def missing(found: Json) -> list[str]:
    """What the controller still has to do, by what it says of itself."""
    if not has_seen(found):
        return ["the controller has not seen the change"]
    status, wanted = found.get("status") or {}, found["spec"].get("replicas", 1)
    counts = {
        "updated": status.get("updatedReplicas", 0),
        "available": status.get("availableReplicas", 0),
        "present": status.get("replicas", 0),
    }
    said = [f"{name} {count} of {wanted}" for name, count in counts.items() if count != wanted]
    phase = str(status.get("phase") or "of no phase yet")
    if phase != "Healthy":
        said.append(f"it is {phase} {str(status.get('message') or '')[:200]}".rstrip())
    if found["spec"].get("restartAt") and not _has_restarted(found):
        said.append("its restart is not over")
    return said


def is_degraded(found: Json) -> bool:
    """Whether the controller gave it up: its own deadline, or a spec that it does not take."""
    return has_seen(found) and (found.get("status") or {}).get("phase") == _DEGRADED


def _has_restarted(found: Json) -> bool:
    asked, done = found["spec"]["restartAt"], (found.get("status") or {}).get("restartedAt")
    return done is not None and _moment(str(done)) >= _moment(str(asked))


def _moment(said: str) -> datetime:
    return datetime.fromisoformat(said)
