"""Kubernetes objects as an API server tells them, for tests of what is derived from them."""

from typing import Any

from responders import inventory_cuts
from responders.inventories import Inventory

Json = dict[str, Any]
CLIENT_ID = "00000000-0000-4000-8000-00000000aBcD"
USE = {"azure.workload.identity/use": "true"}


def metadata(name: str, namespace: str | None = "shop", **more: Any) -> Json:
    place = {} if namespace is None else {"namespace": namespace}
    made = {"creationTimestamp": "2025-01-01T00:00:00Z", "uid": f"uid-{namespace}-{name}"}
    return {"name": name, **place, **made, **more}


def account(name: str = "orders-api", client_id: str = CLIENT_ID, **more: Any) -> Json:
    notes = {"azure.workload.identity/client-id": client_id, **more.pop("annotations", {})}
    return {"metadata": metadata(name, annotations=notes, **more)}


def template(account: str = "orders-api", **more: Any) -> Json:
    labels, notes = more.pop("labels", {}), more.pop("annotations", {})
    container = {"name": "app", "image": "orders:1", **more.pop("container", {})}
    return {
        "metadata": {"labels": {"app": "orders", **USE, **labels}, "annotations": notes},
        "spec": {"serviceAccountName": account, "containers": [container], **more},
    }


def deployment(name: str = "orders-api", pods: Json | None = None, **more: Any) -> Json:
    spec = {"replicas": 2, "strategy": {"type": "RollingUpdate"}, "template": pods or template()}
    return {
        "metadata": metadata(name, **more.pop("metadata", {})),
        "spec": {**spec, **more},
        "status": {"replicas": 2},
    }


def owned_by(owner: Json, kind: str = "Deployment") -> list[Json]:
    return [{"kind": kind, "uid": owner["metadata"]["uid"], "controller": True}]


def inventory(**lists: list[Json]) -> Inventory:
    """As `inventories.read` would make it of these lists."""
    kept = {
        plural: [
            one
            for one in (inventory_cuts.cut(plural, found, CLIENT_ID) for found in items)
            if one is not None
        ]
        for plural, items in lists.items()
    }
    return Inventory("weu", CLIENT_ID, kept)
