"""The declared clusters, and what is in them of what is declared, read side by side inside a step.

What can't be read is part of the answer, and stops what depends on it.
"""

import asyncio
from collections.abc import Sequence

from playbooks.provisioning.declarations import Identity, ServiceAccount
from playbooks.provisioning.model import AccountState, ClusterState, WorkloadState
from responders import (
    cluster_features,
    clusters,
    namespaces,
    preflight,
    use_labels,
    wired_accounts,
)
from responders.cloud import Cloud
from responders.errors import ResponderError
from responders.fan_out import fan_out
from responders.gitops import remark
from responders.kube import Kube
from responders.model import ClusterRef, Json
from responders.preflight import Question
from responders.service_accounts import REPLACED_BY
from responders.workload_objects import PLURALS, USE_LABEL, service_account_of, template_of

_API_GROUPS = {"Deployment": "apps", "StatefulSet": "apps", "DaemonSet": "apps", "CronJob": "batch"}


async def of_clusters(
    cloud: Cloud, declared: Sequence[Identity]
) -> tuple[dict[str, ClusterState], dict[str, str]]:
    """Every declared cluster by what it is called, and why others are not known."""
    known = await clusters.list_all(cloud)
    called = sorted({name for one in declared for name in one.clusters})
    found: dict[str, ClusterRef] = {}
    unknown: dict[str, str] = {}
    for name in called:
        same = [
            one
            for one in known
            if name.lower() in (one["name"].lower(), one["resource_id"].lower())
        ]
        if len(same) == 1:
            found[name] = same[0]
        elif same:
            ids = ", ".join(one["resource_id"] for one in same)
            unknown[name] = f"{name} is the name of {len(same)} clusters: name it by its id: {ids}"
        else:
            unknown[name] = f"{name}: Firebreak sees no cluster of this name or id"
    states = await fan_out(
        found, lambda name: _cluster(cloud, found[name], _declared_in(declared, name))
    )
    readable = {name: one for name, one in states if not isinstance(one, ResponderError)}
    unknown |= {name: f"{name}: {one}" for name, one in states if isinstance(one, ResponderError)}
    return readable, unknown


def _declared_in(declared: Sequence[Identity], name: str) -> list[ServiceAccount]:
    return [
        account
        for one in declared
        for account in one.service_accounts
        if name in one.clusters_of(account)
    ]


async def _cluster(cloud: Cloud, ref: ClusterRef, accounts: list[ServiceAccount]) -> ClusterState:
    """One cluster. That its API server can't be reached, or that something is not allowed, is part of the answer."""
    features = await cluster_features.read(cloud, ref)
    state: ClusterState = {
        "ref": ref,
        "issuer_url": features["issuer_url"],
        "command": features["command"],
        "problem": "",
        "namespaces": [],
        "accounts": {},
        "workloads": {},
    }
    try:
        kube = await clusters.connect(cloud, ref)
        acting = await clusters.connect(await cloud.acting_as("rebuild"), ref)
        return await _inside(kube, acting, state, accounts)
    except ResponderError as error:
        said = "; ".join(filter(None, (str(error), clusters.how_to_reach(ref))))
        return {**state, "problem": f"{ref['name']} can't be read: {said}"}


async def _inside(
    kube: Kube, acting: Kube, state: ClusterState, accounts: list[ServiceAccount]
) -> ClusterState:
    wanted = sorted({one.namespace for one in accounts})
    webhook = "" if state["command"] else await preflight.webhook_problem(kube)
    proves, acts, found = await asyncio.gather(
        preflight.denied(kube, _of_the_proof(accounts)),
        preflight.denied(acting, _questions(accounts)),
        asyncio.gather(*(namespaces.find(kube, one) for one in wanted)),
    )
    there = [name for name, one in zip(wanted, found, strict=True) if one is not None]
    lists = await asyncio.gather(*(wired_accounts.read_all(kube, one) for one in there))
    by_namespace = dict(zip(there, lists, strict=True))
    running = [(one.namespace, workload) for one in accounts for workload in one.workloads]
    objects = await asyncio.gather(*(use_labels.find(kube, *one) for one in running))
    return {
        **state,
        "problem": "; ".join(filter(None, (webhook, proves, acts))),
        "namespaces": there,
        "accounts": {
            f"{one.namespace}/{one.name}": _account(by_namespace[one.namespace][one.name])
            for one in accounts
            if one.name in by_namespace.get(one.namespace, {})
        },
        "workloads": {
            f"{namespace}/{workload}": _workload(workload, each)
            for (namespace, workload), each in zip(running, objects, strict=True)
            if each is not None
        },
    }


def _of_the_proof(accounts: list[ServiceAccount]) -> list[Question]:
    """What it takes to see that it works."""
    spaces = dict.fromkeys(one.namespace for one in accounts)
    wanted = (("create", "serviceaccounts/token"), ("list", "pods"))
    return [(verb, resource, space) for space in spaces for verb, resource in wanted]


def _questions(accounts: list[ServiceAccount]) -> list[Question]:
    """What making and unmaking all of it takes."""
    asked: list[Question] = [(verb, "namespaces", "") for verb in ("get", "create", "delete")]
    for one in accounts:
        verbs = ("get", "list", "create", "patch", "delete")
        asked += [(verb, "serviceaccounts", one.namespace) for verb in verbs]
        for workload in one.workloads:
            kind = use_labels.parsed(workload)[0]
            resource = f"{PLURALS[kind]}.{_API_GROUPS[kind]}"
            asked += [(verb, resource, one.namespace) for verb in ("get", "patch")]
    return list(dict.fromkeys(asked))


def _account(found: Json) -> AccountState:
    return {
        "annotations": wired_accounts.annotations_of(found),
        "labelled": USE_LABEL in (found["metadata"].get("labels") or {}),
        "replaced_by": (found["metadata"].get("annotations") or {}).get(REPLACED_BY, ""),
        "remark": remark(found["metadata"]),
    }


def _workload(workload: str, found: Json) -> WorkloadState:
    kind = use_labels.parsed(workload)[0]
    return {
        "label": use_labels.value_of(workload, found),
        "service_account": service_account_of(template_of(kind, found)["spec"]),
        "stuck": _stuck(found["spec"]),
        "remark": remark(found["metadata"]),
    }


def _stuck(spec: Json) -> str:
    if spec.get("paused"):
        return "is paused"
    on_delete = (spec.get("updateStrategy") or {}).get("type") == "OnDelete"
    return "replaces pods only when somebody deletes them" if on_delete else ""
