"""The Job controller: pods until enough of them have succeeded, or too many have failed.

Faithful    parallelism and completions, suspend (its pods are deleted) and resume, both ends with their conditions,
            backoffLimit, the deadline, time to live after the end
Left out    indexed jobs, pod failure policies, finalizers on pods: a pod that somebody deletes is not counted as failed
Source      https://kubernetes.io/docs/concepts/workloads/controllers/job/
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from sandbox.kubernetes import deletes, events
from sandbox.kubernetes.controllers import ownership
from sandbox.kubernetes.kinds import stored
from sandbox.kubernetes.names import moment_of, timestamp
from sandbox.kubernetes.reactor import controller_of
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

KIND = stored("jobs")
_ENDS = ("Complete", "Failed")


def sync(cluster: "Cluster", namespace: str, name: str) -> None:
    """Take one step: pods that are missing, pods that are too many, the end."""
    job = cluster.store.get(KIND, namespace, name)
    if job is None:
        return
    if cron_job := controller_of(job):
        cluster.reactor.enqueue(stored("cronjobs"), namespace, cron_job["name"])
    if job["metadata"].get("deletionTimestamp"):
        return
    if has_ended(job):
        _forget_in_time(cluster, job)
        return
    if job["spec"].get("suspend"):
        _suspend(cluster, job)
        return
    _run(cluster, job)


def has_ended(job: Json) -> bool:
    """Whether it is complete or has failed: nothing will be run for it any more."""
    return any(
        each["type"] in _ENDS and each["status"] == "True"
        for each in job.get("status", {}).get("conditions", [])
    )


def _suspend(cluster: "Cluster", job: Json) -> None:
    active = ownership.active_pods(cluster, job)
    for pod in active:
        ownership.delete_pod(cluster, KIND, job, pod)
    was = any(each["type"] == "Suspended" for each in job["status"].get("conditions", []))
    if not active and not was and not job["status"].get("startTime"):
        events.emit(cluster, KIND, job, "Normal", "Suspended", "Job suspended")
    suspended = ("Suspended", "True", "JobSuspended", "Job suspended")
    _report(cluster, job, started=None, condition=suspended)


def _run(cluster: "Cluster", job: Json) -> None:
    spec = job["spec"]
    pods = ownership.owned(cluster, ownership.PODS, job)
    failed = sum(pod["status"].get("phase") == "Failed" for pod in pods)
    succeeded = sum(pod["status"].get("phase") == "Succeeded" for pod in pods)
    started = job["status"].get("startTime") or timestamp(cluster.now())
    if failed > spec["backoffLimit"]:
        text = "Job has reached the specified backoff limit"
        _end(cluster, job, started, ("Failed", "True", "BackoffLimitExceeded", text))
        return
    if _is_overdue(cluster, job, started):
        text = "Job was active longer than specified deadline"
        _end(cluster, job, started, ("Failed", "True", "DeadlineExceeded", text))
        return
    active = ownership.active_pods(cluster, job)
    wanted = spec.get("completions")
    if succeeded >= (wanted if wanted is not None else 1) and (wanted is not None or not active):
        text = "Reached expected number of succeeded pods"
        _end(cluster, job, started, ("Complete", "True", "CompletionsReached", text))
        return
    left = wanted - succeeded if wanted is not None else (0 if succeeded else spec["parallelism"])
    _fit(cluster, job, active, min(spec["parallelism"], left))
    resumed = ("Suspended", "False", "JobResumed", "Job resumed")
    known = any(each["type"] == "Suspended" for each in job["status"].get("conditions", []))
    _report(cluster, job, started=started, condition=resumed if known else None)


def _fit(cluster: "Cluster", job: Json, active: list[Json], wanted: int) -> None:
    for _ in range(wanted - len(active)):
        if not ownership.create_pod(
            cluster, KIND, job, {"generateName": f"{job['metadata']['name']}-"}
        ):
            ownership.retry_later(cluster, KIND, job)
            return
    for pod in active[wanted:]:
        ownership.delete_pod(cluster, KIND, job, pod)


def _is_overdue(cluster: "Cluster", job: Json, started: str) -> bool:
    seconds = job["spec"].get("activeDeadlineSeconds")
    if seconds is None:
        return False
    about = job["metadata"]
    left = moment_of(started) + timedelta(seconds=seconds) - cluster.now()
    if left > timedelta() and not cluster.reactor.seeding:
        cluster.reactor.once(
            ("job deadline", about["uid"]),
            left.total_seconds(),
            lambda: cluster.reactor.enqueue(KIND, about["namespace"], about["name"]),
        )
    return left <= timedelta()


def _end(cluster: "Cluster", job: Json, started: str, why: tuple[str, str, str, str]) -> None:
    for pod in ownership.active_pods(cluster, job):
        ownership.delete_pod(cluster, KIND, job, pod)
    if why[0] == "Complete":
        events.emit(cluster, KIND, job, "Normal", "Completed", "Job completed")
    else:
        events.emit(cluster, KIND, job, "Warning", why[2], why[3])
    _report(cluster, job, started=started, condition=why)


def _report(
    cluster: "Cluster",
    job: Json,
    *,
    started: str | None,
    condition: tuple[str, str, str, str] | None,
) -> None:
    before = job["status"]
    pods = ownership.owned(cluster, ownership.PODS, job)
    active = ownership.active_pods(cluster, job)
    kept = [
        each
        for each in before.get("conditions", [])
        if not condition or each["type"] != condition[0]
    ]
    if condition is not None:
        fresh = ownership.condition(cluster, before, *condition)
        kept.append({"lastProbeTime": fresh["lastTransitionTime"], **fresh})
    counts = {
        "active": len(active),
        "ready": sum(map(ownership.is_ready, active)),
        "succeeded": sum(pod["status"].get("phase") == "Succeeded" for pod in pods),
        "failed": sum(pod["status"].get("phase") == "Failed" for pod in pods),
    }
    status: Json = {
        **({"conditions": kept} if kept else {}),
        **({"startTime": started} if started else {}),
        **(
            {"completionTime": timestamp(cluster.now())}
            if condition and condition[0] == "Complete"
            else {}
        ),
        **ownership.without_zeros(counts),
        "uncountedTerminatedPods": {},
        "terminating": sum("deletionTimestamp" in pod["metadata"] for pod in pods),
    }
    ownership.set_status(cluster, KIND, job, status)


def _forget_in_time(cluster: "Cluster", job: Json) -> None:
    seconds = job["spec"].get("ttlSecondsAfterFinished")
    if seconds is None or cluster.reactor.seeding:
        return
    about = job["metadata"]

    def forget() -> None:
        found = cluster.store.get(KIND, about["namespace"], about["name"])
        if found is not None and found["metadata"]["uid"] == about["uid"]:
            wanted = deletes.DeleteOptions(propagation="Background")
            deletes.delete(cluster, KIND, found, wanted)

    cluster.reactor.once(("job ttl", about["uid"]), seconds, forget)
