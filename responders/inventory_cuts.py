"""What is kept of each object of a cluster: all that a survey judges by, and no more. Pure, no I/O.

A cluster's pods are tens of megabytes as the API server tells them; and what is not kept can't be told on, values of
environment variables above all.
"""

from responders.model import Json
from responders.workload_objects import CLIENT_ID_VARIABLE, PLURALS, Kind, is_of_another

CLIENT_ID = "azure.workload.identity/client-id"
# What the webhook injects where a cluster binds identities itself.
# https://github.com/Azure/azure-workload-identity/blob/main/pkg/webhook/consts.go
TOKEN_PROXY = "AZURE_KUBERNETES_TOKEN_PROXY"  # noqa: S105 - the name of a variable
_LONGEST = 1_000  # of an annotation: last-applied-configuration repeats the whole object
_METADATA = (
    *("name", "namespace", "uid", "resourceVersion", "generation", "labels"),
    *("creationTimestamp", "deletionTimestamp"),
)
_SPEC = (
    *("replicas", "paused", "suspend", "selector", "strategy", "updateStrategy"),
    "workloadRef",
)
# Of these every object is kept, and these parts of it.
_WHOLE: dict[str, tuple[str, ...]] = {
    "serviceaccounts": (),
    "roles": ("rules",),
    "clusterroles": ("rules",),
    "rolebindings": ("subjects", "roleRef"),
    "clusterrolebindings": ("subjects", "roleRef"),
    "poddisruptionbudgets": ("spec", "status"),
}
# Of these the parts of the spec by which a workload is found that uses what names the client id.
_REFERRING: dict[str, tuple[str, ...]] = {
    "persistentvolumeclaims": ("storageClassName", "volumeName"),
    "scaledobjects": ("scaleTargetRef",),
    "scaledjobs": (),
}
_KINDS: dict[str, Kind] = {plural: kind for kind, plural in PLURALS.items()}


def cut(plural: str, found: Json, client_id: str) -> Json | None:
    """The object, less what nobody asks; None where nobody asks for it at all."""
    if plural in _KINDS:
        return _runner(_KINDS[plural], found, client_id)
    kept: Json = {"metadata": _metadata(found["metadata"])}
    if plural == "configmaps":
        return _config_map(found, kept, client_id)
    if plural in _WHOLE:
        return kept | {part: found.get(part) for part in _WHOLE[plural]}
    if plural in _REFERRING:
        return kept | {"spec": _referring(plural, found.get("spec") or {})}
    return {**found, **kept} if _says(found, client_id) else None


def _referring(plural: str, spec: Json) -> Json:
    """Names alone: a scaler's own settings may hold anything."""
    references = [one.get("authenticationRef") for one in spec.get("triggers") or []]
    kept = {name: spec[name] for name in _REFERRING[plural] if name in spec}
    return {**kept, "triggers": [{"authenticationRef": one} for one in references if one]}


def says(value: object, client_id: str) -> bool:
    """Whether this is the client id, in any case and with any space around it."""
    return isinstance(value, str) and value.strip().lower() == client_id.lower()


def holds(value: object, client_id: str) -> bool:
    """Whether the client id stands somewhere in this text."""
    return isinstance(value, str) and client_id.lower() in value.lower()


def _says(value: object, client_id: str) -> bool:
    """Whether the client id stands anywhere in this document."""
    match value:
        case dict():
            return any(_says(one, client_id) for one in value.values())
        case list():
            return any(_says(one, client_id) for one in value)
        case _:
            return holds(value, client_id)


def _metadata(metadata: Json) -> Json:
    kept = {name: metadata[name] for name in _METADATA if name in metadata}
    annotations: Json = metadata.get("annotations") or {}
    owners = metadata.get("ownerReferences") or []
    return {
        **kept,
        "annotations": {
            name: value for name, value in annotations.items() if len(value) <= _LONGEST
        },
        "ownerReferences": [one for one in owners if one.get("controller")],
        "managedFields": [_manager(one) for one in metadata.get("managedFields") or []],
    }


def _manager(entry: Json) -> Json:
    """Who wrote when, and whether the client id is among what they wrote."""
    fields: Json = entry.get("fieldsV1") or {}
    annotations = (fields.get("f:metadata") or {}).get("f:annotations") or {}
    return {
        "manager": entry.get("manager"),
        "time": entry.get("time"),
        "names_client_id": f"f:{CLIENT_ID}" in annotations,
    }


def _runner(kind: Kind, found: Json, client_id: str) -> Json:
    kept: Json = {"metadata": _metadata(found["metadata"]), "status": found.get("status") or {}}
    if kind == "Pod":
        kept["status"] = {"phase": kept["status"].get("phase")}
        return {**kept, "spec": _pod_spec(found["spec"], client_id)}
    spec = {name: found["spec"][name] for name in _SPEC if name in found["spec"]}
    if kind == "CronJob":
        template = found["spec"]["jobTemplate"]["spec"]["template"]
        spec["jobTemplate"] = {"spec": {"template": _template(template, client_id)}}
    elif not is_of_another(kind, found):
        spec["template"] = _template(found["spec"]["template"], client_id)
    return {**kept, "spec": spec}


def _template(template: Json, client_id: str) -> Json:
    metadata: Json = template.get("metadata") or {}
    kept = {name: metadata.get(name) or {} for name in ("labels", "annotations")}
    return {"metadata": kept, "spec": _pod_spec(template["spec"], client_id)}


def _pod_spec(spec: Json, client_id: str) -> Json:
    names = ("serviceAccountName", "serviceAccount")
    kept: Json = {name: spec[name] for name in names if name in spec}
    for part in ("initContainers", "containers"):
        kept[part] = [_container(one, client_id) for one in spec.get(part) or []]
    kept["volumes"] = [one for one in spec.get("volumes") or [] if _is_asked_for(one)]
    return kept


def _container(container: Json, client_id: str) -> Json:
    variables = container.get("env") or []
    said = [*(container.get("command") or []), *(container.get("args") or [])]
    return {
        "name": container.get("name"),
        "env": [one for one in variables if _is_telling(one, client_id)],
        "envFrom": container.get("envFrom") or [],
        "args": [one for one in said if holds(one, client_id)],
    }


def _is_telling(variable: Json, client_id: str) -> bool:
    """Whether a variable says which identity is used. The value of any other is not kept: it may be a secret."""
    if variable.get("name") in {CLIENT_ID_VARIABLE, TOKEN_PROXY} or "valueFrom" in variable:
        return True
    return holds(variable.get("value"), client_id)


def _is_asked_for(volume: Json) -> bool:
    """Tokens, secrets by a SecretProviderClass, claims, ConfigMaps."""
    if "projected" in volume:
        sources = volume["projected"].get("sources") or []
        return any("serviceAccountToken" in one or "configMap" in one for one in sources)
    return bool({"csi", "persistentVolumeClaim", "configMap"} & volume.keys())


def _config_map(found: Json, kept: Json, client_id: str) -> Json | None:
    """The entries that say the client id or hold it, and any that pods would take as AZURE_CLIENT_ID."""
    data: Json = found.get("data") or {}
    telling = {
        name: client_id if says(value, client_id) else "…"
        for name, value in data.items()
        if holds(value, client_id) or name == CLIENT_ID_VARIABLE
    }
    if not telling:
        return None
    other = {name for name in telling if not holds(data[name], client_id)}
    return {
        **kept,
        "immutable": bool(found.get("immutable")),
        "data": telling,
        "other": sorted(other),  # another identity's, or none
    }
