"""Which objects of a cluster matter to one principal, by what its survey says of it. Pure."""

from collections.abc import Iterable, Iterator, Sequence

from responders.inventories import Inventory
from responders.inventory_cuts import CLIENT_ID, holds
from responders.surveys import Survey
from responders.workload_objects import PLURALS, Kind, service_account_of, template_of
from twin.cluster_model import Object
from twin.wire import Json
from twin.workload_model import Template

# Annotations and labels with another beginning are somebody else's, and may hold anything.
_TELLING = (
    "azure.workload.identity/",
    "argocd.argoproj.io/",
    "kustomize.toolkit.fluxcd.io/",
    "helm.toolkit.fluxcd.io/",
    "meta.helm.sh/",
    "firebreak.dev/",
)
_NAMING = ("configmaps", "secretproviderclasses", "triggerauthentications")
_CLUSTER_WIDE = ("clustertriggerauthentications", "persistentvolumes", "storageclasses")
_Place = tuple[str, str, str]  # kind, namespace, name


def telling(annotations: Json) -> Json:
    """Those that name an identity, a token's life or an owner."""
    return {name: value for name, value in annotations.items() if name.startswith(_TELLING)}


def templates(found: Object) -> Iterator[Template]:
    """The pod templates in an object."""
    spec = found.spec
    if spec is not None and spec.template is not None:
        yield spec.template
    if spec is not None and spec.jobTemplate is not None:
        yield spec.jobTemplate.spec.template


def chosen(inventory: Inventory, survey: Survey) -> dict[str, list[Json]]:
    """By plural, in the order of the lists; kinds without any are left out."""
    runners = _runners(inventory, survey)
    spaces = {one["metadata"]["namespace"] for items in runners.values() for one in items}
    accounts = _accounts(inventory, survey, runners)
    found = {
        "serviceaccounts": accounts,
        **runners,
        **{plural: inventory.of(plural) for plural in (*_NAMING, *_CLUSTER_WIDE)},
        "persistentvolumeclaims": _claims(inventory, spaces),
        "scaledobjects": _scaled(inventory, "scaledobjects"),
        "scaledjobs": _scaled(inventory, "scaledjobs"),
        "poddisruptionbudgets": [
            one for one in inventory.of("poddisruptionbudgets") if _space(one) in spaces
        ],
        **_rbac(inventory, survey),
    }
    return {plural: items for plural, items in found.items() if items}


def _runners(inventory: Inventory, survey: Survey) -> dict[str, list[Json]]:
    """What runs as it, names it, uses what names it, or lends its template to such a one."""
    wanted: set[_Place] = {
        (one["kind"], one["namespace"], one["name"]) for one in survey["workloads"]
    }
    wanted |= {
        ("Deployment", one["namespace"], lent.partition("/")[2])
        for one in survey["workloads"]
        if (lent := one.get("template_of", "")).startswith("Deployment/")
    }
    for consumer in survey.get("consumers", []):
        wanted |= set(_users(consumer.get("used_by", []), consumer["namespace"]))
    anywhere = {
        (space or "", consumer["name"])
        for consumer in survey.get("consumers", [])
        if consumer["kind"] in {"Workload", "IdentityBinding"}
        for space in (consumer["namespace"],)
    }
    return {
        plural: [
            one
            for one in inventory.of(plural)
            if (kind, _space(one), one["metadata"]["name"]) in wanted
            or (_space(one), one["metadata"]["name"]) in anywhere
        ]
        for kind, plural in PLURALS.items()
    }


def _users(said: Iterable[str], namespace: str | None) -> Iterator[_Place]:
    """As in "Deployment/web", with its namespace before it where the consumer has none."""
    for one in said:
        space, _, named = one.rpartition(" ")
        kind, _, name = named.partition("/")
        yield kind, space or namespace or "", name


def _accounts(inventory: Inventory, survey: Survey, runners: dict[str, list[Json]]) -> list[Json]:
    named = {(one["namespace"], one["name"]) for one in survey["service_accounts"]}
    kinds: dict[str, Kind] = {plural: kind for kind, plural in PLURALS.items()}
    named |= {
        (_space(one), service_account_of(template_of(kinds[plural], one)["spec"]))
        for plural, items in runners.items()
        for one in items
    }
    return [
        one
        for one in inventory.of("serviceaccounts")
        if (_space(one), one["metadata"]["name"]) in named
        or holds((one["metadata"].get("annotations") or {}).get(CLIENT_ID), inventory.client_id)
    ]


def _claims(inventory: Inventory, spaces: set[str]) -> list[Json]:
    """Claims on volumes or classes that name it, in the namespaces of what runs."""
    volumes = {one["metadata"]["name"] for one in inventory.of("persistentvolumes")}
    classes = {one["metadata"]["name"] for one in inventory.of("storageclasses")}
    return [
        one
        for one in inventory.of("persistentvolumeclaims")
        if _space(one) in spaces
        and (
            one["spec"].get("volumeName") in volumes
            or one["spec"].get("storageClassName") in classes
        )
    ]


def _scaled(inventory: Inventory, plural: str) -> list[Json]:
    names = {
        one["metadata"]["name"]
        for kind in ("triggerauthentications", "clustertriggerauthentications")
        for one in inventory.of(kind)
    }
    return [
        one
        for one in inventory.of(plural)
        if any(each["authenticationRef"].get("name") in names for each in one["spec"]["triggers"])
    ]


def _rbac(inventory: Inventory, survey: Survey) -> dict[str, list[Json]]:
    """Bindings that the survey names, what they bind, and roles that let the client id be used."""
    named = {_said(one["kind"], one["namespace"], one["name"]) for one in survey["bindings"]}
    named |= {str(one["binding"]) for one in survey.get("minters") or []}
    used = {one["name"] for one in survey.get("consumers", []) if one["kind"] == "IdentityBinding"}
    bindings = [
        one
        for one in inventory.of("rolebindings")
        if _said("RoleBinding", _space(one), one["metadata"]["name"]) in named
    ]
    wide = [
        one
        for one in inventory.of("clusterrolebindings")
        if _said("ClusterRoleBinding", None, one["metadata"]["name"]) in named
        or one["roleRef"]["name"] in used
    ]
    return {
        "rolebindings": bindings,
        "clusterrolebindings": wide,
        "roles": _bound(inventory.of("roles"), bindings),
        "clusterroles": [
            one
            for one in inventory.of("clusterroles")
            if one["metadata"]["name"] in used
            or one in _bound(inventory.of("clusterroles"), [*bindings, *wide])
        ],
    }


def _bound(roles: Sequence[Json], bindings: Sequence[Json]) -> list[Json]:
    """The roles of these bindings: Roles have a namespace, ClusterRoles none."""
    named = {
        (_space(one) if one["roleRef"]["kind"] == "Role" else "", one["roleRef"]["name"])
        for one in bindings
    }
    return [one for one in roles if (_space(one), one["metadata"]["name"]) in named]


def _said(kind: str, namespace: str | None, name: str) -> str:
    return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"


def _space(one: Json) -> str:
    return one["metadata"].get("namespace") or ""
