"""What a notice says to people: out of the order, and of what lies in the evidence by then."""

from playbooks import choosing, plan_files, plans, refederation
from playbooks.notices import NOTICES
from playbooks.orders import Order, graph_path
from playbooks.steps import incident_documents
from playbooks.what_to_do import NOW
from responders import graph_pages
from responders.cards import Card
from responders.evidence import EvidenceStore
from responders.model import Incident

_MOST_NAMED = 10  # irreversible acts on a card, which has to stay small; the plan has all of them


def card(store: EvidenceStore, order: Order, url: str) -> Card:
    """The card of one notice. `url` is the incident's page; empty where nobody knows it."""
    incident, notice, facts = order["incident"], order["notice"], order["facts"]
    title, mood, _ = NOTICES[notice]
    principal = incident["principal"]
    rows = [
        ("Identity", f"{principal['display_name']} · client id {principal['app_id']}"),
        ("Signal", f"{incident['signal']['title']} ({incident['signal']['severity']})"),
        ("Incident", incident["incident_id"]),
        *((name, str(value)) for name, value in facts.items() if name != "lines"),
    ]
    lines = [*facts.get("lines", []), *(_plan_lines(store, incident) if notice == "asking" else [])]
    if notice in {"asking", "planned"} and store.exists(graph_path(incident)):
        lines += graph_pages.summary(store.get_json(graph_path(incident)))
    if notice in {"contained", "partly_contained", "asking"}:
        lines += [
            f"Not covered, look by hand: {one}"
            for one in incident_documents.uncovered(store, incident)
        ]
    name = f"{title}: {principal['display_name']}"
    seen = notice in {"asking", "planned"} and url and store.exists(graph_path(incident))
    picture = f"{url}/graph.svg" if seen else ""
    links = [("Open the incident", url), ("See who breaks", picture)]
    if notice == "asking" and url:
        links.insert(0, ("Read and answer the plan", f"{url}/consent"))
    return Card(name, mood, NOW[notice], rows, lines, links)


def _plan_lines(store: EvidenceStore, incident: Incident) -> list[str]:
    """What a person is asked to agree to, in sentences."""
    plan: plans.Plan = store.get_json(
        plan_files.plan_path(incident, plan_files.newest(store, incident))
    )
    lines = [f"New identity {plan['display_name']}", *refederation.lines(plan)]
    keeps = refederation.keeps_subject(plan["refederation"]["method"])
    kept = "re-annotated" if keeps else "renamed"
    for cluster in plan["clusters"]:
        survey = cluster["survey"]
        what = cluster["reason"] or (
            f"{_count(len(cluster['new_names']), 'ServiceAccount')} {kept}, "
            f"{_count(len(survey['workloads']), 'workload')} scaled to zero, "
            f"{len(cluster['workloads'])} back"
        )
        lines.append(f"{survey['cluster']['name']}: {what}")
    planted = [one for one in plan["left_out"] if one["suspicious"]]
    lines += [f"Nothing brings it back: {one}" for one in plan["irreversible"][:_MOST_NAMED]]
    lines += [f"Not rebuilt: {one['what']} {one['name']}: {one['reason']}" for one in planted]
    return [*lines, *choosing.offered(plan)]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
