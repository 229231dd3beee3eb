"""The workloads: all of them back, with the new identity, reading their data."""

from drill import unmoved
from drill.scene import Scene
from drill.states import Workload, client_ids, is_running, named, pods_of, workloads_of
from drill.successors import successor_of
from drill.verdict.facts import Check, Finding, every, none_of


def _movable(scene: Scene) -> list[Workload]:
    """All of them, but for those in clusters that nobody can move: what is so there, `half_done` looks at."""
    workloads, out = workloads_of(scene.before, scene.victim.app_id), unmoved.out(scene)
    return [one for one in workloads if one.cluster not in out]


def _is_paused(scene: Scene, workload: Workload) -> bool:
    """Its controller rolls nothing out: it is a person's, and `half_done` wants it named."""
    deployments = scene.after["clusters"][workload.cluster]["deployments"]
    place = {(workload.namespace, workload.name)}
    return any(named([one]) == place and unmoved.is_paused(one) for one in deployments)


def _all_back(scene: Scene) -> Finding:
    """As many running pods as before the attack, in every cluster that had any."""
    workloads = [one for one in _movable(scene) if not _is_paused(scene, one)]
    counts = [(workload, len(pods_of(scene.after, workload))) for workload in workloads]
    return every(
        [
            (
                f"{workload.cluster}/{workload.name} {count}/{workload.replicas}",
                count == workload.replicas,
            )
            for workload, count in counts
        ]
    )


def _new_identity(scene: Scene) -> Finding:
    wanted = {successor_of(scene).app_id}
    return every(
        [
            (
                f"{workload.cluster}/{pod['metadata']['name']} {sorted(client_ids(pod))}",
                client_ids(pod) == wanted,
            )
            for workload in _movable(scene)
            for pod in pods_of(scene.after, workload)
        ]
    )


def _reads(scene: Scene) -> Finding:
    """Each running pod was asked, not only each one that answered."""
    expected = {
        (workload.cluster, pod["metadata"]["name"])
        for workload in _movable(scene)
        for pod in pods_of(scene.after, workload)
    }
    asked = {(read.cluster, read.pod) for read in scene.workload_reads}
    out = unmoved.out(scene)
    if missing := expected - asked:
        return Finding(False, f"{len(missing)} pods were not asked")
    return every(
        [
            (f"{read.cluster}: {read.reply}", read.reply.status == 200)
            for read in scene.workload_reads
            if read.cluster not in out
        ]
    )


def _old_client_id(scene: Scene) -> Finding:
    out = unmoved.out(scene)
    return none_of(
        [
            f"{cluster}/{pod['metadata']['namespace']}/{pod['metadata']['name']}"
            for cluster, objects in scene.after["clusters"].items()
            if cluster not in out
            for pod in objects["pods"]
            if scene.victim.app_id in client_ids(pod) and is_running(pod)
            if not unmoved.knows_by_itself(scene, cluster, pod)
        ]
    )


CHECKS = (
    Check("every workload is back with all its replicas", "as many pods as before", _all_back),
    Check("every workload pod carries the new client id", "the new client id only", _new_identity),
    Check("every workload pod reads its blob", "200 from storage", _reads),
    Check("no pod carries the old client id", "none", _old_client_id),
)
