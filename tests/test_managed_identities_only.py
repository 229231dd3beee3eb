"""Where workloads sign in as managed identities alone, nothing that writes in Microsoft Graph is needed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from permissions.document import MANAGED_ONLY

ROOT = Path(__file__).parent.parent


@pytest.mark.exhaustive
@pytest.mark.timeout(600)
@pytest.mark.parametrize("scenario", ["recover-managed-identity", "false-alarm-managed-identity"])
def test_a_managed_identity_is_contained_and_comes_back_without_writing_in_graph(
    scenario: str, tmp_path: Path
) -> None:
    words = ["--scenario", scenario, "--profile", MANAGED_ONLY, "--folder", str(tmp_path), "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "drill", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    verdict = json.loads(done.stdout)
    held = {role for kinds in verdict["permissions"].values() for role in kinds["graph"]}
    assert held == {"Directory.Read.All"}
