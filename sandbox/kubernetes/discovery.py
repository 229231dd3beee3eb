"""What the API server says about itself: groups, resources, version, health, OpenAPI.

Left out    aggregated discovery (clients fall back to this form) and the schemas in OpenAPI, which here only says which
            parameters each path takes
Source      https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api
"""

from sandbox.kubernetes.bootstrap import VERSION
from sandbox.kubernetes.kinds import GROUPS, KINDS, Kind
from sandbox.world import Json

_MAJOR, _MINOR = VERSION.removeprefix("v").split(".")[:2]
_PARAMETERS = ("dryRun", "fieldManager", "fieldValidation")


def versions(address: str) -> Json:
    """`/api`."""
    where = [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": where}


def groups() -> Json:
    """`/apis`."""
    listed = [_group(name) for name in GROUPS if name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}


def group(name: str) -> Json:
    """`/apis/<group>`."""
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name)}


def resources(name: str) -> Json:
    """`/api/v1` and `/apis/<group>/v1`."""
    listed = [entry for kind in KINDS if kind.group == name for entry in _resource(kind)]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",  # absent for the core group, but no client minds
        "groupVersion": f"{name}/v1" if name else "v1",
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


def openapi_index() -> Json:
    """`/openapi/v3`."""
    names = ["api/v1", *(f"apis/{name}/v1" for name in GROUPS if name)]
    return {"paths": {name: {"serverRelativeURL": f"/openapi/v3/{name}?hash=1"} for name in names}}


def openapi(name: str) -> Json:
    """`/openapi/v3/<group version>`: enough for kubectl to see that the server validates fields."""
    paths: Json = {}
    for kind in KINDS:
        if kind.group == name and kind.is_stored:
            scope = "/namespaces/{namespace}" if kind.namespaced else ""
            base = f"/apis/{name}/v1" if name else "/api/v1"
            one = f"{base}{scope}/{kind.plural}/{{name}}"
            paths[one] = {verb: _operation(kind) for verb in ("put", "patch")}
            paths[f"{base}{scope}/{kind.plural}"] = {"post": _operation(kind)}
    info = {"title": "Kubernetes", "version": VERSION}
    return {"openapi": "3.0.0", "info": info, "paths": paths}


def openapi_v2() -> bytes:
    """`/openapi/v2` as protobuf: a description without definitions, field 1 being the version."""
    return b"\x0a\x032.0"


def _group(name: str) -> Json:
    served = {"groupVersion": f"{name}/v1", "version": "v1"}
    return {"name": name, "versions": [served], "preferredVersion": served}


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
    if kind.in_all:
        entry["categories"] = ["all"]
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
            "version": "v1",
            "kind": kind.kind,
        },
    }
