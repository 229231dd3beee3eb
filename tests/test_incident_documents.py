"""A report says what the evidence says: in sentences, in the order of time, and names nothing that nothing supports."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from playbooks.document.summary import _ENDINGS, summary
from playbooks.document.techniques import techniques
from playbooks.document.timeline import Papers, timeline
from playbooks.notices import NOTICES
from playbooks.steps import incident_documents
from responders import report_html, report_pages
from responders.evidence_folder import EvidenceFolder
from responders.journal import Journal
from tests.a_principal import PRINCIPAL
from tests.an_incident import EVIL, SIGNAL, TURNED, kept, plan
from tests.report_schema import PUBLISHED, faults
from triggers import report_document

INCIDENT: Any = {
    "incident_id": "inc-20260101-0123456789ab",
    "mode": "respond",
    "principal": {**PRINCIPAL, "display_name": f"orders-api {EVIL}"},
    "signal": SIGNAL,
    "opened_at": "2026-01-01T00:00:05+00:00",
    "window_start": "2025-12-31T00:00:00+00:00",
}
RESIDUAL = "2026-01-02T00:00:07+00:00"
CONTAINED = {"contained": "2026-01-01T00:00:07+00:00", "residual until": RESIDUAL}


def act(**part: Any) -> dict[str, Any]:
    one = {
        "when": "2026-01-01T00:00:01Z",
        "until": "2026-01-01T00:00:01Z",
        "count": 1,
        "table": "AzureActivity",
        "operation": "Microsoft.Authorization/roleAssignments/write",
        "target": f"/subscriptions/s {EVIL}",
        "ok": True,
        "address": "198.51.100.7",
        "token_id": "t",
    }
    return {**one, **part}


def traced(**part: Any) -> dict[str, Any]:
    lists = (
        *("addresses", "credentials_used", "changed", "keys_listed", "credentials", "chains"),
        *("unattributed", "artefacts", "suspects", "secrets_read", "rotation"),
        *("after_containment", "minted", "entered", "cluster_secrets_read"),
    )
    return {**{name: [] for name in lists}, "left_out": 0, **part}


def hostile() -> dict[str, Any]:
    """A footprint in which every text is an attacker's."""
    use = {
        "credential": {"kind": "key", "id": "k-1", "name": EVIL},
        "succeeded": 2,
        "failed": 1,
        "addresses": ["198.51.100.7"],
        "first": "2026-01-01T00:00:00Z",
        "last": "2026-01-01T00:00:02Z",
    }
    chain = {
        "token_id": EVIL,
        "credential": use["credential"],
        "signed_in": "2026-01-01T00:00:00Z",
        "address": "198.51.100.7",
        "resource": EVIL,
        "addresses": ["203.0.113.9"],
        "acts": [act()],
    }
    secret = act(table="AZKVAuditLogs", operation="SecretGet")
    rotation = {"order": 1, "what": EVIL, "where": "kv", "why": TURNED}
    suspect = {"kind": "user", "id": "u", "name": EVIL, "why": EVIL, "when": "2026-01-01T00:00:00Z"}
    return traced(
        credentials=[use],
        chains=[chain],
        artefacts=[act()],
        secrets_read=[secret],
        rotation=[rotation],
        suspects=[suspect],
        minted=[act(operation=EVIL)],
    )


def written(tmp_path: Path, outcome: str = "contained", **facts: Any) -> dict[str, Any]:
    """A report as the step writes it, out of a hostile incident's folder."""
    store, base = EvidenceFolder(tmp_path), f"incidents/{INCIDENT['incident_id']}"
    left = {"what": "password on the application", "name": "x (k-1)", "reason": EVIL}
    kept(store, plan(left_out=[{**left, "suspicious": True}], clusters=[], grants=[], app_roles=[]))
    store.put_json(f"{base}/footprint.json", hostile())
    consent = {
        "decision": "grant",
        "plan_hash": "a" * 64,
        "reason": f"agreed {EVIL}",
        "granted": True,
        "at": "2026-01-01T00:00:09+00:00",
        "approver": {"object_id": "o", "name": f"rosa {EVIL}"},
        "chosen": [],
        "confirmed": [],
    }
    store.put_json(f"{base}/consent.json", consent)
    call = {
        "by": {"object_id": "o", "name": "nora"},
        "reason": "go on",
        "at": "2026-01-01T01:00:00Z",
    }
    store.put_json(f"{base}/resumes/resumed-1.json", call)
    store.put_json(f"{base}/resumes/key-1.json", {"by": "o"})
    journal = Journal(store, INCIDENT["incident_id"])
    for step, status in (("disable_service_principal", "done"), ("tell_people", "refused")):
        run = journal.intent(step, EVIL)
        journal.outcome(step, EVIL, run=run, status=status, detail=EVIL, duration_ms=1)
    told = {"outcome": outcome, "clock": CONTAINED, **facts}
    incident_documents.write(store, INCIDENT, told)
    found: dict[str, Any] = store.get_json(f"{base}/report.json")
    return found


class _Tags(HTMLParser):
    """Every tag and attribute of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it."""
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


def test_a_written_report_is_as_the_published_schema_says(tmp_path: Path) -> None:
    assert (
        faults(written(tmp_path, exposures=[{"resource": "r", "until": RESIDUAL, "why": "w"}]))
        == []
    )


def test_the_published_schema_is_the_one_of_the_code() -> None:
    assert json.loads(PUBLISHED.read_text()) == report_document.schema()


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("summary", {}),
        ("timeline", []),
        ("timeline", [{"at": "yesterday", "kind": "seen", "what": "x", "who": ""}]),
        ("techniques", [{"id": "T1528"}]),
        ("steps", [{"step": "x"}]),
        ("evidence", [{"path": "p", "sha256": "no hash", "size": 1}]),
        ("consent", {"decision": "perhaps"}),
        ("footprint", {"rotation": []}),
        ("format", "firebreak.report/2"),
        ("unheard_of", 1),
    ],
)
def test_the_schema_refuses_what_is_no_report(tmp_path: Path, part: str, value: Any) -> None:
    assert faults({**written(tmp_path), part: value}) != []


def test_no_part_of_a_report_may_be_missing(tmp_path: Path) -> None:
    whole = written(tmp_path)
    for part in whole:
        assert faults({name: value for name, value in whole.items() if name != part}) != [], part


def test_planted_names_stay_text_in_html_and_markdown_and_nothing_is_loaded(tmp_path: Path) -> None:
    report = written(
        tmp_path,
        remaining=[f"look at {EVIL}"],
        by_hand=[f"az role assignment delete --ids '{EVIL}'"],
        clusters={f"aks {EVIL}": {"status": "waiting", "detail": EVIL, "next": TURNED}},
    )
    html = report_html.page(report)
    tags = _Tags()
    tags.feed(html)

    assert "img" not in tags.tags
    assert "script" not in tags.tags
    assert [name for name, _ in tags.attributes if name.startswith("on")] == []
    links = [value for name, value in tags.attributes if name in {"href", "src"}]
    assert [one for one in links if not one.startswith(("#", "https://attack.mitre.org/"))] == []
    assert TURNED not in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in html
    fences = re.compile(
        "^(```+)[a-z]*\n.*?^\\1$", re.MULTILINE | re.DOTALL
    )  # nothing in them is markup
    assert EVIL not in fences.sub("", report_pages.markdown(report))


def test_the_page_forbids_scripts_by_itself_and_says_how_it_is_printed(tmp_path: Path) -> None:
    html = report_html.page(written(tmp_path))

    assert "default-src 'none'" in html
    assert "@page" in html
    assert "counter(pages)" in html


def test_the_same_document_is_always_the_same_page(tmp_path: Path) -> None:
    report = written(tmp_path)

    assert report_html.page(report) == report_html.page(json.loads(json.dumps(report)))
    stored = tmp_path / f"incidents/{INCIDENT['incident_id']}/report.html"
    assert stored.read_text() == report_html.page(report)


def test_a_document_of_before_is_shown_without_what_it_does_not_have(tmp_path: Path) -> None:
    since = {"format", "summary", "timeline", "techniques", "journal", "cancelled"}
    old = {name: value for name, value in written(tmp_path).items() if name not in since}

    assert "Residual" in report_html.page(
        {**old, "exposures": [{"resource": "r", "until": "u", "why": "w"}]}
    )


def test_a_step_that_broke_between_its_files_finishes_them(tmp_path: Path) -> None:
    report = written(tmp_path)
    base = tmp_path / f"incidents/{INCIDENT['incident_id']}"
    for name in ("undo.json", "report.md", "report.html"):
        (base / name).unlink()
    incident_documents.write(EvidenceFolder(tmp_path), INCIDENT, {"outcome": "other", "clock": {}})

    assert json.loads((base / "report.json").read_text()) == report
    assert json.loads((base / "undo.json").read_text()) == report["undo"]
    assert (base / "report.html").read_text() == report_html.page(report)


def test_what_a_person_did_not_choose_is_no_command_that_has_to_be_run(tmp_path: Path) -> None:
    lines = ["az vm identity remove", "# not chosen: what follows", "# not chosen: az role x"]
    report = written(tmp_path, by_hand=lines)

    assert "1 command to run" in str(report["summary"])
    assert "# not chosen: az role x" in report_pages.markdown(report)


def test_the_timeline_is_in_order_and_says_who(tmp_path: Path) -> None:
    told = written(tmp_path)["timeline"]

    assert [one["at"] for one in told] == sorted(one["at"] for one in told)
    people = [
        (one["who"].split()[0], one["what"].split()[0]) for one in told if one["kind"] == "person"
    ]
    assert people == [("rosa", "Consented"), ("nora", "Resumed:")]
    assert [one["at"] for one in told if one["kind"] == "deadline"] == ["2026-01-02T00:00:07.000Z"]
    assert any(one["kind"] == "told" and ": refused, " in one["what"] for one in told)


def test_moments_of_other_zones_and_of_many_digits_are_utc_and_none_is_guessed() -> None:
    late = act(when="2026-01-01T02:00:00.1234567+02:00")
    told = timeline(Papers(INCIDENT, footprint=traced(artefacts=[late, act(when="soon")])))

    assert [one["at"] for one in told if one["kind"] == "seen"] == ["2026-01-01T00:00:00.123Z"]


def test_acts_beyond_what_is_shown_are_counted() -> None:
    many = [act(target=f"t{number}") for number in range(130)]
    told = timeline(Papers(INCIDENT, footprint=traced(artefacts=many)))

    seen = [one["what"] for one in told if one["kind"] == "seen"]
    assert len(seen) == 101
    assert seen[-1].startswith("30 more acts")


def test_every_yes_of_several_people_is_a_moment() -> None:
    yes = {"reason": "ok", "approver": {"name": "ines"}, "at": "2026-01-01T00:00:08Z"}
    last = {"reason": "ok", "approver": {"name": "yuri"}, "at": "2026-01-01T00:00:09Z"}
    consent = {**last, "decision": "grant", "plan_hash": "a" * 64, "approvals": [yes, last]}
    told = timeline(Papers(INCIDENT, consents=[consent]))

    assert [one["who"] for one in told if one["kind"] == "person"] == ["ines", "yuri"]


def test_each_answer_that_was_kept_is_told_and_who_had_it_go_deeper(tmp_path: Path) -> None:
    answer = {
        "decision": "deny",
        "plan_hash": "b" * 64,
        "reason": "no",
        "at": "2026-01-01T00:00:08Z",
    }
    path = f"incidents/{INCIDENT['incident_id']}/consents/bb/o-deny.json"
    EvidenceFolder(tmp_path).put_json(path, {**answer, "approver": {"name": "ines"}})
    asked = {"mode": "respond", "at": "2026-01-01T00:00:06Z", "source": "sentinel", "title": EVIL}
    report = written(tmp_path, deepened=[asked])

    said = [one["what"].split()[0] for one in report["timeline"] if one["who"] == "ines"]
    assert said == ["Refused"]
    assert [one["at"] for one in report["timeline"] if one["who"] == "sentinel"]
    assert faults(report) == []


def test_no_technique_is_named_without_evidence() -> None:
    assert techniques({"left_out": [], "footprint": {}}) == []
    assert techniques({"left_out": [], "footprint": traced()}) == []


@pytest.mark.parametrize(
    ("technique", "footprint", "left_out"),
    [
        ("T1098.003", {"artefacts": [act()]}, []),
        ("T1098.001", {"artefacts": [act(operation="Add service principal credentials.")]}, []),
        ("T1136.003", {"artefacts": [act(table="AuditLogs", operation="Add user")]}, []),
        ("T1528", {"minted": [act()]}, []),
        ("T1530", {"unattributed": [act(table="StorageBlobLogs", operation="GetBlob")]}, []),
        ("T1550.001", {"after_containment": ["2026 a token for Graph"]}, []),
        ("T1552.007", {"cluster_secrets_read": [act()]}, []),
        ("T1555.006", {"secrets_read": [act(table="AZKVAuditLogs")]}, []),
        ("T1609", {"entered": [act()]}, []),
        ("T1098.003", {}, ["grant"]),
        ("T1098.001", {}, ["federated credential"]),
        ("T1098", {}, ["owner"]),
    ],
)
def test_each_technique_is_named_for_its_own_evidence_alone(
    technique: str, footprint: dict[str, Any], left_out: list[str]
) -> None:
    left = [{"what": one, "name": "n", "reason": "r", "suspicious": True} for one in left_out]
    (found,) = techniques({"left_out": left, "footprint": traced(**footprint)})

    assert found["id"] == technique
    assert len(found["evidence"]) == 1
    assert found["url"].endswith(f"/techniques/{technique.replace('.', '/')}/")


@pytest.mark.parametrize(
    "footprint",
    [
        {"minted": [act(ok=False)]},
        {"entered": [act(ok=False)]},
        {"unattributed": [act(table="StorageBlobLogs", operation="GetBlob", ok=False)]},
        {"chains": [{"address": "a", "addresses": ["a"], "token_id": "t", "acts": []}]},
    ],
)
def test_what_was_refused_or_is_as_usual_is_no_technique(footprint: dict[str, Any]) -> None:
    assert techniques({"left_out": [], "footprint": traced(**footprint)}) == []


def test_a_sign_in_counts_as_the_attackers_only_with_what_may_be_planted(tmp_path: Path) -> None:
    report = written(tmp_path)
    ids = {one["id"] for one in report["techniques"]}
    benign = [{**one, "suspicious": False} for one in report["left_out"]]

    assert "T1078.004" in ids
    assert "T1078.004" not in {one["id"] for one in techniques({**report, "left_out": benign})}


def test_many_lines_of_evidence_are_cut_and_counted() -> None:
    many = [act(target=f"t{number}") for number in range(20)]
    (found,) = techniques({"left_out": [], "footprint": traced(minted=many)})

    assert (len(found["evidence"]), found["more"]) == (8, 12)


def test_every_outcome_that_people_are_told_of_has_its_words() -> None:
    not_of_a_report = {
        *("asking", "waiting", "not_resumed", "closed", "reversed", "contained_again"),
        *("active_after", "restore_refused", "rebuilt_in_window", "opened", "failed"),
    }

    assert set(NOTICES) - not_of_a_report == set(_ENDINGS)


def test_it_is_not_safe_while_old_tokens_may_live_and_no_longer_unsafe_when_they_can_not(
    tmp_path: Path,
) -> None:
    report = written(tmp_path)
    early = {**report, "written_at": "2026-01-01T12:00:00+00:00", "remaining": []}
    late = {**early, "written_at": "2026-01-03T00:00:00+00:00"}

    assert summary(early)["safe"] == "not_yet"
    assert summary(late)["safe"] == "as_far_as_proven"
    assert summary({**late, "remaining": ["x"]})["safe"] == "not_yet"
    assert summary({**late, "outcome": "not_contained"})["safe"] == "no"
    assert summary({**late, "outcome": "never heard of"})["safe"] == "not_yet"


def test_what_still_worked_after_containment_is_a_no(tmp_path: Path) -> None:
    report = written(tmp_path)
    used = {**report, "footprint": traced(after_containment=["2026 a call"])}

    assert summary(used)["safe"] == "no"
    assert "Still worked after containment: 2026 a call" in summary(used)["safe_because"]


def test_logs_that_were_not_read_are_not_told_as_peace(tmp_path: Path) -> None:
    report = written(tmp_path)

    assert any(
        "No logs had been read" in one for one in summary({**report, "footprint": {}})["happened"]
    )
    assert any(
        "show no sign-in" in one for one in summary({**report, "footprint": traced()})["happened"]
    )


def test_the_graph_is_drawn_in_the_page(tmp_path: Path) -> None:
    report = written(tmp_path)

    assert "<svg" in report_html.page(report)
    assert "<svg" not in report_html.page({**report, "graph": {}})
