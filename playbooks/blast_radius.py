"""What stops working when this identity is cut off: who runs with it, and what it reaches. Pure."""

from typing import TypedDict

from responders.snapshots import Snapshot
from responders.surveys import Survey


class ClusterRadius(TypedDict):
    """One cluster's share."""

    cluster: str
    known: bool  # False: it could not be asked, so its share is not zero but unknown
    namespaces: list[str]
    workloads: list[str]
    replicas: int


class BlastRadius(TypedDict):
    """The whole."""

    clusters: list[ClusterRadius]
    workloads: int
    replicas: int
    resources: list[str]  # scopes at which it holds a role, directly or through a group
    attachments: list[str]  # Azure resources that run as it
    unknown: list[str]  # clusters that could not be asked


def measure(snapshot: Snapshot, surveys: list[Survey]) -> BlastRadius:
    """Counted from the snapshot and from the clusters' answers."""
    clusters = [_of(one) for one in surveys]
    scopes = {one["scope"] for one in snapshot["grants"]}
    scopes |= {str(one["scope"]) for one in snapshot["group_grants"]}
    scopes |= {str(one["vault_id"]) for one in snapshot["key_vault_policies"]}
    return {
        "clusters": [one for one in clusters if one["workloads"] or not one["known"]],
        "workloads": sum(len(one["workloads"]) for one in clusters),
        "replicas": sum(one["replicas"] for one in clusters),
        "resources": sorted(scopes),
        "attachments": [str(one["resource_id"]) for one in snapshot["attachments"]],
        "unknown": [one["cluster"] for one in clusters if not one["known"]],
    }


def _of(survey: Survey) -> ClusterRadius:
    running = survey["workloads"]
    return {
        "cluster": survey["cluster"]["name"],
        "known": survey["reachable"],
        "namespaces": sorted({one["namespace"] for one in running}),
        "workloads": [f"{one['kind']} {one['namespace']}/{one['name']}" for one in running],
        "replicas": sum(one["replicas"] for one in running),
    }
