"""The report says what happened, to people; nobody's text can add to it."""

from pathlib import Path
from typing import Any

import pytest

from responders import report_pages, reports
from responders.evidence_folder import EvidenceFolder
from responders.journal import Journal


def report(**parts: Any) -> dict[str, Any]:
    signal = {"title": "alert", "source": "s", "severity": "Sev0", "fired_at": "t"}
    principal = {"display_name": "orders-api", "object_id": "o", "app_id": "a"}
    incident = {"incident_id": "inc-1", "principal": principal, "signal": signal}
    return {
        "incident": incident,
        "outcome": "recovered",
        "clock": {"contained": "2026-01-01T00:00:02", "disabled": "2026-01-01T00:00:01"},
        "consent": {},
        "steps": [],
        "footprint": {},
        "findings": [],
        "left_out": [],
        "choices": [],
        "refederation": [],
        "gaps": [],
        "uncovered": [],
        "clusters": {},
        "evidence": [],
        "remaining": [],
        "reversals": [],
        "unasked": [],
        "by_hand": [],
        "exposures": [],
        "changes": [],
        "locks": [],
        "graph": {},
        "gitops": [],
        "undo": [],
        "restored": [],
        **parts,
    }


def test_the_clock_is_told_in_order() -> None:
    text = report_pages.markdown(report())

    assert text.index("disabled") < text.index("contained")


def test_who_consented_is_in_it() -> None:
    consent = {"decision": "grant", "approver": {"name": "rosa"}, "reason": "ok", "plan_hash": "h"}

    assert "**grant** by rosa" in report_pages.markdown(report(consent=consent))


def test_the_report_says_everybody_who_agreed_and_when() -> None:
    approvals = [
        {"approver": {"object_id": f"oid-{name}", "name": name}, "at": f"2026-01-01T03:{minute}"}
        for name, minute in (("ines", 12), ("yuri", 14))
    ]
    consent = {"decision": "grant", "approver": {"name": "yuri"}, "reason": "ok", "plan_hash": "h"}
    text = report_pages.markdown(report(consent={**consent, "approvals": approvals, "needs": 2}))
    assert "2 of 2 agreed: ines (`oid-ines`) at 2026-01-01T03:12, yuri (`oid-yuri`) at" in text


@pytest.mark.parametrize(
    "planted",
    ["[Approve](https://evil)", "a | b | c", "x\n# Heading", "<script>", "\u202eexe.txt"],
)
def test_no_name_becomes_markup(planted: str) -> None:
    step = {"step": "s", "target": "t", "status": "done", "runs": 1, "detail": planted}
    left = {"what": "trust", "name": planted, "reason": "r"}
    text = report_pages.markdown(report(steps=[step], left_out=[left]))

    assert planted not in text
    assert "\n# Heading" not in text


def test_the_manifest_names_every_file_but_the_journal_and_itself(tmp_path: Path) -> None:
    store = EvidenceFolder(tmp_path)
    store.put("incidents/i/a.json", b"a")
    Journal(store, "i").intent("step", "target")
    reports.write_manifest(store, "incidents/i")

    manifest = store.get_json("incidents/i/manifest.json")
    assert [one["path"] for one in manifest["files"]] == ["incidents/i/a.json"]
    assert manifest["files"][0]["sha256"].startswith("ca978112ca1b")


def test_patches_for_git_stand_in_a_fence_that_nothing_in_them_ends() -> None:
    text = "# change ServiceAccount\n```\nkind: ServiceAccount\n"
    page = report_pages.markdown(report(gitops=[{"path": "gitops/a.yaml", "text": text}]))

    assert "## To put into Git: gitops/a.yaml\n````yaml\n# change ServiceAccount\n```\n" in page
