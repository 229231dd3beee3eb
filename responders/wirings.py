"""Responder: how the pods of a ServiceAccount are wired to their identity: labels, variables, tokens, ages, last words.

Stops    nothing
Leaves   everything as it is; a container's other variables, and what else its log says, are not kept
Undo     none needed
Needs    NEEDS, below
Source   https://azure.github.io/azure-workload-identity/docs/topics/service-account-labels-and-annotations.html
         https://learn.microsoft.com/azure/aks/workload-identity-overview
"""

import asyncio
from typing import Final, TypedDict

from responders import pod_words, wired_pods
from responders.errors import NotFoundError, RefusedError, ResponderError
from responders.fan_out import fan_out
from responders.gitops import owner_of
from responders.inventory_cuts import CLIENT_ID, cut, says
from responders.kube import Kube
from responders.kube_requests import path_of
from responders.model import GitOpsOwner, Json
from responders.needs import RUNNERS, ClusterNeed, Needs, on_each
from responders.pod_words import Words
from responders.service_accounts import ref_of
from responders.wired_pods import PodSeen, TemplateSeen
from responders.workload_objects import PLURALS, USE_LABEL, Kind, service_account_of

TENANT_ID = "azure.workload.identity/tenant-id"
_RUNNERS: tuple[Kind, ...] = (
    *("Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job", "ReplicaSet"),
)
_LOGS_OF = 3  # pods whose log is read: their replicas say the same
NEEDS: Final = Needs(
    cluster=(
        ClusterNeed("pods", ("get",), "as whom a pod runs", ("account_of_pod",)),
        ClusterNeed(
            "serviceaccounts", ("list",), "which ServiceAccounts name a client id", ("naming",)
        ),
        ClusterNeed(
            "serviceaccounts", ("get",), "what the workload's ServiceAccount says", ("_account",)
        ),
        *on_each((*RUNNERS, "pods"), ("list",), "how the workload is wired", ("_pods", "_runners")),
    ),
)


class AccountSeen(TypedDict):
    """The ServiceAccount, as far as it says whose identity its pods have."""

    client_id: str | None  # of its annotation, to the letter
    tenant_id: str | None
    use_label: str | None  # on the ServiceAccount it does nothing
    created: str | None
    named_since: str | None  # when the annotation was last written, at the latest
    owner: GitOpsOwner | None


class Wiring(TypedDict):
    """One ServiceAccount of one cluster, and everything that runs as it."""

    namespace: str
    name: str
    account: AccountSeen | None  # None: there is no such ServiceAccount
    pods: list[PodSeen]
    templates: list[TemplateSeen]
    words: list[Words]
    unread: dict[str, str]  # part -> why it could not be read


async def account_of_pod(kube: Kube, namespace: str, pod: str) -> str:
    """The ServiceAccount that the pod runs as. Raises `RefusedError` where there is no such pod."""
    try:
        found = await kube.get(path_of("pods", namespace, pod))
    except NotFoundError:
        raise RefusedError(
            f"{kube.cluster} has no pod {namespace}/{pod}: kubectl --context {kube.cluster} "
            f"-n {namespace} get pods"
        ) from None
    return service_account_of(found["spec"])


async def naming(kube: Kube, client_id: str) -> list[tuple[str, str]]:
    """Every ServiceAccount that names this client id, as namespace and name."""

    def named(found: Json) -> Json | None:
        notes = found["metadata"].get("annotations") or {}
        return {"metadata": found["metadata"]} if says(notes.get(CLIENT_ID), client_id) else None

    found = await kube.list_all(path_of("serviceaccounts"), keep=named)
    return sorted((one["metadata"]["namespace"], one["metadata"]["name"]) for one in found)


async def read(kube: Kube, namespace: str, name: str, *, pod: str = "") -> Wiring:
    """All of it; with `pod`, of the pods that one alone. What can't be read is said, and never looks like nothing."""
    unread: dict[str, str] = {}
    account, pods, runners = await asyncio.gather(
        _account(kube, namespace, name, unread),
        _pods(kube, namespace, name, unread),
        _runners(kube, namespace, unread),
    )
    seen = [wired_pods.pod(one, runners) for one in pods]
    chosen = [one for one in seen if pod in {"", one["name"]}]
    spoken = [one for one in chosen if not one["finished"]][:_LOGS_OF]
    return {
        "namespace": namespace,
        "name": name,
        "account": account,
        "pods": chosen,
        "templates": wired_pods.templates(name, runners),
        "words": await _words(kube, namespace, spoken, unread),
        "unread": unread,
    }


async def _account(
    kube: Kube, namespace: str, name: str, unread: dict[str, str]
) -> AccountSeen | None:
    try:
        found = await kube.get(path_of("serviceaccounts", namespace, name))
    except NotFoundError:
        return None
    except ResponderError as error:
        unread["the ServiceAccount"] = str(error)
        return None
    metadata = (cut("serviceaccounts", found, "") or found)["metadata"]
    notes = metadata.get("annotations") or {}
    return {
        "client_id": notes.get(CLIENT_ID),
        "tenant_id": notes.get(TENANT_ID),
        "use_label": (metadata.get("labels") or {}).get(USE_LABEL),
        "created": metadata.get("creationTimestamp"),
        "named_since": ref_of(kube.cluster, metadata).get("named_since"),
        "owner": owner_of(metadata),
    }


async def _pods(kube: Kube, namespace: str, name: str, unread: dict[str, str]) -> list[Json]:
    def runs_as(found: Json) -> Json | None:
        return found if service_account_of(found["spec"]) == name else None

    try:
        return await kube.list_all(path_of("pods", namespace), keep=runs_as)
    except ResponderError as error:
        unread["its pods"] = str(error)
        return []


async def _runners(kube: Kube, namespace: str, unread: dict[str, str]) -> dict[str, wired_pods.Own]:
    """What makes pods here, by uid."""
    outcomes = await fan_out(
        _RUNNERS, lambda kind: kube.list_all(path_of(PLURALS[kind], namespace))
    )
    found: dict[str, wired_pods.Own] = {}
    for kind, items in outcomes:
        if isinstance(items, ResponderError):
            unread[f"its {PLURALS[kind]}"] = str(items)
            continue
        found |= {one["metadata"]["uid"]: (kind, one) for one in items}
    return found


async def _words(
    kube: Kube, namespace: str, pods: list[PodSeen], unread: dict[str, str]
) -> list[Words]:
    """What they said of errors of Entra; in a pod that has not started nobody has said anything."""
    wanted = [(one["name"], name) for one in pods for name in one["started"]]
    outcomes = await fan_out(wanted, lambda one: pod_words.read(kube, namespace, *one))
    found: list[Words] = []
    for (pod, container), answer in outcomes:
        if isinstance(answer, ResponderError):
            unread[f"the log of {pod}/{container}"] = str(answer)
        else:
            found += answer
    return found
