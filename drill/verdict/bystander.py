"""billing-api, which has nothing to do with it: not a byte of it may have changed."""

import json

from drill.options import Json
from drill.scene import Scene
from drill.states import accounts_naming, grants_of, only, trusts_of, workloads_of
from drill.verdict.facts import Check, Finding, every


def _portrait(state: Json, ids: Json) -> str:
    """Everything that is stored about it, in one canonical text."""
    app_id = ids["app_id"]
    names = {(workload.cluster, workload.name) for workload in workloads_of(state, app_id)}
    clusters = state["clusters"].items()
    parts = {
        "application": only(state["applications"], "id", ids["application_object_id"]),
        "service principal": only(state["servicePrincipals"], "id", ids["object_id"]),
        "trusts": trusts_of(state, ids["application_object_id"]),
        "grants": sorted(grants_of(state, ids["object_id"])),
        "accounts": {cluster: accounts_naming(objects, app_id) for cluster, objects in clusters},
        "deployments": [
            deployment
            for cluster, objects in clusters
            for deployment in objects["deployments"]
            if (cluster, deployment["metadata"]["name"]) in names
        ],
    }
    if not parts["deployments"]:
        raise LookupError("the bystander has no workload")
    return json.dumps(parts, sort_keys=True)


def _unchanged(scene: Scene) -> Finding:
    ids = scene.seed["billing_api"]
    before, after = _portrait(scene.staged, ids), _portrait(scene.after, ids)
    return Finding(before == after, "unchanged" if before == after else "changed")


def _reads(scene: Scene) -> Finding:
    reads = scene.bystander_reads
    return every([(f"{read.cluster}: {read.reply}", read.reply.status == 200) for read in reads])


UNCHANGED = Check("billing-api is byte for byte what it was", "unchanged", _unchanged)
STILL_READS = Check("billing-api still reads its blob", "200 from storage", _reads)
CHECKS = (UNCHANGED, STILL_READS)
