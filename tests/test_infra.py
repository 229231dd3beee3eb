"""The templates: they parse, hold no secret, fit together, fit Microsoft's schemas, and fit what the app reads."""

import json
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.test_queries import ROOT, _check, checker
from triggers.formats import common_alerts

__all__ = ["checker"]  # a fixture of tests here as well

INFRA = ROOT / "infra"
MODULES = sorted((INFRA / "modules").glob("*.bicep"))
MAINS = [
    INFRA / "main.bicep",
    INFRA / "after-deploy.bicep",
    INFRA / "grants.bicep",
    INFRA / "grants-subscription.bicep",
]
QUERIES = sorted((INFRA / "queries").glob("*.kql"))
OWN_ALERTS = sorted((INFRA / "alerts" / "own").glob("*.kql"))
WORKBOOK = sorted((INFRA / "workbooks").glob("*.kql"))
SOMEBODY = "00000000-0000-0000-0000-000000000001"
# What is put together where it is said: ids that services answer with, and milestones.
_IDS = ("firebreak.request_id", "firebreak.correlation_id", "firebreak.audit_id")
_SECONDS = tuple(f"firebreak.seconds_to_{one}" for one in ("disabled", "contained", "recovered"))
_PARTS = {"nobody", "given up", "trace_id"}  # words within a line
CHECKER = ROOT.parent / "shared" / "specs" / "arm-templates" / "check_arm.py"
# Resource types whose schemas the checker does not have.
_UNCHECKED = re.compile(
    r"no schema for Microsoft\.(Network/|Resources/resourceGroups@|Insights/workbooks@)"
)
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def statements(text: str) -> list[str]:
    """The file's statements with their decorators: the parser is slow on a long file, and none spans two of them."""
    found: list[list[str]] = []
    begun = True  # the last statement has its own line, not its decorators alone
    for line in text.splitlines():
        if line.startswith("//"):
            continue
        own = re.match(r"(param|var|resource|module|output|targetScope)\b", line)
        if (own or line.startswith("@")) and begun:
            found.append([])
            begun = False
        begun = begun or own is not None
        if found:
            found[-1].append(line)
    return ["\n".join(one).strip() + "\n" for one in found]


@cache
def parser() -> Any:
    """Its grammar takes half a second to be built."""
    from pycep import BicepParser  # noqa: PLC0415 - slow to load

    return BicepParser()


@cache
def parsed(path: Path) -> dict[str, dict[str, Any]]:
    """What is declared, by kind. Raises where a statement does not parse."""
    found: dict[str, dict[str, Any]] = {}
    for one in statements(path.read_text()):
        for kind, named in parser().parse(text=one).items():
            if isinstance(named, dict):
                found.setdefault(kind, {}).update(named)
    return found


def declared(path: Path) -> tuple[set[str], set[str]]:
    """Parameters of a template: all, and those without a default."""
    text = path.read_text()
    found = re.findall(r"^param (\w+) \w+( =)?", text, re.MULTILINE)
    return {name for name, _ in found}, {name for name, default in found if not default}


def given(path: Path) -> list[tuple[str, set[str]]]:
    """Each module that a template uses, and the parameters that it hands over."""
    found = []
    for use in re.split(r"\nmodule ", path.read_text())[1:]:
        (file,) = re.findall(r"^\w+ '([^']+)'", use)
        body = use.split("  params: {\n")[1].split("\n  }\n")[0]
        found.append((file, set(re.findall(r"^    (\w+):", body, re.MULTILINE))))
    return found


@pytest.mark.parametrize("path", [*MAINS, *MODULES], ids=lambda one: one.stem)
def test_every_template_parses(path: Path) -> None:
    assert parsed(path).get("resources") or parsed(path).get("modules")


@pytest.mark.parametrize("path", MAINS, ids=lambda one: one.stem)
def test_each_module_gets_what_it_asks_for_and_nothing_else(path: Path) -> None:
    for file, handed in given(path):
        every, needed = declared(INFRA / file)
        assert needed <= handed <= every, file


def test_every_module_is_used() -> None:
    used = {INFRA / file for path in MAINS for file, _ in given(path)}

    assert used == set(MODULES)


@pytest.mark.parametrize("path", [*MAINS, *MODULES], ids=lambda one: one.stem)
def test_no_secret_goes_in_or_out(path: Path) -> None:
    text = path.read_text()
    names = re.findall(r"^(?:param|output) (\w+)", text, re.MULTILINE)

    assert [one for one in names if re.search(r"(?i)password|secret$|key$|token", one)] == []
    for leak in ("listKeys(", "listAccountSas(", "listSecrets", "@secure()", "AccountKey"):
        assert leak not in text


def test_no_account_takes_a_key_and_no_connection_string_is_a_setting() -> None:
    for name in ("storage", "evidence"):
        assert "allowSharedKeyAccess: false" in (INFRA / "modules" / f"{name}.bicep").read_text()
    assert "disableLocalAuth: true" in (INFRA / "modules" / "topic.bicep").read_text()
    assert "DisableLocalAuth: true" in (INFRA / "modules" / "monitoring.bicep").read_text()


def test_every_setting_that_is_deployed_is_one_that_is_documented() -> None:
    text = (INFRA / "modules" / "function.bicep").read_text()
    named = set(re.findall(r"name: '(FIREBREAK_\w+)'", text))
    reference = (ROOT / "docs" / "reference" / "settings.md").read_text()

    assert {"FIREBREAK_TENANT_ID", "FIREBREAK_LOG_WORKSPACE_ID", "FIREBREAK_EVIDENCE"} <= named
    assert {one for one in named if f"`{one}`" not in reference} == set()


def test_the_queues_and_the_function_that_are_named_are_those_of_the_app() -> None:
    from triggers.receiving import POISON, QUEUE  # noqa: PLC0415

    queues = (INFRA / "modules" / "storage.bicep").read_text()
    assert f"'{QUEUE}'" in queues
    assert f"'{POISON}'" in queues
    assert "/functions/on_identity_change'" in (INFRA / "modules" / "events.bicep").read_text()


def detections() -> list[tuple[str, str, bool]]:
    """Name, what it is split by, and whether by who did it as well."""
    text = (INFRA / "modules" / "detections.bicep").read_text()
    return [
        (name, about, by == "true")
        for name, about, by in re.findall(
            r"name: '(firebreak-[\w-]+)'.*?about: '(\w+)'\s+by: (true|false)", text, re.DOTALL
        )
    ]


def test_every_query_belongs_to_a_detection() -> None:
    text = (INFRA / "modules" / "detections.bicep").read_text()

    assert {one.stem for one in QUERIES} == set(re.findall(r"queries/([\w-]+)\.kql", text))
    assert len(detections()) == len(QUERIES)


@pytest.mark.parametrize(("name", "about", "by"), detections())
def test_the_app_understands_whom_a_detection_is_about(name: str, about: str, by: bool) -> None:
    identity = "94941ed0-04fe-5f1c-a467-5406a4fd6c70"
    resource = "/subscriptions/x/resourceGroups/y/providers/Microsoft.ManagedIdentity/userAssignedIdentities/z"
    value = resource if about == "ManagedIdentityResourceId" else identity
    dimensions = [{"name": about, "value": value}]
    dimensions += [{"name": "CallerObjectId", "value": "b0000000-0000-4000-8000-000000000001"}] * by
    alert = fired(name, dimensions)

    signal = common_alerts.parse(json.dumps(alert).encode(), "token")

    assert list(signal["hint"].values()) == [value]
    assert ("actor" in signal) == by


def fired(name: str, dimensions: list[dict[str, str]]) -> Any:
    """As Azure Monitor sends it, in the common alert schema."""
    essentials = {
        "alertId": f"/subscriptions/x/providers/Microsoft.AlertsManagement/alerts/{name}",
        "alertRule": name,
        "severity": "Sev1",
        "signalType": "Log",
        "monitorCondition": "Fired",
        "monitoringService": "Log Alerts V2",
        "firedDateTime": "2026-08-01T10:00:00Z",
        "essentialsVersion": "1.0",
        "alertContextVersion": "1.0",
    }
    criterion = {"operator": "GreaterThan", "threshold": "0", "dimensions": dimensions}
    context = {"conditionType": "LogQueryCriteria", "condition": {"allOf": [criterion]}}
    return {
        "schemaId": "azureMonitorCommonAlertSchema",
        "data": {"essentials": essentials, "alertContext": context},
    }


def test_every_query_is_right_to_microsofts_parser_and_a_seeded_fault_is_not(
    checker: Path, tmp_path: Path
) -> None:
    """Detections, alerts about Firebreak itself, and the workbook, with what Bicep or the workbook puts in."""
    tables, filled = tmp_path / "tables", tmp_path / "queries"
    shutil.copytree(checker / "schema", tables)
    shutil.copytree(ROOT / "tests" / "tables", tables, dirs_exist_ok=True)
    filled.mkdir()
    for path in (*QUERIES, *OWN_ALERTS, *WORKBOOK):
        text = path.read_text().replace("OWN_PRINCIPAL_IDS", f'["{SOMEBODY}"]')
        text = text.replace("TRUSTED_ISSUERS", '["a"]').replace("OWN_ADDRESSES", '["10.0.0.0/8"]')
        (filled / path.name).write_text(text)
    wrong = filled / "wrong.kql"
    text = (INFRA / "alerts" / "own" / "signals-wait.kql").read_text()
    wrong.write_text(text.replace("Max)", "Maximum)"))

    checked = _check(checker, Path("--schema"), tables, filled)

    found = {line.partition(":")[0] for line in checked.stdout.splitlines() if " Error " in line}
    assert found == {str(wrong)}, checked.stdout + checked.stderr
    assert f"{len(QUERIES) + len(OWN_ALERTS) + len(WORKBOOK) + 1} files" in checked.stdout


def test_no_placeholder_is_left_when_bicep_is_through() -> None:
    """What is replaced in the template is all that stands for something in the queries."""
    template = (INFRA / "modules" / "detections.bicep").read_text()
    replaced = set(re.findall(r"'([A-Z]+_[A-Z_]+)'", template))
    used = {
        word
        for path in (*QUERIES, *OWN_ALERTS, *WORKBOOK)
        for line in path.read_text().splitlines()
        if not line.startswith("//")
        for word in re.findall(r"\b[A-Z]{3,}_[A-Z_]+\b", line)
    }

    assert used == replaced


def test_every_alert_about_firebreak_and_every_table_of_the_workbook_is_deployed() -> None:
    for module, files, folder in (
        ("troubles", OWN_ALERTS, "alerts/own"),
        ("workbook", WORKBOOK, "workbooks"),
    ):
        text = (INFRA / "modules" / f"{module}.bicep").read_text()
        assert {one.stem for one in files} == set(re.findall(rf"{folder}/([\w-]+)\.kql", text))
        assert files


def test_what_alerts_and_workbook_look_for_is_what_the_app_says() -> None:
    """Names of spans, attributes, lines and figures are nowhere declared: they are words in two places."""
    sources = "\n".join(
        path.read_text()
        for folder in ("responders", "playbooks", "triggers")
        for path in (ROOT / folder).rglob("*.py")
    )
    queries = "\n".join(path.read_text() for path in (*QUERIES, *OWN_ALERTS, *WORKBOOK))
    words = set(re.findall(r'"(firebreak[._][\w.]+)"', queries))
    lines = set(re.findall(r'(?:event\) ==|has) "([a-z. ]+)"', queries)) - _PARTS
    known = sources.replace('f"firebreak.{name}"', " ".join(_IDS)).replace(
        'f"firebreak.seconds_to_{milestone}"', " ".join(_SECONDS)
    )

    assert len(words) > 10
    assert {one for one in words if one not in known} == set()
    assert len(lines) >= 4
    assert {one for one in lines if f'"{one}"' not in sources} == set()


def problems(*files: Path) -> list[str]:
    """What Microsoft's schemas have against templates."""
    if not CHECKER.exists():
        pytest.skip("the checker of ARM templates lies beside the project, and is not there")
    command = [sys.executable, str(CHECKER), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280)
    lines = [one for one in done.stdout.splitlines() if one.startswith("  ")]
    assert re.search(r": \d+ resources, \d+ problems", done.stdout), done.stdout + done.stderr
    return [one for one in lines if not _UNCHECKED.search(one)]


def test_every_template_fits_microsofts_schemas_and_a_seeded_fault_does_not(tmp_path: Path) -> None:
    text = (INFRA / "modules" / "storage.bicep").read_text()
    unknown, missing = tmp_path / "unknown.bicep", tmp_path / "missing.bicep"
    unknown.write_text(text.replace("allowBlobPublicAccess", "allowBlobPublicAcces"))
    missing.write_text(
        (INFRA / "modules" / "scheduler.bicep").read_text().replace("  properties: {}\n", "")
    )

    role = (INFRA / "modules" / "role.bicep").read_text()
    misspelt, nobody = tmp_path / "misspelt.bicep", tmp_path / "nobody.bicep"
    misspelt.write_text(role.replace("conditionVersion", "conditionVersions"))
    nobody.write_text(role.replace("    principalId: principalId\n", ""))

    literal = tmp_path / "function.bicep"  # which of several kinds a resource is stands in its name
    function = (INFRA / "modules" / "function.bicep").read_text()
    literal.write_text(function.replace("'${app.name}/", "'app/"))
    others = [one for one in MODULES if one.stem != "function"]

    mains = [
        one for one in MAINS if one.stem != "main"
    ]  # that one: resource groups and modules alone
    found = problems(*others, *mains, literal, unknown, missing, misspelt, nobody)

    seeded = tuple(map(str, (unknown, missing, misspelt, nobody)))
    assert [one for one in found if not one.strip().startswith(seeded)] == []
    assert any("allowBlobPublicAcces: unknown property" in one for one in found)
    assert any(
        str(missing) in one and "'properties' is a required property" in one for one in found
    )
    assert any("conditionVersions: unknown property" in one for one in found)
    assert any(
        str(nobody) in one and "'principalId' is a required property" in one for one in found
    )


def test_what_is_no_dimension_of_ours_names_nobody() -> None:
    """The test above would not notice a parser that takes any name."""
    alert = fired("x", [{"name": "Colour", "value": "red"}])

    signal = common_alerts.parse(json.dumps(alert).encode(), "token")

    assert signal["hint"] == {}
    assert "inert" in signal


@pytest.mark.exhaustive
def test_checkov_finds_nothing_that_has_no_reason() -> None:
    checkov = shutil.which("checkov")
    if checkov is None:
        pytest.skip("checkov is not installed (pip install checkov)")
    command = [checkov, "-d", str(INFRA), "--config-file", str(INFRA / ".checkov.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280)

    assert done.returncode == 0, done.stdout[-3000:]
    assert "Passed checks" in done.stdout or not done.stdout.strip(), done.stdout


def test_what_is_granted_is_what_the_responders_need() -> None:
    """Every role of the generated files is assigned somewhere, and each by the name that the template knows it by."""
    used = set()
    for path in [*MAINS, *MODULES]:
        text = path.read_text()
        used |= {
            (file, key)
            for name, file in re.findall(
                r"^var (\w+) = loadJsonContent\('(?:\.\./)?permissions/azure-(\w+)\.json'\)",
                text,
                re.MULTILINE,
            )
            for key in re.findall(rf"\b{name}\.(\w+)\b", text)
        }
        used |= set(re.findall(r"permissions/azure-(\w+)\.json'\)\.(\w+)", text))

    made = {
        (hand, key)
        for hand in ("containment", "rebuild")
        for key in json.loads((INFRA / "permissions" / f"azure-{hand}.json").read_text())
    }
    parts = {"Actions", "DataActions", "Description", "Name", "json", "txt"}
    assert {one for one in used if one[1] not in parts} == made


def test_the_main_template_gives_no_right_outside_of_its_resource_group() -> None:
    text = (INFRA / "main.bicep").read_text()

    assert "roleAssignments" not in text
    assert "modules/role.bicep" not in text
    for use in re.split(r"\nmodule ", text)[1:]:
        assert "  scope: group\n" in use


def test_who_rebuilds_gets_its_role_with_a_condition() -> None:
    text = (INFRA / "grants.bicep").read_text()
    (use,) = re.findall(r"module rebuilds .*?\n}\n", text, re.DOTALL)

    assert "    condition: condition\n" in use
    assert (
        "conditionVersion: empty(condition) ? null : '2.0'"
        in (INFRA / "modules" / "role.bicep").read_text()
    )
