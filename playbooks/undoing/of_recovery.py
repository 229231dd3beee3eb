"""Commands that take each step of recovery back, by the plan, and those that do what it was to do. Pure.

Source   https://kubernetes.io/docs/reference/kubectl/
"""

import json
from collections.abc import Mapping

from playbooks.plan_model import ClusterPlan
from playbooks.undoing import of_successors
from playbooks.undoing.known import Known, Undoing, quoted
from responders.model import Json, WorkloadRef

_CLIENT_ID = "azure.workload.identity/client-id"
_OURS = "firebreak.dev"
_ROLLS_OUT = {"Deployment", "StatefulSet", "DaemonSet"}


def _kubectl(part: ClusterPlan, namespace: str | None, *words: object) -> str:
    place = ["-n", namespace] if namespace else []
    return quoted("kubectl", "--context", part["survey"]["cluster"]["name"], *place, *words)


def _patch(part: ClusterPlan, one: WorkloadRef, body: Json) -> str:
    text = json.dumps(body, sort_keys=True)
    return _kubectl(
        part,
        one["namespace"],
        "patch",
        one["kind"].lower(),
        one["name"],
        "--type",
        "merge",
        "-p",
        text,
    )


def _stopped(one: WorkloadRef) -> Json:
    """How each kind is stopped, as the eviction does it."""
    match one["kind"]:
        case "Job" | "CronJob":
            return {"spec": {"suspend": True}}
        case "DaemonSet":
            return {"spec": {"template": {"spec": {"nodeSelector": {f"{_OURS}/nowhere": "true"}}}}}
        case _:
            return {"spec": {"replicas": 0}}


def _running(one: WorkloadRef) -> Json:
    match one["kind"]:
        case "Job" | "CronJob":
            return {"spec": {"suspend": False}}
        case "DaemonSet":
            return {"spec": {"template": {"spec": {"nodeSelector": {f"{_OURS}/nowhere": None}}}}}
        case _:
            return {"spec": {"replicas": one["replicas"]}}


def _stop(known: Known, target: str) -> list[str]:
    part = known.cluster(target)
    found = part["survey"]["workloads"] if part else []
    return [
        _kubectl(part, one["namespace"], "delete", "pod", one["name"])
        if one["kind"] == "Pod"
        else _patch(part, one, _stopped(one))
        for one in found
        if part is not None
    ]


def _start_again(known: Known, target: str) -> list[str]:
    """A bare pod is made again from its captured spec, which lies in the evidence."""
    part = known.cluster(target)
    if part is None:
        return []
    commands = [
        _patch(part, one, _running(one))
        for one in part["survey"]["workloads"]
        if one["kind"] != "Pod"
    ]
    pods = [one for one in part["survey"]["workloads"] if one["kind"] == "Pod"]
    commands += [
        _kubectl(part, one["namespace"], "apply", "-f", f"<spec of {one['name']} from pods/>")
        for one in pods
    ]
    return commands


def _account(part: ClusterPlan, namespace: str, name: str, client_id: str | None) -> str:
    value = f"{_CLIENT_ID}-" if client_id is None else f"{_CLIENT_ID}={client_id}"
    words = ("annotate", "serviceaccount", name, value, "--overwrite")
    return _kubectl(part, namespace, *words)


def _new_names(part: ClusterPlan) -> list[tuple[str, str, str]]:
    """(namespace, old name, name afterwards)."""
    return [(*key.split("/", 1), new) for key, new in part["new_names"].items()]  # type: ignore[misc]


def _make_accounts(known: Known, target: str) -> list[str]:
    part, new_id = known.cluster(target), of_successors.new_id(known)
    commands: list[str] = []
    for namespace, old, new in _new_names(part) if part else []:
        if part is not None and new != old:
            commands.append(_kubectl(part, namespace, "create", "serviceaccount", new))
        if part is not None:
            commands.append(_account(part, namespace, new, new_id))
    return commands


def _unmake_accounts(known: Known, target: str) -> list[str]:
    """A new ServiceAccount goes; one that kept its name gets the old client id back."""
    part = known.cluster(target)
    old_id = known.incident["principal"]["app_id"]
    return [
        _kubectl(part, namespace, "delete", "serviceaccount", new)
        if new != old
        else _account(part, namespace, new, old_id)
        for namespace, old, new in (_new_names(part) if part else [])
        if part is not None
    ]


def _retire(known: Known, target: str) -> list[str]:
    part = known.cluster(target)
    return [
        _account(part, one["namespace"], one["name"], None)
        for one in (part["survey"]["service_accounts"] if part else [])
        if part is not None
    ]


def _unretire(known: Known, target: str) -> list[str]:
    part = known.cluster(target)
    return [
        _account(part, one["namespace"], one["name"], one["client_id"])
        for one in (part["survey"]["service_accounts"] if part else [])
        if part is not None
    ]


def _move(known: Known, target: str) -> list[str]:
    part = known.cluster(target)
    return _runs_as(part, to_new=True) if part else []


def _move_back(known: Known, target: str) -> list[str]:
    part = known.cluster(target)
    return _runs_as(part, to_new=False) if part else []


def _runs_as(part: ClusterPlan, *, to_new: bool) -> list[str]:
    """The ServiceAccount in the template and the replicas; where the name stays, a restart is what counts."""
    commands = []
    for one in part["workloads"]:
        new = part["new_names"].get(f"{one['namespace']}/{one['service_account']}")
        if one["kind"] not in _ROLLS_OUT or new is None:
            continue
        name = new if to_new else one["service_account"]
        body = _running(one)
        if new != one["service_account"]:
            template = body["spec"].setdefault("template", {"spec": {}})
            template["spec"]["serviceAccountName"] = name
        commands.append(_patch(part, one, body))
        if new == one["service_account"]:
            restart = f"{one['kind'].lower()}/{one['name']}"
            commands.append(_kubectl(part, one["namespace"], "rollout", "restart", restart))
    return commands


def _consumers(known: Known, target: str, client_id: str) -> list[str]:
    part = known.cluster(target)
    commands = []
    for one in part["consumers"] if part else []:
        if not one["patchable"] or part is None:
            continue
        dotted = one["kind"] == "ConfigMap"  # its keys may have dots in them
        body: Json | str = client_id
        for name in reversed(one["field"].split(".", 1) if dotted else one["field"].split(".")):
            body = {name: body}
        words = ("patch", one["kind"].lower(), one["name"], "--type", "merge", "-p")
        commands.append(_kubectl(part, one["namespace"], *words, json.dumps(body)))
    return commands


def _consumers_forth(known: Known, target: str) -> list[str]:
    return _consumers(known, target, of_successors.new_id(known))


def _consumers_back(known: Known, target: str) -> list[str]:
    return _consumers(known, target, known.incident["principal"]["app_id"])


def _lift(known: Known, target: str) -> list[str]:
    part = known.cluster(target)
    mark = f"{_OURS}/incident={known.incident['incident_id']}"
    return [_kubectl(part, None, "delete", "networkpolicy", "-A", "-l", mark)] if part else []


def _resume_owners(known: Known, target: str) -> list[str]:
    """As the step wrote them down when it asked the controllers to wait."""
    answers = [one for one in known.kept.get("suspend_owners", []) if one.get("target") == target]
    return [command for one in answers for command in one.get("by_hand", [])]


_CLOSED = "retire_successor"  # closes the new identity, with all that it was given
RECOVERY: Mapping[str, Undoing] = {
    "quarantine_workloads": Undoing("take_back_cluster", take_back=_lift),
    "suspend_owners": Undoing("take_back_cluster", take_back=_resume_owners),
    "resume_owners": Undoing(why_not="it writes what Git says again, as before the incident"),
    "evict_workloads": Undoing("take_back_cluster", take_back=_start_again, finish=_stop),
    "create_identity": Undoing(_CLOSED, take_back=of_successors.close, finish=of_successors.make),
    "rotate_signing_keys": Undoing(
        why_not="a key that is gone does not come back, and nobody needs it"
    ),
    "restart_token_users": Undoing(why_not="a restart leaves nothing behind"),
    "federate_identity": Undoing(
        _CLOSED, take_back=of_successors.unfederate, finish=of_successors.federate
    ),
    "grant_roles": Undoing(_CLOSED, take_back=of_successors.ungrant, finish=of_successors.grant),
    "give_permissions": Undoing(_CLOSED, take_back=of_successors.close),
    "create_service_accounts": Undoing(
        "take_back_cluster", take_back=_unmake_accounts, finish=_make_accounts
    ),
    "move_consumers": Undoing(
        "take_back_cluster", take_back=_consumers_back, finish=_consumers_forth
    ),
    "lift_quarantine": Undoing(why_not="a fence that is gone protects nobody", finish=_lift),
    "move_workloads": Undoing("take_back_cluster", take_back=_move_back, finish=_move),
    "retire_service_accounts": Undoing("take_back_cluster", take_back=_unretire, finish=_retire),
    "take_back_cluster": Undoing(why_not="another recovery moves it again"),
    "retire_successor": Undoing(why_not="another recovery makes another identity"),
}
# In the order in which a recovery takes them, for what it did not begin.
WHOLE = ("create_identity", "federate_identity", "grant_roles", "give_permissions")
SIDEWAYS = ("suspend_owners", "resume_owners", "quarantine_workloads", "lift_quarantine")
PER_CLUSTER = (
    "evict_workloads",
    "create_service_accounts",
    "move_consumers",
    "move_workloads",
    "retire_service_accounts",
)
