"""A plan as the page shows it: the whole of it, before and after side by side. Blocks; changes nothing."""

from typing import cast

from playbooks import plan_files, plans
from playbooks.plan_model import ClusterPlan, Plan
from responders import graph_pages
from responders.evidence import EvidenceStore
from responders.graph_model import Graph
from responders.model import Json
from triggers.pages.incident_view import read_kept


def shown(store: EvidenceStore, incident_id: str) -> Json | None:
    """The newest plan, or None where nothing is planned, or not yet."""
    base = f"incidents/{incident_id}"
    path = plan_files.newest_path(store, base)
    if not store.exists(path):
        return None
    plan: Plan = read_kept(store, path)
    graph: Json | None = None
    if store.exists(f"{base}/graph.json"):
        graph = read_kept(store, f"{base}/graph.json")
    waves = {one: number + 1 for number, wave in enumerate(plan["waves"]) for one in wave}
    clusters = [_cluster(one, waves) for one in plan["clusters"]]
    return {
        "plan": plan,
        "plan_hash": plans.plan_hash(plan),
        "clusters": sorted(clusters, key=lambda one: (one["wave"] or len(waves) + 1, one["name"])),
        "suspicious": [one for one in plan["left_out"] if one["suspicious"]],
        "left_out": [one for one in plan["left_out"] if not one["suspicious"]],
        "breaks": graph_pages.summary(cast(Graph, graph)) if graph else [],
        "by_people": graph_pages.by_hand(cast(Graph, graph)) if graph else [],
    }


def _cluster(planned: ClusterPlan, waves: dict[str, int]) -> Json:
    survey = planned["survey"]
    back = {(one["namespace"], one["kind"], one["name"]) for one in planned["workloads"]}
    return {
        "name": survey["cluster"]["name"],
        "acts": planned["acts"],
        "reason": planned["reason"],
        "wave": waves.get(survey["cluster"]["resource_id"]),
        "accounts": sorted(planned["new_names"].items()),
        "workloads": [
            {**one, "back": (one["namespace"], one["kind"], one["name"]) in back}
            for one in survey["workloads"]
        ],
        "consumers": planned["consumers"],
        "preflight": survey["preflight"].get("detail", ""),
    }
