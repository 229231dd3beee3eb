"""What the API server takes of a pod's spec and warns about.

Left out    deprecated fields and annotations
Source      https://github.com/kubernetes/kubernetes/blob/master/pkg/api/pod/warnings.go
"""

from sandbox.kubernetes.kind import Kind
from sandbox.world import Json

_TEMPLATES = ("daemonsets", "deployments", "jobs", "replicasets", "statefulsets")


def of(kind: Kind, old: Json | None, new: Json) -> list[str]:
    """The warnings that a write earns: of a pod when it is made, of a template when it changes."""
    if kind.plural == "pods":
        return _spec(new["spec"], "spec") if old is None else []
    if kind.plural not in _TEMPLATES:
        return []
    template = new["spec"]["template"]
    if old is not None and old["spec"]["template"] == template:
        return []
    return _spec(template["spec"], "spec.template.spec")


def _spec(spec: Json, path: str) -> list[str]:
    found = []
    for group in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(group, [])):
            seen: set[str] = set()
            for place, variable in enumerate(container.get("env", [])):
                if variable["name"] in seen:
                    at = f"{path}.{group}[{index}].env[{place}]"
                    found.append(
                        f'{at}: hides previous definition of "{variable["name"]}", which may be '
                        "dropped when using apply"
                    )
                seen.add(variable["name"])
    return found
