"""The scale subresource: `autoscaling/v1` Scale over `spec.replicas`.

Source   https://kubernetes.io/docs/reference/kubernetes-api/autoscaling-resources/scale-v1/
"""

from sandbox.kubernetes.field_problems import invalid_value
from sandbox.kubernetes.kind import Kind
from sandbox.kubernetes.statuses import bad_request, invalid
from sandbox.world import Json

KIND = Kind("autoscaling", "scales", "Scale")


def of(value: Json) -> Json:
    """The Scale of a deployment, replica set or stateful set."""
    about = value["metadata"]
    names = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    replicas = value["spec"].get("replicas", 0)
    status: Json = {"replicas": value.get("status", {}).get("replicas", 0)}
    if selector := _text(value["spec"]["selector"]):
        status["selector"] = selector
    return {
        "metadata": {name: about[name] for name in names if name in about},
        "spec": {"replicas": replicas} if replicas else {},
        "status": status,
    }


def check(name: str, scale: Json) -> None:
    """Raises `StatusError` 400 for the Scale of another object, 422 for one below nothing."""
    stated = (scale.get("metadata") or {}).get("name", name)
    if stated != name:
        raise bad_request(
            f"the name of the object ({stated}) does not match the name on the URL ({name})"
        )
    replicas = (scale.get("spec") or {}).get("replicas", 0)
    if replicas < 0:
        text = "must be greater than or equal to 0"
        raise invalid(KIND, name, [invalid_value("spec.replicas", replicas, text)])


def onto(value: Json, scale: Json) -> Json:
    """The scaled object with the replicas and the resourceVersion that a Scale asks for."""
    about = {**value["metadata"]}
    stated = (scale.get("metadata") or {}).get("resourceVersion")
    if stated:
        about["resourceVersion"] = stated
    spec = {**value["spec"], "replicas": (scale.get("spec") or {}).get("replicas", 0)}
    return {**value, "metadata": about, "spec": spec}


def _text(selector: Json) -> str:
    parts = [f"{key}={value}" for key, value in sorted(selector.get("matchLabels", {}).items())]
    for each in selector.get("matchExpressions", []):
        key, values = each["key"], ",".join(sorted(each.get("values", [])))
        parts.append(
            {
                "In": f"{key} in ({values})",
                "NotIn": f"{key} notin ({values})",
                "Exists": key,
                "DoesNotExist": f"!{key}",
            }[each["operator"]]
        )
    return ",".join(parts)
