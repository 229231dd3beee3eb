"""A recovery that is half done: what it says of each cluster is so, and what was not to be touched was not."""

from drill.options import Json
from drill.scene import Pause, Scene
from drill.states import accounts_naming, client_ids, is_running, pods_of, workloads_of
from drill.successors import successor_in
from drill.verdict.facts import Check, Finding, every


def _waits(scene: Scene) -> Finding:
    """Every time, and until a person says go on."""
    return every(
        [
            (
                f"{one.status['outcome']}, resumable {one.status['resumable']}",
                one.status["outcome"] == "partly_recovered" and one.status["resumable"] is True,
            )
            for one in scene.pauses
        ]
    )


def _claims(scene: Scene) -> Finding:
    """A cluster is said to be done exactly where every replica runs with the new identity."""
    return every(
        [
            (f"{name}: {state['status']}, moved: {moved}", (state["status"] == "done") == moved)
            for pause in scene.pauses
            for name, state in pause.status["clusters"].items()
            if name in pause.state["clusters"]
            for moved in (_is_moved(scene, pause, name),)
        ]
    )


def _is_moved(scene: Scene, pause: Pause, cluster: str) -> bool:
    workloads = [
        one for one in workloads_of(scene.before, scene.victim.app_id) if one.cluster == cluster
    ]
    made = successor_in(scene.staged, pause.state).app_id
    pods = [pod for one in workloads for pod in pods_of(pause.state, one)]
    counts = sum(one.replicas for one in workloads)
    return len(pods) == counts and all(client_ids(pod) == {made} for pod in pods)


def _untouched(scene: Scene) -> Finding:
    """While the canary failed, no other cluster was moved: its ServiceAccounts are what they were."""
    pause = scene.pauses[0]
    waiting = sorted(_with(scene) - {pause.cluster})
    made = successor_in(scene.staged, pause.state).app_id
    old = scene.victim.app_id
    return every(
        [
            (
                name,
                _accounts(scene.staged, name, old) == _accounts(pause.state, name, old)
                and not _accounts(pause.state, name, made),
            )
            for name in waiting
        ]
    )


def _with(scene: Scene) -> set[str]:
    return {one.cluster for one in workloads_of(scene.before, scene.victim.app_id)}


def _accounts(state: Json, cluster: str, client_id: str) -> list[tuple[str, str]]:
    found = accounts_naming(state["clusters"][cluster], client_id)
    return sorted((one["metadata"]["namespace"], one["metadata"]["name"]) for one in found)


def _down_is_left_alone(scene: Scene) -> Finding:
    """What could not be reached runs on as it was: not stopped, not moved."""
    pause = scene.pauses[-1]
    workloads = workloads_of(scene.before, scene.victim.app_id)
    return every(
        [
            (
                f"{one.cluster}/{one.name} {len(_as_before(scene, pause, one.cluster))} pods",
                len(_as_before(scene, pause, one.cluster)) > 0,
            )
            for one in workloads
            if one.cluster == pause.cluster
        ]
    )


def _as_before(scene: Scene, pause: Pause, cluster: str) -> list[Json]:
    pods = pause.state["clusters"][cluster]["pods"]
    return [pod for pod in pods if is_running(pod) and scene.victim.app_id in client_ids(pod)]


WAITS = Check("half done, it waits for a person to have it go on", "partly_recovered", _waits)
CLAIMS = Check("of each cluster it says what is so", "done where all is moved", _claims)
UNTOUCHED = Check("while the canary failed, no other cluster was moved", "as before", _untouched)
DOWN = Check("a cluster that was down was left as it was", "its pods run on", _down_is_left_alone)
