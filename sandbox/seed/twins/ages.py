"""How old each object was, and since when it names its client id: a plan goes by that."""

from sandbox.kubernetes import served
from sandbox.kubernetes.cluster import Cluster
from sandbox.world import Json, copied

_ANNOTATION = "f:azure.workload.identity/client-id"


def set_back(cluster: Cluster, objects: Json) -> None:
    """Write them as the export says: an administrator could not, the store can."""
    for plural, items in objects.items():
        kind = served.by_plural(cluster, plural)
        for one in items if kind is not None else []:
            about = one["metadata"]
            if kind is None:
                continue
            found = cluster.store.get(kind, about.get("namespace") or "", about["name"])
            if found is None:
                raise KeyError(f"{plural} {about.get('namespace') or ''}/{about['name']}")
            cluster.store.write(kind, _aged(found, about))


def _aged(found: Json, about: Json) -> Json:
    aged = copied(found)
    if about.get("creationTimestamp"):
        aged["metadata"]["creationTimestamp"] = about["creationTimestamp"]
    if "named_since" in about:
        aged["metadata"]["managedFields"] = [
            _entry(one, about["named_since"]) for one in aged["metadata"].get("managedFields") or []
        ]
    return aged


def _entry(entry: Json, named_since: str | None) -> Json:
    fields = (entry.get("fieldsV1") or {}).get("f:metadata", {}).get("f:annotations", {})
    if _ANNOTATION not in fields:
        return entry
    if named_since is not None:
        return {**entry, "time": named_since}
    return {name: value for name, value in entry.items() if name != "time"}
