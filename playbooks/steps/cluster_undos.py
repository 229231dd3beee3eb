"""What recovery did in a cluster, and how it is taken back: looked at for the plan, and done by the same code."""

import asyncio

from playbooks.in_cluster import each, successor_of, whole
from playbooks.orders import folder
from playbooks.plan_model import ClusterPlan, Plan
from playbooks.restoring.model import ClusterUndo
from playbooks.settling import GOOD
from playbooks.steps.gitops_pauses import owners_of
from playbooks.undoing.of_recovery import PER_CLUSTER, SIDEWAYS
from responders import (
    clusters,
    consumer_moves,
    gitops_owners,
    quarantines,
    service_accounts,
    take_backs,
)
from responders.cloud import Cloud
from responders.errors import ResponderError
from responders.evidence import EvidenceStore
from responders.journal import Journal
from responders.kube import Kube
from responders.model import Incident, Json
from responders.read_only import is_read_only, read_only


async def undone(cloud: Cloud, store: EvidenceStore, incident: Incident) -> list[ClusterUndo]:
    """What would be taken back in each cluster that a recovery has begun to change. Nothing is written."""
    plan, successor = await asyncio.to_thread(_begun_plan, store, incident)
    if plan is None:
        return []
    begun = await asyncio.to_thread(_begun, store, incident)
    parts = [one for one in plan["clusters"] if one["survey"]["cluster"]["name"] in begun]
    return list(await asyncio.gather(*(_undone(cloud, one, incident, successor) for one in parts)))


async def _undone(
    cloud: Cloud, part: ClusterPlan, incident: Incident, successor: Json
) -> ClusterUndo:
    cluster = part["survey"]["cluster"]
    found: ClusterUndo = {
        "cluster": dict(cluster),
        "verdict": "there",
        "reason": "",
        "objects": [],
        "subjects": [],
    }
    try:
        with read_only():
            kube = await clusters.connect(cloud, cluster)
            answer = await take_back(kube, part, incident, successor)
    except ResponderError as error:
        return {**found, "verdict": "unread", "reason": str(error)}
    objects = [
        {"status": one["status"], "detail": str(one.get("detail", ""))}
        for one in answer["items"]
        if one["status"] != "nothing_to_do"
    ]
    planned = any(one["status"] == "planned" for one in objects)
    bad = [one["detail"] for one in objects if one["status"] not in {*GOOD, "planned"}]
    return {
        **found,
        "verdict": "restore" if planned else ("drifted" if bad else "there"),
        "reason": "; ".join(bad),
        "objects": objects,
        "subjects": sorted(one["subject"] for one in part["survey"]["service_accounts"]),
    }


async def take_back(kube: Kube, part: ClusterPlan, incident: Incident, successor: Json) -> Json:
    """ServiceAccounts before workloads, whose pods read them when they start; fences and controllers last."""
    old_id, new_id = incident["principal"]["app_id"], str(successor.get("app_id") or "none made")
    incident_id = incident["incident_id"]
    survey = part["survey"]

    def to(name: str) -> service_accounts.Successor:
        return service_accounts.Successor(name=name, client_id=new_id, incident_id=incident_id)

    accounts = await each(
        take_backs.put(
            kube,
            service_accounts.back(one, to(one["name"])),
            f"{one['cluster']} ServiceAccount {one['namespace']}/{one['name']}",
        )
        for one in survey["service_accounts"]
    )
    ids = consumer_moves.Ids(old=old_id, new=new_id, incident_id=incident_id)
    consumers = await each(
        take_backs.put(kube, consumer_moves.back(one, ids), f"{one['kind']} {one['name']}")
        for one in part["consumers"]
        if one["patchable"]
    )
    running = await each(
        take_backs.workload(
            kube,
            one,
            take_backs.Back(
                service_account=one["service_account"],
                old_client_id=new_id,
                new_client_id=old_id,
                incident_id=incident_id,
                successor=part["new_names"].get(
                    f"{one['namespace']}/{one['service_account']}", one["service_account"]
                ),
            ),
        )
        for one in survey["workloads"]
    )
    closed = await each(
        take_backs.put(
            kube,
            service_accounts.closed(one, to(successor_of(part, one))),
            f"{one['cluster']} ServiceAccount {one['namespace']}/{successor_of(part, one)}",
            if_gone="nothing_to_do",
        )
        for one in part["service_accounts"]
        if successor_of(part, one) != one["name"]
    )
    rest = (
        [] if is_read_only() else [await quarantines.lift(kube, survey["workloads"], incident_id)]
    )
    resumed = await each(
        take_backs.put(
            kube, gitops_owners.back(one, incident_id), f"{one['controller']} {one['name']}"
        )
        for one in owners_of(part)
        if one["controller"] != "Helm release"
    )
    parts = (accounts, consumers, running, closed, resumed)
    return whole([*(item for one in parts for item in one["items"]), *rest])


def successor_in(store: EvidenceStore, incident: Incident) -> Json:
    """The identity that recovery made; empty where it made none."""
    paths = store.list(f"{folder(incident)}/rebuild")
    kept = [store.get_json(one) for one in paths if "/create_identity-" in one]
    made = [one["identity"] for one in kept if "identity" in one]
    return dict(made[-1]) if made else {}


def _begun_plan(store: EvidenceStore, incident: Incident) -> tuple[Plan | None, Json]:
    path = f"{folder(incident)}/plan.json"
    plan: Plan | None = store.get_json(path) if store.exists(path) else None
    return plan, successor_in(store, incident)


def _begun(store: EvidenceStore, incident: Incident) -> set[str]:
    """Clusters that a step of recovery has begun to change, by the journal: also one that never ended."""
    steps = {*PER_CLUSTER, *SIDEWAYS}
    journal = Journal(store, incident["incident_id"])
    return {one["target"] for one in journal.steps() if one["step"] in steps}
