"""What stood still, and for how long: the pods of every workload, looked at while the incident goes on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from drill.control import Control
from drill.options import Json
from drill.states import Workload, account_of, accounts_naming, client_ids, is_running, named

_EVERY_S = 0.5
_KINDS = {
    "deployments": "Deployment",
    "statefulsets": "StatefulSet",
    "daemonsets": "DaemonSet",
    "rollouts": "Rollout",
}


@dataclass(frozen=True, slots=True)
class Runner:
    """Something that runs as the identity."""

    cluster: str
    namespace: str
    kind: str
    name: str
    labels: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        """As a person finds it."""
        return f"{self.cluster} {self.namespace} {self.kind}/{self.name}"

    def as_workload(self, replicas: int) -> Workload:
        """For whoever asks its pods."""
        return Workload(self.cluster, self.namespace, self.name, replicas, dict(self.labels))


@dataclass
class Outage:
    """Seconds after the alert, None where it did not happen."""

    pods: int  # before
    stopped_s: float | None = None  # no pod of it ran with the old identity any more
    back_s: float | None = None  # as many pods as before run with another one


@dataclass
class Outages:
    """Looks at the clusters' pods from time to time."""

    control: Control
    app_id: str
    alerted_at: datetime
    found: dict[Runner, Outage] = field(default_factory=dict)
    _looked_at: float = -_EVERY_S

    def begin(self, before: Json) -> None:
        """Who runs with the identity before anything happens."""
        for runner in runners(before["clusters"], self.app_id):
            pods = _pods(before["clusters"][runner.cluster], runner)
            self.found[runner] = Outage(len(pods))

    async def look(self, _status: Json) -> None:
        """Once in half a second at most."""
        now = (datetime.now(UTC) - self.alerted_at).total_seconds()
        if now - self._looked_at < _EVERY_S:
            return
        self._looked_at = now
        self.note(await self.control.part("clusters"), now)

    def note(self, clusters: Mapping[str, Json], now: float) -> None:
        """What is so at this moment."""
        for runner, outage in self.found.items():
            ids = [client_ids(pod) for pod in _pods(clusters[runner.cluster], runner)]
            old = [one for one in ids if self.app_id in one]
            new = [one for one in ids if one and self.app_id not in one]
            if not old and outage.pods and outage.stopped_s is None:
                outage.stopped_s = now
            if not old and len(new) >= outage.pods > 0 and outage.back_s is None:
                outage.back_s = now


def runners(clusters: Mapping[str, Json], app_id: str) -> list[Runner]:
    """What runs as a ServiceAccount that names the client id, in every cluster."""
    found: list[Runner] = []
    for cluster, objects in clusters.items():
        accounts = named(accounts_naming(objects, app_id))
        for plural, kind in _KINDS.items():
            for one in objects.get(plural, []):
                about, spec = one["metadata"], one["spec"]
                template = (spec.get("template") or {}).get("spec") or {}
                if (about["namespace"], account_of(template)) in accounts:
                    labels = tuple(sorted((spec["selector"].get("matchLabels") or {}).items()))
                    place = (cluster, about["namespace"], kind, about["name"])
                    found.append(Runner(*place, labels))
    return found


def _pods(cluster: Json, runner: Runner) -> list[Json]:
    return [
        pod
        for pod in cluster["pods"]
        if pod["metadata"]["namespace"] == runner.namespace
        and dict(runner.labels).items() <= (pod["metadata"].get("labels") or {}).items()
        and is_running(pod)
    ]
