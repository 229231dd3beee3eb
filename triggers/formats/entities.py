"""Entities of a security alert: which workload identities it names. Two spellings, one meaning.

Sentinel's API writes {"kind", "properties"}, alerts write {"Type", ...} and refer to each other by "$id" and "$ref".
https://learn.microsoft.com/azure/sentinel/entities-reference

Names of people, machines and applications are never used.
"""

from collections.abc import Iterator
from typing import Any

from responders.evidence import canonical, digest
from responders.model import Hint
from responders.settings import is_guid
from triggers.formats.reading import embedded

_USER_ASSIGNED = "/providers/microsoft.managedidentity/userassignedidentities/"
_CLUSTERS = "/providers/microsoft.containerservice/managedclusters/"
_APPLICATIONS = {"cloudapplication", "serviceprincipal", "oauthapplication", "managedidentity"}
_ACCOUNTS = {"k8sserviceaccount", "kubernetesserviceaccount"}
_DEEPEST = 12  # entities hold entities; more levels than any product writes
_MOST = 20  # identities that one alert may name: each is looked up
Fields = dict[str, Any]


def hint(found: Any) -> Hint:
    """What the entities name: an id, or several of which one has to be a workload identity; {} for none."""
    listed = embedded(found)
    every = list(_walk(listed, 0)) if isinstance(listed, list) else []
    by_id = {str(one["$id"]): one for one in every if "$id" in one}
    named: list[Hint] = []
    for one in every:
        for wanted in _of(one, every, by_id):
            if wanted not in named:
                named.append(wanted)
    if len(named) <= 1:
        return named[0] if named else {}
    return {"any_of": named[:_MOST]}


def signal_id(of_alert: str, named: Hint) -> str:
    """An alert comes again whenever it is updated: that is news where it names another identity."""
    return f"{of_alert}/{digest(canonical(named))[:12]}" if named else of_alert


def _walk(value: Any, depth: int) -> Iterator[Fields]:
    """Every entity, those inside others too, with their fields' names in lower case."""
    if depth > _DEEPEST:
        return
    if isinstance(value, list):
        for one in value:
            yield from _walk(one, depth + 1)
    elif isinstance(value, dict):
        inner = value.get("properties")
        fields = {**value, **inner} if isinstance(inner, dict) else value
        yield {str(key).lower(): one for key, one in fields.items()}
        for one in fields.values():
            if isinstance(one, dict | list):
                yield from _walk(one, depth + 1)


def _type(entity: Fields) -> str:
    said = entity.get("kind") or entity.get("type") or ""
    return "".join(one for one in str(said).lower() if one.isalnum())


def _of(entity: Fields, every: list[Fields], by_id: dict[str, Fields]) -> Iterator[Hint]:
    kind = _type(entity)
    if kind in _APPLICATIONS:
        if object_id := _guid(entity, "serviceprincipalobjectid", "objectid", "aadobjectid"):
            yield {"object_id": object_id}
        elif app_id := _guid(entity, "appid", "oauthappid", "applicationid", "clientid"):
            yield {"app_id": app_id}
    elif kind == "account":
        # A person's, more often than not: the directory tells.
        if object_id := _guid(entity, "aaduserid", "objectguid"):
            yield {"object_id": object_id}
    elif kind == "azureresource":
        resource_id = entity.get("resourceid")
        if isinstance(resource_id, str) and _USER_ASSIGNED in resource_id.lower():
            yield {"resource_id": resource_id}
    elif kind in _ACCOUNTS:
        yield from _account(entity, every, by_id)


def _account(entity: Fields, every: list[Fields], by_id: dict[str, Fields]) -> Iterator[Hint]:
    """A ServiceAccount is in a namespace, which is in a cluster, which is a resource."""
    namespace = _inner(entity, "namespace", by_id) or _only(every, "k8snamespace")
    cluster = _inner(namespace, "cluster", by_id) or _only(every, "k8scluster")
    resource = _inner(cluster, "cloudresource", by_id)
    ids = [str(one.get("resourceid") or "") for one in ([resource] if resource else every)]
    clusters = {one for one in ids if _CLUSTERS in one.lower()}
    name, within = entity.get("name"), namespace.get("name")
    if isinstance(name, str) and isinstance(within, str) and len(clusters) == 1:
        yield {"service_account": {"cluster": clusters.pop(), "namespace": within, "name": name}}


def _inner(entity: Fields, field: str, by_id: dict[str, Fields]) -> Fields:
    """The entity in this field, where it stands or where it refers to; {} for none."""
    inner = entity.get(field)
    if isinstance(inner, str):
        return {"name": inner}
    if not isinstance(inner, dict):
        return {}
    referred = by_id.get(str(inner.get("$ref") or inner.get("$id")))
    return referred or {str(key).lower(): one for key, one in inner.items()}


def _only(every: list[Fields], kind: str) -> Fields:
    found = [one for one in every if _type(one) == kind]
    return found[0] if len(found) == 1 else {}


def _guid(entity: Fields, *names: str) -> str | None:
    for name in names:
        value = entity.get(name)
        if isinstance(value, str) and is_guid(value):
            return value.lower()
    return None
