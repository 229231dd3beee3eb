"""Which workloads are not restarted by a rollout, and when a rollout is over. Pure, no I/O.

Source   https://kubernetes.io/docs/concepts/workloads/controllers/
         https://kubernetes.io/docs/tasks/run-application/configure-pdb/
"""

from typing import TypedDict

from responders import argo_rollouts, label_selectors
from responders.model import Json
from responders.workload_objects import Kind, controller_uid, has_seen

_AKS = "kube-system"
_ROLLS_OUT: frozenset[Kind] = frozenset({"Deployment", "StatefulSet", "DaemonSet", "Rollout"})


class Reported(TypedDict):
    """A workload that is not restarted, why, and what a person does."""

    what: str
    why: str
    by_hand: str  # empty where time does it


def why_not(cluster: str, kind: Kind, found: Json, budgets: list[Json]) -> Reported | None:
    """Why a workload is not restarted here; None where it is."""
    namespace, name = found["metadata"]["namespace"], found["metadata"]["name"]
    why, command = _no_rollout(kind, found) or _no_use(kind, found, budgets) or ("", "")
    if not why:
        return None
    kubectl = f"kubectl --context {cluster} -n {namespace}"
    named = command.format(kind=kind.lower(), name=name)
    return {
        "what": f"{cluster} {namespace} {kind}/{name}",
        "why": why,
        "by_hand": f"{kubectl} {named}" if named else "",
    }


def _no_rollout(kind: Kind, found: Json) -> tuple[str, str] | None:
    """What nobody can or should roll out, and the command for a person."""
    if found["metadata"]["namespace"] == _AKS:
        return "AKS runs it: kubelet renews its tokens when 80 % of their life are over", ""
    if controller_uid(found) is not None:
        return "made by a controller that Firebreak does not know", "get {kind} {name} -o yaml"
    if kind == "Pod":
        return "a bare pod: nothing makes it again", "delete pod {name}"
    if kind not in _ROLLS_OUT:
        return "it runs to its end: kubelet renews its tokens", ""
    return None


def _no_use(kind: Kind, found: Json, budgets: list[Json]) -> tuple[str, str] | None:
    """Where a rollout would reach no pod, or take away one that a budget keeps."""
    restart = "rollout restart {kind}/{name}"
    if kind == "Rollout":
        restart = "argo rollouts restart {name}"
    if found["spec"].get("paused") and kind != "Rollout":  # whose restart goes past its strategy
        return (
            "paused: no change would reach a pod",
            f"rollout resume {{kind}}/{{name}} # then {restart}",
        )
    if (found["spec"].get("updateStrategy") or {}).get("type") == "OnDelete":
        why = "OnDelete: it replaces a pod only when somebody deletes it"
        return why, "delete pod <each pod of {kind} {name}>"
    if budget := blocking(kind, found, budgets):
        why = f"PodDisruptionBudget {budget} allows no disruption, and its rollout makes one"
        return why, restart
    return None


def blocking(kind: Kind, found: Json, budgets: list[Json]) -> str:
    """The budget that lets none of its pods go now. A rollout does not ask budgets, so we do."""
    if not _takes_pods_down(kind, found["spec"]):
        return ""
    template = found["spec"].get("template") or {}
    labels = (template.get("metadata") or {}).get("labels") or {}
    for budget in budgets:
        here = budget["metadata"]["namespace"] == found["metadata"]["namespace"]
        allowed = (budget.get("status") or {}).get("disruptionsAllowed", 0)
        selected = label_selectors.selects((budget.get("spec") or {}).get("selector"), labels)
        if here and selected and allowed < 1:
            return str(budget["metadata"]["name"])
    return ""


def _takes_pods_down(kind: Kind, spec: Json) -> bool:
    """Whether a rollout makes do with fewer pods for a while; a Deployment with few starts new ones first.

    https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#max-unavailable (percentages round down)
    """
    if kind != "Deployment":
        return True
    strategy = spec.get("strategy") or {}
    most = (strategy.get("rollingUpdate") or {}).get("maxUnavailable", "25%")
    if isinstance(most, str):
        most = int(most.removesuffix("%")) * int(spec.get("replicas", 1)) // 100
    return strategy.get("type") == "Recreate" or int(most) > 0


def unfinished(kind: Kind, found: Json) -> str:
    """What the controller still has to do; empty when all pods are new and available."""
    if kind == "CronJob":
        return ""  # it has no pods to replace, and says no generation: its next run is new
    status, spec = found.get("status") or {}, found.get("spec") or {}
    if kind == "Rollout":
        return ", ".join(argo_rollouts.missing(found))
    if not has_seen(found):
        return "the controller has not seen the change"
    if kind == "DaemonSet":
        wanted = status.get("desiredNumberScheduled", 0)
        names = ["updatedNumberScheduled", "numberAvailable"]
    else:
        wanted = spec.get("replicas", 1)
        names = ["updatedReplicas", "availableReplicas", "replicas"]
    counts = [
        f"{name} {status.get(name, 0)} of {wanted}"
        for name in names
        if status.get(name, 0) != wanted
    ]
    return ", ".join(counts)
