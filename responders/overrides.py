"""Where containers take a client id from, other than from the webhook, which leaves alone what they define. Pure.

Source   https://azure.github.io/azure-workload-identity/docs/topics/service-account-labels-and-annotations.html
"""

from collections.abc import Iterable, Mapping

from responders.inventory_cuts import says
from responders.model import Json
from responders.workload_objects import CLIENT_ID_VARIABLE, containers_of

_THIS, _OTHER = "the client id", "another client id"
ConfigMaps = Mapping[tuple[str, str], Json]  # by namespace and name


def certain(template: Json, namespace: str, client_id: str, maps: ConfigMaps) -> list[str]:
    """A sentence for each place that says which client id a container uses."""
    return [
        f"container {container['name']}: {said}"
        for container in containers_of(template["spec"])
        for said in (
            *_variables(container, namespace, client_id, maps),
            *_whole_maps(container, namespace, maps),
            *([f"its arguments hold {_THIS}"] if container.get("args") else []),
        )
    ]


def naming(template: Json, namespace: str, client_id: str, maps: ConfigMaps) -> list[str]:
    """Those sentences alone that say this very client id, and no other and no unknown one."""
    said = certain(template, namespace, client_id, maps)
    return [one for one in said if one.endswith("the client id")]


def possible(template: Json) -> list[str]:
    """A sentence for each Secret that may hold one: Secrets are never read."""
    return [
        f"container {container['name']}: every entry of Secret {name} becomes a variable, and Secrets are never read: "
        f"look whether {CLIENT_ID_VARIABLE} is one"
        for container in containers_of(template["spec"])
        for name in _named(container, "secretRef")
    ]


def secrets_of(template: Json) -> list[tuple[str, str]]:
    """Secrets that the client id is, or may be, taken from, each with its key; "" where it is the whole Secret."""
    found = []
    for container in containers_of(template["spec"]):
        for variable in container.get("env") or []:
            source = (variable.get("valueFrom") or {}).get("secretKeyRef")
            if variable.get("name") == CLIENT_ID_VARIABLE and source:
                found.append((str(source.get("name")), str(source.get("key"))))
        found += [(name, "") for name in _named(container, "secretRef")]
    return sorted(set(found))


def maps_of(template: Json) -> set[str]:
    """The ConfigMaps that any container takes something from, by environment or by file."""
    spec: Json = template["spec"]
    found = set()
    for container in containers_of(spec):
        found |= set(_named(container, "configMapRef"))
        for variable in container.get("env") or []:
            source = (variable.get("valueFrom") or {}).get("configMapKeyRef") or {}
            found.add(str(source.get("name", "")))
    for volume in spec.get("volumes") or []:
        sources = (volume.get("projected") or {}).get("sources") or []
        for one in (volume, *sources):
            found.add(str((one.get("configMap") or {}).get("name", "")))
    return found - {""}


def _kept(ref: Json, namespace: str, maps: ConfigMaps) -> str:
    """What an entry of a ConfigMap says, as far as the inventory has kept it."""
    found = maps.get((namespace, str(ref.get("name")))) or {"data": {}, "other": []}
    key = str(ref.get("key"))
    is_this = key in found["data"] and key not in found["other"]
    return _THIS if is_this else f"{key} is {_OTHER}, or not known"


def _variables(container: Json, namespace: str, client_id: str, maps: ConfigMaps) -> Iterable[str]:
    for variable in container.get("env") or []:
        name, value = variable.get("name"), variable.get("value")
        source: Json = variable.get("valueFrom") or {}
        if says(value, client_id):
            yield f"{name} is {_THIS}"
        elif name != CLIENT_ID_VARIABLE:
            if value is not None:
                yield f"{name} holds {_THIS}"
        elif ref := source.get("configMapKeyRef"):
            yield f"{name} is taken from ConfigMap {ref.get('name')}: {_kept(ref, namespace, maps)}"
        elif ref := source.get("secretKeyRef"):
            yield f"{name} is taken from Secret {ref.get('name')}, {ref.get('key')}, which is never read"
        elif source:
            yield f"{name} is taken from {', '.join(sorted(source))}"
        else:
            yield f"{name} is {_OTHER}" if value else f"{name} is set to nothing"


def _whole_maps(container: Json, namespace: str, maps: ConfigMaps) -> Iterable[str]:
    """`envFrom`: every entry of a ConfigMap becomes a variable, behind a prefix if there is one."""
    for source in container.get("envFrom") or []:
        name = (source.get("configMapRef") or {}).get("name")
        found = maps.get((namespace, str(name)))
        if found is None:
            continue
        for key in found["data"]:
            variable = f"{source.get('prefix') or ''}{key}"
            of_other = key in found["other"]
            yield f"{variable} is taken from ConfigMap {name}: {_OTHER if of_other else _THIS}"


def _named(container: Json, kind: str) -> list[str]:
    sources = container.get("envFrom") or []
    return [str(one[kind].get("name")) for one in sources if one.get(kind)]
