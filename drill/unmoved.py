"""What of a recovery nobody could have moved, by the sandbox's own truth: a person's, and to be named as such.

A cluster that can't be reached, or whose webhook gives no pod its identity, stays as it was; where Git holds the old
state, it comes back; a paused Deployment, a Job, a bare pod, a volume's source and what knows the client id by itself
are left to a person.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from drill.options import Json
from drill.scene import Scene
from drill.states import account_of, accounts_naming, client_ids, is_running, named
from drill.traffic import succeeded, writes

# What Kubernetes does not let anybody change, or what is no ServiceAccount and has a field for the client id.
_CONSUMERS = {
    "configmaps": "ConfigMap",
    "persistentvolumes": "PersistentVolume",
    "secretproviderclasses": "SecretProviderClass",
    "storageclasses": "StorageClass",
    "triggerauthentications": "TriggerAuthentication",
    "clustertriggerauthentications": "ClusterTriggerAuthentication",
}
_ROLL_OUT = {"deployments": "Deployment", "statefulsets": "StatefulSet", "rollouts": "Rollout"}


@dataclass(frozen=True, slots=True, order=True)
class Leftover:
    """One object of a cluster that was recovered otherwise."""

    cluster: str
    kind: str
    name: str

    def is_in(self, *texts: str) -> bool:
        """Whether each text names it, and not only something whose name begins or ends like it."""
        name = re.compile(rf"(?<![\w-]){re.escape(self.name)}(?![\w-])")
        return all(name.search(one) for one in texts)


def using(scene: Scene) -> set[str]:
    """The clusters in which a ServiceAccount named the old client id."""
    clusters = scene.before["clusters"].items()
    return {name for name, found in clusters if accounts_naming(found, scene.victim.app_id)}


def shut(scene: Scene) -> set[str]:
    """Those of them that could not be moved at all: nobody reaches them, or their pods get no identity."""
    return {
        name
        for name in using(scene) & scene.switches.keys()
        if scene.switches[name]["api_server"] != "up" or not scene.switches[name]["webhook_ready"]
    }


def put_back(scene: Scene) -> set[str]:
    """Those that were moved, and where what Git holds stands again."""
    old = scene.victim.app_id
    return {
        name
        for name in using(scene) & scene.switches.keys() - shut(scene)
        if scene.switches[name]["gitops"]
        and _was_retired(scene, name)
        and accounts_naming(scene.after["clusters"][name], old)
    }


def out(scene: Scene) -> set[str]:
    """Where the old state stands, and nobody could help it."""
    return shut(scene) | put_back(scene)


def _was_retired(scene: Scene, cluster: str) -> bool:
    """Whether Firebreak took the old client id from a ServiceAccount there: somebody else wrote it again."""
    server = str(scene.seed["clusters"][cluster]["server"])
    accounts = named(accounts_naming(scene.before["clusters"][cluster], scene.victim.app_id))
    paths = {f"{server}/api/v1/namespaces/{one}/serviceaccounts/{name}" for one, name in accounts}
    return any(
        one["method"] == "PATCH" and succeeded(one) and str(one["url"]).split("?")[0] in paths
        for one in writes(scene)
    )


def leftovers(scene: Scene) -> list[Leftover]:
    """What is left to a person in the clusters that could be moved, once each."""
    stands = out(scene)
    found = {
        Leftover(cluster, kind, name)
        for cluster, now in scene.after["clusters"].items()
        if cluster not in stands
        for kind, name in _left(scene, cluster, now)
    }
    return sorted(found)


def is_paused(deployment: Json) -> bool:
    """Whether its controller would roll nothing out."""
    return bool(deployment["spec"].get("paused"))


def knows_by_itself(scene: Scene, cluster: str, pod: Json) -> bool:
    """Whether a pod has the old client id from elsewhere than its ServiceAccount, which never named it."""
    before = scene.before["clusters"][cluster]
    others = named(before["serviceaccounts"]) - named(accounts_naming(before, scene.victim.app_id))
    place = pod["metadata"]["namespace"], account_of(pod["spec"])
    return scene.victim.app_id in client_ids(pod) and place in others


def _left(scene: Scene, cluster: str, now: Json) -> Iterator[tuple[str, str]]:
    before, old = scene.before["clusters"][cluster], scene.victim.app_id
    accounts = named(accounts_naming(before, old))
    for plural, kind in _ROLL_OUT.items():
        known = named(one for one in before.get(plural, []) if _runs_as(one, accounts))
        paused = [one for one in now.get(plural, []) if is_paused(one)]
        yield from ((kind, name) for _, name in sorted(named(paused) & known))
    yield from _to_make_again(before, now, accounts)
    for plural, kind in _CONSUMERS.items():
        for one in now.get(plural, []):
            if old in json.dumps({key: each for key, each in one.items() if key != "metadata"}):
                yield kind, one["metadata"]["name"]
    for pod in now["pods"]:
        if is_running(pod) and knows_by_itself(scene, cluster, pod):
            yield "Workload", _top(pod, now)


def _to_make_again(
    before: Json, now: Json, accounts: set[tuple[str, str]]
) -> Iterator[tuple[str, str]]:
    """Jobs and bare pods that ran as the identity and do not run any more: their templates can't be changed."""
    for plural, kind in (("jobs", "Job"), ("pods", "Pod")):
        for one in before.get(plural, []):
            about = one["metadata"]
            spec = one["spec"]["template"]["spec"] if kind == "Job" else one["spec"]
            if (
                about.get("ownerReferences")
                or (about["namespace"], account_of(spec)) not in accounts
            ):
                continue
            again = [each for each in now.get(plural, []) if named([each]) == named([one])]
            if not any(not each["spec"].get("suspend") for each in again):
                yield kind, about["name"]


def _runs_as(workload: Json, accounts: set[tuple[str, str]]) -> bool:
    spec = workload["spec"].get("template", {}).get("spec", {})
    return (workload["metadata"]["namespace"], account_of(spec)) in accounts


def _top(pod: Json, cluster: Json) -> str:
    """The name of what makes this pod: a Deployment behind its ReplicaSet, or whatever owns it."""
    name, owners = pod["metadata"]["name"], pod["metadata"].get("ownerReferences") or []
    while owners:
        name = owners[0]["name"]
        place = (pod["metadata"]["namespace"], name)
        sets = [one for one in cluster.get("replicasets", []) if place in named([one])]
        owners = sets[0]["metadata"].get("ownerReferences") or [] if sets else []
    return str(name)
