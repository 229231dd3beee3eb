"""Bare pods and Jobs that nobody can change: the manifest with which a person makes them again. Pure.

Source   https://kubernetes.io/docs/concepts/workloads/pods/#pod-update-and-replacement
         https://kubernetes.io/docs/concepts/workloads/controllers/job/#specifying-your-own-pod-selector
         https://azure.github.io/azure-workload-identity/docs/installation/mutating-admission-webhook.html

What the cluster put in is taken out, so that it is put in anew. What was cut out as a possible secret stays so: the
text says where.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from responders.model import Json
from responders.redaction import REDACTED, scrub_document
from responders.workload_objects import CLIENT_ID_VARIABLE

# Set by the webhook of azure-workload-identity where the container has none of that name.
_INJECTED = {
    CLIENT_ID_VARIABLE,
    "AZURE_TENANT_ID",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_AUTHORITY_HOST",
}
_VOLUMES = ("kube-api-access-", "azure-workload-identity-reserved-", "azure-identity-token")
_TOLERATED = {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}
_OF_A_RUN = {"nodeName", "serviceAccount", "priority", "preemptionPolicy", "enableServiceLinks"}
_OF_A_JOB = {
    "controller-uid",
    "job-name",
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-name",
}
_NOTES = ("firebreak.dev/", "kubectl.kubernetes.io/last-applied-configuration")


def of_pod(pod: Json, service_account: str, old_id: str, new_id: str) -> Json:
    """A bare pod, as it was captured."""
    spec = _pod_spec(pod["spec"], service_account)
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": _metadata(pod), "spec": spec}
    return dict(_renamed(scrub_document(manifest), old_id, new_id))


def of_job(job: Json, service_account: str, old_id: str, new_id: str) -> Json:
    """A Job, as it stands, suspended by the eviction: made again it runs from its start."""
    kept = {
        name: value
        for name, value in job["spec"].items()
        if name not in {"selector", "manualSelector", "suspend", "template"}
    }
    template = job["spec"]["template"]
    about = _metadata({"metadata": template.get("metadata") or {}})
    spec = {
        **kept,
        "template": {"metadata": about, "spec": _pod_spec(template["spec"], service_account)},
    }
    manifest = {"apiVersion": "batch/v1", "kind": "Job", "metadata": _metadata(job), "spec": spec}
    return dict(_renamed(scrub_document(manifest), old_id, new_id))


def as_yaml(manifests: Sequence[Json]) -> str:
    """One document for each."""
    import yaml  # type: ignore[import-untyped]  # noqa: PLC0415 - only where something is made again

    return str(yaml.safe_dump_all(manifests, sort_keys=False, width=120))


def cut_out(manifest: Any, at: str = "") -> list[str]:
    """Where something was cut out that a person has to fill in."""
    match manifest:
        case str() if REDACTED.strip("[]") in manifest:
            return [at]
        case dict():
            return [one for key, value in manifest.items() for one in cut_out(value, f"{at}.{key}")]
        case list():
            parts = ((index, one) for index, one in enumerate(manifest))
            return [found for index, one in parts for found in cut_out(one, f"{at}[{index}]")]
        case _:
            return []


def _metadata(found: Json) -> Json:
    about = found["metadata"]
    labels = {
        name: value for name, value in (about.get("labels") or {}).items() if name not in _OF_A_JOB
    }
    notes = {
        name: value
        for name, value in (about.get("annotations") or {}).items()
        if not name.startswith(_NOTES)
    }
    kept = {name: about[name] for name in ("name", "namespace") if about.get(name)}
    return {
        **kept,
        **({"labels": labels} if labels else {}),
        **({"annotations": notes} if notes else {}),
    }


def _pod_spec(spec: Json, service_account: str) -> Json:
    kept = {name: value for name, value in spec.items() if name not in _OF_A_RUN}
    kept["serviceAccountName"] = service_account
    for part in ("initContainers", "containers"):
        if part in spec:
            kept[part] = [_container(one) for one in spec[part]]
    _less(kept, "volumes", spec, lambda one: not _is_injected(one.get("name")))
    _less(kept, "tolerations", spec, lambda one: one.get("key") not in _TOLERATED)
    return kept


def _container(container: Json) -> Json:
    kept = dict(container)
    _less(kept, "env", container, lambda one: one.get("name") not in _INJECTED)
    _less(kept, "volumeMounts", container, lambda one: not _is_injected(one.get("name")))
    return kept


def _less(kept: Json, part: str, found: Json, keep: Any) -> None:
    """The list without what was put in; gone where nothing is left of it."""
    kept.pop(part, None)
    items: Iterable[Json] = found.get(part) or []
    if left := [one for one in items if keep(one)]:
        kept[part] = left


def _is_injected(name: object) -> bool:
    return str(name).startswith(_VOLUMES)


def _renamed(value: Any, old: str, new: str) -> Any:
    """The new client id wherever the old one stood."""
    match value:
        case str():
            return value.replace(old, new)
        case list():
            return [_renamed(one, old, new) for one in value]
        case dict():
            return {key: _renamed(one, old, new) for key, one in value.items()}
        case _:
            return value
