"""The workloads: all of them back, with the new identity, reading their data."""

from drill.scene import Scene
from drill.states import client_ids, is_running, pods_of, workloads_of
from drill.successors import successor_of
from drill.verdict.facts import Check, Finding, every, none_of


def _all_back(scene: Scene) -> Finding:
    """As many running pods as before the attack, in every cluster that had any."""
    workloads = workloads_of(scene.before, scene.victim.app_id)
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
            for workload in workloads_of(scene.before, scene.victim.app_id)
            for pod in pods_of(scene.after, workload)
        ]
    )


def _reads(scene: Scene) -> Finding:
    """Each running pod was asked, not only each one that answered."""
    expected = {
        (workload.cluster, pod["metadata"]["name"])
        for workload in workloads_of(scene.before, scene.victim.app_id)
        for pod in pods_of(scene.after, workload)
    }
    asked = {(read.cluster, read.pod) for read in scene.workload_reads}
    if missing := expected - asked:
        return Finding(False, f"{len(missing)} pods were not asked")
    return every(
        [
            (f"{read.cluster}: {read.reply}", read.reply.status == 200)
            for read in scene.workload_reads
        ]
    )


def _old_client_id(scene: Scene) -> Finding:
    return none_of(
        [
            f"{cluster}/{pod['metadata']['namespace']}/{pod['metadata']['name']}"
            for cluster, objects in scene.after["clusters"].items()
            for pod in objects["pods"]
            if scene.victim.app_id in client_ids(pod) and is_running(pod)
        ]
    )


CHECKS = (
    Check("every workload is back with all its replicas", "as many pods as before", _all_back),
    Check("every workload pod carries the new client id", "the new client id only", _new_identity),
    Check("every workload pod reads its blob", "200 from storage", _reads),
    Check("no pod carries the old client id", "none", _old_client_id),
)
