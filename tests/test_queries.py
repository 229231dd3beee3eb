"""The queries are KQL to Microsoft's own parser, against the published tables."""

import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CHECKER = ROOT.parent / "shared" / "specs" / "kql"


@pytest.fixture(scope="module")
def checker() -> Path:
    """A copy of the checker with its one package, kept from run to run: installing it takes seconds."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not CHECKER.is_dir() or node is None or npm is None:
        pytest.skip("the KQL checker needs node, npm and its own folder beside the project's")
    copy = Path(tempfile.gettempdir()) / "firebreak-kql-check"
    if not (copy / "node_modules" / "@kusto").is_dir():
        shutil.copytree(CHECKER, copy, dirs_exist_ok=True, copy_function=shutil.copyfile)
        command = [npm, "install", "--no-audit", "--no-fund"]
        installed = subprocess.run(command, cwd=copy, capture_output=True, check=False, timeout=60)
        if installed.returncode:
            pytest.skip(f"the KQL parser can't be installed: {installed.stderr.decode()[-300:]}")
    return copy


def _check(checker: Path, *files: Path) -> "subprocess.CompletedProcess[str]":
    # Starting node and reading the parser takes seconds; all files are checked in one go.
    return subprocess.run(
        ["node", "check.mjs", *map(str, files)],
        cwd=checker,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_every_query_is_right_and_a_column_that_is_not_there_is_noticed(
    checker: Path, tmp_path: Path
) -> None:
    queries = ROOT / "responders" / "queries"
    folders = ("*.kql", "late/*.kql", "use/*.kql", "health/*.kql")
    files = sorted(one for folder in folders for one in queries.glob(folder))
    wrong = tmp_path / "wrong.kql"
    wrong.write_text("AzureActivity | where Nope == 'x'")

    checked = _check(checker, *files, wrong)

    *errors, total = checked.stdout.splitlines()
    assert f"{len(files) + 1} files" in total, checked.stdout + checked.stderr
    assert [line.split(":")[0] for line in errors] == [str(wrong)], checked.stdout
    assert "Nope" in errors[0]
    assert checked.returncode == 1
