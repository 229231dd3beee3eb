"""What the API server says about itself: groups, resources, version, health, OpenAPI.

Left out    aggregated discovery (clients fall back to this form) and the schemas in OpenAPI, which here only says which
            parameters each path takes
Source      https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api
"""

from typing import TYPE_CHECKING

from sandbox.kubernetes import served
from sandbox.kubernetes.bootstrap import VERSION
from sandbox.kubernetes.kind import Kind
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

_MAJOR, _MINOR = VERSION.removeprefix("v").split(".")[:2]
_PARAMETERS = ("dryRun", "fieldManager", "fieldValidation")


def versions(address: str) -> Json:
    """`/api`."""
    where = [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": where}


def groups(cluster: "Cluster") -> Json:
    """`/apis`."""
    found = served.group_versions(cluster)
    listed = [_group(name, version) for name, version in found if name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}


def group(name: str, version: str) -> Json:
    """`/apis/<group>`."""
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name, version)}


def resources(cluster: "Cluster", group_version: tuple[str, str]) -> Json:
    """`/api/v1` and `/apis/<group>/<version>`."""
    kinds = [each for each in served.kinds(cluster) if (each.group, each.version) == group_version]
    listed = [entry for kind in kinds for entry in _resource(kind)]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",  # absent for the core group, but no client minds
        "groupVersion": kinds[0].api_version,
        "resources": listed,
    }


def version() -> Json:
    """`/version`."""
    return {
        "major": _MAJOR,
        "minor": _MINOR,
        "emulationMajor": _MAJOR,
        "emulationMinor": _MINOR,
        "minCompatibilityMajor": _MAJOR,
        "minCompatibilityMinor": str(int(_MINOR) - 1),
        "gitVersion": VERSION,
        "gitCommit": "0000000000000000000000000000000000000000",
        "gitTreeState": "clean",
        "buildDate": "2026-06-16T00:00:00Z",
        "goVersion": "go1.24.12",
        "compiler": "gc",
        "platform": "linux/amd64",
    }


def openapi_index(cluster: "Cluster") -> Json:
    """`/openapi/v3`."""
    names = list(dict.fromkeys(kind.base.lstrip("/") for kind in served.kinds(cluster)))
    return {"paths": {name: {"serverRelativeURL": f"/openapi/v3/{name}?hash=1"} for name in names}}


def openapi(cluster: "Cluster", base: str) -> Json:
    """`/openapi/v3/<group version>`: enough for kubectl to see that the server validates fields."""
    paths: Json = {}
    for kind in served.kinds(cluster):
        if kind.base == base and kind.is_stored:
            scope = "/namespaces/{namespace}" if kind.namespaced else ""
            one = f"{base}{scope}/{kind.plural}/{{name}}"
            paths[one] = {verb: _operation(kind) for verb in ("put", "patch")}
            paths[f"{base}{scope}/{kind.plural}"] = {"post": _operation(kind)}
    info = {"title": "Kubernetes", "version": VERSION}
    return {"openapi": "3.0.0", "info": info, "paths": paths}


def openapi_v2() -> bytes:
    """`/openapi/v2` as protobuf: a description without definitions, field 1 being the version."""
    return b"\x0a\x032.0"


def _group(name: str, version: str) -> Json:
    only = {"groupVersion": f"{name}/{version}", "version": version}
    return {"name": name, "versions": [only], "preferredVersion": only}


def _resource(kind: Kind) -> list[Json]:
    entry: Json = {
        "name": kind.plural,
        "singularName": kind.singular,
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": list(kind.verbs),
    }
    if kind.short_names:
        entry["shortNames"] = list(kind.short_names)
    categories = kind.definition.categories if kind.definition else ("all",) * kind.in_all
    if categories:
        entry["categories"] = list(categories)
    return [entry, *(_subresource(kind, name) for name in kind.subresources)]


def _subresource(kind: Kind, name: str) -> Json:
    entry: Json = {
        "name": f"{kind.plural}/{name}",
        "singularName": "",
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": ["get", "patch", "update"],
    }
    if name == "scale":
        entry |= {"group": "autoscaling", "version": "v1", "kind": "Scale"}
    elif name == "token":
        other = {"group": "authentication.k8s.io", "version": "v1", "kind": "TokenRequest"}
        entry |= {**other, "verbs": ["create"]}
    elif name == "eviction":
        other = {"group": "policy", "version": "v1", "kind": "Eviction"}
        entry |= {**other, "verbs": ["create"]}
    elif name == "exec":
        entry |= {"kind": "PodExecOptions", "verbs": ["create", "get"]}
    elif name == "log":
        entry["verbs"] = ["get"]
    return entry


def _operation(kind: Kind) -> Json:
    return {
        "parameters": [
            {"name": name, "in": "query", "schema": {"type": "string"}} for name in _PARAMETERS
        ],
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-group-version-kind": {
            "group": kind.group,
            "version": kind.version,
            "kind": kind.kind,
        },
    }
