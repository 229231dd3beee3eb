"""From an exported object to one that an API server takes: what was left behind is made up, the same for everybody."""

from sandbox.world import Json, copied

_IMAGE = "twin.invalid"  # pulled by nobody: pods here only hold their identity
_IDLE = ["sleep", "infinity"]
_NEVER = "0 0 29 2 *"  # schedules are not exported: no Job begins by itself
_SIZE = {"storage": "1Gi"}
_RUNNERS = ("deployments", "statefulsets", "daemonsets", "replicasets", "rollouts")
_USE = "azure.workload.identity/use"
# What the webhook and the API server put into pods, and will again.
_INJECTED = ("azure-identity-token", "kube-api-access-")
_INJECTED_VARIABLE = "AZURE_CLIENT_ID"
# What a Job's own controller writes, by the uid that it had.
_OF_JOBS = ("controller-uid", "job-name", "batch.kubernetes.io/")


def whole(plural: str, exported: Json) -> Json:
    """The object, ready to be created."""
    one = copied(exported)
    about = {
        name: one["metadata"][name]
        for name in ("name", "namespace", "labels", "annotations")
        if one["metadata"].get(name)
    }
    spec = one.get("spec") or {}
    made: Json = {**one, "metadata": about}
    match plural:
        case _ if plural in _RUNNERS:
            made["spec"] = {**spec, **_templated(spec)}
        case "jobs":
            made["spec"] = _job(spec)
        case "cronjobs":
            inner = spec["jobTemplate"]["spec"]
            made["spec"] = {**spec, "schedule": _NEVER, "jobTemplate": {"spec": _job(inner)}}
        case "pods":
            wired = (about.get("labels") or {}).get(_USE) == "true"
            made["spec"] = _pod(spec, wired=wired)
        case "persistentvolumes":
            made["spec"] = {"capacity": _SIZE, "accessModes": ["ReadWriteMany"], **spec}
        case "persistentvolumeclaims":
            asked = {"resources": {"requests": _SIZE}, "accessModes": ["ReadWriteMany"]}
            kept = {name: value for name, value in spec.items() if name != "triggers"}
            made["spec"] = {**asked, **kept}
        case "scaledobjects" | "scaledjobs":
            made["spec"] = _scaler(plural, spec)
        case _:
            pass
    return {name: value for name, value in made.items() if value is not None}


def _templated(spec: Json) -> Json:
    if spec.get("template") is None:
        return {}  # a Rollout that has another one's
    return {"template": _template(spec["template"])}


def _template(template: Json) -> Json:
    metadata = {name: each for name, each in template["metadata"].items() if each}
    return {"metadata": metadata, "spec": _pod(template["spec"])}


def _job(spec: Json) -> Json:
    template = _template(spec["template"])
    labels = template["metadata"].get("labels") or {}
    template["metadata"]["labels"] = {
        name: value for name, value in labels.items() if not name.startswith(_OF_JOBS)
    }
    template["spec"]["restartPolicy"] = "Never"
    for container in template["spec"]["containers"]:
        container["command"] = _IDLE
    kept = {name: spec[name] for name in ("suspend",) if spec.get(name) is not None}
    return {**kept, "template": template}


def _pod(spec: Json, *, wired: bool = False) -> Json:
    made = {name: value for name, value in spec.items() if value}
    for part in ("initContainers", "containers"):
        if made.get(part):
            made[part] = [_container(one, wired=wired) for one in made[part]]
    volumes = [one for one in made.get("volumes") or [] if not one["name"].startswith(_INJECTED)]
    made.pop("volumes", None)
    return {**made, "volumes": volumes} if volumes else made


def _container(one: Json, *, wired: bool) -> Json:
    made = {name: value for name, value in one.items() if value}
    if wired:
        env = [each for each in made.get("env") or [] if each["name"] != _INJECTED_VARIABLE]
        made = {**made, "env": env}
    return {**made, "image": f"{_IMAGE}/{one['name']}:1"}


def _scaler(plural: str, spec: Json) -> Json:
    """A trigger of some kind: what it counts was left behind."""
    triggers = [
        {"type": "azure-servicebus", "metadata": {}, **one} for one in spec.get("triggers") or []
    ]
    if plural == "scaledobjects":
        return {**spec, "triggers": triggers}
    template = {"spec": {"containers": [{"name": "job", "image": f"{_IMAGE}/job:1"}]}}
    return {**spec, "triggers": triggers, "jobTargetRef": {"template": template}}
