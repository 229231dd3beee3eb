"""What holds between the parts: names, imports, docstrings, the app as a whole."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from responders.settings import Settings
from tests.in_process import activities, orchestrations
from tests.registered import functions
from tests.sandbox_fixture import RunningSandbox

ROOT = Path(__file__).parent.parent
_HEADINGS = ("Stops", "Leaves", "Undo", "Needs", "Source")
_STEP_MODULES = {
    "steps",
    "cancelled",
    "auditing",
    "comparing_identities",
    "comparing_trusts",
    "rotating_trusts",
    "reviewing",
    "turning_keys",
    "concluding",
    "provisioning",
    "unprovisioning",
    "health",
    "troubleshooting",
    "alert_looks",
    "trust_mending",
    "pod_restarts",
    "weighing",
    "depths",
    "consenting",
    "first",
    "acts",
    "evidence",
    "gitops_pauses",
    "rejudging",
    "manifests",
    "preflights",
    "amending",
    "eviction",
    "rebuilding",
    "refederating",
    "rotating",
    "rewiring",
    "reporting",
    "telling",
    "restored",
    "restoring",
    "cluster_restores",
}  # what the playbooks call them


def responders() -> list[Path]:
    return sorted(ROOT.glob("responders/*.py"))


def docstring(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text())) or ""


@pytest.mark.parametrize("path", responders(), ids=lambda path: path.stem)
def test_every_module_of_the_responders_says_what_it_is(path: Path) -> None:
    assert docstring(path)


@pytest.mark.parametrize("path", responders(), ids=lambda path: path.stem)
def test_every_responder_states_what_it_stops_leaves_undoes_needs_and_where_that_is_written(
    path: Path,
) -> None:
    text = docstring(path)
    if not text.startswith("Responder:"):
        return
    for heading in _HEADINGS:
        assert f"\n{heading} " in text, f"{path.name} has no line {heading}"


def test_the_nouns_have_responders() -> None:
    named = {path.stem for path in responders() if docstring(path).startswith("Responder:")}
    assert named >= {
        "service_principals",
        "federated_credentials",
        "credentials",
        "role_assignments",
        "service_accounts",
        "workloads",
        "notices",
        "evidence",
    }


def test_the_app_exposes_exactly_what_it_says() -> None:
    names = set(functions())
    triggers = {"on_azure_monitor_alert", "on_identity_change"}
    triggers |= {"open_incident", "read_incident", "answer_plan", "restore_incident", "read_undo"}
    assert names >= triggers
    # A step or playbook that the host does not know breaks the incident that comes to it.
    assert {*activities(), *orchestrations()} - names == set()


def test_the_playbooks_schedule_only_registered_steps() -> None:
    registered: set[str] = set()
    for path in (ROOT / "playbooks" / "steps").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.AsyncFunctionDef) and any(
                isinstance(one, ast.Call) for one in node.decorator_list
            ):
                registered.add(node.name)
    used: set[str] = set()
    for name in (
        "containment",
        "levers",
        "recovery",
        "consents",
        "surveying",
        "foothold",
        "waves",
        "progress",
        "telling_later",
        "watching",
        "holding",
        "shutting_out",
        "rotations",
        "resuming",
        "renewing",
        "compromised_identity",
        "restore_identity",
        "taking_back",
        "cancelling",
        "deepening",
        "responding",
        "ending",
        "tenant_reading",
        "audit_identities",
        "security_review",
        "health_check",
        "provision_identity",
        "troubleshoot_workload",
        "rotate_federation",
        "misconfigured_federation",
        "failing_sign_ins",
        "stale_tokens",
    ):
        for node in ast.walk(ast.parse((ROOT / "playbooks" / f"{name}.py").read_text())):
            match node:
                case ast.Attribute(value=ast.Name(id=of)) if of in _STEP_MODULES:
                    used.add(node.attr)
    assert used <= registered
    assert registered - used == set(), "a step that no playbook takes"


@pytest.mark.parametrize(
    ("where", "statement"),
    [
        ("playbooks/x.py", "import httpx"),
        ("playbooks/x.py", "from triggers import intake"),
        ("playbooks/x.py", "from datetime import datetime\n\nnow = datetime.now"),
        ("responders/x.py", "import azure.functions"),
        ("responders/x.py", "from playbooks import policy"),
        ("triggers/x.py", "import sandbox.world"),
        ("host/x.py", "from responders import model"),
        ("host/x.py", "import drill"),
        ("sandbox/x.py", "from responders import model"),
        ("sandbox/x.py", "import azure.identity"),
        ("sandbox/arm/x.py", "import host"),
        ("drill/x.py", "from playbooks import policy"),
        ("permissions/x.py", "from playbooks.steps import levers"),
        ("permissions/x.py", "import sandbox.world"),
    ],
)
def test_imports_point_one_way_and_the_linter_says_so(where: str, statement: str) -> None:
    command = [sys.executable, "-m", "ruff", "check", "--select", "TID251", "--no-cache"]
    command += ["--stdin-filename", str(ROOT / where), "-"]
    checked = subprocess.run(
        command, input=f"{statement}\n", capture_output=True, text=True, check=False, cwd=ROOT
    )

    assert checked.returncode == 1, checked.stdout + checked.stderr
    assert "TID251" in checked.stdout


def test_the_example_settings_point_at_the_sandbox_and_are_all_documented(
    sandbox: RunningSandbox,
) -> None:
    example = json.loads((ROOT / "local.settings.example.json").read_text())["Values"]
    reference = (ROOT / "docs" / "reference" / "settings.md").read_text()

    seeded = sandbox.environment
    for name in ("FIREBREAK_TENANT_ID", "FIREBREAK_LOG_WORKSPACE_ID"):
        assert example[name] == seeded[name]
    platform = {"AzureWebJobsStorage", "FUNCTIONS_WORKER_RUNTIME"}
    assert [name for name in example if name not in platform and f"`{name}`" not in reference] == []
    Settings.from_environ({**example, "FIREBREAK_CA_BUNDLE": sandbox.ca_bundle})


def test_every_key_of_the_policy_is_documented() -> None:
    reference = (ROOT / "docs" / "reference" / "settings.md").read_text()
    document = tomllib.loads((ROOT / "policy.toml").read_text())

    sections: list[dict[str, object]] = []
    for part in document.values():
        sections += part if isinstance(part, list) else [part]
    keys = {key for section in sections for key in section}
    assert [key for key in keys if key not in reference] == []


def test_every_document_links_to_what_is_there() -> None:
    broken = []
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
            if "://" not in target and not (page.parent / target).exists():
                broken.append(f"{page.name}: {target}")
    assert broken == []


def test_no_test_replaces_a_part_of_the_standard_library_for_all_threads() -> None:
    """A server of the same process would get it too: `tests.one_module.instead` replaces it in one module."""
    found = []
    for path in sorted((ROOT / "tests").rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "setattr":
                found += [f"{path.name}:{call.lineno}"] if _is_of_the_standard_library(call) else []
    assert not found


def _is_of_the_standard_library(call: ast.Call) -> bool:
    target = call.args[0]
    if isinstance(target, ast.Constant):
        parts = str(target.value).split(".")
        # No thread reads the arguments after the program's start.
        return parts != ["sys", "argv"] and bool({*parts[:-1]} & sys.stdlib_module_names)
    return isinstance(target, ast.Name) and target.id in sys.stdlib_module_names
