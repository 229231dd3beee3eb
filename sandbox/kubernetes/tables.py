"""Lists as `meta.k8s.io/v1` Tables, which `kubectl get` prints as they come.

Source   https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
"""

from datetime import datetime

from sandbox.kubernetes import printers
from sandbox.kubernetes.kind import Kind
from sandbox.world import Json


def table(kind: Kind, items: list[Json], about: Json, now: datetime, include: str) -> Json:
    """A Table of these objects. `include` is includeObject: None, Metadata or Object."""
    columns, cells = printers.of(kind)
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": about,
        "columnDefinitions": [
            {
                "name": name,
                "type": type_,
                "format": "name" if name == "Name" else "",
                "description": "",
                "priority": priority,
            }
            for name, type_, priority in columns
        ],
        "rows": [{"cells": cells(item, now), **_object(kind, item, include)} for item in items],
    }


def partial(item: Json) -> Json:
    """Only the metadata, as a client asks for with `as=PartialObjectMetadata`."""
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": item["metadata"],
    }


def _object(kind: Kind, item: Json, include: str) -> Json:
    if include == "None":
        return {}
    if include == "Object":
        return {"object": {"kind": kind.kind, "apiVersion": kind.api_version, **item}}
    return {"object": partial(item)}
