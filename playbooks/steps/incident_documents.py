"""The incident document, put together out of an incident's folder: JSON, Markdown, HTML. Steps write it."""

from datetime import UTC, datetime
from typing import cast

from playbooks import changes, choosing, footprint, plan_files, plans, refederation
from playbooks.document.summary import summary
from playbooks.document.techniques import techniques
from playbooks.document.timeline import Papers, timeline
from playbooks.orders import Json, cancelled_path, folder, graph_path
from playbooks.steps import findings, sweeps, undo_books
from responders import locks, report_html, report_pages, reports
from responders.evidence import EvidenceStore
from responders.journal import Journal
from responders.model import Incident

FORMAT = "firebreak.report/1"  # docs/reference/report.schema.json says what is in it
_TOLD = ("remaining", "unasked", "by_hand", "exposures", "reversals", "deepened")


def write(store: EvidenceStore, incident: Incident, facts: Json) -> Json:
    """All forms of the document. A document that was written before stands."""
    name = facts.get("name", "report")
    stem = f"{folder(incident)}/{name}"
    if not store.exists(f"{stem}.json"):
        store.put_json(f"{stem}.json", _report(store, incident, facts))
    report = store.get_json(f"{stem}.json")
    undo = f"{folder(incident)}/undo{name.removeprefix('report')}.json"
    if not store.exists(undo):
        store.put_json(undo, report["undo"])
    store.put(f"{stem}.md", report_pages.markdown(report).encode())
    store.put(f"{stem}.html", report_html.page(report).encode())
    return {"status": "done", "detail": f"{stem}.md"}


def _report(store: EvidenceStore, incident: Incident, facts: Json) -> Json:
    """The parts, and what is told of them all."""
    report = {"format": FORMAT, **_parts(store, incident, facts)}
    papers = Papers(
        incident,
        clock=report["clock"],
        steps=report["steps"],
        undo=report["undo"],
        footprint=report["footprint"],
        signals=_kept(store, incident, "signals"),
        consents=_consents(store, incident),
        resumes=[one for one in _kept(store, incident, "resumes") if "reason" in one],
        restored=report["restored"],
        cancelled=report["cancelled"],
        deepened=report["deepened"],
    )
    told = {"summary": summary(report), "timeline": timeline(papers)}
    return {**report, **told, "techniques": techniques(report)}


def _parts(store: EvidenceStore, incident: Incident, facts: Json) -> Json:
    base = folder(incident)
    paths = [one for one in store.list(base) if not one.endswith("journal.jsonl")]
    plan = _optional(store, plan_files.plan_path(incident, plan_files.in_force(store, incident)))
    journal = Journal(store, incident["incident_id"])
    return {
        "incident": incident,
        "outcome": facts["outcome"],
        "clock": facts["clock"],
        "clusters": facts.get("clusters", {}),
        **{name: facts.get(name, []) for name in _TOLD},
        "changes": changes.all_of(store, incident),
        "locks": _locks(store, incident),
        "graph": _optional(store, graph_path(incident)),
        "consent": plan_files.consent_of(store, incident),
        "cancelled": _optional(store, cancelled_path(incident["incident_id"])),
        # Without this one, which ends after it.
        "steps": [one for one in journal.steps() if one["step"] != "write_report"],
        "footprint": (traced := findings.newest(store, incident)),
        "findings": footprint.findings(cast(footprint.Footprint, traced)) if traced else [],
        "undo": undo_books.read(store, incident),
        "restored": _restores_of(store, incident),
        "gitops": [
            {"path": one, "text": store.get(one).decode()} for one in paths if "/gitops/" in one
        ],
        **_of_the_plan(plan, plan_files.consent_of(store, incident)),
        "uncovered": uncovered(store, incident),
        "gaps": sweeps.gaps_of(store, incident),
        "evidence": [reports.reference(store, path) for path in paths],
        "journal": journal.head(),
        "written_at": datetime.now(UTC).isoformat(timespec="seconds"),  # noqa: TID251 - an activity
    }


def _of_the_plan(plan: Json, consent: Json) -> Json:
    """What the plan in force leaves out, what a person could choose, and how re-federation goes; empty without one."""
    if not plan:
        return {"left_out": [], "choices": [], "refederation": []}
    drawn = cast(plans.Plan, plan)
    return {
        "left_out": plan["left_out"],
        "choices": choosing.told(drawn, consent),
        "refederation": refederation.lines(drawn, consent),
    }


def _kept(store: EvidenceStore, incident: Incident, part: str) -> list[Json]:
    """Every document of a part of the folder, by the names of their files."""
    return [store.get_json(path) for path in store.list(f"{folder(incident)}/{part}")]


def _consents(store: EvidenceStore, incident: Incident) -> list[Json]:
    """What each person answered; where that was not kept by itself, what was decided on each plan."""
    numbers = range(1, plan_files.newest(store, incident) + 1)
    paths = [plan_files.consent_path(incident, number) for number in numbers]
    decided = [store.get_json(path) for path in paths if store.exists(path)]
    return _kept(store, incident, "consents") or decided


def _locks(store: EvidenceStore, incident: Incident) -> list[str]:
    """Management locks that refuse what containment deletes: to lift one is a decision of its own."""
    snapshot = _optional(store, f"{folder(incident)}/snapshot.json")
    if not snapshot:
        return []
    doomed = [str(one["id"]) for one in snapshot["grants"]]
    if incident["principal"]["kind"] == "user_assigned_identity":
        base = incident["principal"]["resource_id"]
        names = (one["name"] for one in snapshot["federated_credentials"])
        doomed += [f"{base}/federatedIdentityCredentials/{name}" for name in names]
    vaults = [str(one["vault_id"]) for one in snapshot["key_vault_policies"]]
    found = [
        *locks.blocking(snapshot["locks"], doomed),
        *locks.blocking(snapshot["locks"], vaults, deletes=False),
    ]
    return [
        f"{one['level']} lock {one['lock']} holds {one['target']}: {one['by_hand']}"
        for one in found
    ]


def uncovered(store: EvidenceStore, incident: Incident) -> list[str]:
    """What containment takes away from nobody; without a snapshot that is all of it."""
    path = f"{folder(incident)}/snapshot.json"
    if not store.exists(path):
        return ["everything: there is no snapshot of what the principal may do"]
    return footprint.uncovered(store.get_json(path))


def _restores_of(store: EvidenceStore, incident: Incident) -> list[Json]:
    """How each restore of this incident ended, in the order of their ends."""
    paths = store.list(f"{folder(incident)}/restore")
    found = [store.get_json(one) for one in paths if one.endswith("/outcome.json")]
    return sorted(found, key=lambda one: str(one["ended_at"]))


def _optional(store: EvidenceStore, path: str) -> Json:
    """The document, or an empty one where that step was never reached in this mode."""
    return dict(store.get_json(path)) if store.exists(path) else {}
