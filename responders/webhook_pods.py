"""Responder: the pods of the workload identity webhook: ready, restarted, what they complain of, what they use.

Stops    nothing
Leaves   everything as it is
Undo     none needed
Needs    NEEDS, below
Source   https://azure.github.io/azure-workload-identity/docs/installation/mutating-admission-webhook.html
         https://kubernetes.io/docs/reference/external-api/metrics.v1beta1/
         https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#ContainerStatus

What is in a log was partly chosen by whoever made the pods that the webhook was asked about: it is data, without
secrets, on one line, and cut.
"""

import asyncio
import json
import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, TypedDict

from responders.errors import ContractChangedError, NotFoundError, ResponderError
from responders.kube import Kube
from responders.kube_requests import path_of
from responders.model import Json
from responders.needs import ClusterNeed, Needs
from responders.redaction import scrub
from responders.untrusted import visible

LABEL = "azure-workload-identity.io/system=true"  # of the add-on and of the Helm chart
_LINES, _BYTES = 2_000, 1_048_576  # of each container
_SHOWN = 200  # characters of a line
# klog's severities: https://github.com/kubernetes/klog (E and F), logfmt's level, and JSON's below.
_COMPLAINT = re.compile(r"^[EF]\d{4} |\blevel=(?:error|fatal|panic)\b", re.IGNORECASE)
_LEVELS = {"error", "fatal", "panic", "dpanic"}
NEEDS: Final = Needs(
    cluster=(
        ClusterNeed("pods", ("list",), "how the webhook's pods are", ("look",)),
        ClusterNeed("pods/log", ("get",), "what they complain of", ("_complaints",)),
        ClusterNeed("pods.metrics.k8s.io", ("list",), "what they use", ("_usage",), wanted=True),
    ),
)


class PodSeen(TypedDict):
    """One pod. What metrics say is None where the cluster has none, or no limit is set."""

    name: str
    ready: bool
    restarts: int
    ended: str  # why a container of it ended within the window: "manager: OOMKilled"
    complaints: int  # lines of its logs within the window that say so of themselves
    last_complaint: str
    memory: int | None  # bytes in use
    memory_limit: int | None
    cpu_m: int | None  # thousandths of a core in use


class PodsSeen(TypedDict):
    """All of them, and what could not be read."""

    pods: list[PodSeen]
    metrics: str  # "" where they were read, else why there are none
    unread: list[str]


async def look(kube: Kube, namespace: str, since: timedelta, now: datetime) -> PodsSeen:
    """Every pod of the webhook. Raises what a list of pods raises; logs and metrics may be missing."""
    found = await kube.list_all(path_of("pods", namespace), {"labelSelector": LABEL})
    unread: list[str] = []
    (usage, metrics), logs = await asyncio.gather(
        _usage(kube, namespace),
        asyncio.gather(*(_complaints(kube, one, since, unread) for one in found)),
    )
    pods = [
        _seen(pod, said, usage.get(pod["metadata"]["name"]), now - since)
        for pod, said in zip(found, logs, strict=True)
    ]
    return {"pods": pods, "metrics": metrics, "unread": unread}


def complaints(log: str) -> list[str]:
    """The lines that say of themselves that they are errors."""
    return [line for line in log.splitlines() if _is_complaint(line)]


def _is_complaint(line: str) -> bool:
    text = line.strip()
    if text.startswith("{"):
        try:
            parsed = json.loads(text)
        except ValueError:
            return False
        return isinstance(parsed, dict) and str(parsed.get("level", "")).lower() in _LEVELS
    return _COMPLAINT.search(text) is not None


async def _complaints(
    kube: Kube, pod: Json, since: timedelta, unread: list[str]
) -> tuple[int, str]:
    """How many there are in all containers, and the last one."""
    name = pod["metadata"]["name"]
    query = {
        "sinceSeconds": str(int(since.total_seconds())),
        "tailLines": str(_LINES),
        "limitBytes": str(_BYTES),
    }
    found: list[str] = []
    for container in pod["spec"]["containers"]:
        path = path_of("pods", pod["metadata"]["namespace"], name, "log")
        try:
            log = await kube.get_text(path, {**query, "container": container["name"]})
        except ResponderError as error:
            unread.append(f"log of {name}: {error}")
            continue
        found += complaints(log)
    return len(found), visible(scrub(found[-1]))[:_SHOWN] if found else ""


async def _usage(kube: Kube, namespace: str) -> tuple[dict[str, tuple[int, int]], str]:
    """Bytes and thousandths of a core by pod; or why nobody knows, which is no fault of the webhook."""
    path = f"/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods"
    try:
        found = await kube.list_all(path, {"labelSelector": LABEL})
        return {str(one["metadata"]["name"]): _used(one) for one in found}, ""
    except NotFoundError:
        return {}, "the cluster serves no metrics.k8s.io"
    except ResponderError as error:
        return {}, str(error)


def _used(pod: Json) -> tuple[int, int]:
    each = [container["usage"] for container in pod["containers"]]
    memory = sum((_quantity(usage["memory"]) for usage in each), Decimal())
    cpu = sum((_quantity(usage["cpu"]) for usage in each), Decimal())
    return int(memory), int(cpu * 1000)


def _seen(
    pod: Json, said: tuple[int, str], used: tuple[int, int] | None, since: datetime
) -> PodSeen:
    status: Json = pod.get("status") or {}
    conditions = {one["type"]: one["status"] for one in status.get("conditions") or []}
    containers = status.get("containerStatuses") or []
    return {
        "name": pod["metadata"]["name"],
        "ready": conditions.get("Ready") == "True",
        "restarts": sum(one.get("restartCount", 0) for one in containers),
        "ended": next((why for one in containers if (why := _ended(one, since))), ""),
        "complaints": said[0],
        "last_complaint": said[1],
        "memory": used[0] if used else None,
        "memory_limit": _memory_limit(pod),
        "cpu_m": used[1] if used else None,
    }


def _ended(container: Json, since: datetime) -> str:
    """Why it does not run, or why it ended last, if that was within the window."""
    if waiting := (container.get("state") or {}).get("waiting"):
        return f"{container['name']}: {waiting.get('reason', 'waiting')}"
    last = (container.get("lastState") or {}).get("terminated")
    if last and datetime.fromisoformat(str(last["finishedAt"])) >= since:
        return f"{container['name']}: {last.get('reason', 'ended')}"
    return ""


def _memory_limit(pod: Json) -> int | None:
    """Of all containers together; None where one has none."""
    limits = [
        ((one.get("resources") or {}).get("limits") or {}).get("memory")
        for one in pod["spec"]["containers"]
    ]
    if not all(limits):
        return None
    return int(sum((_quantity(one) for one in limits), Decimal()))


def _quantity(text: object) -> Decimal:
    """A number with a suffix of Kubernetes. Raises `ContractChangedError`."""
    from kubernetes.utils.quantity import parse_quantity  # noqa: PLC0415 (slow: when needed)

    try:
        found: Decimal = parse_quantity(text)  # type: ignore[no-untyped-call]
    except ValueError as odd:
        raise ContractChangedError(f"not a quantity of Kubernetes: {text!r:.40}") from odd
    return found
