"""Names and values that say which identity an alert is about: dimensions of a log alert, labels of Prometheus.

An id is used as what it is; a display name is never looked up.
"""

from collections.abc import Iterable
from typing import Literal

from responders.model import Hint, ServiceAccountHint
from responders.settings import is_guid
from triggers.formats.reading import NobodyError

Kind = Literal["object_id", "app_id"]
# Columns of the documented log tables, and what exporters call the same. Hyphens, underscores and case don't matter.
_GUIDS: dict[str, Kind] = {
    "serviceprincipalid": "object_id",
    "serviceprincipalobjectid": "object_id",
    "objectid": "object_id",
    "principalid": "object_id",
    "appid": "app_id",
    "applicationid": "app_id",
    "clientid": "app_id",
    "azureclientid": "app_id",
}
_RESOURCES = {"managedidentityresourceid", "identityresourceid"}
_ACCOUNTS = {"serviceaccount", "serviceaccountname"}
_NAMESPACES = ("serviceaccountnamespace", "namespace")
_CLUSTERS = ("clusterresourceid", "clusterid", "cluster", "clustername", "issuer")
# Who did it: an alert about our own restore must not undo it.
_ACTORS = {"caller", "callerobjectid", "actorobjectid", "initiatedby", "initiatedbyid"}
_USERNAME = "system:serviceaccount:"
_MOST_CANDIDATES = 20
Pair = tuple[str, str]


def hint(pairs: Iterable[Pair], where: str) -> Hint:
    """The one identity that the pairs name. Raises `NobodyError` for none, several, or a name."""
    known = [(_plain(name), name, value) for name, value in pairs]
    by_kind: dict[Kind, set[str]] = {"object_id": set(), "app_id": set()}
    for plain, name, value in known:
        if (kind := _GUIDS.get(plain)) is None:
            continue
        if not is_guid(value):
            raise NobodyError(
                "NotAnIdentity",
                f"{where} {name[:60]} holds {value[:80]!r}, which is no object id or client id; names are never "
                "looked up",
            )
        by_kind[kind].add(value.lower())
    if objects := by_kind["object_id"]:
        return {"object_id": _one(objects, where)}
    if apps := by_kind["app_id"]:
        return {"app_id": _one(apps, where)}
    if resources := {value for plain, _, value in known if plain in _RESOURCES}:
        return {"resource_id": _one(resources, where)}
    if accounts := {value for plain, _, value in known if plain in _ACCOUNTS}:
        values = {plain: value for plain, _, value in known}
        return {"service_account": _account(_one(accounts, where), values, where)}
    raise NobodyError("NoPrincipal", f"one principal must be in the {where}s; found none")


def actor(pairs: Iterable[Pair]) -> str | None:
    """The one object id that the pairs name as who did it; None for none, several, or a name."""
    found = {value.lower() for name, value in pairs if _plain(name) in _ACTORS}
    only = found.pop() if len(found) == 1 else ""
    return only if is_guid(only) else None


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def _one(values: set[str], where: str) -> str:
    if len(values) == 1:
        return next(iter(values))
    candidates = sorted(values)[:_MOST_CANDIDATES]
    raise NobodyError(
        "SeveralPrincipals",
        f"one principal must be in the {where}s; found {', '.join(one[:200] for one in candidates)}",
        candidates,
    )


def _account(said: str, values: dict[str, str], where: str) -> ServiceAccountHint:
    """`name`, `namespace:name`, or a username as the API server writes it."""
    namespace, _, name = said.removeprefix(_USERNAME).rpartition(":")
    namespace = namespace or next((values[one] for one in _NAMESPACES if one in values), "")
    cluster = next((values[one] for one in _CLUSTERS if one in values), "")
    if not (namespace and cluster and name):
        missing = "cluster" if namespace else "namespace"
        raise NobodyError(
            "NoPrincipal",
            f"the {where}s name the ServiceAccount {said[:80]!r} without its {missing}: the same name is in many",
        )
    return {"cluster": cluster, "namespace": namespace, "name": name}
