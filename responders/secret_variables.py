"""Responder: workloads that give up a service principal's secret for the token of a ServiceAccount, or take it back.

Stops    new pods from getting the secret
Leaves   the Secret itself, and the credential that it holds: both are for a person to delete
Undo     `put_back`, with the entries that were taken out
Needs    NEEDS, below
Source   https://learn.microsoft.com/azure/aks/workload-identity-migrate-from-pod-identity
         https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/ ($patch: delete)
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from responders.kube import STRATEGIC_MERGE_PATCH, Kube
from responders.kube_requests import path_of
from responders.model import Json
from responders.needs import Needs, on_each
from responders.use_labels import parsed
from responders.workload_objects import (
    PLURALS,
    USE_LABEL,
    containers_of,
    is_injected,
    service_account_of,
    template_of,
)

Entries = Mapping[str, Sequence[Json]]  # container -> entries of its environment
_TEMPLATES = ("deployments.apps", "statefulsets.apps", "daemonsets.apps", "cronjobs.batch")
NEEDS: Final = Needs(
    cluster=(
        *on_each(
            _TEMPLATES,
            ("get", "patch"),
            "take a Secret's client secret out of a pod template",
            ("_write",),
        ),
    ),
)


class Place(NamedTuple):
    """A workload, as "Deployment/orders-api" in a namespace."""

    namespace: str
    workload: str


async def give_up(kube: Kube, place: Place, account: str, entries: Entries) -> bool:
    """Run under this ServiceAccount, with the label and without the entries; False where it does so already."""

    def change(template: Json) -> Json | None:
        held = _held(template, entries)
        if not held and is_injected(template) and service_account_of(template["spec"]) == account:
            return None
        gone = {
            name: [{"name": one, "$patch": "delete"} for one in sorted(names)]
            for name, names in held.items()
        }
        spec: Json = {"serviceAccountName": account, **_containers(template, gone)}
        return {"metadata": {"labels": {USE_LABEL: "true"}}, "spec": spec}

    return await _write(kube, place, change)


async def put_back(kube: Kube, place: Place, before: str, entries: Entries) -> bool:
    """As it was: its ServiceAccount of before, the entries, no label."""

    def change(template: Json) -> Json | None:
        held = _held(template, entries)
        if held and not is_injected(template) and service_account_of(template["spec"]) == before:
            return None
        env = {name: [dict(one) for one in listed] for name, listed in entries.items()}
        spec: Json = {"serviceAccountName": before, **_containers(template, env)}
        return {"metadata": {"labels": {USE_LABEL: None}}, "spec": spec}

    return await _write(kube, place, change)


def _held(template: Json, entries: Entries) -> dict[str, set[str]]:
    """The names that are still there, by container."""
    wanted = {name: {one["name"] for one in listed} for name, listed in entries.items()}
    found = {
        str(one["name"]): {each["name"] for each in one.get("env") or []}
        & wanted.get(str(one["name"]), set())
        for one in containers_of(template["spec"])
    }
    return {name: names for name, names in found.items() if names}


def _containers(template: Json, env: Mapping[str, list[Json]]) -> Json:
    """Containers merge by name, and the entries of their environments do."""
    found: Json = {}
    for part in ("initContainers", "containers"):
        changed = [
            {"name": one["name"], "env": env[one["name"]]}
            for one in template["spec"].get(part) or []
            if one["name"] in env
        ]
        if changed:
            found[part] = changed
    return found


async def _write(kube: Kube, place: Place, change: Callable[[Json], Json | None]) -> bool:
    kind, name = parsed(place.workload)

    def patch(now: Json) -> Json | None:
        template = change(template_of(kind, now))
        if template is None:
            return None
        if kind == "CronJob":
            return {"spec": {"jobTemplate": {"spec": {"template": template}}}}
        return {"spec": {"template": template}}

    at = path_of(PLURALS[kind], place.namespace, name)
    _, written = await kube.update(at, patch, content_type=STRATEGIC_MERGE_PATCH)
    return written
