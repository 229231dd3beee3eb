"""Responder: what runs in a cluster as an Entra identity or with a service principal's secret, each kind listed once.

Stops    nothing
Leaves   everything as it is; Secrets unread, on purpose: what takes one says its name
Undo     none needed
Needs    serviceaccounts: list; pods: list; deployments.apps: list; statefulsets.apps: list; daemonsets.apps: list;
         replicasets.apps: list; jobs.batch: list; cronjobs.batch: list
Source   https://azure.github.io/azure-workload-identity/docs/topics/service-account-labels-and-annotations.html
         https://learn.microsoft.com/azure/aks/workload-identity-overview
         https://learn.microsoft.com/dotnet/api/azure.identity.environmentcredential (the variables)
"""

from collections import Counter
from collections.abc import Iterable

from responders import clusters
from responders.audit_model import AccountFacts, ClusterFacts, LegacySecret, RunnerFacts
from responders.cloud import Cloud
from responders.errors import ResponderError, TransientError
from responders.fan_out import failures, fan_out, worst
from responders.gitops import owner_of
from responders.inventory_cuts import CLIENT_ID
from responders.kube import Kube
from responders.kube_requests import path_of
from responders.legacy_secrets import of_pod_spec
from responders.model import ClusterRef, Json
from responders.workload_objects import (
    FINISHED_PHASES,
    PLURALS,
    Kind,
    is_injected,
    service_account_of,
    template_of,
)

_AT_ONCE = 4  # lists of one cluster
_ONCE = ("Pod", "Job", "ReplicaSet")  # what a controller makes is the controller's to change


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
    wanted: list[tuple[Kind, str]] = list(PLURALS.items())
    answers = await fan_out(
        [("ServiceAccount", "serviceaccounts"), *wanted],
        lambda one: kube.list_all(path_of(one[1]), keep=lambda found: _cut(one[0], found)),
        at_once=_AT_ONCE,
    )
    if lost := failures(answers):
        raise lost[0] if len(lost) == 1 else worst(lost, f"{kube.cluster}: lists")
    listed = {kind: found for (kind, _), found in answers if isinstance(found, list)}
    runners = [one for kind in PLURALS for one in listed[kind] if not one["controlled"]]
    pods = Counter(_account(one) for one in listed["Pod"])
    running = Counter(_account(one) for one in runners)
    accounts = [_facts(one, pods, running) for one in listed["ServiceAccount"]]
    return {
        **unread(cluster, ""),
        "unread": None,
        "accounts": [one for one in accounts if one["client_id"] is not None],
        "account_names": sorted(f"{one['namespace']}/{one['name']}" for one in accounts),
        "runners": [_runner(one) for one in runners if one["labelled"] or one["legacy"]],
    }


def _cut(kind: str, found: Json) -> Json | None:
    """What is asked of an object; None for what has run to its end."""
    metadata: Json = found["metadata"]
    place = {"namespace": metadata["namespace"], "name": metadata["name"]}
    if kind == "ServiceAccount":
        annotations: Json = metadata.get("annotations") or {}
        created = metadata.get("creationTimestamp")
        client_id = annotations.get(CLIENT_ID)
        return {
            **place,
            "client_id": client_id,
            "created": created,
            "owner": owner_of(metadata) if client_id is not None else None,
        }
    status: Json = found.get("status") or {}
    if kind == "Pod" and status.get("phase") in FINISHED_PHASES:
        return None
    template = template_of(_kind(kind), found)
    controlled = any(one.get("controller") for one in metadata.get("ownerReferences") or [])
    return {
        **place,
        "kind": kind,
        "controlled": controlled,
        "service_account": service_account_of(template["spec"]),
        "labelled": is_injected(template),
        # A pod's own is its controller's template, with what the webhook put in.
        "legacy": [] if controlled and kind in _ONCE else of_pod_spec(template["spec"]),
    }


def _kind(text: str) -> Kind:
    return next(kind for kind in PLURALS if kind == text)


def _account(one: Json) -> tuple[str, str]:
    return one["namespace"], one["service_account"]


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
        "service_account": one["service_account"],
        "labelled": one["labelled"],
        "legacy": list(legacy),
    }
