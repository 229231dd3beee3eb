"""The patches by which a workload comes under the new identity. Pure, no I/O.

Source   https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/
"""

import re
from typing import Protocol

from responders.model import Json
from responders.workload_objects import (
    CLIENT_ID_VARIABLE,
    INCIDENT,
    NOWHERE,
    PREVIOUS_SERVICE_ACCOUNT,
    REPLICAS,
    SUSPEND,
    Kind,
    is_of_another,
    service_account_of,
    template_of,
)

_REPLICAS = re.compile(r"[0-9]{1,5}")  # whoever may patch the workload can write the annotation


class Target(Protocol):
    """What a workload gets."""

    @property
    def service_account(self) -> str:
        """Its ServiceAccount afterwards."""

    @property
    def old_client_id(self) -> str:
        """What a template may say in so many words."""

    @property
    def new_client_id(self) -> str:
        """What it says then."""

    @property
    def incident_id(self) -> str:
        """Who changed it."""


def patch(kind: Kind, now: Json, to: Target) -> Json | None:
    """What is missing to the wanted state, as a strategic merge patch; None where nothing is.

    The server copies serviceAccountName into the deprecated `serviceAccount`, and the new field
    wins: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#PodSpec
    """
    spec = _restoring(kind, now)
    template = (
        None
        if is_of_another(kind, now)
        else _template(template_of(kind, now), to, restarts=kind != "Job")
    )
    if template is not None and kind == "Rollout":
        template = _with_whole_lists(template, now["spec"]["template"]["spec"])
    left = {REPLICAS, SUSPEND} & (now["metadata"].get("annotations") or {}).keys()
    if not spec and template is None and not left:
        return None
    notes: Json = {REPLICAS: None, SUSPEND: None, INCIDENT: to.incident_id}
    if template is not None and kind != "Job":  # whose template can't be changed
        before = service_account_of(template_of(kind, now)["spec"])
        if before != to.service_account:
            notes[PREVIOUS_SERVICE_ACCOUNT] = before
        spec = _with_template(kind, spec, template)
    return {"metadata": {"annotations": notes}, "spec": spec}


def restored(kind: Kind, before: Json) -> Json:
    """What the eviction had taken and the patch gives back, for the record."""
    spec = _restoring(kind, before)
    names = {"replicas": "replicas_restored", "suspend": "suspend_restored"}
    found = {names[name]: value for name, value in spec.items() if name in names}
    return {**found, "nodes_restored": True} if "template" in spec else found


def literals(pod_spec: Json, client_id: str) -> list[str]:
    """The containers whose AZURE_CLIENT_ID is this very client id, written out."""
    both = [*(pod_spec.get("initContainers") or []), *(pod_spec.get("containers") or [])]
    return [one["name"] for one in both if _says(one, client_id)]


def _restoring(kind: Kind, now: Json) -> Json:
    """What an eviction wrote down, where nobody changed it since."""
    notes: Json = now["metadata"].get("annotations") or {}
    spec: Json = {}
    replicas = str(notes.get(REPLICAS, ""))
    if now["spec"].get("replicas") == 0 and _REPLICAS.fullmatch(replicas):
        spec["replicas"] = int(replicas)
    if now["spec"].get("suspend") and notes.get(SUSPEND) == "false":
        spec["suspend"] = False
    if kind == "DaemonSet" and NOWHERE in (
        now["spec"]["template"]["spec"].get("nodeSelector") or {}
    ):
        spec["template"] = {"spec": {"nodeSelector": {NOWHERE: None}}}
    return spec


def _template(template: Json, to: Target, *, restarts: bool) -> Json | None:
    """The template's part of the patch; None where it is as it should be."""
    notes: Json = (template.get("metadata") or {}).get("annotations") or {}
    wanted: Json = {}
    if service_account_of(template["spec"]) != to.service_account:
        wanted["serviceAccountName"] = to.service_account
    for part in ("initContainers", "containers"):
        said = [
            one
            for one in template["spec"].get(part) or []
            if to.old_client_id != to.new_client_id and _says(one, to.old_client_id)
        ]
        if said:
            wanted[part] = [_saying(one["name"], to.new_client_id) for one in said]
    if not wanted and (notes.get(INCIDENT) == to.incident_id or not restarts):
        return None
    # A changed annotation is what makes a rollout: pods read the ServiceAccount's client id when they start.
    annotations = {INCIDENT: to.incident_id}
    return {"metadata": {"annotations": annotations}, **({"spec": wanted} if wanted else {})}


def _says(container: Json, client_id: str) -> bool:
    return any(
        one.get("name") == CLIENT_ID_VARIABLE
        and str(one.get("value", "")).strip().lower() == client_id.lower()
        for one in container.get("env") or []
    )


def _saying(container: str, client_id: str) -> Json:
    return {"name": container, "env": [{"name": CLIENT_ID_VARIABLE, "value": client_id}]}


def _with_whole_lists(template: Json, spec: Json) -> Json:
    """A custom resource takes merge patches alone, and these replace a list: so the whole one, with what changes.

    https://kubernetes.io/docs/concepts/extend-kubernetes/api-extension/custom-resources/#advanced-features-and-flexibility
    """
    wanted = dict(template.get("spec") or {})
    for part in ("initContainers", "containers"):
        new = {one["name"]: one["env"] for one in wanted.get(part, [])}
        if new:
            wanted[part] = [_with_env(one, new.get(one["name"], [])) for one in spec[part]]
    return {**template, **({"spec": wanted} if wanted else {})}


def _with_env(container: Json, said: list[Json]) -> Json:
    values = {one["name"]: one["value"] for one in said}
    if not values:
        return container
    env = [{**one, **_valued(values, one)} for one in container.get("env") or []]
    return {**container, "env": env}


def _valued(values: Json, variable: Json) -> Json:
    name = variable["name"]
    return {"value": values[name]} if name in values else {}


def _with_template(kind: Kind, spec: Json, template: Json) -> Json:
    if kind == "CronJob":
        return {**spec, "jobTemplate": {"spec": {"template": template}}}
    nowhere: Json = spec.get("template") or {}
    both = {**template.get("spec", {}), **nowhere.get("spec", {})}
    return {**spec, "template": {**template, **({"spec": both} if both else {})}}
