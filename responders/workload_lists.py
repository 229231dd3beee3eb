"""Responder: what runs in a cluster as an Entra identity or with a service principal's secret, each kind listed once.

Stops    nothing
Leaves   everything as it is; Secrets unread, on purpose: what takes one says its name
Undo     none needed
Needs    what running_lists.py needs
Source   https://azure.github.io/azure-workload-identity/docs/topics/service-account-labels-and-annotations.html
         https://learn.microsoft.com/azure/aks/workload-identity-overview
         https://learn.microsoft.com/dotnet/api/azure.identity.environmentcredential (the variables)
"""

from collections import Counter
from collections.abc import Iterable

from responders import clusters, running_lists
from responders.audit_model import AccountFacts, ClusterFacts, LegacySecret, RunnerFacts
from responders.cloud import Cloud
from responders.errors import ResponderError, TransientError
from responders.gitops import owner_of
from responders.inventory_cuts import CLIENT_ID
from responders.kube import Kube
from responders.legacy_secrets import of_pod_spec
from responders.model import ClusterRef, Json


async def of_cluster(cloud: Cloud, cluster: ClusterRef) -> ClusterFacts:
    """The facts of one cluster. One that can't be read says so in `unread`; what time can fix raises."""
    try:
        return await _read(await clusters.connect(cloud, cluster), cluster)
    except TransientError:
        raise
    except ResponderError as error:
        return unread(cluster, str(error))


def unread(cluster: ClusterRef, why: str) -> ClusterFacts:
    """A cluster of which nothing is known but that it is there."""
    return {
        "cluster": cluster["name"],
        "resource_id": cluster["resource_id"],
        "issuer_url": cluster["issuer_url"],
        "accounts": [],
        "account_names": [],
        "runners": [],
        "unread": " ".join(filter(None, (why, clusters.how_to_reach(cluster)))),
    }


async def _read(kube: Kube, cluster: ClusterRef) -> ClusterFacts:
    named, running = await running_lists.read(kube, _account, _more)
    runners = [one for one in running if not one["controlled"]]
    pods = Counter(_place(one) for one in running if one["kind"] == "Pod")
    owners = Counter(_place(one) for one in runners)
    accounts = [_facts(one, pods, owners) for one in named]
    return {
        **unread(cluster, ""),
        "unread": None,
        "accounts": [one for one in accounts if one["client_id"] is not None],
        "account_names": sorted(f"{one['namespace']}/{one['name']}" for one in accounts),
        "runners": [_runner(one) for one in runners if one["labelled"] or one["legacy"]],
    }


def _account(found: Json) -> Json:
    metadata: Json = found["metadata"]
    client_id = (metadata.get("annotations") or {}).get(CLIENT_ID)
    return {
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "client_id": client_id,
        "created": metadata.get("creationTimestamp"),
        "owner": owner_of(metadata) if client_id is not None else None,
    }


def _more(found: Json, template: Json) -> Json:
    """What a controller made holds what its controller's template says: that is told once."""
    made = any(one.get("controller") for one in found["metadata"].get("ownerReferences") or [])
    return {"legacy": [] if made else of_pod_spec(template["spec"])}


def _place(one: Json) -> tuple[str, str]:
    return one["namespace"], one["account"]


def _facts(
    one: Json, pods: Counter[tuple[str, str]], running: Counter[tuple[str, str]]
) -> AccountFacts:
    place = one["namespace"], one["name"]
    return {
        "namespace": one["namespace"],
        "name": one["name"],
        "client_id": one["client_id"],
        "created": one["created"],
        "owner": one["owner"],
        "runners": running[place],
        "pods": pods[place],
    }


def _runner(one: Json) -> RunnerFacts:
    legacy: Iterable[LegacySecret] = one["legacy"]
    return {
        "namespace": one["namespace"],
        "kind": one["kind"],
        "name": one["name"],
        "service_account": one["account"],
        "labelled": one["labelled"],
        "legacy": list(legacy),
    }
