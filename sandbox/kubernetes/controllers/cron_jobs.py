"""The CronJob controller: a Job at each minute that the schedule names.

Faithful    suspend, the concurrency policies, names by the minute, history limits
Left out    catching up on runs that were missed
Source      https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/
"""

import copy
from datetime import datetime
from typing import TYPE_CHECKING

from sandbox.kubernetes import deletes, events, schedules, writes
from sandbox.kubernetes.controllers import jobs, ownership
from sandbox.kubernetes.kinds import stored
from sandbox.kubernetes.names import timestamp
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

KIND = stored("cronjobs")
_SECONDS_A_MINUTE = 60


def sync(cluster: "Cluster", namespace: str, name: str) -> None:
    """Wait for the next minute of the schedule; say what runs and forget what is old."""
    cron_job = cluster.store.get(KIND, namespace, name)
    if cron_job is None or cron_job["metadata"].get("deletionTimestamp"):
        return
    _report(cluster, cron_job)
    _forget(cluster, cron_job)
    if cron_job["spec"].get("suspend"):
        return
    now = cluster.world.clock.now()
    due = schedules.next_after(cron_job["spec"]["schedule"], now)
    if due is not None:
        key = ("cron", cron_job["metadata"]["uid"], due)
        seconds = (due - now).total_seconds()
        cluster.reactor.at(key, seconds, lambda: _run(cluster, namespace, name, due))


def _run(cluster: "Cluster", namespace: str, name: str, due: datetime) -> None:
    """The minute has come: start a Job, unless the CronJob was changed or one still runs."""
    cron_job = cluster.store.get(KIND, namespace, name)
    if cron_job is None or cron_job["spec"].get("suspend"):
        return
    running = [job for job in _jobs(cluster, cron_job) if not jobs.has_ended(job)]
    policy = cron_job["spec"]["concurrencyPolicy"]
    if not running or policy != "Forbid":
        if policy == "Replace":
            for job in running:
                options = deletes.DeleteOptions(propagation="Background")
                deletes.delete(cluster, jobs.KIND, copy.deepcopy(job), options)
        start(cluster, cron_job, due)
    cluster.reactor.enqueue(KIND, namespace, name)


def start(cluster: "Cluster", cron_job: Json, due: datetime) -> Json:
    """The Job of this minute, from the template as it is now."""
    about, template = cron_job["metadata"], copy.deepcopy(cron_job["spec"]["jobTemplate"])
    metadata = template.get("metadata", {})
    metadata |= {
        "name": f"{about['name']}-{int(due.timestamp()) // _SECONDS_A_MINUTE}",
        "namespace": about["namespace"],
        "ownerReferences": [ownership.reference(KIND, cron_job)],
        "annotations": {
            **metadata.get("annotations", {}),
            "batch.kubernetes.io/cronjob-scheduled-timestamp": timestamp(due),
        },
    }
    job = writes.create(
        cluster, jobs.KIND, {"metadata": metadata, "spec": template["spec"]}, writes.CONTROLLER
    )
    text = f"Created job {job['metadata']['name']}"
    events.emit(cluster, KIND, cron_job, "Normal", "SuccessfulCreate", text)
    current = cluster.store.get(KIND, about["namespace"], about["name"])
    if current is not None:
        current["status"]["lastScheduleTime"] = timestamp(due)
        cluster.store.write(KIND, current)
    return job


def _jobs(cluster: "Cluster", cron_job: Json) -> list[Json]:
    return ownership.owned(cluster, jobs.KIND, cron_job)


def _report(cluster: "Cluster", cron_job: Json) -> None:
    running = [job for job in _jobs(cluster, cron_job) if not jobs.has_ended(job)]
    status = {name: each for name, each in cron_job["status"].items() if name != "active"}
    if running:
        status["active"] = [
            {
                "kind": jobs.KIND.kind,
                "namespace": job["metadata"]["namespace"],
                "name": job["metadata"]["name"],
                "uid": job["metadata"]["uid"],
                "apiVersion": jobs.KIND.api_version,
                "resourceVersion": job["metadata"]["resourceVersion"],
            }
            for job in running
        ]
    ownership.set_status(cluster, KIND, cron_job, status)


def _forget(cluster: "Cluster", cron_job: Json) -> None:
    """Delete ended Jobs beyond the history limits, the oldest first."""
    spec = cron_job["spec"]
    for end, limit in (
        ("Complete", spec["successfulJobsHistoryLimit"]),
        ("Failed", spec["failedJobsHistoryLimit"]),
    ):
        ended = [
            job
            for job in _jobs(cluster, cron_job)
            if any(
                each["type"] == end and each["status"] == "True"
                for each in job["status"].get("conditions", [])
            )
        ]
        for job in ended[: max(len(ended) - limit, 0)]:
            options = deletes.DeleteOptions(propagation="Background")
            deletes.delete(cluster, jobs.KIND, copy.deepcopy(job), options)
