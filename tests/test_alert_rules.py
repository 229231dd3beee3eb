"""The rules and the dashboard that are shipped ask for what is measured, and Firebreak understands its own alerts."""

import json
import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml  # type: ignore[import-untyped]

from playbooks import policy as policies
from playbooks.signal_rules import SHIPPED
from tests.test_infra import declared, fired, parsed, problems
from tests.test_metrics import some_facts
from tests.test_queries import ROOT, _check, checker
from triggers.deciding import decide
from triggers.formats import alert_groups, common_alerts
from triggers.metrics import families

__all__ = ["checker"]  # a fixture of tests here as well

ALERTS = ROOT / "infra" / "alerts"
RULES = ALERTS / "prometheus-rules.yaml"
CASES = ALERTS / "prometheus-rules.test.yaml"
BICEP = ALERTS / "azure-monitor.bicep"
BOARD = ROOT / "infra" / "dashboards" / "firebreak.json"
OURS = SHIPPED
CLIENT = "a4a4a4a4-04fe-5f1c-a467-5406a4fd6c70"
_GRAFANA = {"$__rate_interval": "5m", "$__range": "1h"}


@cache
def rules() -> list[dict[str, Any]]:
    return [one for group in yaml.safe_load(RULES.read_text())["groups"] for one in group["rules"]]


@cache
def exported() -> dict[str, set[str]]:
    """Every sample that is handed out, with the names of its labels."""
    found: dict[str, set[str]] = {}
    for family in families.families(some_facts()):
        for one in family.samples:
            found.setdefault(one.name, set()).update(one.labels)
    return found


def known() -> dict[str, set[str]]:
    """What rules may ask for: what is exported, and what other rules record of it."""
    of_total = exported()["azure_identity_authentication_failures_total"]
    of_errors = exported()["azure_federated_credential_errors_total"]
    return exported() | {
        "identity:authentication_failures:increase15m": of_total,
        "identity:federated_credential_errors:increase15m": of_errors,
    }


def selectors(expression: str) -> list[Any]:
    """Every selector of an expression. Raises where it is no PromQL."""
    found: list[Any] = []

    def look(node: Any) -> None:
        match node:
            case promql_parser.VectorSelector():
                found.append(node)
            case promql_parser.MatrixSelector():
                found.append(node.vector_selector)
            case promql_parser.BinaryExpr():
                look(node.lhs)
                look(node.rhs)
            case promql_parser.Call():
                for one in node.args:
                    look(one)
            case (
                promql_parser.AggregateExpr()
                | promql_parser.ParenExpr()
                | promql_parser.UnaryExpr()
            ):
                look(node.expr)
            case promql_parser.NumberLiteral() | promql_parser.StringLiteral():
                pass
            case _:
                raise AssertionError(f"no idea what {node!r} selects")

    look(promql_parser.parse(expression))
    return found


def strange(expression: str) -> list[str]:
    """What it asks for and nobody hands out: names, and labels that a name does not have."""
    names = known()
    wrong = []
    for one in selectors(expression):
        if one.name not in names:
            wrong.append(str(one.name))
            continue
        labels = {matcher.name for matcher in one.matchers.matchers}
        wrong += [f"{one.name}{{{label}}}" for label in labels - names[one.name]]
    return wrong


@pytest.mark.parametrize("rule", rules(), ids=lambda one: str(one.get("alert") or one["record"]))
def test_every_rule_asks_for_what_is_measured(rule: dict[str, Any]) -> None:
    assert strange(rule["expr"]) == []
    assert selectors(rule["expr"])


def test_what_the_rules_record_is_what_other_rules_ask_for() -> None:
    assert {one["record"] for one in rules() if "record" in one} == set(known()) - set(exported())


def test_a_misspelt_name_or_label_is_noticed() -> None:
    assert strange("firebreak_acting_total == 0") == ["firebreak_acting_total"]
    assert strange('rate(firebreak_runs_total{colour="red"}[5m])') == [
        "firebreak_runs_total{colour}"
    ]


@pytest.mark.parametrize(
    "rule", [one for one in rules() if "alert" in one], ids=lambda one: str(one["alert"])
)
def test_every_alert_says_what_it_means_and_names_a_page_that_is_there(
    rule: dict[str, Any],
) -> None:
    assert rule["labels"]["severity"] in {"info", "warning", "critical"}
    assert rule["annotations"]["summary"]
    if page := rule["annotations"].get("runbook"):
        assert (ROOT / page).is_file()
    said = " ".join(rule["annotations"].values())
    grouped = set(re.findall(r"\bby \(([\w, ]+)\)", rule["expr"])) or {""}
    labels = {one.strip() for group in grouped for one in group.split(",")}
    used = set(re.findall(r"\$labels\.(\w+)", said))
    of_all = {label for one in selectors(rule["expr"]) for label in known()[one.name]}
    assert used <= (labels if labels != {""} else of_all)


def test_promtool_finds_the_rules_right_and_plays_their_cases() -> None:
    promtool = os.environ.get("PROMTOOL") or shutil.which("promtool")
    if promtool is None:
        pytest.skip(
            "promtool is not there (PROMTOOL names it); what it would find of syntax and names is tested above"
        )
    for command in (["check", "rules", str(RULES)], ["test", "rules", str(CASES)]):
        done = subprocess.run(
            [promtool, *command], capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_case_or_needs_hours_to_have_one() -> None:
    tested = {
        case["alertname"]
        for test in yaml.safe_load(CASES.read_text())["tests"]
        for case in test["alert_rule_test"]
        if case["exp_alerts"]
    }
    slow = {"FirebreakRunLate", "FirebreakStepsFail", "FirebreakContainsSlowly"}
    assert {one["alert"] for one in rules() if "alert" in one} - tested == slow


def sent(rule: dict[str, Any]) -> bytes:
    """A rule's alert as Alertmanager delivers it: labels of expression and rule, annotations filled in."""
    (by,) = re.findall(r"\bby \((\w+)\)", rule["expr"])
    labels = {"alertname": rule["alert"], **rule["labels"], by: CLIENT}

    def filled(text: str) -> str:
        return text.replace("{{ $labels.client_id }}", CLIENT).replace("{{ $value }}", "25")

    alert = {
        "status": "firing",
        "labels": labels,
        "annotations": {name: filled(text) for name, text in rule["annotations"].items()},
        "startsAt": "2026-11-27T05:00:00Z",
        "fingerprint": "f1",
    }
    return json.dumps(
        {"version": "4", "groupKey": "g", "truncatedAlerts": 0, "alerts": [alert]}
    ).encode()


@pytest.mark.parametrize("name", OURS)
def test_the_shipped_alert_is_understood_as_the_signal_that_it_is(name: str) -> None:
    (rule,) = [one for one in rules() if one.get("alert") == name]
    (signal,) = alert_groups.parse(sent(rule), "token").signals

    assert (signal["kind"], signal["hint"]) == (name, {"app_id": CLIENT})
    assert "inert" not in signal
    assert "{{" not in signal["title"]


@pytest.mark.parametrize("name", OURS)
def test_azure_monitor_and_alertmanager_start_the_same_by_the_same_name(name: str) -> None:
    policy = policies.load(ROOT / "policy.toml")
    (rule,) = [one for one in rules() if one.get("alert") == name]
    (of_prometheus,) = alert_groups.parse(sent(rule), "token").signals
    alert = fired(name, [{"name": "ServicePrincipalId", "value": CLIENT}])
    of_azure = common_alerts.parse(json.dumps(alert).encode(), "token")

    assert (of_azure["kind"], of_azure["hint"]) == (name, {"object_id": CLIENT})
    mine, theirs = decide(of_azure, policy), decide(of_prometheus, policy)
    assert (mine.mode, mine.playbook) == (theirs.mode, theirs.playbook)


def test_a_rule_of_managed_prometheus_is_told_apart_by_its_label() -> None:
    alert = fired("group/rule", [])
    alert["data"]["essentials"]["monitoringService"] = "Prometheus"
    alert["data"]["alertContext"] = {"labels": {"alertname": OURS[0], "client_id": CLIENT}}
    signal = common_alerts.parse(json.dumps(alert).encode(), "token")

    assert (signal["kind"], signal["hint"]) == (OURS[0], {"app_id": CLIENT})


def test_any_other_rule_of_azure_monitor_is_a_log_alert_as_before() -> None:
    alert = fired("firebreak-role-escalation", [{"name": "ObjectId", "value": CLIENT}])

    assert common_alerts.parse(json.dumps(alert).encode(), "token")["kind"] == "log-alert"


def test_the_rules_of_azure_monitor_parse_and_are_the_three() -> None:
    assert parsed(BICEP)["resources"]
    text = BICEP.read_text()
    assert set(re.findall(r"name: '([A-Z]\w+)'\n    severity", text)) == set(OURS)
    queries = {f"queries/{one.name}" for one in (ALERTS / "queries").glob("*.kql")}
    assert set(re.findall(r"loadTextContent\('([^']+)'\)", text)) == queries
    assert declared(BICEP)[1] == {"workspaceResourceId", "actionGroupId"}


def test_the_rules_of_azure_monitor_fit_microsofts_schema_and_a_seeded_fault_does_not(
    tmp_path: Path,
) -> None:
    wrong = tmp_path / "wrong.bicep"
    wrong.write_text(BICEP.read_text().replace("evaluationFrequency", "evaluationFrequencies"))
    found = problems(BICEP, wrong)

    assert [one for one in found if not one.strip().startswith(str(wrong))] == []
    assert any("evaluationFrequencies" in one for one in found)


def test_the_queries_of_azure_monitor_are_right_to_microsofts_parser(checker: Path) -> None:
    files = sorted((ALERTS / "queries").glob("*.kql"))
    checked = _check(checker, *files)

    assert len(files) == len(OURS)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def board() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(BOARD.read_text())["panels"]
    return found


def queries() -> list[tuple[str, str]]:
    return [(panel["title"], one["expr"]) for panel in board() for one in panel.get("targets", [])]


@pytest.mark.parametrize(("title", "expression"), queries())
def test_every_query_of_the_dashboard_asks_for_what_is_measured(
    title: str, expression: str
) -> None:
    for variable, value in _GRAFANA.items():
        expression = expression.replace(variable, value)

    assert strange(expression) == [], title
    assert selectors(expression)


def test_the_dashboard_shows_everything_that_is_measured_and_no_panel_lies_on_another() -> None:
    shown = {
        one.name.removesuffix("_bucket")
        for _, text in queries()
        for one in selectors(text.replace("$__rate_interval", "5m").replace("$__range", "1h"))
    }
    # A histogram's parts are one metric.
    names = {re.sub(r"_(bucket|sum|count)$", "", one) for one in exported()}
    assert shown == names

    taken: set[tuple[int, int]] = set()
    for one in (panel["gridPos"] for panel in board()):
        cells = {
            (x, y)
            for x in range(one["x"], one["x"] + one["w"])
            for y in range(one["y"], one["y"] + one["h"])
        }
        assert not taken & cells
        assert one["x"] + one["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in board()}) == len(board())
