"""`pods/log`: what a container has written, one line per thing that happened to it here.

Left out    following (the log is sent and ended), previous containers, the line format of real workloads
Source      https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sandbox.kubernetes import queries
from sandbox.kubernetes.statuses import bad_request
from sandbox.world import Json, timestamp

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

Line = tuple[datetime, str]


class PodLogs:
    """The lines of every container, by pod uid and container name."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, str], list[Line]] = {}

    def copy(self) -> "PodLogs":
        """The same lines, to be continued apart from these."""
        copied = PodLogs()
        copied._lines = {key: list(lines) for key, lines in self._lines.items()}
        return copied

    def add(self, moment: datetime, pod: Json, container: str, text: str) -> None:
        """A container writes a line."""
        key = (pod["metadata"]["uid"], container)
        self._lines.setdefault(key, []).append((moment, text))

    def of(self, pod: Json, container: str) -> list[Line]:
        """All lines, oldest first."""
        return self._lines.get((pod["metadata"]["uid"], container), [])


def read(cluster: "Cluster", pod: Json, query: Mapping[str, str]) -> str:
    """The log as text. Raises `StatusError` 400."""
    container = _container(pod, query.get("container", ""))
    name = pod["metadata"]["name"]
    states = {each["name"]: each for each in pod["status"].get("containerStatuses", [])}
    if queries.boolean(query, "previous"):
        raise bad_request(f'previous terminated container "{container}" in pod "{name}" not found')
    waiting = states.get(container, {}).get("state", {}).get("waiting")
    if waiting is not None or container not in states:
        reason = (waiting or {}).get("reason", "ContainerCreating")
        text = "trying and failing to pull image" if "Image" in reason else reason
        raise bad_request(f'container "{container}" in pod "{name}" is waiting to start: {text}')
    lines = cluster.logs.of(pod, container)
    if since := queries.integer(query, "sinceSeconds"):
        oldest = cluster.now() - timedelta(seconds=since)
        lines = [line for line in lines if line[0] >= oldest]
    if (tail := queries.integer(query, "tailLines")) is not None:
        lines = lines[-tail:] if tail else []
    stamped = queries.boolean(query, "timestamps")
    text = "".join(
        f"{timestamp(moment)} {line}\n" if stamped else f"{line}\n" for moment, line in lines
    )
    return text[: queries.integer(query, "limitBytes")]


def _container(pod: Json, wanted: str) -> str:
    name = pod["metadata"]["name"]
    names = [each["name"] for each in pod["spec"]["containers"]]
    if not wanted:
        if len(names) > 1:
            listed = " ".join(names)
            raise bad_request(
                f"a container name must be specified for pod {name}, choose one of: [{listed}]"
            )
        return str(names[0])
    if wanted not in names:
        raise bad_request(f"container {wanted} is not valid for pod {name}")
    return wanted
