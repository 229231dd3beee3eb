"""The report of a run shows somebody else's text as text, in every form; and says what is new and what nobody read."""

import csv
import io
from typing import Any

import pytest

from playbooks.runs.differing import difference
from playbooks.runs.model import Document, Finding, document
from responders import run_pages

EVIL = "=cmd|'/c calc'!A1 <img src=x onerror=alert(1)> [Approve](https://evil.example)"
RUN: dict[str, Any] = {
    "run_id": "run-health_check-20260101T050000-00000a",
    "playbook": "health_check",
    "mode": "apply",
    "opened_at": "2026-01-01T05:00:00+00:00",
    "by": {"object_id": "", "name": "schedule"},
    "reason": "as scheduled",
}


def finding(rule: str, subject: str = "s", *, severity: Any = "high", name: str = "n") -> Finding:
    return {
        "rule": rule,
        "severity": severity,
        "subject": subject,
        "subject_name": name,
        "detail": f"{rule} of {name}",
        "fix": "",
        "evidence": [],
    }


def found(*findings: Finding, unread: list[str] | None = None) -> Document:
    return document("T", "S", "done", findings=list(findings), unread=unread or [])


def test_no_cell_of_the_csv_is_a_formula() -> None:
    text = run_pages.csv_of(dict(found(finding("r", name=EVIL, subject="+1"))))

    (row,) = csv.DictReader(io.StringIO(text))
    assert row["subject_name"].startswith("'=")
    assert row["subject"] == "'+1"


@pytest.mark.parametrize("where", ["subject_name", "detail", "fix"])
def test_nobodys_text_becomes_markup(where: str) -> None:
    one: Any = {**finding("r"), where: EVIL, "evidence": [EVIL]}
    whole = dict(document("T", EVIL, "done", findings=[one], unread=[EVIL], by_hand=[EVIL]))
    told = dict(difference(found(one), None, None))

    page = run_pages.html(RUN, whole, told)
    assert "<img" not in page
    text = run_pages.markdown(RUN, whole, told)
    outside = "\n".join(line for line in text.splitlines() if not line.startswith("    "))
    assert "[Approve](" not in outside
    assert "<img" not in outside.replace("\\<img", "")


def test_the_gravest_finding_comes_first() -> None:
    severities = ["info", "critical", "medium"]
    whole = found(*(finding(one, severity=one) for one in severities))

    assert [one["rule"] for one in whole["findings"]] == ["critical", "medium", "info"]


def test_what_is_new_and_what_is_gone_is_told_by_rule_and_subject() -> None:
    before = found(finding("a", "1"), finding("b", "1"))
    now = found(finding("a", "1"), finding("a", "2"))

    told = difference(now, before, "run")
    assert [(one["rule"], one["subject"]) for one in told["new"]] == [("a", "2")]
    assert [(one["rule"], one["subject"]) for one in told["gone"]] == [("b", "1")]
    assert told["known"] == 1


def test_nothing_is_gone_where_something_could_not_be_read() -> None:
    told = difference(found(unread=["a cluster"]), found(finding("a")), "run")

    assert told["gone"] == []


def test_what_could_not_be_read_stands_in_every_form() -> None:
    whole = dict(found(unread=["aks-1: no answer"]))
    told = dict(difference(found(), None, None))

    assert "aks-1: no answer" in run_pages.html(RUN, whole, told)
    assert "aks-1: no answer" in run_pages.markdown(RUN, whole, told)
